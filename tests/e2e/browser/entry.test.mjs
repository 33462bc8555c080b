// How users get to a room: addresses, names, languages, headers.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
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

test("the address of a room leads to the room, whatever the writing system of its name", async () => {
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
  ["en-US", /^This is not a room’s name\. .* Enter the right name here, or start a new room\.$/, "Or go to a room by its name"],
  ["zh-CN", /^这不是房间名。.*请在这里输入正确的名称，或新建一个房间。$/, "或输入房间名进入"],
]) {
  test(`after an invalid address the page says what to do, and the user can do it, in ${locale}`, async () => {
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

for (const [locale, language, join, newer] of [
  ["zh-CN", "zh-CN", "加入", ["1 条新消息 ↓", "2 条新消息 ↓"]],
  ["es-MX", "es", "Entrar", ["1 nuevo ↓", "2 nuevos ↓"]],
  ["fr-FR", "en", "Join", ["1 new ↓", "2 new ↓"]],
]) {
  test(`for a browser in ${locale} the page is in ${language}, with its plurals`, async () => {
    const page = await openPage(browser, `${server.url}/r/language`, { locale });
    await page.getByRole("button", { name: join, exact: true }).waitFor();
    assert.equal(await page.locator("html").getAttribute("lang"), language);
    assert.deepEqual(await page.evaluate(async () => {
      const { text } = await import("/page/strings.js");
      return [1, 2].map((count) => text("chat.newer", { count }));
    }), newer);
  });
}

test("the page can be installed; without a connection it says so, and it reloads when the connection is back", async () => {
  const page = await openPage(browser, server.url, { serviceWorkers: "allow" });
  const devtools = await page.context().newCDPSession(page);
  const { errors, data } = await devtools.send("Page.getAppManifest");
  assert.deepEqual(errors, []);
  for (const { src, type } of JSON.parse(data).icons) assert.equal((await fetch(new URL(src, server.url))).headers.get("content-type"), type);
  await page.evaluate(async () => void (await navigator.serviceWorker.ready));
  await page.context().setOffline(true);
  const address = `${server.url}/r/away#k=AAAAAAAAAAAAAAAAAAAAAA`;
  await page.goto(address);
  await page.getByRole("heading", { name: "No connection" }).waitFor();
  await page.context().setOffline(false);
  await page.getByRole("heading", { name: "Ready to join?" }).waitFor();
  assert.equal(page.url(), address);
});

test("all languages have the same texts, and no text is missing", async () => {
  const markup = await (await fetch(server.url)).text();
  const [, list] = /<select data-setting="language">(.*?)<\/select>/.exec(markup);
  const languages = [...list.matchAll(/lang="([^"]+)"/g)].map(([, language]) => language);
  assert.ok(languages.length > 2);
  const texts = async (language) => (await fetch(`${server.url}/page/strings/${language}.json`)).json();
  const english = await texts("en");
  for (const language of languages) {
    const categories = new Intl.PluralRules(language).resolvedOptions().pluralCategories;
    const plural = new RegExp(`\\.(?:${categories.join("|")})$`);
    const keys = Object.keys(await texts(language)).map((key) => (key in english ? key : key.replace(plural, "")));
    assert.deepEqual([...new Set(keys)].sort(), Object.keys(english).sort(), language);
  }
  for (const [, key] of markup.matchAll(/data-(?:text|label|title|placeholder)="([^"]+)"/g)) {
    assert.ok(key in english, `index.html names ${key}`);
  }
});

test("if a language that an operator added lacks texts, the page shows these texts in English", async () => {
  const page = await openPage(browser, "about:blank", { locale: "de-AT" });
  await page.route("**/strings/de.json", (route) => route.fulfill({ json: { "home.start": "Raum öffnen" } }));
  await page.route(`${server.url}/`, async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: (await response.text()).replace('<option value="en"', '<option value="de" lang="de">Deutsch</option>$&') });
  });
  await page.goto(server.url);
  await page.getByRole("button", { name: "Raum öffnen" }).click();
  await page.getByRole("heading", { name: "Ready to join?" }).waitFor();
  assert.equal(await page.locator("html").getAttribute("lang"), "de");
  assert.deepEqual(page.errors, []);
});

for (const part of ["page/view.js", "page/main.js", "styles/base.css", "page/strings/en.json"]) {
  /** Opens an address in a browser that does not get `part` in the first `failing` loads of the page. */
  async function load(path, failing) {
    const page = await openPage(browser, "about:blank");
    const loads = () => page.requests.filter((url) => new URL(url).pathname === new URL(path, server.url).pathname).length;
    await page.route(`**/${part}`, (route) => (loads() <= failing ? route.abort() : route.continue()));
    await page.goto(server.url + path, { waitUntil: "commit" });
    return { page, loads };
  }

  test(`if ${part} did not load, the page is loaded once more`, async () => {
    const { page, loads } = await load("/r/reload#k=a-key", 1);
    await page.getByRole("heading", { name: "Ready to join?" }).waitFor();
    assert.equal(loads(), 2);
    assert.equal(page.url(), `${server.url}/r/reload#k=a-key`);
  });

  test(`if ${part} cannot be loaded, the page says so`, async () => {
    const { page, loads } = await load("/", Infinity);
    await page.getByText("This page could not be loaded.").waitFor();
    assert.equal(loads(), 2);
  });
}

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
  const [, script] = /<script>(.*?)<\/script>/s.exec(markup);
  const hash = createHash("sha256").update(script).digest("base64");
  assert.ok(policy.includes(`script-src 'self' 'sha256-${hash}'`), `the policy of index.html must have the hash of its script: 'sha256-${hash}'`);
  const { headers } = await fetch(`${server.url}/signalbox.js`);
  assert.equal(headers.get("access-control-allow-origin"), "*");
});

test("the page uses nothing private of the module", () => {
  for (const name of readdirSync(inRoot("public/page")).filter((name) => name.endsWith(".js"))) {
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
