// A call continues while its server is killed and stays down for 20 seconds.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startKillable } from "../support.mjs";
import { hears, joinRoom, launch, mesh, say, sees, tile } from "./support.mjs";

const OUTAGE = 20_000;
const STANDSTILL = 5_000; // ms; a video must not pause for longer. The limit is generous, because two cores decode all videos

let server;
let browser;
before(async () => {
  server = await startKillable();
  browser = await launch();
});
after(async () => {
  await browser.close();
  await server.stop();
});

/** Starts to record the states of all tiles, and the longest time for which a video showed the same frame. */
function watch(page) {
  return page.evaluate(() => {
    window.changes = [];
    window.longestPause = 0;
    const tiles = document.querySelector('[data-slot="tiles"]');
    const observer = new MutationObserver((records) => {
      for (const { target, oldValue, removedNodes } of records) {
        if (target === tiles && removedNodes.length > 0) window.changes.push("a tile was removed");
        else if (target !== tiles && target.dataset.state !== oldValue) window.changes.push(target.dataset.state);
      }
    });
    observer.observe(tiles, { childList: true });
    for (const tile of tiles.children) observer.observe(tile, { attributeFilter: ["data-state"], attributeOldValue: true });
    for (const video of document.querySelectorAll(".tile:not(.own) video")) {
      let last = performance.now();
      const drawn = (now) => {
        window.longestPause = Math.max(window.longestPause, now - last);
        last = now;
        video.requestVideoFrameCallback(drawn);
      };
      video.requestVideoFrameCallback(drawn);
    }
  });
}

test("three users keep their connections while the server is down for 20 seconds", async (t) => {
  const pages = await mesh(browser, server, "survivors", 3);
  const [ada, bob, cleo] = pages;
  await say(ada, "before");
  for (const page of [bob, cleo]) await hears(page, "before");
  for (const page of pages) await watch(page);

  await server.kill();
  const since = performance.now();
  for (const page of pages) await page.getByText("Reconnecting… your call continues").waitFor();
  await say(ada, "from Ada, into the void");
  await say(bob, "from Bob, into the void");
  do {
    await sees(ada, "Bob", "Cleo"); // waits for a few more video frames each time
    await sees(bob, "Ada", "Cleo");
    await sees(cleo, "Ada", "Bob");
  } while (performance.now() - since < OUTAGE);

  await server.start();
  for (const page of pages) await page.getByText("Reconnecting… your call continues").waitFor({ state: "hidden" });
  await say(cleo, "after");
  for (const page of pages) {
    for (const message of ["before", "from Ada, into the void", "from Bob, into the void", "after"]) await hears(page, message);
    assert.equal(await page.locator(".message").count(), 4, "each message is there once");
    await page.waitForFunction(() => !document.querySelector('[data-delivery="pending"]'));
    assert.deepEqual(await page.evaluate(() => window.changes), [], "no tile changed its state or was removed");
    assert.doesNotMatch(await page.locator('[data-slot="log"]').innerText(), /left|lost/);
    const longestPause = Math.round(await page.evaluate(() => window.longestPause));
    t.diagnostic(`the longest pause of a video was ${longestPause} ms`);
    assert.ok(longestPause < STANDSTILL, "video never stops");
  }
  // The room works, too: a user who joins now sees all the others.
  const dan = await joinRoom(browser, server, "survivors", "Dan");
  await sees(dan, "Ada", "Bob", "Cleo");
  await hears(dan, "from Bob, into the void");
  await tile(ada, "Dan").waitFor();
});
