// What the README and docs/module.md show, as pages of another site.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { inRoot } from "../../../scripts/task.mjs";
import { startServer } from "../support.mjs";
import { launch, openPage, otherSite } from "./support.mjs";

let server;
let browser;
const sites = [];
before(async () => {
  server = await startServer({ vars: { ALLOWED_ORIGINS: "*" } });
  browser = await launch();
});
after(async () => {
  await browser.close();
  for (const site of sites) site.close();
  await server.stop();
});

/** The blocks of code in a text of the repository. */
const blocks = (path, language) =>
  [...readFileSync(inRoot(path), "utf8").matchAll(new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, "gs"))].map(([, code]) => code);

/** So many pages of another site with this body. */
async function visit(count, body) {
  const site = await otherSite(server, body.replaceAll("https://<your deployment>", server.url));
  sites.push(site);
  const pages = [];
  while (pages.length < count) pages.push(await openPage(browser, site.url));
  return pages;
}

const moves = (page) => page.waitForFunction(() => document.querySelector("video")?.getVideoPlaybackQuality().totalVideoFrames > 3);

test("two people call each other with the README's page", async () => {
  const [script] = blocks("README.md", "html");
  const [ada, bob] = await visit(2, `<video autoplay muted playsinline></video><button>Call</button>${script}`);
  for (const page of [ada, bob]) await page.waitForFunction(() => document.querySelector("button").onclick !== null);
  await ada.getByRole("button").click();
  for (const page of [ada, bob]) await moves(page);
  assert.deepEqual([...ada.errors, ...bob.errors], []);
});

test("the module's ten lines are a video room, which a stock client may join", async () => {
  const [script] = blocks("docs/module.md", "html");
  const pages = await visit(2, `${script}`);
  for (const page of pages) await moves(page);
  await pages[0].getByText("Ada: hello").waitFor();

  const plain = blocks("docs/module.md", "js").at(-1).replace('"socket.io-client"', `"${server.url}/vendor/socket.io.esm.min.js"`);
  const [stock] = await visit(1, `<video autoplay muted playsinline></video><script type="module">${plain}</script>`);
  await moves(stock);
  for (const page of [...pages, stock]) assert.deepEqual(page.errors, []);
});
