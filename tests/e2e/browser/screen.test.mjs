// A shared screen, with and without a camera.

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { startServer } from "../support.mjs";
import { startProxy } from "./proxy.mjs";
import { enter, joinRoom, launch, openPage, say, hears, sees, tile } from "./support.mjs";

let server;
let browser;
before(async () => {
  server = await startServer();
  browser = await launch({ sharedTab: "A tab to share" });
});
after(async () => {
  await browser.close();
  await server.stop();
});
afterEach(() => Promise.all(browser.contexts().map((context) => context.close())));

const options = { permissions: ["camera", "microphone"] };
const join = (room, name) => joinRoom(browser, server, room, name, options);
const share = (page) => page.locator('.bar [data-toggle="screen"]');

/** Opens the tab that the page will share. */
async function tabToShare(page) {
  const tab = await page.context().newPage();
  await tab.setContent("<title>A tab to share</title><h1>Slides</h1>");
  await page.bringToFront();
  return tab;
}

/** Waits until this user's screen is decoded. */
async function seesScreen(page, name) {
  const video = await page.locator(".screen-tile").filter({ hasText: `${name}’s screen` }).locator("video").elementHandle();
  await page.waitForFunction((element) => element.videoWidth > 0 && element.getVideoPlaybackQuality().totalVideoFrames > 0, video, { polling: 200 });
}

test("a screen is shown beside the camera, ends, and is shown again, also to users who join later", async () => {
  const ada = await join("beside", "Ada");
  const bob = await join("beside", "Bob");
  await sees(bob, "Ada");
  await tabToShare(ada);
  await share(ada).click();
  await seesScreen(bob, "Ada");
  await sees(bob, "Ada");
  await bob.waitForFunction((element) => element.srcObject.getAudioTracks().length === 2, await tile(bob, "Ada").locator("video").elementHandle()); // the tab's sound
  await ada.waitForFunction((element) => element.videoWidth > 0, await ada.locator(".screen-tile").filter({ hasText: "Your screen" }).locator("video").elementHandle());
  assert.equal(await share(ada).getAttribute("aria-pressed"), "true");
  await ada.locator(".notice").getByRole("button", { name: "Stop sharing" }).click();
  await bob.locator(".screen-tile").waitFor({ state: "detached" });
  await share(ada).click();
  await seesScreen(bob, "Ada");
  const eve = await join("beside", "Eve");
  await seesScreen(eve, "Ada");
  await sees(eve, "Ada", "Bob");
  await share(ada).click();
  for (const page of [bob, eve]) await page.locator(".screen-tile").waitFor({ state: "detached" });
  for (const page of [ada, bob, eve]) assert.deepEqual(page.errors, []);
});

test("a user without a camera shares a screen; closing the shared tab ends it", async () => {
  const ada = await openPage(browser, `${server.url}/r/alone`, options);
  await ada.getByRole("textbox", { name: "Your name" }).fill("Ada");
  await ada.getByRole("button", { name: "Join with chat only" }).click();
  await ada.locator('[data-view="call"]').waitFor();
  const bob = await join("alone", "Bob");
  await sees(ada, "Bob");
  const tab = await tabToShare(ada);
  await share(ada).click();
  await seesScreen(bob, "Ada");
  await tile(bob, "Ada").and(bob.locator("[data-camera-off]")).waitFor();
  await tab.close(); // as the browser's own "Stop sharing" does, it ends the track
  await bob.locator(".screen-tile").waitFor({ state: "detached" });
  await ada.locator(".notice").waitFor({ state: "detached" });
  assert.equal(await share(ada).getAttribute("aria-pressed"), "false");
});

test("a user whose session expired sees the screen that was shared meanwhile, on the existing connection", async () => {
  const shortRecovery = await startServer({ vars: { RECOVERY_MS: 1_000 } });
  const path = await startProxy(shortRecovery);
  try {
    const ada = await joinRoom(browser, shortRecovery, "late", "Ada", options);
    const bob = await openPage(browser, path.url, options);
    await bob.addInitScript(() => {
      const { send } = WebSocket.prototype;
      WebSocket.prototype.send = function (data) {
        if (window.swallow && String(data).includes('"room:join"')) window.swallow = false;
        else send.call(this, data);
      };
    });
    await bob.goto(`${path.url}/r/late`);
    await enter(bob, "Bob");
    await sees(ada, "Bob");
    await tile(bob, "Ada").evaluate((element) => (element.dataset.same = "yes"));
    await tabToShare(ada);
    const gone = shortRecovery.logged(/timeout/);
    path.cut();
    await gone; // the room removed Bob; his link to Ada still exists
    await share(ada).click();
    await ada.locator(".notice").getByText("You are sharing your screen").waitFor();
    await bob.evaluate(() => (window.swallow = true)); // and the first attempt to join again is lost, too
    path.mend();
    await seesScreen(bob, "Ada");
    await sees(ada, "Bob");
    assert.equal(await bob.locator('.tile[data-same="yes"]').count(), 1, "the call went on");
  } finally {
    path.stop();
    await shortRecovery.stop();
  }
});

test("two people share at once", async () => {
  const ada = await join("both", "Ada");
  const bob = await join("both", "Bob");
  await sees(ada, "Bob");
  for (const page of [ada, bob]) await tabToShare(page);
  await Promise.all([share(ada).click(), share(bob).click()]);
  await seesScreen(bob, "Ada");
  await seesScreen(ada, "Bob");
  await sees(ada, "Bob");
  await sees(bob, "Ada");
  await say(ada, "both are here");
  await hears(bob, "both are here");
});

test("cancelling the choice of a screen shows no error", async () => {
  const ada = await openPage(browser, server.url, options);
  await ada.addInitScript(() => {
    MediaDevices.prototype.getDisplayMedia = () => Promise.reject(new DOMException("Permission denied", "NotAllowedError"));
  });
  await ada.goto(`${server.url}/r/nothing`);
  await ada.getByRole("button", { name: "Join", exact: true }).click();
  await share(ada).click();
  assert.equal(await share(ada).getAttribute("aria-pressed"), "false");
  assert.equal(await ada.locator(".notice").count(), 0);
});
