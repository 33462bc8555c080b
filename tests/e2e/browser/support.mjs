// Opens pages in Chromium, each user in a context of its own, and waits for what the pages show.

import { createServer } from "node:http";
import { chromium } from "playwright-core";
import { cameraFile } from "./camera.mjs";

const timeoutMs = 90_000; // pages are slow, because two cores decode every picture

/** Pages that the browser would open for its address bar, one of each per window. Loading them costs as much as our page. */
const ownPages = ["WebUIOmniboxPopup", "WebUIOmniboxAimPopup"];

/**
 * Starts a browser with fake devices. By default it has one camera with a small picture. With `cameras: 3` it has
 * Chromium's own fake cameras, which take several times as much of the processor. With `devices: false` it has none.
 * If a page shares its screen, the browser shares the tab with the title `sharedTab`; contexts then have to set their
 * permissions. The name `host` leads to this machine. With `sound` the browser plays sound, by the policy `autoplay`.
 */
export function launch({ devices = true, cameras = 1, sharedTab, host, sound = false, autoplay, executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium" } = {}) {
  return chromium.launch({
    executablePath,
    ignoreDefaultArgs: sound ? ["--mute-audio"] : [],
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--allow-loopback-in-peer-connection",
      `--disable-features=${["WebRtcHideLocalIpsWithMdns", ...ownPages].join()}`,
      ...(autoplay ? [`--autoplay-policy=${autoplay}`] : []),
      ...(host ? [`--host-resolver-rules=MAP ${host} 127.0.0.1`] : []),
      ...(sharedTab ? [`--auto-select-tab-capture-source-by-title=${sharedTab}`] : []),
      ...(devices ? [`--use-fake-device-for-media-stream=device-count=${cameras},fps=5`] : []),
      ...(devices && cameras === 1 ? [`--use-file-for-fake-video-capture=${cameraFile()}`] : []),
      ...(devices && !sharedTab ? ["--use-fake-ui-for-media-stream"] : []),
    ],
  });
}

/**
 * Opens a page in a context of its own. `requests` lists the URLs that it requests, and `errors` its exceptions and the
 * errors on its console.
 */
export async function openPage(browser, url, options = {}) {
  // Playwright does not see the requests of a service worker, so only its own test has one.
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: "en-US", serviceWorkers: "block", ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(timeoutMs);
  const requests = [];
  const errors = [];
  page.on("request", (request) => requests.push(request.url()));
  page.on("websocket", (socket) => requests.push(socket.url()));
  page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  page.on("pageerror", (error) => errors.push(String(error)));
  await page.goto(url);
  return Object.assign(page, { requests, errors });
}

/** Starts another site, on a port after the deployment's. It has one page, with this body. */
export async function otherSite(server, body) {
  const html = `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,">${body}`;
  const site = createServer((_, response) => response.setHeader("content-type", "text/html").end(html));
  for (let port = server.port + 1; ; port += 1) {
    const listens = new Promise((resolve) => site.once("listening", () => resolve(true)).once("error", () => resolve(false)));
    site.listen(port, "127.0.0.1");
    if (await listens) return Object.assign(site, { url: `http://127.0.0.1:${port}` });
  }
}

/** Opens a room, with `key` in the link if there is one, and joins it under a name, with all devices. */
export async function joinRoom(browser, server, room, name, { key, ...options } = {}) {
  const page = await openPage(browser, `${server.url}/r/${encodeURIComponent(room)}${key ? `#k=${key}` : ""}`, options);
  await enter(page, name);
  return page;
}

/** Joins the call from the pre-join view. */
export async function enter(page, name) {
  if (name !== undefined) await page.getByRole("textbox", { name: "Your name" }).fill(name);
  await page.getByRole("button", { name: "Join", exact: true }).click();
  await page.locator('[data-view="call"]').waitFor();
}

export const people = ["Ada", "Bob", "Cleo", "Dan", "Eve", "Fay"];

/**
 * Lets `count` users join one after the other. Resolves to their pages when each sees all others. With a `key`, each has
 * also verified all others, which needs data in both directions of each link. Sound takes most of the processor, so tests
 * that need none switch the microphones off.
 */
export async function mesh(browser, server, room, count, { microphones = true, key } = {}) {
  const localStorage = [{ name: "audio", value: microphones ? "on" : "off" }];
  const options = {
    key,
    viewport: { width: 400, height: 400 },
    storageState: { cookies: [], origins: [{ origin: server.url, localStorage }] },
  };
  const names = people.slice(0, count);
  const pages = [];
  for (const name of names) pages.push(await joinRoom(browser, server, room, name, options));
  for (const [index, page] of pages.entries()) {
    const others = names.toSpliced(index, 1);
    await sees(page, ...others);
    if (key) for (const name of others) await tile(page, name).and(page.locator('[data-trust="verified"]')).waitFor();
  }
  return pages;
}

/** The tile of another user. */
export function tile(page, name) {
  return page.locator(".tile:not(.own, .screen-tile)").filter({ hasText: name });
}

/** Waits until the video of each of these users plays. */
export async function sees(page, ...names) {
  for (const name of names) {
    const video = await tile(page, name).locator("video").elementHandle();
    await page.waitForFunction((element) => {
      const { totalVideoFrames } = element.getVideoPlaybackQuality();
      element.firstSeen ??= totalVideoFrames;
      return element.videoWidth > 0 && totalVideoFrames > element.firstSeen + 2;
    }, video, { polling: 200 });
  }
}

/** Writes a line into the chat and sends it with Enter. */
export async function say(page, message) {
  await openChat(page);
  const input = page.getByRole("textbox", { name: "Write a message" });
  await input.fill(message);
  await input.press("Enter");
}

/** Opens the chat if it is closed. */
export async function openChat(page) {
  const button = page.locator('[data-action="chat"]');
  if ((await button.getAttribute("aria-expanded")) === "false") await button.click();
}

/** Waits for a message in the chat, which may be closed. */
export function hears(page, message, { exact = true } = {}) {
  return page.locator('[data-slot="log"]').getByText(message, { exact }).waitFor({ state: "attached" });
}
