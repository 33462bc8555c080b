// Coming and going: leaving, closing the tab, reloading, losing the network.

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { startServer } from "../support.mjs";
import { enter, hears, launch, mesh, say, sees, tile } from "./support.mjs";

let server;
let browser;
let rooms = 0;
before(async () => {
  server = await startServer();
  browser = await launch();
});
after(async () => {
  await browser.close();
  await server.stop();
});
afterEach(() => Promise.all(browser.contexts().map((context) => context.close())));

/** Ada and Bob, who see each other. */
function two() {
  return mesh(browser, server, `presence-${(rooms += 1)}`, 2);
}

test("who closes the tab has left at once", async () => {
  const [ada, bob] = await two();
  const closed = performance.now();
  await bob.close({ runBeforeUnload: true });
  // "left", not "lost the connection": that would take the heartbeat and the recovery grace.
  await hears(ada, "Bob left");
  await tile(ada, "Bob").waitFor({ state: "detached" });
  console.log(`the leave was seen after ${Math.round(performance.now() - closed)} ms`);
  await ada.locator(".alone-card").waitFor();
});

test("who leaves may rejoin, and who reloads comes back under the same name", async () => {
  const [ada, bob] = await two();
  await bob.getByRole("button", { name: "Leave" }).click();
  await hears(ada, "Bob left");
  await bob.getByRole("button", { name: "Rejoin" }).click();
  await enter(bob);
  await sees(ada, "Bob");
  await sees(bob, "Ada");

  await bob.reload();
  await tile(ada, "Bob").waitFor({ state: "detached" });
  assert.equal(await bob.getByRole("textbox", { name: "Your name" }).inputValue(), "Bob");
  await enter(bob);
  await sees(ada, "Bob");
  await sees(bob, "Ada");
});

test("who loses the network is back with it, and what was said meanwhile arrives once", async () => {
  const [ada, bob] = await two();
  await tile(ada, "Bob").evaluate((element) => (element.dataset.same = "yes"));
  await bob.context().setOffline(true);
  await bob.getByText("Reconnecting… your call continues").waitFor();
  await say(bob, "said while offline");
  await bob.getByText("Sending…").waitFor();
  await sees(ada, "Bob");
  await sees(bob, "Ada");

  await bob.context().setOffline(false);
  await bob.getByText("Reconnecting… your call continues").waitFor({ state: "hidden" });
  await hears(ada, "said while offline");
  await bob.getByText("Sending…").waitFor({ state: "hidden" });
  await sees(bob, "Ada");
  await sees(ada, "Bob");
  assert.equal(await ada.locator('.tile[data-same="yes"]').count(), 1, "the call went on");
  assert.equal(await ada.locator(".tile:not(.own)").count(), 1);
  assert.equal(await ada.getByText("said while offline").count(), 1);
});
