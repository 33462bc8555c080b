// The application sends tracks of its own instead of those of devices.

import assert from "node:assert/strict";
import { test } from "node:test";
import { watchConnections } from "./descriptions.mjs";
import { connected, joinAs, moduleUser } from "./module-user.mjs";
import { setUp } from "./setup.mjs";

const fixture = await setUp({
  body: (url) => `<script src="${url}/socket.io/socket.io.js"></script>`,
  devices: false, // a page that asks for a device gets no answer
  autoplay: "no-user-gesture-required",
});
const { server } = fixture;

/** A page that can make tracks: `colour(css)` of a canvas, `tone()` of an oscillator. */
const artist = () => moduleUser(fixture, (page) => page.evaluate(() => {
  window.colour = (css) => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 160, height: 120 });
    const context = canvas.getContext("2d");
    setInterval(() => {
      context.fillStyle = css;
      context.fillRect(0, 0, canvas.width, canvas.height);
    }, 100);
    return canvas.captureStream(10).getVideoTracks()[0];
  };
  window.tone = () => {
    const context = new AudioContext();
    const source = new OscillatorNode(context);
    const destination = context.createMediaStreamDestination();
    source.connect(destination);
    source.start();
    return destination.stream.getAudioTracks()[0];
  };
}));

/** Waits until the picture of the only peer, or of its screen, has this colour. */
const shows = (page, [r, g, b], of = "stream") => page.evaluate(async ({ of, wanted }) => {
  const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true });
  const [peer] = window.room.peers.values();
  for (let video; ; await new Promise((done) => setTimeout(done, 100))) {
    if (!peer[of]?.getVideoTracks().length) continue;
    if (video?.srcObject !== peer[of]) video = Object.assign(document.createElement("video"), { autoplay: true, muted: true, srcObject: peer[of] });
    canvas.drawImage(video, 0, 0, 1, 1);
    const seen = canvas.getImageData(0, 0, 1, 1).data;
    if (wanted.every((value, index) => Math.abs(value - seen[index]) < 60)) return;
  }
}, { of, wanted: [r, g, b] });

const red = [255, 0, 0];
const green = [0, 128, 0];
const blue = [0, 0, 255];

test("tracks of the application are sent, replaced, switched off and on, and never stopped", async () => {
  const [ada, bob] = [await artist(), await artist()];
  await joinAs(ada, "tracks", "Ada", { media: `new MediaStream([window.red = colour("red"), window.voice = tone()])` });
  await joinAs(bob, "tracks", "Bob");
  await connected(bob, 1);
  await shows(bob, red);
  await bob.waitForFunction(() => [...window.room.peers.values()][0].media.audio);

  await ada.evaluate(() => window.room.media.setTrack("video", (window.blue = window.colour("blue"))));
  await shows(bob, blue);
  await ada.evaluate(() => window.room.media.setVideo(false));
  await bob.waitForFunction(() => [...window.room.peers.values()][0].stream.getVideoTracks().length === 0);
  await ada.evaluate(() => window.room.media.setVideo(true));
  await shows(bob, blue);
  await ada.evaluate(() => window.room.media.setTrack("screen", (window.green = window.colour("green"))));
  await shows(bob, green, "screen");
  await ada.evaluate(() => window.room.media.setScreen(false));
  await bob.waitForFunction(() => [...window.room.peers.values()][0].screen === null);
  await ada.evaluate(() => window.room.media.setScreen(true));
  await shows(bob, green, "screen");

  await ada.evaluate(() => window.room.media.setAudio(false));
  await ada.evaluate(() => window.room.media.setTrack("audio", (window.other = window.tone())));
  assert.deepEqual(await ada.evaluate(() => [window.room.media.audio, window.other.enabled]), [false, false], "a muted user stays muted");
  await ada.evaluate(() => window.room.media.setAudio(true));
  await bob.waitForFunction(() => [...window.room.peers.values()][0].media.audio);

  await ada.evaluate(() => window.room.media.setTrack("video", null));
  await bob.waitForFunction(() => ![...window.room.peers.values()][0].media.video);
  const states = await ada.evaluate(() => {
    const { media } = window.room;
    window.room.leave();
    media.close();
    return [window.red, window.blue, window.green, window.voice, window.other].map(({ readyState }) => readyState);
  });
  assert.deepEqual(states, Array(5).fill("live"));
  assert.deepEqual([...ada.errors, ...bob.errors], []);
});

test("one track can be camera and screen at once: each can be switched off without the other, and both end with the track", async () => {
  const ada = await artist();
  const seen = await ada.evaluate(async () => {
    const media = new window.signalbox.LocalMedia();
    const track = window.colour("red");
    const seen = [];
    const look = () => seen.push([media.track("video") === track, media.track("screen") === track]);
    await media.setTrack("video", track);
    await media.setTrack("screen", track);
    look();
    await media.setVideo(false);
    look();
    await media.setVideo(true);
    await media.setScreen(false);
    look();
    await media.setScreen(true);
    track.dispatchEvent(new Event("ended"));
    look();
    return seen;
  });
  assert.deepEqual(seen, [[true, true], [false, true], [true, false], [false, false]]);
});

test("a track that has ended is no longer used, whether it was switched on or off", async () => {
  const ada = await artist();
  const seen = await ada.evaluate(async () => {
    const ended = window.colour("red");
    ended.stop();
    const media = new window.signalbox.LocalMedia();
    await media.setTrack("video", ended);
    const seen = [media.track("video")];
    const track = window.colour("blue");
    await media.setTrack("screen", track);
    await media.setScreen(false);
    track.stop();
    navigator.mediaDevices.getDisplayMedia = async () => new MediaStream([window.colour("green")]);
    await media.setScreen(true); // asks the user for another screen
    seen.push(media.track("screen").readyState);
    return seen;
  });
  assert.deepEqual(seen, [null, "live"]);
});

test("setTrack with an invalid track rejects, and the next change still works", async () => {
  const ada = await artist();
  const seen = await ada.evaluate(async () => {
    const media = new window.signalbox.LocalMedia();
    const failed = await media.setTrack("video", { kind: "video", readyState: "live" }).catch(({ name }) => name);
    await media.setTrack("video", window.colour("red"));
    return [failed, media.video];
  });
  assert.deepEqual(seen, ["TypeError", true]);
});

test("a track of another kind is refused", async () => {
  const ada = await artist();
  await joinAs(ada, "kinds", "Ada");
  const told = await ada.evaluate(() => {
    try {
      window.room.media.setTrack("video", window.tone());
    } catch (error) {
      return error.message;
    }
  });
  assert.equal(told, 'setTrack("video") got a track of kind "audio".');
  const unknown = await ada.evaluate(() => {
    try {
      window.room.media.setTrack("camera", window.colour("red"));
    } catch (error) {
      return error.message;
    }
  });
  assert.equal(unknown, 'setTrack("camera") got a track of kind "video".');
});

test("the application limits bitrate and height of the video, and prefers a codec", async () => {
  const [ada, bob] = [await artist(), await artist()];
  await watchConnections(ada);
  await joinAs(ada, "limits", "Ada", { media: `new MediaStream([colour("red")])`, sending: { bitrate: 300_000, height: 60, codec: "video/VP9" } });
  await joinAs(bob, "limits", "Bob");
  await shows(bob, red);
  const sent = await ada.waitForFunction(async () => {
    const [pc] = window.connections;
    const sender = pc.getSenders().find(({ track }) => track?.kind === "video");
    const { maxBitrate, scaleResolutionDownBy } = sender.getParameters().encodings[0];
    const stats = await sender.getStats();
    const { codecId, frameHeight } = [...stats.values()].find(({ type }) => type === "outbound-rtp") ?? {};
    const isReady = frameHeight === 60 && stats.get(codecId)?.mimeType === "video/VP9"; // the connection begins with another codec
    return isReady && { maxBitrate, scaleResolutionDownBy };
  });
  assert.deepEqual(await sent.jsonValue(), { maxBitrate: 150_000, scaleResolutionDownBy: 2 });
  assert.deepEqual([...ada.errors, ...bob.errors], []);
});

test("a user who joins without media is asked for no device, and exchanges data", async () => {
  const [ada, bob] = [await artist(), await artist()];
  for (const page of [ada, bob]) {
    await page.evaluate(() => {
      const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
      navigator.mediaDevices.getUserMedia = (wanted) => {
        window.wasAsked = true;
        return ask(wanted);
      };
    });
  }
  await joinAs(ada, "game", "Ada");
  await joinAs(bob, "game", "Bob");
  const heard = bob.evaluate(() => new Promise((hear) => window.room.channel("moves").on("message", hear)));
  await ada.evaluate(() => window.room.channel("moves").send({ from: "e2", to: "e4" }));
  assert.deepEqual(await heard, { from: "e2", to: "e4" });
  for (const page of [ada, bob]) assert.equal(await page.evaluate(() => window.wasAsked), undefined);
});

test("two audio tracks of a stock client are both heard", async () => {
  const ada = await artist();
  await joinAs(ada, "two-voices", "Ada");
  const bob = await artist();
  await bob.evaluate(async ({ url }) => {
    const socket = window.io(url, { path: "/r/two-voices/socket.io" });
    const { peers: [{ id: to }] } = await socket.emitWithAck("room:join", { name: "Bob", media: { audio: true } });
    const pc = new RTCPeerConnection();
    for (const track of [window.tone(), window.tone()]) pc.addTrack(track, new MediaStream([track]));
    pc.onicecandidate = ({ candidate }) => socket.emit("candidate", { to, candidate });
    socket.on("answer", ({ description }) => pc.setRemoteDescription(description));
    socket.on("candidate", ({ candidate }) => pc.addIceCandidate(candidate));
    await pc.setLocalDescription();
    socket.emit("offer", { to, description: pc.localDescription });
  }, { url: server.url });
  await ada.waitForFunction(async () => {
    const [peer] = window.room.peers.values();
    const report = [...((await peer?.stats())?.values() ?? [])];
    const voices = report.filter(({ type, kind, packetsReceived }) => type === "inbound-rtp" && kind === "audio" && packetsReceived > 0);
    return voices.length === 2;
  });
  assert.equal(await ada.evaluate(() => [...window.room.peers.values()][0].stream.getAudioTracks().length), 2);
});
