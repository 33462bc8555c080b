// The README's page with the stock client alone, served by another site.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { inRoot } from "../../../scripts/task.mjs";
import { startServer } from "../support.mjs";
import { launch, openPage, otherSite } from "./support.mjs";

let server;
let site;
let browser;
before(async () => {
  server = await startServer({ vars: { ALLOWED_ORIGINS: "*" } });
  const [, script] = readFileSync(inRoot("README.md"), "utf8").match(/```html\n(.*?)```/s);
  const page = `<video autoplay muted playsinline></video><button>Call</button>${script}`;
  site = await otherSite(server, page.replaceAll("https://<your deployment>", server.url));
  browser = await launch();
});
after(async () => {
  await browser.close();
  site.close();
  await server.stop();
});

test("two people call each other with the README's page", async () => {
  const [ada, bob] = [await openPage(browser, site.url), await openPage(browser, site.url)];
  for (const page of [ada, bob]) await page.waitForFunction(() => document.querySelector("button").onclick !== null);
  await ada.getByRole("button").click();
  for (const page of [ada, bob]) {
    await page.waitForFunction(() => document.querySelector("video").getVideoPlaybackQuality().totalVideoFrames > 3);
  }
  assert.deepEqual([...ada.errors, ...bob.errors], []);
});
