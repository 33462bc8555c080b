// How users get to a room: addresses, names, languages, headers.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { after, afterEach, before, test } from "node:test";
import { gzipSync } from "node:zlib";
import { inRoot } from "../../../scripts/task.mjs";
import { startServer } from "../support.mjs";
import { joinRoom, launch, openPage } from "./support.mjs";

let server;
let browser;
before(async () => {
  server = await startServer();
  browser = await launch();
});
after(async () => {
  await browser.close();
  await server.stop();
});
afterEach(() => Promise.all(browser.contexts().map((context) => context.close())));

const room = (page) => decodeURIComponent(new URL(page.url()).pathname);

test("a new room has a random name, and the link leads there", async () => {
  const page = await openPage(browser, server.url);
  await page.getByRole("textbox", { name: "Your name" }).fill("Ada");
  await page.getByRole("button", { name: "Start a room" }).click();
  await page.getByRole("heading", { name: "Ready to join?" }).waitFor();
  assert.match(room(page), /^\/r\/[0-9a-z]{4}-[0-9a-z]{4}-[0-9a-z]{4}$/);
  const first = room(page);
  await page.keyboard.press("Enter"); // the focus is on the name
  await page.getByRole("heading", { name: "You’re the only one here" }).waitFor();
  await page.locator(".alone-card").getByText(new URL(server.url).host + first).waitFor();

  await page.goto(server.url);
  assert.equal(await page.getByRole("textbox", { name: "Your name" }).inputValue(), "Ada");
  await page.getByRole("button", { name: "Start a room" }).click();
  await page.getByRole("heading", { name: "Ready to join?" }).waitFor();
  assert.notEqual(room(page), first);
  await page.goBack();
  await page.getByRole("button", { name: "Start a room" }).waitFor();
  assert.deepEqual(page.errors, []);
});

test("a room is entered by its name, in any script", async () => {
  const page = await openPage(browser, server.url);
  const name = page.getByRole("textbox", { name: "Or go to a room by its name" });
  await name.fill("no/such?room");
  await page.getByRole("button", { name: "Enter" }).click();
  await page.getByText("A room name has 1 to 64 letters or digits").waitFor();
  assert.equal(await name.getAttribute("aria-invalid"), "true");
  await name.fill("周一 例会");
  await page.getByRole("button", { name: "Enter" }).click();
  await page.getByRole("heading", { name: "Ready to join?" }).waitFor();
  assert.equal(room(page), "/r/周一-例会");
  await page.getByRole("button", { name: "Join", exact: true }).click();
  await page.getByRole("heading", { name: "周一-例会" }).waitFor();
  assert.deepEqual(page.errors, []);
});

test("the address of a room leads there, whatever the script of its name", async () => {
  const page = await openPage(browser, "about:blank");
  for (const name of ["कमरा", "ห้อง", "Ⓐ", "e\u0301tage"]) {
    await page.goto(`${server.url}/r/${encodeURIComponent(name)}/`);
    await page.getByRole("heading", { name: "Ready to join?" }).waitFor();
    await page.getByRole("button", { name: "Join", exact: true }).click();
    await page.getByRole("heading", { name: name.normalize("NFC"), exact: true }).waitFor();
  }
  assert.deepEqual(page.errors, []);
});

test("the page says when the name in the address is invalid", async () => {
  const page = await openPage(browser, "about:blank");
  for (const name of ["a%20b", "a%2Fb", "%F0%9F%98%80", "%ff", "x".repeat(65)]) {
    await page.goto(`${server.url}/r/${name}`);
    await page.getByRole("alert").getByText("This is not a room’s name").waitFor();
  }
  await page.goto(server.url);
  await page.getByRole("button", { name: "Start a room" }).waitFor();
  assert.equal(await page.getByRole("alert").getByText("room’s name").count(), 0);
  assert.deepEqual(page.errors, []);
});

for (const [locale, said, label] of [
  ["en-US", /^This is not a room’s name, .* Enter the right name here, or start a new room\.$/, "Or go to a room by its name"],
  ["zh-CN", /^这不是房间名。.*请在这里输入正确的名称，或新建一个房间。$/, "或输入房间名进入"],
]) {
  test(`the page says what to do after an invalid address, and that works, in ${locale}`, async () => {
    const page = await openPage(browser, `${server.url}/r/x%26y`, { locale });
    const name = page.getByRole("textbox", { name: label });
    await page.getByRole("alert").getByText(said).waitFor();
    assert.equal(await name.getAttribute("aria-invalid"), "true");
    await name.fill("x-y");
    assert.equal(await page.getByRole("alert").getByText(said).count(), 0);
    await name.press("Enter");
    await page.locator('[data-view="prejoin"]').waitFor();
    assert.equal(room(page), "/r/x-y");
    await page.goBack();
    await page.getByRole("alert").getByText(said).waitFor();
    assert.deepEqual(page.errors, []);
  });
}

test("the page is in Chinese for a browser in Chinese", async () => {
  const page = await openPage(browser, `${server.url}/r/zh`, { locale: "zh-CN" });
  await page.getByRole("button", { name: "加入", exact: true }).waitFor();
  assert.equal(await page.locator("html").getAttribute("lang"), "zh-CN");
});

test("both languages have the same texts, and no text is missing", async () => {
  const strings = await (await fetch(`${server.url}/page/strings.json`)).json();
  const keys = (language) => Object.keys(strings[language]);
  assert.deepEqual(keys("zh-CN"), keys("en"));
  const markup = await (await fetch(server.url)).text();
  for (const [, key] of markup.matchAll(/data-(?:text|label|title|placeholder)="([^"]+)"/g)) {
    assert.ok(key in strings.en, `index.html names ${key}`);
  }
});

test("every icon that the page names exists", async () => {
  const markup = await (await fetch(server.url)).text();
  const symbols = new Set([...markup.matchAll(/<symbol id="([^"]+)"/g)].map(([, id]) => id));
  for (const [, id] of markup.matchAll(/<use href="#([^"]+)"/g)) assert.ok(symbols.has(id), id);
  for (const verdict of ["verified", "unverified", "mismatch"]) assert.ok(symbols.has(`trust-${verdict}`), verdict);
});

test("every address of the page carries the security headers", async () => {
  for (const path of ["/", "/r/standup", "/page/main.js"]) {
    const { headers } = await fetch(server.url + path);
    assert.equal(headers.get("content-security-policy"), "frame-ancestors 'none'", path);
    assert.equal(headers.get("x-content-type-options"), "nosniff");
  }
  const markup = await (await fetch(server.url)).text();
  const [, policy] = /<meta http-equiv="Content-Security-Policy" content="(.*?)">/.exec(markup);
  for (const rule of ["default-src 'self'", "object-src 'none'", "base-uri 'none'"]) assert.ok(policy.includes(rule), rule);
  assert.ok(!policy.includes("unsafe"));
  const { headers } = await fetch(`${server.url}/signalbox.js`);
  assert.equal(headers.get("access-control-allow-origin"), "*");
});

test("the page uses nothing private of the module", () => {
  for (const name of readdirSync(inRoot("public/page"))) {
    assert.ok(!readFileSync(inRoot("public/page", name), "utf8").includes("../client/"), name);
  }
});

test("the first screen is usable on a processor that is four times slower", async (t) => {
  const page = await openPage(browser, "about:blank");
  const devtools = await page.context().newCDPSession(page);
  await devtools.send("Emulation.setCPUThrottlingRate", { rate: 4 });
  await page.goto(server.url, { waitUntil: "commit" });
  const usable = await page.waitForFunction(() => document.querySelector("input[data-input=name]")?.checkVisibility() && performance.now(), null, { polling: "raf" });
  t.diagnostic(`usable after ${Math.round(await usable.jsonValue())} ms`);
  await page.getByRole("button", { name: "Start a room" }).click();
  await page.getByRole("heading", { name: "Ready to join?" }).waitFor();
});

test("all scripts of a call are at most 80 KB, gzipped together", async () => {
  const page = await joinRoom(browser, server, "size", "Ada");
  const scripts = new Set(page.requests.filter((url) => /\.m?js$/.test(new URL(url).pathname)));
  const bodies = await Promise.all([...scripts].map(async (url) => (await fetch(url)).text()));
  const { length } = gzipSync(bodies.join(""), { level: 9 });
  const apart = bodies.reduce((sum, body) => sum + gzipSync(body, { level: 9 }).length, 0);
  console.log(`${scripts.size} scripts, ${length} bytes gzipped together, ${apart} each by itself`);
  assert.ok(scripts.size > 20 && length <= 80_000, `${length} bytes`);
  const markup = await (await fetch(server.url)).text();
  const named = [...markup.matchAll(/<(?:link rel="modulepreload" href|script type="module" src)="([^"]+)"/g)].map(([, path]) => path);
  assert.deepEqual(named.sort(), [...scripts].map((url) => new URL(url).pathname).sort(), "index.html names every script, so that none waits for another");
});
