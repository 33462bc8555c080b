// The npm package in a browser: the template's page, and the module in a bundle.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { build } from "esbuild";
import { init } from "../../../npm/project.mjs";
import { buildSite } from "../../../npm/site.mjs";
import { root } from "../../../scripts/task.mjs";
import { example } from "../documents.mjs";
import { startServer } from "../support.mjs";
import { launch, openPage, otherSite } from "./support.mjs";

const project = join(mkdtempSync(join(tmpdir(), "signalbox-")), "project");
/** A page like those of many tutorials: its script, style and handler are inline. */
const inline = `<!doctype html><title>Inline</title><link rel="icon" href="/icon.svg"><style>p { color: rgb(1, 2, 3) }</style>
<button onclick="document.querySelector('p').textContent = 'pressed'">Press</button><p></p>
<script>document.querySelector("p").textContent = "ready"</script>`;

let server;
let browser;
before(async () => {
  init(project);
  writeFileSync(join(project, "public/inline.html"), inline);
  buildSite(project);
  server = await startServer({ crate: project, vars: { ALLOWED_ORIGINS: "*" } });
  browser = await launch();
});
after(async () => {
  await browser.close();
  await server.stop();
  rmSync(join(project, ".."), { recursive: true });
});

/** Waits until one of the page's videos plays. */
const moves = (page, index) =>
  page.waitForFunction((at) => document.querySelectorAll("video")[at]?.getVideoPlaybackQuality().totalVideoFrames > 3, index);

test("two people call each other on the template's page", async () => {
  const pages = [await openPage(browser, `${server.url}/call`), await openPage(browser, `${server.url}/call`)];
  for (const page of pages) await page.getByRole("button", { name: "Join" }).click();
  for (const page of pages) {
    await moves(page, 1); // the other user's video
    await page.getByText("In my-room: 2, connected.").waitFor();
  }
  await pages[1].context().close();
  await pages[0].getByText("In my-room: 1, connected.").waitFor();
  assert.equal(await pages[0].locator("video").count(), 1);
  assert.deepEqual(pages[0].errors, []);
});

test("the tutorial's page works after each of its steps", async () => {
  const code = [];
  const open = async () => {
    const page = await openPage(browser, "about:blank");
    await page.route("**/first-call.js", (route) => route.fulfill({ contentType: "text/javascript", body: code.join("\n") }));
    await page.goto(`${server.url}/first-call`);
    return page;
  };
  code.push(example("first-call-camera"));
  const alone = await open();
  await moves(alone, 0);
  code.push(example("first-call-connect"));
  const connected = await open();
  await connected.getByText("Connected.").waitFor();
  for (const page of [alone, connected]) await page.context().close();
  code.push(example("first-call-connection"), example("first-call-offer"), example("first-call-chat"));
  const [ada, bob] = [await open(), await open()];
  for (const page of [ada, bob]) await page.locator("#call:enabled").waitFor();
  await ada.getByRole("button", { name: "Call" }).click();
  for (const page of [ada, bob]) await moves(page, 1);
  await bob.getByRole("textbox", { name: "Message" }).fill("hello");
  await bob.getByRole("button", { name: "Send" }).click();
  await ada.getByText("them: hello").waitFor();
  await bob.getByText("me: hello").waitFor();
  for (const page of [alone, connected, ada, bob]) assert.deepEqual(page.errors, []);
  for (const page of [ada, bob]) await page.context().close();
});

test("a page of the project may have inline scripts, handlers and styles", async () => {
  const page = await openPage(browser, `${server.url}/inline`);
  const text = page.locator("p");
  assert.equal(await text.textContent(), "ready");
  assert.equal(await text.evaluate((p) => getComputedStyle(p).color), "rgb(1, 2, 3)");
  await page.getByRole("button").click();
  assert.equal(await text.textContent(), "pressed");
  assert.deepEqual(page.errors, []);
  await page.context().close();
});

for (const format of ["esm", "iife"]) {
  test(`two pages of another site call each other with the module in a bundle, ${format}`, async () => {
    const contents = `
      import { join } from "./public/signalbox.js";
      join("bundle-${format}", { server: ${JSON.stringify(server.url)}, media: { video: true } }).then((room) =>
        room.on("peer", (peer) => document.body.append(Object.assign(document.createElement("video"), { autoplay: true, muted: true, srcObject: peer.stream }))),
      );`;
    const { outputFiles } = await build({ stdin: { contents, resolveDir: root }, bundle: true, format, write: false, minify: true, logLevel: "silent" });
    const site = await otherSite(server, `<script type="${format === "esm" ? "module" : "text/javascript"}">${outputFiles[0].text}</script>`);
    const pages = [await openPage(browser, site.url), await openPage(browser, site.url)];
    for (const one of pages) await moves(one, 0);
    for (const one of pages) assert.deepEqual(one.errors, []);
    for (const one of pages) await one.context().close();
    site.close();
  });
}
