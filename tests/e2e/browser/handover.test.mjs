// The path to the room fails silently. The heartbeat would notice that after up to two minutes; the client has to notice
// it sooner.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { startCoturn } from "./coturn.mjs";
import { startDatagramProxy, startProxy } from "./proxy.mjs";
import { moving, relayed, seen, state } from "./relayed.mjs";
import { setUp } from "./setup.mjs";
import { hears, joinRoom, say, sees } from "./support.mjs";

const noticed = { timeout: 60_000 }; // the client notices within six seconds; the heartbeat would take longer than this
const MEDIA_BACK = 15_000; // ms after both paths died

const coturn = await startCoturn();
after(() => coturn.stop());
const relay = await startDatagramProxy(coturn.port);
after(() => relay.stop());
const fixture = await setUp({ vars: { ...coturn.vars, TURN_URLS: `turn:127.0.0.1:${relay.port}`, ALLOWED_ORIGINS: "*" } });
const { server, browser } = fixture;
const proxy = await startProxy(server);
after(() => proxy.stop());
let rooms = 0;

/** Lets Ada and Bob call each other. Bob is connected through the proxy, which the tests let fail. */
async function two() {
  const room = `handover-${(rooms += 1)}`;
  const ada = await joinRoom(browser, server, room, "Ada");
  const bob = await joinRoom(browser, proxy, room, "Bob");
  await sees(ada, "Bob");
  await sees(bob, "Ada");
  return [ada, bob];
}

for (const [what, act] of [
  ["a message that is not acknowledged", (bob) => say(bob, "into the void")],
  ["the event that the browser is online again", (bob) => bob.evaluate(() => void dispatchEvent(new Event("online")))],
  ["the event that the network has changed", (bob) => bob.evaluate(() => void navigator.connection.dispatchEvent(new Event("change")))],
]) {
  test(`a failed connection to the room is noticed and replaced after ${what}`, async () => {
    const [ada, bob] = await two();
    const bar = bob.getByText("Reconnecting… your call continues");
    const shown = bar.waitFor(noticed);
    proxy.die();
    await act(bob);
    await shown;
    await bar.waitFor({ state: "hidden" });
    await say(bob, "still here");
    await hears(ada, "still here");
    await sees(ada, "Bob");
    await sees(bob, "Ada");
    assert.equal(await ada.locator(".tile:not(.own)").count(), 1);
    assert.equal(await ada.locator(".message").count(), await bob.locator(".message").count());
    assert.doesNotMatch(await ada.locator('[data-slot="log"]').innerText(), /left|lost/);
  });
}

/** Starts to measure the longest time without a new video frame: `window.longest`, in milliseconds. */
const watchPictures = (page) => page.evaluate(() => {
  const video = document.querySelector("video");
  let last = performance.now();
  window.longest = 0;
  const next = (now) => {
    window.longest = Math.max(window.longest, now - last);
    last = now;
    video.requestVideoFrameCallback(next);
  };
  video.requestVideoFrameCallback(next);
});

test("when the paths of media and signaling fail silently, media continues on new paths within 15 seconds", async (t) => {
  const ada = await relayed(fixture, "both", "Ada");
  const bob = await relayed({ ...fixture, server: proxy }, "both", "Bob");
  for (const page of [ada, bob]) {
    await seen(page);
    await moving(page);
    await watchPictures(page);
  }
  await bob.evaluate(() => window.room.on("change", () => (window.lost ||= window.room.state === "reconnecting")));
  proxy.die();
  relay.die();
  for (const page of [ada, bob]) await state(page, "reconnecting");
  await bob.waitForFunction(() => window.lost, null, noticed); // after the loss of media the client checks its connection to the room, and gets no answer
  for (const [name, page] of Object.entries({ ada, bob })) {
    await state(page, "connected");
    await moving(page);
    assert.equal(await page.evaluate(() => window.room.state), "connected");
    const longest = Math.round(await page.evaluate(() => window.longest));
    t.diagnostic(`${name} saw no new frame for ${longest} ms`);
    assert.ok(longest <= MEDIA_BACK, `${longest} ms`);
  }
});
