// Users hear each other: the tests measure the sound that the listener's tab plays.

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { startServer } from "../support.mjs";
import { launch, openPage, otherSite } from "./support.mjs";

const LISTENER = "hearing"; // the title of the tab that is listened to contains this: a test sets the title, or the page's title has the room's name
const permissions = ["microphone", "camera"];

let server;
let site;
let browser;
let strict; // like Safari, it plays nothing without a click
let rooms = 0;
before(async () => {
  server = await startServer({ vars: { ALLOWED_ORIGINS: "*" } });
  site = await otherSite(server, "");
  browser = await launch({ sound: true, autoplay: "no-user-gesture-required", sharedTab: LISTENER });
  strict = await launch({ sound: true, autoplay: "user-gesture-required", sharedTab: LISTENER });
});
after(async () => {
  await browser.close();
  await strict.close();
  site.close();
  await server.stop();
});
afterEach(() => Promise.all([browser, strict].flatMap((each) => each.contexts()).map((context) => context.close())));

/** A user of the module in a room. */
async function come(room, name, media, at = browser) {
  const page = await openPage(at, site.url, { permissions });
  await page.evaluate(async ({ origin, room, name, media }) => {
    const { join } = await import(`${origin}/signalbox.js`);
    window.room = await join(room, { name, media });
  }, { origin: server.url, room, name, media });
  return page;
}

/** Starts to listen to the tab with the title `LISTENER`. */
async function listen(at = browser) {
  const ear = await openPage(at, site.url, { permissions });
  await ear.evaluate(async () => {
    const stream = await navigator.mediaDevices.getDisplayMedia({ video: true, audio: true });
    const context = new AudioContext();
    await context.resume();
    const analyser = context.createAnalyser();
    context.createMediaStreamSource(stream).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    window.peak = 0;
    setInterval(() => {
      analyser.getFloatTimeDomainData(samples);
      window.peak = samples.reduce((peak, sample) => Math.max(peak, Math.abs(sample)), window.peak);
    }, 20);
  });
  return {
    /** Waits for a tone of the fake microphone; there is one each second. */
    async hearsTone() {
      await ear.evaluate(() => (window.peak = 0));
      await ear.waitForFunction(() => window.peak > 0.1);
    },
  };
}

/** A page that shows the others as docs/module.md does; `late` does so when they are already sending. */
async function listener(room, { late = false, at } = {}) {
  const page = await come(room, "Bob", {}, at);
  await page.evaluate(({ title, late }) => {
    document.title = title;
    const button = Object.assign(document.createElement("button"), { textContent: "Tap to hear", hidden: true });
    window.room.on("change", () => (button.hidden = window.room.canPlayAudio));
    button.onclick = () => window.room.startAudio();
    document.body.append(button);
    window.room.on("peer", (peer) => {
      const video = Object.assign(document.createElement("video"), { autoplay: true, playsInline: true });
      const show = () => {
        video.srcObject = peer.stream;
        document.body.append(video);
      };
      if (late) peer.on("track", () => video.isConnected || show());
      else show();
    });
  }, { title: LISTENER, late });
  return page;
}

for (const late of [false, true]) {
  test(`a user without a camera is heard through an element that is added ${late ? "after" : "before"} the sound`, async () => {
    const room = `sound-${(rooms += 1)}`;
    const ada = await come(room, "Ada", { audio: true });
    const bob = await listener(room, { late });
    const { hearsTone } = await listen();
    await hearsTone();
    await ada.evaluate(() => window.room.media.setVideo(true));
    await bob.waitForFunction(() => document.querySelector("video").videoWidth > 0);
    await hearsTone();
    await ada.evaluate(() => window.room.media.setVideo(false));
    await bob.waitForFunction(() => document.querySelector("video").srcObject.getVideoTracks().length === 0);
    await hearsTone();
    await bob.evaluate(() => { // an element that is added while the camera is off
      const former = document.querySelector("video");
      former.replaceWith(Object.assign(document.createElement("video"), { autoplay: true, srcObject: former.srcObject }));
    });
    await hearsTone();
  });
}

/**
 * Calls `act` when the page has had no click for a while, and resolves once the page logs that it plays no sound. Until
 * then a test must not evaluate anything in the page: the browser takes each evaluation for a click.
 */
async function silenced(page, act) {
  await page.waitForFunction(() => !navigator.userActivation.isActive);
  const silent = page.waitForEvent("console", (message) => message.text() === "silent");
  await act();
  await silent;
}

test("where the browser plays nothing without a click, one button of the application is enough", async () => {
  const room = `sound-${(rooms += 1)}`;
  const bob = await listener(room, { at: strict });
  await bob.evaluate(() => window.room.on("change", () => window.room.canPlayAudio || console.info("silent")));
  await silenced(bob, () => come(room, "Ada", { audio: true, video: true }));
  const { hearsTone } = await listen(strict);
  await bob.getByRole("button", { name: "Tap to hear" }).click();
  await hearsTone();
  await bob.getByRole("button", { name: "Tap to hear" }).waitFor({ state: "hidden" });
});

test("where the browser plays nothing without a click, the page has one button for a user who joined with chat only", async () => {
  const bob = await openPage(strict, `${server.url}/r/hearing`);
  await bob.getByRole("button", { name: "Join with chat only" }).click();
  await bob.locator('[data-slot="notices"]').evaluate((notices) => {
    new MutationObserver(() => notices.textContent && console.info("silent")).observe(notices, { childList: true });
  });
  await silenced(bob, () => come("hearing", "Ada", { audio: true, video: true }));
  const { hearsTone } = await listen(strict);
  await bob.getByRole("button", { name: "Tap to hear" }).click();
  await hearsTone();
  await bob.getByText("Your browser plays no sound before you tap.").waitFor({ state: "hidden" });
  assert.deepEqual(bob.errors, []);
});
