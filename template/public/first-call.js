const element = (id) => document.getElementById(id);
const show = (text) => (element("status").textContent = text);

const camera = await navigator.mediaDevices.getUserMedia({ audio: true, video: true });
element("mine").srcObject = camera;

const room = new URLSearchParams(location.search).get("room") ?? "first-call";
const socket = io({ path: `/r/${room}/socket.io` });
socket.on("connect", () => show("Connected."));
socket.on("disconnect", () => show("The connection is lost. The client tries again."));
socket.on("connect_error", (error) => show(error.context?.responseText ?? error.message));
socket.on("room:error", (error) => show(error.message));

const pc = new RTCPeerConnection({ iceServers: [{ urls: "stun:stun.cloudflare.com:3478" }] });
for (const track of camera.getTracks()) pc.addTrack(track, camera);
pc.ontrack = ({ streams: [stream] }) => (element("theirs").srcObject = stream);

pc.onicecandidate = ({ candidate }) => socket.emit("candidate", candidate);
socket.on("candidate", (candidate) => pc.addIceCandidate(candidate));
socket.on("answer", (answer) => pc.setRemoteDescription(answer));
socket.on("offer", async (offer) => {
  await pc.setRemoteDescription(offer);
  await pc.setLocalDescription();
  socket.emit("answer", pc.localDescription);
});
element("call").onclick = async () => {
  await pc.setLocalDescription();
  socket.emit("offer", pc.localDescription);
};
element("call").disabled = false;

element("chat").onsubmit = (event) => {
  event.preventDefault();
  const input = element("chat").querySelector("input");
  socket.emit("chat-message", input.value);
  input.value = "";
};
socket.on("chat-message", ({ message, from }) => {
  const line = document.createElement("li");
  line.textContent = `${from === socket.id ? "me" : "them"}: ${message}`;
  element("messages").append(line);
});
