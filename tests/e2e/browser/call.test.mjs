// Two users in a room: video, chat, and devices that are switched off and on.

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { startServer } from "../support.mjs";
import { hears, joinRoom, launch, mesh, openChat, say, sees, tile } from "./support.mjs";

let server;
let browser;
let rooms = 0;
before(async () => {
  server = await startServer();
  browser = await launch();
});
after(async () => {
  await browser.close();
  await server.stop();
});
afterEach(() => Promise.all(browser.contexts().map((context) => context.close())));

async function two(options) {
  const room = `call-${(rooms += 1)}`;
  const ada = await joinRoom(browser, server, room, "Ada", options);
  const bob = await joinRoom(browser, server, room, "鲍勃", options);
  await sees(ada, "鲍勃");
  await sees(bob, "Ada");
  return { ada, bob };
}

test("two people see each other and chat, and nothing leaves the origin", async () => {
  const { ada, bob } = await two();
  await say(ada, "Hello! 你好 👋🏽");
  await hears(bob, "Hello! 你好 👋🏽");
  await say(bob, "听得很清楚 🎉");
  await hears(ada, "听得很清楚 🎉");
  for (const page of [ada, bob]) {
    assert.equal(await page.locator(".message").count(), 2, "no message is shown twice");
    const elsewhere = page.requests.filter((url) => new URL(url).host !== new URL(server.url).host);
    assert.deepEqual(elsewhere, []);
    assert.deepEqual(page.errors, []);
  }
});

test("markup in a name or a message stays text", async () => {
  const room = `call-${(rooms += 1)}`;
  const ada = await joinRoom(browser, server, room, "<b>Ada</b>");
  const bob = await joinRoom(browser, server, room, "Bob");
  await say(ada, "<img src=x onerror=alert(1)> see https://example.com/a?b=c.");
  await hears(bob, "<img src=x onerror=alert(1)> see https://example.com/a?b=c.");
  assert.equal(await bob.locator(".message img, .tile b").count(), 0);
  assert.equal(await bob.locator(".bubble a").getAttribute("href"), "https://example.com/a?b=c");
  await tile(bob, "<b>Ada</b>").waitFor();
});

test("Enter confirms a word in an input method, and sends the message otherwise", async () => {
  const { ada, bob } = await two();
  await say(ada, "first");
  const keyboard = await ada.context().newCDPSession(ada);
  await keyboard.send("Input.imeSetComposition", { text: "ni hao", selectionStart: 6, selectionEnd: 6 });
  const input = ada.getByRole("textbox", { name: "Write a message" });
  await input.evaluate((element) => {
    window.pressed = new Promise((pressed) => {
      element.addEventListener("keydown", ({ key, isComposing }) => pressed({ key, isComposing }), { once: true });
    });
  });
  // As with an input method: the page sees the key, but the key itself writes nothing.
  await keyboard.send("Input.dispatchKeyEvent", { type: "rawKeyDown", key: "Enter", code: "Enter", windowsVirtualKeyCode: 13 });
  assert.deepEqual(await ada.evaluate(() => window.pressed), { key: "Enter", isComposing: true });
  await keyboard.send("Input.insertText", { text: "你好" });
  assert.equal(await input.inputValue(), "你好");
  await ada.keyboard.press("Shift+Enter");
  await ada.keyboard.type("second line");
  await ada.keyboard.press("Enter");
  await hears(bob, "你好\nsecond line");
  assert.equal(await bob.locator(".message").count(), 2);
});

test("the others see a microphone or a camera switched off, and on again", async () => {
  const { ada, bob } = await two();
  const toggle = (kind) => ada.locator(`.bar [data-toggle="${kind}"]`);
  const seen = tile(bob, "Ada");

  await toggle("audio").click();
  assert.equal(await toggle("audio").getAttribute("aria-pressed"), "false");
  await seen.getByRole("img", { name: "Microphone off" }).waitFor();
  await toggle("video").click();
  await seen.and(bob.locator("[data-camera-off]")).waitFor();

  await toggle("audio").click();
  await toggle("video").click();
  await seen.and(bob.locator(":not([data-camera-off]):not([data-muted])")).waitFor();
  await sees(bob, "Ada");
});

test("a user who joins later sees the earlier messages", async () => {
  const { ada, bob } = await two();
  await say(ada, "one");
  await say(bob, "two");
  await hears(ada, "two");
  const room = new URL(ada.url()).pathname.split("/").pop();
  const eve = await joinRoom(browser, server, room, "Eve");
  await hears(eve, "one");
  await hears(eve, "two");
  await hears(eve, "↑ Before you joined");
});

test("a raised hand is seen, and lowered", async () => {
  const { ada, bob } = await two();
  await bob.getByRole("button", { name: "More" }).click();
  await bob.getByRole("button", { name: "Raise hand" }).click();
  await tile(ada, "鲍勃").getByRole("img", { name: "Hand raised" }).waitFor();
  await ada.getByText("鲍勃 raised a hand").first().waitFor();
  await bob.getByRole("button", { name: "More" }).click();
  const hand = bob.getByRole("button", { name: "Raise hand" });
  assert.equal(await hand.getAttribute("aria-pressed"), "true");
  await hand.click();
  await tile(ada, "鲍勃").getByRole("img", { name: "Hand raised" }).waitFor({ state: "hidden" });
});

test("the others see who is typing, until the message is sent or deleted", async () => {
  const { ada, bob } = await two();
  const input = bob.getByRole("textbox", { name: "Write a message" });
  await input.pressSequentially("hm");
  await ada.getByText("鲍勃 is writing…").waitFor();
  const [log, line] = await ada.evaluate(() => ["log", "typing"].map((slot) => document.querySelector(`[data-slot="${slot}"]`).getBoundingClientRect().toJSON()));
  assert.ok(line.top >= log.bottom, "it stands between the messages and the field");
  await input.fill("");
  await ada.getByText("鲍勃 is writing…").waitFor({ state: "detached" });
  await input.pressSequentially("well");
  await ada.getByText("鲍勃 is writing…").waitFor();
  await input.press("Enter");
  await hears(ada, "well");
  await ada.getByText("鲍勃 is writing…").waitFor({ state: "detached" });
  await input.fill("   ");
  await input.press("Enter");
  assert.equal(await bob.locator(".message").count(), 1, "an empty message is not sent");
});

test("the log does not scroll while a user reads older messages, and counts the new ones", async () => {
  const { ada, bob } = await two();
  for (let line = 1; line <= 8; line += 1) await say(bob, `${line}\n.\n.\n.\n.`);
  await say(bob, "the end");
  await hears(ada, "the end");
  const log = ada.locator('[data-slot="log"]');
  const position = () => log.evaluate(({ scrollTop, scrollHeight, clientHeight }) => ({ top: scrollTop, end: scrollHeight - clientHeight }));
  const atEnd = ({ top, end }) => end > 0 && end - top < 5;
  assert.ok(atEnd(await position()), "the log follows what is said");
  await log.evaluate((element) => new Promise((scrolled) => {
    element.addEventListener("scroll", scrolled, { once: true });
    element.scrollTop = 0;
  }));
  for (const message of ["new", "newer", "newest"]) await say(bob, message);
  await ada.getByRole("button", { name: "3 new ↓" }).click();
  assert.ok(atEnd(await position()));
  await ada.getByRole("button", { name: "new ↓" }).waitFor({ state: "hidden" });
});

test("on a phone the chat is a sheet, and unread messages are counted", async () => {
  const { ada, bob } = await two({ viewport: { width: 390, height: 844 } });
  await ada.locator(".panel").waitFor({ state: "hidden" });
  await say(bob, "are you there?");
  await say(bob, "hello?");
  await ada.locator(".badge").getByText("2").waitFor();
  await openChat(ada);
  await ada.locator(".badge").waitFor({ state: "hidden" });
  await ada.locator(".panel").evaluate((panel) => Promise.all(panel.getAnimations().map(({ finished }) => finished)));
  const { y, height, width } = await ada.locator(".panel").boundingBox();
  assert.deepEqual([y + height, width], [844, 390]);
  assert.ok(y > 150, "the call stays in sight above it");
  await ada.getByRole("button", { name: "Close panel" }).click();
  await ada.locator(".panel").waitFor({ state: "hidden" });
});

test("the tile shows the quality of the connection, and one click shows the details", async () => {
  const { ada } = await two();
  await say(ada, "drawn once");
  await ada.locator('.message[data-delivery="sent"]').waitFor();
  await ada.evaluate(() => {
    for (const slot of ["typing", "note", "delivery-text"]) document.querySelector(`[data-slot="${slot}"]`).textContent = "drawn by the test";
  });
  await ada.locator('.tile[data-quality="good"], .tile[data-quality="fair"]').first().waitFor();
  const left = await ada.evaluate(() => ["typing", "note", "delivery-text"].map((slot) => document.querySelector(`[data-slot="${slot}"]`).textContent));
  assert.deepEqual(left, Array(3).fill("drawn by the test"), "a measurement does not draw the chat again");
  const path = await tile(ada, "鲍勃").locator('[data-slot="path"]').innerText();
  assert.match(path, /^direct$/);
  await ada.getByRole("button", { name: /^Link to 鲍勃: (good|fair), direct/ }).click();
  const details = ada.getByRole("dialog", { name: "鲍勃" });
  for (const fact of [/^direct \((host|prflx), udp\)$/, /^\d+ ms$/, /^↓ \d[\d.]*% {2}↑ \d[\d.]*%$/, /^↓ 0?[\d.]+ Mb\/s {2}↑ [\d.]+ Mb\/s$/, /^\d{3,4} × \d{3,4}, \d+ fps$/]) {
    await details.locator("dd").filter({ hasText: fact }).waitFor();
  }
  await details.getByText("Not verified: your link carries no key").waitFor();
  await details.getByRole("button", { name: "Close" }).click();
  await details.waitFor({ state: "hidden" });
});

test("another user is shown large, played quieter, without video or in full screen; a user who speaks is shown large", async () => {
  const [ada, bob, cleo] = await mesh(browser, server, "large", 3);
  const large = (name) => ada.locator(".screens .tile").filter({ hasText: name });
  const video = (name) => tile(ada, name).locator("video");
  const openMenu = (name) => tile(ada, name).getByRole("button", { name: `Actions for ${name}` }).click();
  const menu = ada.getByRole("group", { name: "This person" });

  await openMenu("Bob");
  await ada.keyboard.press("Enter"); // the first item has the focus
  await large("Bob").waitFor();
  await sees(ada, "Bob");
  await openMenu("Bob");
  assert.equal(await menu.getByRole("button", { name: "Show large" }).getAttribute("aria-pressed"), "true");
  await menu.getByRole("slider", { name: "Volume" }).fill("0.25");
  await ada.waitForFunction((element) => element.volume === 0.25, await video("Bob").elementHandle());
  await menu.getByRole("button", { name: "Hide picture" }).click();
  await tile(ada, "Bob").and(ada.locator("[data-camera-off]")).waitFor();
  await openMenu("Bob");
  await menu.getByRole("button", { name: "Show large" }).click();
  await ada.locator(".screens").waitFor({ state: "hidden" });
  assert.equal(await video("Bob").evaluate((element) => element.volume), 0.25, "the volume stays");

  await openMenu("Cleo");
  await menu.getByRole("button", { name: "Full screen" }).click();
  await ada.waitForFunction(() => document.fullscreenElement?.textContent.includes("Cleo"));
  await ada.evaluate(() => document.exitFullscreen());

  await bob.locator('.bar [data-toggle="audio"]').click(); // the fake microphones beep
  await ada.getByRole("button", { name: "More" }).click();
  await ada.getByRole("button", { name: "Enlarge the person speaking" }).click();
  await large("Cleo").waitFor();
  await bob.locator('.bar [data-toggle="audio"]').click();
  await cleo.locator('.bar [data-toggle="audio"]').click();
  await large("Bob").waitFor();
  for (const page of [ada, bob, cleo]) assert.deepEqual(page.errors, []);
});

test("a message is copied; messages that arrive while the page is hidden are counted in its title, with a notification", async () => {
  const { ada, bob } = await two({ permissions: ["clipboard-read", "clipboard-write"] });
  const name = await ada.title();
  await ada.evaluate(() => {
    window.notified = [];
    window.Notification = class {
      static requestPermission = async () => "granted";
      constructor(title, { body }) {
        window.notified.push(body);
      }
    };
  });
  await ada.getByRole("button", { name: "More" }).click();
  await ada.getByRole("button", { name: "Settings" }).click();
  await ada.getByRole("checkbox", { name: "Notify me while this page is hidden" }).check();
  await ada.keyboard.press("Escape");
  const hide = (hidden) => ada.evaluate((hidden) => {
    Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  }, hidden);
  await openChat(ada);
  await say(bob, "seen");
  await hears(ada, "seen");
  await hide(true);
  await say(bob, "unseen");
  await ada.waitForFunction((title) => document.title === title, `(1) ${name}`);
  assert.deepEqual(await ada.evaluate(() => window.notified), ["鲍勃: unseen"]);
  await hide(false);
  await ada.waitForFunction((title) => document.title === title, name);

  await ada.locator(".message").last().hover();
  await ada.locator(".message").last().getByRole("button", { name: "Copy message" }).click();
  await ada.locator('[data-slot="toast"]').getByText("Message copied").waitFor();
  assert.equal(await ada.evaluate(() => navigator.clipboard.readText()), "unseen");
});
