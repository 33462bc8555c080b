// Firefox pages in rooms, beside those of Chromium: Debian's firefox-esr over WebDriver BiDi.

import puppeteer from "puppeteer-core";
import { startDisplay } from "./display.mjs";

const timeout = 60_000; // ms; pages are slow, because two cores decode every picture

/** A Firefox with fake devices that asks for no permission. It has a display, whose content it can share. */
export async function launchFirefox() {
  const display = await startDisplay();
  const firefox = await puppeteer.launch({
    browser: "firefox",
    executablePath: process.env.FIREFOX ?? "/usr/bin/firefox-esr",
    headless: false,
    env: { ...process.env, DISPLAY: display.name, LIBGL_ALWAYS_SOFTWARE: "1" },
    extraPrefsFirefox: {
      "media.navigator.streams.fake": true,
      "media.navigator.permission.disabled": true,
      "media.autoplay.default": 0, // play
      "media.peerconnection.ice.loopback": true,
      "media.peerconnection.ice.obfuscate_host_addresses": false,
      "intl.accept_languages": "en-US",
    },
  });
  return {
    open: (url) => openFirefox(firefox, url),
    async close() {
      await firefox.close();
      await display.stop();
    },
  };
}

/**
 * Runs in the page. To spare the processor, asks for pictures as small as those of Chromium's camera in these tests.
 * Firefox's fake camera has the size that is asked for.
 */
function makeCameraSmall() {
  const { getUserMedia } = MediaDevices.prototype;
  MediaDevices.prototype.getUserMedia = function ({ audio, video }) {
    return getUserMedia.call(this, { audio, video: video && { width: 160, height: 120, frameRate: 5 } });
  };
}

/**
 * A page in a context of its own, with as much of Playwright's interface as the tests of both browsers need. `errors`
 * lists its exceptions and the errors on its console.
 */
async function openFirefox(firefox, url) {
  const context = await firefox.createBrowserContext();
  const page = await context.newPage({ type: "window" }); // a tab that is not in front plays no video
  await page.setViewport({ width: 900, height: 700 });
  await page.evaluateOnNewDocument(makeCameraSmall);
  const errors = [];
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  await page.goto(url);
  return {
    errors,
    evaluate: (...call) => page.evaluate(...call),
    waitForFunction: (predicate, argument) => page.waitForFunction(predicate, { polling: 200, timeout }, argument),
    click: (selector) => page.locator(selector).setTimeout(timeout).click(),
    fill: (selector, value) => page.locator(selector).setTimeout(timeout).fill(value),
    async setInputFiles(selector, path) {
      const input = await page.$(selector);
      await input.uploadFile(path);
    },
    setViewport: (size) => page.setViewport(size),
    close: () => context.close(),
  };
}
