// The path to the room dies without a word. The heartbeat needs up to two minutes to notice; people must not.

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { startServer } from "../support.mjs";
import { startProxy } from "./proxy.mjs";
import { hears, joinRoom, launch, say, sees } from "./support.mjs";

const noticed = { timeout: 20_000 }; // six seconds, and a slow machine

let server;
let proxy;
let browser;
let rooms = 0;
before(async () => {
  server = await startServer();
  proxy = await startProxy(server);
  browser = await launch();
});
after(async () => {
  await browser.close();
  proxy.stop();
  await server.stop();
});
afterEach(() => Promise.all(browser.contexts().map((context) => context.close())));

/** Ada, and Bob, whose path to the room is about to die. */
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
  ["the browser is online again", (bob) => bob.evaluate(() => void dispatchEvent(new Event("online")))],
  ["the browser has another network", (bob) => bob.evaluate(() => void navigator.connection.dispatchEvent(new Event("change")))],
]) {
  test(`a dead path to the room is noticed, and replaced: ${what}`, async () => {
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
