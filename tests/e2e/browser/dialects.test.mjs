// Calls between two browsers with the events of published tutorials: the pages are ours, the events are theirs.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startServer } from "../support.mjs";
import { launch, openPage, otherSite } from "./support.mjs";

let server;
let browser;
const sites = [];
before(async () => {
  server = await startServer({ development: true });
  browser = await launch();
});
after(async () => {
  await browser.close();
  for (const site of sites) site.close();
  await server.stop();
});

/** What all pages have: a camera, a connection to one peer, and that peer's picture. */
const common = `
  const pc = new RTCPeerConnection();
  pc.ontrack = ({ streams: [stream] }) => (document.querySelector("video").srcObject = stream);
  const stream = await navigator.mediaDevices.getUserMedia({ video: true });
  for (const track of stream.getTracks()) pc.addTrack(track, stream);
  const gathered = () => new Promise((resolve) => {
    const look = () => pc.iceGatheringState === "complete" && resolve();
    pc.onicegatheringstatechange = look;
    look();
  });
`;

const pages = {
  codelab: `
    let isInitiator = false;
    socket.on("created", () => (isInitiator = true));
    socket.on("ready", async () => {
      if (!isInitiator) return;
      await pc.setLocalDescription();
      socket.emit("message", pc.localDescription);
    });
    pc.onicecandidate = ({ candidate }) => {
      if (!candidate) return;
      const { sdpMLineIndex: label, sdpMid: id } = candidate;
      socket.emit("message", { type: "candidate", label, id, candidate: candidate.candidate });
    };
    let last = Promise.resolve(); // messages are handled one after another
    socket.on("message", (message) => (last = last.then(async () => {
      if (message.type === "candidate") {
        await pc.addIceCandidate({ candidate: message.candidate, sdpMLineIndex: message.label, sdpMid: message.id });
        return;
      }
      await pc.setRemoteDescription(message);
      if (message.type !== "offer") return;
      await pc.setLocalDescription();
      socket.emit("message", pc.localDescription);
    })));
    socket.emit("create or join", "den");
  `,
  "javascript-mastery": `
    socket.on("me", (me) => (window.me = me));
    window.call = async (userToCall) => {
      await pc.setLocalDescription();
      await gathered();
      socket.emit("callUser", { userToCall, signalData: pc.localDescription, from: window.me, name: "Ada" });
    };
    socket.on("callUser", async ({ signal, from }) => {
      await pc.setRemoteDescription(signal);
      await pc.setLocalDescription();
      await gathered();
      socket.emit("answerCall", { signal: pc.localDescription, to: from });
    });
    socket.on("callAccepted", (signal) => pc.setRemoteDescription(signal));
    socket.connect();
  `,
  "chaim-native-webrtc": `
    let other;
    let last = Promise.resolve();
    const inOrder = (act) => (...args) => (last = last.then(() => act(...args)));
    pc.onicecandidate = ({ candidate }) => candidate && socket.emit("ice-candidate", { target: other, candidate });
    socket.on("other user", async (user) => {
      other = user;
      await pc.setLocalDescription();
      socket.emit("offer", { target: other, caller: socket.id, sdp: pc.localDescription });
    });
    socket.on("offer", inOrder(async ({ caller, sdp }) => {
      other = caller;
      await pc.setRemoteDescription(sdp);
      await pc.setLocalDescription();
      socket.emit("answer", { target: caller, caller: socket.id, sdp: pc.localDescription });
    }));
    socket.on("answer", inOrder(({ sdp }) => pc.setRemoteDescription(sdp)));
    socket.on("ice-candidate", inOrder((candidate) => pc.addIceCandidate(candidate)));
    socket.emit("join room", "den");
  `,
};

/** Opens `count` pages of another site that use this dialect. */
async function visit(count, dialect) {
  const body = `<video autoplay muted playsinline></video><script type="module">
    import { io } from "${server.url}/vendor/socket.io.esm.min.js";
    const socket = io("${server.url}/?dialect=${dialect}", { autoConnect: ${dialect !== "javascript-mastery"} });
    ${common}
    ${pages[dialect]}
    document.title = "ready";
  </script>`;
  const site = await otherSite(server, body);
  sites.push(site);
  const visitors = [];
  while (visitors.length < count) {
    const page = await openPage(browser, site.url);
    await page.waitForFunction(() => document.title === "ready");
    visitors.push(page);
  }
  return visitors;
}

const moves = (page) => page.waitForFunction(() => document.querySelector("video")?.getVideoPlaybackQuality().totalVideoFrames > 3);

for (const dialect of Object.keys(pages)) {
  test(`two people call each other with the events of ${dialect}`, async () => {
    const [ada, bob] = await visit(2, dialect);
    if (dialect === "javascript-mastery") {
      for (const page of [ada, bob]) await page.waitForFunction(() => window.me);
      await ada.evaluate((to) => window.call(to), await bob.evaluate(() => window.me));
    }
    for (const page of [ada, bob]) await moves(page);
    assert.deepEqual([...ada.errors, ...bob.errors], []);
  });
}
