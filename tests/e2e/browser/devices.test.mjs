// Without camera and microphone, or without the permission to use them, one joins all the same.

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { startServer } from "../support.mjs";
import { enter, hears, joinRoom, launch, openPage, say, sees, tile } from "./support.mjs";

let server;
let equipped;
let bare;
before(async () => {
  server = await startServer();
  equipped = await launch();
  bare = await launch({ devices: false });
});
after(async () => {
  await equipped.close();
  await bare.close();
  await server.stop();
});
afterEach(() => Promise.all([...equipped.contexts(), ...bare.contexts()].map((context) => context.close())));

/** Hands out made-up devices only to who is allowed, as a person at the prompt does. */
function refuse(page) {
  return page.addInitScript(() => {
    MediaDevices.prototype.getUserMedia = () => Promise.reject(new DOMException("Permission denied", "NotAllowedError"));
  });
}

test("with no devices one sees, hears and chats", async () => {
  const ada = await joinRoom(equipped, server, "bare", "Ada");
  const bob = await openPage(bare, `${server.url}/r/bare`);
  await bob.getByRole("button", { name: "Allow camera and microphone" }).click();
  await bob.getByText("Camera: none found").waitFor();
  await bob.getByText("Microphone: none found").waitFor();
  await enter(bob, "Bob");
  await sees(bob, "Ada");
  await tile(ada, "Bob").and(ada.locator("[data-camera-off][data-muted]")).waitFor();
  await say(bob, "I have only a keyboard");
  await hears(ada, "I have only a keyboard");
  assert.equal(await bob.locator('.bar [data-toggle="video"]').getAttribute("aria-pressed"), "false");
});

test("a refusal is explained, and one joins with what is left", async () => {
  const page = await openPage(equipped, `${server.url}/`);
  await refuse(page);
  await page.goto(`${server.url}/r/refused`);
  await page.getByText("Camera: permission denied").waitFor();
  await page.getByText("Microphone: permission denied").waitFor();
  await enter(page, "Bob");
  const ada = await joinRoom(equipped, server, "refused", "Ada");
  await sees(page, "Ada");
  await tile(ada, "Bob").and(ada.locator("[data-camera-off][data-muted]")).waitFor();
});

test("chat only asks for no device, and may add the camera later", async () => {
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
