// Users leave, close the tab, reload and lose the network.

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

test("a user who closes the tab disappears for the others within two seconds", async () => {
  const [ada, bob] = await two();
  await bob.close({ runBeforeUnload: true });
  await tile(ada, "Bob").waitFor({ state: "detached", timeout: 2_000 });
  await hears(ada, "Bob left"); // not "lost the connection"
  await ada.locator(".alone-card").waitFor();
});

test("a user who left can rejoin", async () => {
  const [ada, bob] = await two();
  await bob.getByRole("button", { name: "Leave" }).click();
  await hears(ada, "Bob left");
  await bob.getByRole("button", { name: "Rejoin" }).click();
  await enter(bob);
  await sees(ada, "Bob");
  await sees(bob, "Ada");
});

test("a user who reloads comes back under the same name, and is shown once", async () => {
  const [ada, bob, cleo] = await mesh(browser, server, "reload", 3);
  for (const page of [ada, cleo]) {
    await page.evaluate(() => {
      window.most = 0;
      const count = () => {
        const tiles = [...document.querySelectorAll(".tile:not(.own)")].filter((tile) => tile.textContent.includes("Bob"));
        window.most = Math.max(window.most, tiles.length);
      };
      new MutationObserver(count).observe(document.querySelector('[data-slot="tiles"]'), { childList: true, subtree: true, characterData: true });
    });
  }
  await bob.reload();
  assert.equal(await bob.getByRole("textbox", { name: "Your name" }).inputValue(), "Bob");
  await enter(bob);
  await sees(bob, "Ada", "Cleo");
  for (const [page, other] of [[ada, "Cleo"], [cleo, "Ada"]]) {
    await sees(page, "Bob", other);
    assert.equal(await page.evaluate(() => window.most), 1, "never more than one tile of Bob");
  }
});

test("a user who lost the network is back when it returns, and messages sent meanwhile arrive once", async () => {
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
