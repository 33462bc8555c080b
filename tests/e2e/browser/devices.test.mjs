// A user without camera and microphone, or without permission to use them, can still join.

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { startServer } from "../support.mjs";
import { enter, hears, joinRoom, launch, openPage, say, sees, tile } from "./support.mjs";

let server;
let equipped;
let bare;
before(async () => {
  server = await startServer();
  equipped = await launch({ cameras: 3 });
  bare = await launch({ devices: false });
});
after(async () => {
  await equipped.close();
  await bare.close();
  await server.stop();
});
afterEach(() => Promise.all([...equipped.contexts(), ...bare.contexts()].map((context) => context.close())));

test("a user without devices sees, hears and chats", async () => {
  const ada = await joinRoom(equipped, server, "bare", "Ada");
  const bob = await openPage(bare, `${server.url}/r/bare`);
  await bob.getByRole("button", { name: "Allow camera and microphone" }).click();
  await bob.getByText("Camera and microphone: none found").waitFor();
  await enter(bob, "Bob");
  await sees(bob, "Ada");
  await tile(ada, "Bob").and(ada.locator("[data-camera-off][data-muted]")).waitFor();
  await say(bob, "I have only a keyboard");
  await hears(ada, "I have only a keyboard");
  assert.equal(await bob.locator('.bar [data-toggle="video"]').getAttribute("aria-pressed"), "false");
});

for (const [missing, named, there] of [["video", "Camera: none found", "audio"], ["audio", "Microphone: none found", "video"]]) {
  test(`if only the ${missing} device is missing, the other device is used`, async () => {
    const bob = await openPage(equipped, `${server.url}/`);
    await bob.addInitScript((missing) => {
      const { getUserMedia } = MediaDevices.prototype;
      MediaDevices.prototype.getUserMedia = function (constraints) {
        if (constraints[missing]) return Promise.reject(new DOMException("Requested device not found", "NotFoundError"));
        return getUserMedia.call(this, constraints);
      };
    }, missing);
    await bob.goto(`${server.url}/r/only-${there}`);
    await bob.getByText(named).waitFor();
    await enter(bob, "Bob");
    const ada = await joinRoom(equipped, server, `only-${there}`, "Ada");
    await sees(bob, "Ada");
    const off = { video: "[data-camera-off]:not([data-muted])", audio: "[data-muted]:not([data-camera-off])" }[missing];
    await tile(ada, "Bob").and(ada.locator(off)).waitFor();
    if (there === "video") await sees(ada, "Bob");
    assert.equal(await bob.locator(`.bar [data-toggle="${missing}"]`).getAttribute("aria-pressed"), "false");
  });
}

test("a refused permission is explained, the user can still join, and needs one click after allowing it", async () => {
  const asking = await launch({ sharedTab: "nothing" }); // unlike the others, this browser grants no permission by itself
  try {
    const bob = await openPage(asking, `${server.url}/r/refused`);
    await bob.getByRole("button", { name: "Allow camera and microphone" }).click();
    await bob.getByText("Camera and microphone: permission denied").waitFor();
    await enter(bob, "Bob");
    const ada = await joinRoom(equipped, server, "refused", "Ada");
    await sees(bob, "Ada");
    await tile(ada, "Bob").and(ada.locator("[data-camera-off][data-muted]")).waitFor();
    await bob.context().grantPermissions(["camera", "microphone"]);
    await bob.locator('.bar [data-toggle="video"]').click();
    await sees(ada, "Bob");
    assert.deepEqual(bob.errors, []);
  } finally {
    await asking.close();
  }
});

test("\"chat only\" asks for no device, and the camera can be added later", async () => {
  const ada = await joinRoom(equipped, server, "later", "Ada");
  const bob = await openPage(equipped, `${server.url}/r/later`);
  await bob.getByRole("textbox", { name: "Your name" }).fill("Bob");
  await bob.getByRole("button", { name: "Join with chat only" }).click();
  await sees(bob, "Ada");
  await tile(ada, "Bob").and(ada.locator("[data-camera-off][data-muted]")).waitFor();
  await bob.locator('.bar [data-toggle="video"]').click();
  await sees(ada, "Bob");
});

test("permission is asked on a click, never on load", async () => {
  const page = await openPage(bare, `${server.url}/`);
  await page.addInitScript(() => {
    const { getUserMedia } = MediaDevices.prototype;
    window.asked = 0;
    MediaDevices.prototype.getUserMedia = function (constraints) {
      window.asked += 1;
      return getUserMedia.call(this, constraints);
    };
  });
  await page.goto(`${server.url}/r/asking`);
  const allow = page.getByRole("button", { name: "Allow camera and microphone" });
  await allow.waitFor();
  assert.equal(await page.evaluate(() => window.asked), 0);
  await allow.click();
  await page.waitForFunction(() => window.asked > 0);
});

/** Keeps the tracks that the page captures, so that a test can simulate what happens to devices. */
function watchCapture(page) {
  return page.addInitScript(() => {
    const { getUserMedia } = MediaDevices.prototype;
    window.captured = [];
    MediaDevices.prototype.getUserMedia = async function (constraints) {
      const stream = await getUserMedia.call(this, constraints);
      window.captured.push(...stream.getTracks());
      return stream;
    };
  });
}

/** Simulates that a device in use is unplugged. */
const unplug = (page, kind) => page.evaluate((kind) => {
  const track = window.captured.findLast((track) => track.kind === kind);
  track.stop();
  track.dispatchEvent(new Event("ended")); // stop() alone sends no event
}, kind);

test("a camera that is unplugged in a call is reported, and replaced with one click", async () => {
  const ada = await joinRoom(equipped, server, "unplugged", "Ada");
  const bob = await openPage(equipped, `${server.url}/`);
  await watchCapture(bob);
  await bob.goto(`${server.url}/r/unplugged`);
  await enter(bob, "Bob");
  await sees(ada, "Bob");
  await unplug(bob, "video");
  await tile(ada, "Bob").and(ada.locator("[data-camera-off]")).waitFor();
  const notice = bob.locator(".notice").filter({ hasText: "Camera: disconnected." });
  await notice.getByRole("button", { name: "Use another" }).click();
  await notice.waitFor({ state: "detached" });
  await sees(ada, "Bob");

  await unplug(bob, "audio");
  await bob.locator('[data-slot="toast"]').getByText("Your microphone was disconnected. In use now: Fake").waitFor();
  await bob.waitForFunction(() => window.captured.filter(({ kind, readyState }) => kind === "audio" && readyState === "live").length === 1);
  await tile(ada, "Bob").getByRole("img", { name: "Microphone off" }).waitFor({ state: "hidden" });

  await bob.evaluate(() => (MediaDevices.prototype.enumerateDevices = async () => [])); // there is no other microphone
  await unplug(bob, "audio");
  await tile(ada, "Bob").getByRole("img", { name: "Microphone off" }).waitFor();
  const lost = bob.locator(".notice").filter({ hasText: "Microphone: disconnected." });
  await lost.getByRole("button", { name: "Dismiss" }).click();
  await lost.waitFor({ state: "detached" });
  await bob.locator('.bar [data-toggle="audio"]').click();
  await tile(ada, "Bob").getByRole("img", { name: "Microphone off" }).waitFor({ state: "hidden" });
});

test("a microphone that the system mutes is shown as muted to all, with a notice, until the system unmutes it", async () => {
  const ada = await joinRoom(equipped, server, "muted", "Ada");
  const bob = await openPage(equipped, `${server.url}/`);
  await watchCapture(bob);
  await bob.goto(`${server.url}/r/muted`);
  await enter(bob, "Bob");
  await sees(ada, "Bob");
  /** As the browser does when the system mutes a device. */
  const mute = (muted) => bob.evaluate((muted) => {
    const track = window.captured.findLast(({ kind }) => kind === "audio");
    Object.defineProperty(track, "muted", { value: muted, configurable: true });
    track.dispatchEvent(new Event(muted ? "mute" : "unmute"));
  }, muted);
  const notice = bob.locator(".notice").filter({ hasText: "Microphone: muted by the system" });
  const toggle = bob.locator('.bar [data-toggle="audio"]');
  const off = tile(ada, "Bob").getByRole("img", { name: "Microphone off" });

  await mute(true);
  await notice.waitFor();
  await off.waitFor();
  assert.equal(await toggle.getAttribute("aria-pressed"), "false");
  await mute(false);
  await notice.waitFor({ state: "detached" });
  await off.waitFor({ state: "hidden" });
  assert.equal(await toggle.getAttribute("aria-pressed"), "true");

  await mute(true);
  await notice.getByRole("button", { name: "Try again" }).click(); // another track, which is not muted
  await notice.waitFor({ state: "detached" });
  await off.waitFor({ state: "hidden" });
});

test("a device that is busy is tried again with one click", async () => {
  const page = await openPage(equipped, `${server.url}/`);
  await page.addInitScript(() => {
    const { getUserMedia } = MediaDevices.prototype;
    window.busy = true;
    MediaDevices.prototype.getUserMedia = function (constraints) {
      if (window.busy && constraints.video) return Promise.reject(new DOMException("Could not start video source", "NotReadableError"));
      return getUserMedia.call(this, constraints);
    };
  });
  await page.goto(`${server.url}/r/busy`);
  await page.getByText("Camera: another program is using it.").waitFor();
  assert.equal(await page.getByText(/^Microphone:/).count(), 0);
  await page.evaluate(() => (window.busy = false));
  await page.getByRole("button", { name: "Try again" }).click();
  await page.getByText("Camera: another program is using it.").waitFor({ state: "detached" });
  await page.waitForFunction(() => document.querySelector('[data-slot="preview"]').videoWidth > 0);
});

test("microphone and camera are chosen before and in a call, and remembered", async () => {
  const ada = await joinRoom(equipped, server, "choice", "Ada");
  const bob = await openPage(equipped, `${server.url}/`);
  await watchCapture(bob);
  await bob.goto(`${server.url}/r/choice`);
  await bob.waitForFunction(() => window.captured.length >= 2);
  await bob.evaluate(() => {
    const { play } = HTMLMediaElement.prototype;
    HTMLAudioElement.prototype.play = async function () {
      await play.call(this);
      window.played = (window.played ?? 0) + 1;
    };
  });
  const camera = bob.getByRole("combobox", { name: "Camera" });
  const choose = async (label) => {
    await camera.selectOption({ label });
    await bob.waitForFunction((label) => window.captured.at(-1).label === label, label);
    await bob.keyboard.press("Escape");
  };

  const set = async (name, on, kind, wanted) => {
    await bob.getByRole("checkbox", { name }).setChecked(on);
    await bob.waitForFunction(({ kind, wanted }) => {
      const settings = window.captured.findLast((track) => track.kind === kind).getSettings();
      return Object.entries(wanted).every(([name, value]) => settings[name] === value);
    }, { kind, wanted });
  };
  await bob.getByRole("button", { name: "Settings" }).click();
  await set("Noise suppression", false, "audio", { noiseSuppression: false, echoCancellation: true });
  await set("Low data", true, "video", { width: 320, height: 180 });
  await set("Low data", false, "video", { width: 1280, height: 720 });
  const opened = await bob.evaluate(() => window.captured.length);
  for (const language of ["zh-CN", "en"]) {
    await bob.locator('[data-setting="language"]').selectOption(language);
    await bob.waitForFunction((language) => document.documentElement.lang === language, language);
  }
  await bob.getByRole("button", { name: "Test the speaker" }).click();
  await bob.waitForFunction(() => window.played === 1);
  assert.equal(await bob.evaluate(() => window.captured.length), opened, "a change of the language opens no device again");
  await choose("fake_device_2"); // no codec accepts the pictures of fake_device_1
  await enter(bob, "Bob");
  await sees(ada, "Bob");
  await bob.getByRole("button", { name: "More" }).click();
  await bob.getByRole("button", { name: "Settings" }).click();
  await choose("fake_device_0");
  await sees(ada, "Bob");
  await tile(ada, "Bob").and(ada.locator(":not([data-muted])")).waitFor();

  await bob.getByRole("button", { name: "More" }).click();
  await bob.getByRole("button", { name: "Settings" }).click();
  await bob.getByRole("checkbox", { name: "Hide my own picture from me" }).check();
  await bob.locator(".tile.own").waitFor({ state: "detached" });
  await choose("fake_device_2");
  await sees(ada, "Bob"); // the others still see it

  await bob.reload();
  await bob.waitForFunction(() => window.captured.length >= 2);
  assert.equal(await bob.locator('[data-setting="hideSelf"]').isChecked(), true);
  assert.equal(await bob.evaluate(() => window.captured.find(({ kind }) => kind === "video").label), "fake_device_2");
  await bob.getByRole("button", { name: "Switch camera" }).click();
  await bob.waitForFunction(() => window.captured.at(-1).label === "fake_device_0"); // the first comes after the last
});

test("a user who speaks while muted is told so once, and the microphone is closed when the user leaves", async () => {
  const bob = await openPage(equipped, `${server.url}/`);
  await watchCapture(bob);
  await bob.addInitScript(() => {
    const { clone } = MediaStreamTrack.prototype;
    MediaStreamTrack.prototype.clone = function () {
      const copy = clone.call(this);
      window.captured.push(copy);
      return copy;
    };
    navigator.wakeLock.request = async () => Object.assign(new EventTarget(), { released: false, async release() { this.released = window.released = true; } });
  });
  await bob.goto(`${server.url}/r/muted-speaker`);
  await enter(bob, "Bob");
  const toast = bob.locator('[data-slot="toast"]');
  await bob.locator('.bar [data-toggle="audio"]').click();
  await toast.getByText("You are muted. Nobody hears you.").waitFor(); // the fake microphone beeps
  await bob.getByRole("button", { name: "Leave" }).click();
  await bob.waitForFunction(() => window.captured.every(({ readyState }) => readyState === "ended"));
  await bob.waitForFunction(() => window.released); // the wake lock: the screen may go dark again
});

test("a wake lock that the browser grants after the end of the call is released", async () => {
  const bob = await openPage(equipped, server.url);
  await bob.addInitScript(() => {
    const lock = { released: false, release: async () => void (window.released = true) };
    navigator.wakeLock.request = () => new Promise((grant) => (window.grant = () => grant(lock)));
  });
  await bob.goto(`${server.url}/r/late-lock`);
  await enter(bob, "Bob");
  await bob.waitForFunction(() => window.grant);
  await bob.getByRole("button", { name: "Leave" }).click();
  await bob.getByRole("button", { name: "Rejoin" }).waitFor();
  await bob.evaluate(() => window.grant());
  await bob.waitForFunction(() => window.released);
});

test("on http the page says that devices need https, and the user can chat", async () => {
  const plain = await launch({ host: "insecure.test" });
  try {
    const ada = await joinRoom(equipped, server, "insecure", "Ada");
    const bob = await openPage(plain, `http://insecure.test:${server.port}/r/insecure`);
    assert.equal(await bob.evaluate(() => isSecureContext), false);
    await bob.getByRole("button", { name: "Allow camera and microphone" }).click();
    await bob.getByText("Camera and microphone: browsers allow it only on https or localhost.").waitFor();
    await bob.getByRole("button", { name: "Open on https" }).waitFor();
    await enter(bob, "Bob");
    await sees(bob, "Ada");
    await say(bob, "from an insecure page");
    await hears(ada, "from an insecure page");
    assert.deepEqual(bob.errors, []);
  } finally {
    await plain.close();
  }
});
