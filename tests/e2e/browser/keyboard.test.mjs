// Users do everything with the keyboard alone, and use the shortcuts of a call.

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { startServer } from "../support.mjs";
import { hears, joinRoom, launch, openPage, sees, tile } from "./support.mjs";

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

/** Presses a key until what a locator finds has the focus. */
async function tabTo(page, locator, key = "Tab") {
  await locator.waitFor();
  for (let presses = 0; presses < 60; presses += 1) {
    if (await locator.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press(key);
  }
  assert.fail(`${key} does not lead to ${locator}`);
}

const pressed = (page, kind) => page.locator(`.bar [data-toggle="${kind}"]`).getAttribute("aria-pressed");
const becomes = (page, kind, state) => page.locator(`.bar [data-toggle="${kind}"][aria-pressed="${state}"]`).waitFor();

test("the keyboard leads from the start page into a call, through its menus and dialogs, and out again", async () => {
  const page = await openPage(browser, server.url);
  const button = (name) => page.getByRole("button", { name, exact: true });
  await tabTo(page, page.getByRole("textbox", { name: "Your name" }));
  await page.keyboard.type("Ada");
  await tabTo(page, button("Start a room"));
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Ready to join?" }).waitFor();
  await page.keyboard.press("Enter"); // the focus is on the name
  await page.locator(".alone-card").waitFor();

  await tabTo(page, button("More"));
  await page.keyboard.press("Enter");
  await tabTo(page, button("Raise hand"));
  await tabTo(page, button("Settings"), "ArrowDown");
  await page.keyboard.press("Enter");
  const dialog = page.getByRole("dialog", { name: "Settings" });
  await dialog.waitFor();
  for (let presses = 0; presses < 20; presses += 1) {
    await page.keyboard.press("Tab");
    assert.ok(await dialog.evaluate((element) => element.contains(document.activeElement) || document.activeElement === document.body), "the focus stays in the dialog");
  }
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "hidden" });
  assert.ok(await button("More").evaluate((element) => element === document.activeElement), "the focus returns to where it was");
  await page.keyboard.press("Enter");
  await button("Raise hand").waitFor();
  await page.keyboard.press("Escape");
  await button("Raise hand").waitFor({ state: "hidden" });

  await tabTo(page, page.getByRole("tab", { name: "Chat" }));
  await page.keyboard.press("ArrowRight");
  await page.getByRole("tab", { name: /^People/, selected: true }).waitFor();
  await tabTo(page, page.getByRole("button", { name: "Close panel" }));
  await page.keyboard.press("Enter");
  await page.locator(".panel").waitFor({ state: "hidden" });
  await tabTo(page, button("Leave"));
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "You left the room" }).waitFor();
  await tabTo(page, button("Rejoin"));
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Ready to join?" }).waitFor();
  assert.deepEqual(page.errors, []);
});

test("the host's actions, the chat and a file work with the keyboard alone", async () => {
  const ada = await joinRoom(browser, server, "hosted", "Ada");
  const press = async (page, locator, key = "Enter") => {
    await tabTo(page, locator);
    await page.keyboard.press(key);
  };
  await press(ada, ada.getByRole("button", { name: "More", exact: true }));
  await press(ada, ada.getByRole("button", { name: "Lock room" }));
  const bob = await openPage(browser, `${server.url}/r/hosted`);
  await press(bob, bob.getByRole("button", { name: "Join", exact: true }));
  await bob.getByRole("heading", { name: "The host has been asked" }).waitFor();
  await press(ada, ada.locator(".notice").getByRole("button", { name: "Let in" }));
  await sees(ada, "Guest");

  await tabTo(ada, ada.getByRole("textbox", { name: "Write a message" }));
  await ada.keyboard.type("typed");
  await ada.keyboard.press("Enter");
  await hears(bob, "typed");
  const chosen = bob.waitForEvent("filechooser");
  await press(bob, bob.locator('[data-action="attach"]'));
  await (await chosen).setFiles({ name: "a.txt", mimeType: "text/plain", buffer: Buffer.from("words") });
  await press(ada, ada.locator('.file [data-slot="accept"]'));
  await tabTo(ada, ada.locator('.file [data-slot="save"]'));

  await ada.locator("#content").focus();
  await ada.keyboard.press("p");
  await press(ada, ada.locator('.person [data-slot="actions"]:visible'));
  const slider = ada.locator('#person-menu input[type="range"]');
  await tabTo(ada, slider, "ArrowDown");
  await ada.keyboard.press("ArrowLeft");
  assert.notEqual(await slider.inputValue(), await slider.getAttribute("max"));
  await tabTo(ada, ada.locator('#person-menu [data-action="kick"]'));
  await ada.keyboard.press("Enter");
  await press(ada, ada.locator('#confirm [data-slot="yes"]'));
  await bob.getByRole("heading", { name: "You were removed from the room" }).waitFor();
});

test("the keys of a call work outside of fields, and can be switched off", async () => {
  const ada = await joinRoom(browser, server, "keys", "Ada");
  const bob = await joinRoom(browser, server, "keys", "Bob");
  await sees(ada, "Bob");
  const input = bob.getByRole("textbox", { name: "Write a message" });
  const muted = tile(ada, "Bob").getByRole("img", { name: "Microphone off" });
  await bob.locator("#content").focus();

  await bob.keyboard.press("m");
  await becomes(bob, "audio", false);
  await muted.waitFor();
  await bob.keyboard.down(" "); // hold to talk
  await becomes(bob, "audio", true);
  await muted.waitFor({ state: "hidden" });
  await bob.keyboard.up(" ");
  await becomes(bob, "audio", false);
  await bob.keyboard.press("v");
  await becomes(bob, "video", false);
  await bob.keyboard.press("v");
  await becomes(bob, "video", true);

  await bob.keyboard.press("p");
  await bob.getByRole("tab", { name: /^People/, selected: true }).waitFor();
  await bob.keyboard.press("p");
  await bob.locator(".panel").waitFor({ state: "hidden" });
  await bob.keyboard.press("/");
  await bob.waitForFunction(() => document.activeElement.dataset.input === "message");
  await bob.keyboard.type("mvscp/? ");
  assert.equal(await input.inputValue(), "mvscp/? ", "in a field they are letters");
  assert.equal(await pressed(bob, "audio"), "false");
  await bob.keyboard.press("Escape");
  await bob.locator(".panel").waitFor({ state: "hidden" });
  await bob.keyboard.press("c");
  await input.waitFor();
  await bob.locator("#content").focus();
  await bob.keyboard.press("Control+m");
  assert.equal(await pressed(bob, "audio"), "false");

  await bob.keyboard.press("?");
  const help = bob.getByRole("dialog", { name: "Keyboard shortcuts" });
  await help.waitFor();
  await bob.keyboard.press("m"); // shortcuts do not work while a dialog is open
  assert.equal(await pressed(bob, "audio"), "false");
  await help.getByRole("checkbox", { name: "Keyboard shortcuts" }).uncheck();
  await bob.keyboard.press("Escape");
  await help.waitFor({ state: "hidden" });
  await bob.locator("#content").focus();
  await bob.keyboard.press("m");
  await bob.keyboard.press("?");
  assert.equal(await pressed(bob, "audio"), "false");
  assert.equal(await help.isVisible(), false);
  await bob.reload();
  assert.equal(await bob.evaluate(() => localStorage.getItem("shortcuts")), "off");
});

test("the space bar scrolls where there is something to scroll; elsewhere it switches the microphone on while it is held", async () => {
  const ada = await joinRoom(browser, server, "space", "Ada");
  await ada.keyboard.press("m");
  await becomes(ada, "audio", false);
  const log = ada.locator('[data-slot="log"]');
  await log.evaluate((element) => {
    element.append(Object.assign(document.createElement("div"), { id: "long", style: "flex: none; height: 5000px" }));
    element.focus();
    element.scrollTop = 0;
  });
  await ada.keyboard.press(" ");
  await ada.waitForFunction(() => document.querySelector('[data-slot="log"]').scrollTop > 0);
  assert.equal(await pressed(ada, "audio"), "false");
  await ada.evaluate(() => document.getElementById("long").remove());
  await ada.keyboard.down(" ");
  await becomes(ada, "audio", true);
  await ada.keyboard.up(" ");
  await becomes(ada, "audio", false);
});
