// signalbox.js as another site uses it.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startServer } from "../support.mjs";
import { joinRoom, launch, openPage, otherSite, sees } from "./support.mjs";

let server;
let site;
let browser;
before(async () => {
  server = await startServer({ vars: { ALLOWED_ORIGINS: "*" } });
  site = await otherSite(server, "");
  browser = await launch();
});
after(async () => {
  await browser.close();
  site.close();
  await server.stop();
});

/** A page of the other site, in the room. */
async function elsewhere(room, name, prepare = () => {}) {
  const page = await openPage(browser, site.url);
  await prepare(page);
  await page.evaluate(async ({ origin, room, name }) => {
    const { join } = await import(`${origin}/signalbox.js`);
    window.room = await join(room, { name, media: { audio: true, video: true } });
    window.room.on("peer", (peer) => {
      const video = Object.assign(document.createElement("video"), { autoplay: true, playsInline: true, muted: true });
      video.srcObject = peer.stream;
      document.body.append(video);
      peer.on("left", () => video.remove());
    });
  }, { origin: server.url, room, name });
  return page;
}

const moving = (page) => page.waitForFunction(() => (document.querySelector("video")?.getVideoPlaybackQuality().totalVideoFrames ?? 0) > 3);

test("ten lines on another site make a video room, together with the page", async () => {
  const ada = await joinRoom(browser, server, "module", "Ada");
  const bob = await elsewhere("module", "Bob");
  await moving(bob);
  await sees(ada, "Bob");
  const heard = bob.evaluate(() => new Promise((heard) => window.room.chat.on("message", ({ text }) => heard(text))));
  await ada.locator('[data-input="message"]').fill("hello, other site");
  await ada.locator('[data-input="message"]').press("Enter");
  assert.equal(await heard, "hello, other site");
  await bob.evaluate(() => window.room.leave());
  await ada.locator(".alone-card").waitFor();
  assert.deepEqual(bob.errors, []);
});

test("two offers that cross are settled, and both data channels open", async () => {
  // From the moment `held` is there, Bob gets no offer before his own is under way.
  let held = null;
  let atBob;
  const arrived = new Promise((resolve) => (atBob = resolve));
  const crossing = (page) => page.routeWebSocket(/socket\.io/, (socket) => {
    const room = socket.connectToServer();
    const isOffer = (frame) => /^\d+\["offer"/.test(frame);
    room.onMessage((frame) => {
      if (!held || !isOffer(frame)) return socket.send(frame);
      held.push(frame);
      atBob();
    });
    socket.onMessage((frame) => {
      room.send(frame);
      if (held && isOffer(frame)) for (const late of held.splice(0)) socket.send(late);
    });
  });
  const ada = await elsewhere("glare", "Ada");
  const bob = await elsewhere("glare", "Bob", crossing);
  for (const page of [ada, bob]) await moving(page);

  const open = (page, label) => page.evaluate((label) => {
    const [peer] = window.room.peers.values();
    return new Promise((resolve) => {
      peer.on("channel", (channel) => channel.addEventListener("message", ({ data }) => resolve(`${channel.label}: ${data}`)));
      const channel = peer.createChannel(label); // the first one needs a new offer
      channel.addEventListener("open", () => channel.send("hello"));
    });
  }, label);
  held = [];
  const atAda = open(ada, "Ada's");
  await arrived;
  assert.deepEqual(await Promise.all([atAda, open(bob, "Bob's")]), ["Bob's: hello", "Ada's: hello"]);
  for (const page of [ada, bob]) await moving(page);
});

test("who joins a locked room waits for the host, or thinks better of it", async () => {
  const ada = await elsewhere("locked", "Ada");
  await ada.evaluate(() => window.room.host.lock(true));
  const knocked = () => ada.evaluate(() => new Promise((knocked) => window.room.on("knock", knocked)));
  const knock = (page) => page.evaluate(async (origin) => {
    const { join } = await import(`${origin}/signalbox.js`);
    window.abort = new AbortController();
    await new Promise((onWaiting) => {
      window.joined = join("locked", { name: "Bob", signal: window.abort.signal, onWaiting });
      window.outcome = window.joined.then((room) => `joined, with ${room.peers.size} other`, ({ code, name }) => (name === "SignalboxError" ? code : name));
    });
  }, server.url);
  const outcome = (page) => page.evaluate(() => window.outcome);

  const bob = await openPage(browser, site.url);
  for (const [answer, expected] of [["deny", "denied"], ["admit", "joined, with 1 other"]]) {
    const heard = knocked();
    await knock(bob);
    assert.equal((await heard).name, "Bob");
    await ada.evaluate((answer) => window.room.host[answer](window.room.knocks[0]), answer);
    assert.equal(await outcome(bob), expected);
    assert.equal(await ada.evaluate(() => window.room.knocks.length), 0);
  }

  const eve = await openPage(browser, site.url);
  await knock(eve);
  await eve.evaluate(() => window.abort.abort());
  assert.equal(await outcome(eve), "AbortError");
});

test("a room that cannot be reached says so", async () => {
  const page = await openPage(browser, site.url);
  const code = await page.evaluate(async ({ origin, nowhere }) => {
    const { join, SignalboxError } = await import(`${origin}/signalbox.js`);
    const error = await join("nobody", { server: nowhere }).catch((error) => error);
    return error instanceof SignalboxError && error.code;
  }, { origin: server.url, nowhere: "http://127.0.0.1:9" });
  assert.equal(code, "unreachable");
});
