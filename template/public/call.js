// A call for any number of people, with Signalbox's module. It is yours to change.
import { join } from "/signalbox.js";

const element = (id) => document.getElementById(id);
const room = new URLSearchParams(location.search).get("room") ?? "my-room";

element("join").onclick = async () => {
  element("join").disabled = true;
  try {
    show(await join(room, { media: { audio: true, video: true } }));
  } catch (error) {
    element("status").textContent = error.message;
    element("join").disabled = false;
  }
};

function show(call) {
  element("join").hidden = true;
  element("people").append(picture(call.media.stream, { muted: true }));
  call.on("peer", (peer) => {
    const video = picture(peer.stream);
    element("people").append(video);
    peer.on("left", () => video.remove());
  });
  const update = () => {
    element("status").textContent = `In ${call.info.name}: ${call.peers.size + 1}, ${call.state}.`;
    element("sound").hidden = call.canPlayAudio; // a browser may want a click before it plays sound
  };
  call.on("change", update);
  update();
  element("sound").onclick = () => call.startAudio();
  call.on("closed", (error) => (element("status").textContent = error.message));
}

function picture(stream, { muted = false } = {}) {
  const video = document.createElement("video");
  Object.assign(video, { autoplay: true, playsInline: true, muted, srcObject: stream });
  return video;
}
