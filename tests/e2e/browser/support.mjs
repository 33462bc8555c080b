// Chromium pages in rooms: each participant is a context of its own, and waiting is for what the page shows.

import { createServer } from "node:http";
import { chromium } from "playwright-core";
import { cameraFile } from "./camera.mjs";

const patience = 90_000; // ms; two cores decode every picture

/** Pages that the browser opens for its address bar, one of each per window: loading them costs as much as our page. */
const ownPages = ["WebUIOmniboxPopup", "WebUIOmniboxAimPopup"];

/**
 * A browser with fake devices: one camera with a small picture or, with `cameras: 3`, Chromium's own, which cost
 * the processor several times as much. With `devices: false` there are none. What the browser shares as a screen is the
 * tab with the title `sharedTab`, where contexts have to bring their permissions; this machine is `host` to it, too. With
 * `sound` it plays sound, and `autoplay` is its policy for that.
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
 * A page in a context of its own. Everything it asks the network for, says on the console or throws is
 * kept in `requests` and `errors`.
 */
export async function openPage(browser, url, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: "en-US", ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(patience);
  const requests = [];
  const errors = [];
  page.on("request", (request) => requests.push(request.url()));
  page.on("websocket", (socket) => requests.push(socket.url()));
  page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  page.on("pageerror", (error) => errors.push(String(error)));
  await page.goto(url);
  return Object.assign(page, { requests, errors });
}

/** Another site, on a port beside the deployment's: one page with this body. */
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

/** From the pre-join view into the call. */
export async function enter(page, name) {
  if (name !== undefined) await page.getByRole("textbox", { name: "Your name" }).fill(name);
  await page.getByRole("button", { name: "Join", exact: true }).click();
  await page.locator('[data-view="call"]').waitFor();
}

export const people = ["Ada", "Bob", "Cleo", "Dan", "Eve", "Fay"];

/**
 * So many users who join one after the other. Resolves to their pages once all see all and, with a `key`, have verified
 * all, which takes data in both directions of each link.
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

/** Waits until the picture of each of these people is decoded and moves. */
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

/** Opens the chat where it is closed. */
export async function openChat(page) {
  const button = page.locator('[data-action="chat"]');
  if ((await button.getAttribute("aria-expanded")) === "false") await button.click();
}

/** Waits for a message in the log, be it open or not. */
export function hears(page, message, { exact = true } = {}) {
  return page.locator('[data-slot="log"]').getByText(message, { exact }).waitFor({ state: "attached" });
}
