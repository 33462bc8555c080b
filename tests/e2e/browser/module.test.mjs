// signalbox.js on the page of another site. The environment variables CROSSINGS and MEETINGS set the numbers of rounds.

import assert from "node:assert/strict";
import { test } from "node:test";
import { agreement, watchConnections } from "./descriptions.mjs";
import { caller, moves } from "./module-user.mjs";
import { setUp } from "./setup.mjs";
import { joinRoom, openPage, sees } from "./support.mjs";

const crossings = Number(process.env.CROSSINGS ?? 8);
const meetings = Number(process.env.MEETINGS ?? 5);

const fixture = await setUp();
const { server, site, browser } = fixture;

test("a user of the module on another site and a user of the page are in one video room", async () => {
  const ada = await joinRoom(browser, server, "module", "Ada");
  const bob = await caller(fixture, "module", "Bob");
  await moves(bob);
  await sees(ada, "Bob");
  const heard = bob.evaluate(() => new Promise((heard) => window.room.chat.on("message", ({ text }) => heard(text))));
  await ada.locator('[data-input="message"]').fill("hello, other site");
  await ada.locator('[data-input="message"]').press("Enter");
  assert.equal(await heard, "hello, other site");
  const left = await bob.evaluate(() => {
    const { room } = window;
    const [peer] = room.peers.values();
    room.leave();
    peer.retry(); // too late
    return [peer.state, peer.joinOrder < room.self.joinOrder, peer.handRaised, room.self.handRaised];
  });
  assert.deepEqual(left, ["closed", true, false, false]);
  await ada.locator(".alone-card").waitFor();
  assert.deepEqual(bob.errors, []);
});

test("audio, video and data continue after each of several rounds in which both users change tracks and their offers cross", { timeout: 600_000 }, async (t) => {
  // While `held` is a list, Ada's offers wait in it until Bob has sent his own.
  let held = null;
  let atBob;
  const crossing = async (page) => {
    await watchConnections(page);
    await page.routeWebSocket(/socket\.io/, cross);
  };
  const cross = (socket) => {
    const room = socket.connectToServer();
    const isOffer = (frame) => /^\d+\["offer"/.test(frame);
    room.onMessage((frame) => {
      if (!held || !isOffer(frame)) return socket.send(frame);
      held.push(frame);
      atBob();
    });
    socket.onMessage((frame) => {
      room.send(frame);
      if (!held?.length || !isOffer(frame)) return;
      for (const late of held) socket.send(late);
      held = null;
    });
  };
  const ada = await caller(fixture, "glare", "Ada", { prepare: watchConnections });
  const bob = await caller(fixture, "glare", "Bob", { prepare: crossing });
  const pages = [ada, bob];
  for (const page of pages) {
    await moves(page);
    await page.evaluate(() => {
      const [peer] = window.room.peers.values();
      const heard = (window.heard = new Set());
      peer.on("channel", (channel) => channel.addEventListener("message", ({ data }) => heard.add(data)));
    });
  }
  for (const page of pages) {
    await page.evaluate(async () => {
      const canvas = document.createElement("canvas");
      canvas.getContext("2d").fillRect(0, 0, 1, 1);
      navigator.mediaDevices.getDisplayMedia = async () => canvas.captureStream(5);
      const [peer] = window.room.peers.values();
      const channel = peer.createChannel("rounds");
      if (channel.readyState !== "open") await new Promise((open) => channel.addEventListener("open", open));
      window.say = (text) => channel.send(text);
    });
  }
  let agreed = await agreement(pages);
  for (let round = 1; round <= crossings; round += 1) {
    const arrived = new Promise((resolve) => (atBob = resolve));
    held = [];
    const change = (page) => page.evaluate(async (round) => {
      dispatchEvent(new Event("online"));
      await Promise.all([window.room.media.setVideo(round % 2 === 0), window.room.media.setScreen(round % 2 === 1)]);
    }, round);
    const changing = change(ada);
    await arrived;
    await Promise.all([changing, change(bob)]);
    for (const page of pages) await page.evaluate((round) => window.say(`round ${round}`), round);
    for (const page of pages) await page.waitForFunction((round) => window.heard.has(`round ${round}`), round);
    agreed = await agreement(pages, agreed); // both restarted ICE
  }
  t.diagnostic(`both ends agreed after each of ${crossings} crossings`);
  for (const page of pages) {
    await page.evaluate(() => (document.querySelector("video").srcObject = [...window.room.peers.values()][0].stream));
    await moves(page);
    assert.equal(await page.evaluate(() => [...window.room.peers.values()][0].state), "connected");
    assert.deepEqual(page.errors, []);
  }
});

test("in each of several rooms four people join at the same moment, and each pair exchanges audio, video and data", { timeout: 600_000 }, async (t) => {
  const page = await openPage(browser, site.url);
  for (let round = 1; round <= meetings; round += 1) {
    await page.evaluate(async ({ origin, round }) => {
      const { join, LocalMedia } = await import(`${origin}/signalbox.js`);
      if (!window.media) await (window.media = new LocalMedia()).start({ audio: true, video: true });
      const rooms = await Promise.all(["Ada", "Bob", "Cleo", "Dan"].map((name) => join(`rush-${round}`, { name, media: window.media })));
      const met = async (peer) => {
        const video = Object.assign(document.createElement("video"), { autoplay: true, muted: true, srcObject: peer.stream });
        const playing = new Promise((plays) => video.requestVideoFrameCallback(plays));
        const heard = new Promise((hears) => peer.on("channel", (channel) => channel.addEventListener("message", hears)));
        if (peer.state !== "connected") await new Promise((resolve) => peer.on("change", () => peer.state === "connected" && resolve()));
        const channel = peer.createChannel("hello");
        channel.addEventListener("open", () => channel.send("hello"));
        await Promise.all([playing, heard]);
        video.srcObject = null;
        const inbound = [...(await peer.stats()).values()].filter(({ type }) => type === "inbound-rtp");
        if (!inbound.some(({ kind, packetsReceived }) => kind === "audio" && packetsReceived > 0)) throw new Error(`${peer.name} is not heard`);
      };
      const states = () => rooms.flatMap((room) => [...room.peers.values()].map(({ name, state }) => `${room.self.name} to ${name}: ${state}`));
      await Promise.all(rooms.map((room) => new Promise((resolve, reject) => {
        setTimeout(() => reject(new Error(`round ${round} is not complete after 90 s: ${states().join(", ")}`)), 90_000);
        const others = [];
        room.on("peer", (peer) => {
          others.push(met(peer));
          if (others.length === 3) Promise.all(others).then(resolve, reject);
        });
      })));
      for (const room of rooms) room.leave();
    }, { origin: server.url, round });
  }
  t.diagnostic(`each pair met in ${meetings} rooms`);
  assert.deepEqual(page.errors, []);
});

test("a microphone that replaces a muted one is muted, too", async () => {
  const page = await openPage(browser, site.url);
  const states = await page.evaluate(async (origin) => {
    const { LocalMedia } = await import(`${origin}/signalbox.js`);
    const media = new LocalMedia();
    const states = [];
    await media.start({ audio: true });
    states.push(media.audio);
    await media.setAudio(false);
    media.track("audio").dispatchEvent(new Event("ended")); // the microphone is unplugged
    states.push(media.problems.audio.code);
    await media.start({ audio: true });
    states.push(media.audio);
    await media.setAudio(true);
    states.push(media.audio);
    media.close();
    return states;
  }, server.url);
  assert.deepEqual(states, [true, "device-lost", false, true]);
});

test("join rejects when the server cannot be reached", async () => {
  const page = await openPage(browser, site.url);
  const failure = await page.evaluate(async ({ origin, nowhere }) => {
    const { join, SignalboxError } = await import(`${origin}/signalbox.js`);
    const error = await join("nobody", { server: nowhere }).catch((error) => error);
    return error instanceof SignalboxError && [error.code, error.message];
  }, { origin: server.url, nowhere: "http://127.0.0.1:9/" });
  assert.deepEqual(failure, ["unreachable", "http://127.0.0.1:9: The server does not answer."]);
});

test("join refuses a server that is no deployment's address, before it asks for a device", async () => {
  const page = await openPage(browser, site.url);
  const bad = ["rooms.example.com", "localhost:3000", "//rooms.example.com", "wss://rooms.example.com", "https://rooms.example.com/r/standup", "https://rooms.example.com/?a", "https://", ""];
  const { asked, messages } = await page.evaluate(async ({ origin, bad }) => {
    let asked = 0;
    navigator.mediaDevices.getUserMedia = async () => (asked += 1);
    const { join } = await import(`${origin}/signalbox.js`);
    const messages = [];
    for (const server of bad) messages.push(await join("nobody", { server, media: { audio: true } }).catch((error) => `${error.name}: ${error.message}`));
    return { asked, messages };
  }, { origin: server.url, bad });
  assert.equal(asked, 0);
  for (const [index, message] of messages.entries()) {
    assert.ok(message.startsWith(`TypeError: "${bad[index]}" is not the address of a deployment`), message);
    assert.match(message, /https:\/\/rooms\.example\.com"/);
  }
});
