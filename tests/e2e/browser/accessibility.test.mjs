// axe-core on every screen, in both themes, in English and Chinese. The sizes are checked in Spanish, too. If the environment
// variable AXE_EVERYWHERE is set, all rules of axe run in each language and theme.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, afterEach, before, test } from "node:test";
import { inRoot } from "../../../scripts/task.mjs";
import { startServer } from "../support.mjs";
import { enter, hears, joinRoom, launch, openChat, openPage, say, sees } from "./support.mjs";

const axe = readFileSync(inRoot("node_modules/axe-core/axe.min.js"), "utf8");

let server;
let browser;
let bare;
before(async () => {
  server = await startServer();
  browser = await launch();
  bare = await launch({ devices: false });
});
after(async () => {
  await browser.close();
  await bare.close();
  await server.stop();
});
afterEach(() => Promise.all([...browser.contexts(), ...bare.contexts()].map((context) => context.close())));

const everywhere = process.env.AXE_EVERYWHERE !== undefined;

/** The rules whose result depends on the theme. */
const rulesOfColour = ["color-contrast", "link-in-text-block"];

const small = { width: 320, height: 568 };
const phone = { width: 390, height: 844 };
const landscape = { width: 844, height: 390 };
const tablet = { width: 768, height: 1024 };
const wide = { width: 1280, height: 800 };

/** Changes a setting, as a user does. */
async function set(page, setting, value) {
  await page.evaluate(({ setting, value }) => {
    const field = document.querySelector(`[data-setting="${setting}"]`);
    field.value = value;
    field.dispatchEvent(new Event("change", { bubbles: true }));
  }, { setting, value });
  if (setting === "language") await page.waitForFunction((language) => document.documentElement.lang === language, value);
}

/** Waits until nothing moves or changes its colour any more. */
function settled(page) {
  return page.evaluate(() => {
    const passing = document.getAnimations().filter(({ effect }) => effect.getComputedTiming().iterations !== Infinity);
    return Promise.allSettled(passing.map(({ finished }) => finished)).then(() => {});
  });
}

/** What is too small for a finger or to read, is cut off or covered, or sticks out of the screen. */
function misfits(page) {
  return page.evaluate(() => {
    const visible = [...document.querySelectorAll("button, input:not([type=checkbox]), select, textarea")].filter((element) => element.checkVisibility({ visibilityProperty: true }));
    const boxes = visible.map((element) => ({ element, box: element.getBoundingClientRect() })).filter(({ box }) => box.width > 0);
    const small = boxes.filter(({ box }) => box.width < 44 || box.height < 44);
    const clips = (element) => {
      for (let box = element.parentElement; box; box = box.parentElement) {
        const { overflowY } = getComputedStyle(box);
        if (overflowY === "hidden" || overflowY === "clip") return box;
        if (overflowY !== "visible") return null; // it scrolls
      }
      return element.closest(".stage"); // the chat beside it covers what sticks out
    };
    const cut = boxes.filter(({ element, box }) => {
      const frame = clips(element)?.getBoundingClientRect();
      return frame && (box.top < frame.top || box.bottom > frame.bottom || box.left < frame.left || box.right > frame.right);
    });
    const middle = ({ box }) => document.elementFromPoint((box.left + box.right) / 2, (box.top + box.bottom) / 2);
    const covered = boxes.filter((place) => place.element.closest(".bar") && middle(place)?.closest(".notice, .panel"));
    const squeezed = [...document.querySelectorAll('[data-slot="name"]')].filter((element) => element.checkVisibility()).map((element) => ({ element, box: element.getBoundingClientRect() })).filter(({ element, box }) => box.width < 12 && element.scrollWidth > element.clientWidth);
    const wide = document.documentElement.scrollWidth > innerWidth ? ["the page scrolls sideways"] : [];
    return [...wide, ...[...small, ...cut, ...covered, ...squeezed].map(({ element, box }) => `${element.outerHTML.slice(0, 120)}: ${box.width} x ${box.height}`)];
  });
}

/** Asserts that a screen fits in each of these sizes, in Spanish, whose words are the longest. */
async function fits(page, screen, ...viewports) {
  const former = page.viewportSize();
  await set(page, "language", "es");
  for (const viewport of viewports) {
    await page.setViewportSize(viewport);
    await settled(page);
    assert.deepEqual(await misfits(page), [], `${screen}, ${viewport.width} x ${viewport.height}`);
  }
  await page.setViewportSize(former);
  await set(page, "language", "en");
}

/** Asserts that axe finds nothing wrong with what the page shows, in both themes, and that all of it fits in each language. */
async function isAccessible(page, screen) {
  await page.evaluate(axe);
  for (const language of ["es", "zh-CN", "en"]) {
    await set(page, "language", language);
    await settled(page);
    assert.deepEqual(await misfits(page), [], `${screen}, ${language}`);
    // In Spanish, whose words are the longest, only the sizes are checked. axe runs in Chinese and in English.
    if (language === "es" && !everywhere) continue;
    // Colours do not depend on the language.
    for (const theme of language === "en" || everywhere ? ["light", "dark"] : ["light"]) {
      await set(page, "theme", theme);
      await settled(page);
      const violations = await page.evaluate(async (rules) => {
        const { violations } = await window.axe.run(document, { resultTypes: ["violations"], ...(rules && { runOnly: rules }) });
        return violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html, any }) => `${html.slice(0, 200)} ${any[0]?.message ?? ""}`).join(" | ")}`);
      }, theme === "light" || everywhere ? null : rulesOfColour);
      assert.deepEqual(violations, [], `${screen}, ${theme}, ${language}`);
    }
  }
}

test("the pages before a call", async () => {
  const page = await openPage(bare, server.url);
  await page.locator('[data-input="room"]').fill("no/such?room");
  await page.locator('[data-input="room"]').press("Enter");
  await page.locator('[data-slot="room-problem"]').waitFor();
  await isAccessible(page, "start page");
  await page.goto(`${server.url}/r/way-in`);
  await page.locator('[data-form="join"]').waitFor();
  await isAccessible(page, "before joining");
  await page.locator('[data-action="preview"]').click();
  await page.locator(".notes p").first().waitFor();
  await isAccessible(page, "without devices");
  await enter(page, "Ada");
  await page.locator(".alone-card").waitFor();
  await isAccessible(page, "alone");
  await page.locator('[data-action="leave"]').click();
  await isAccessible(page, "after the call");
});

test("the preview of a camera, and the button that asks for it, in each size", async () => {
  const seen = await openPage(browser, `${server.url}/r/sizes`);
  await seen.waitForFunction(() => document.querySelector('[data-slot="preview"]').videoWidth > 0);
  const unasked = await openPage(bare, `${server.url}/r/sizes`);
  await unasked.locator('[data-action="preview"]').waitFor();
  await fits(seen, "a picture", small, phone, landscape, tablet, wide);
  await fits(unasked, "the button", small, phone, landscape, tablet, wide);
});

test("a locked room with a password, from outside and inside", async () => {
  const ada = await joinRoom(browser, server, "locked", "Ada");
  await ada.keyboard.press("p");
  const pick = async (action) => {
    await ada.locator('[data-slot="more-button"]').click();
    await ada.locator(`.menu [data-action="${action}"]`).click();
  };
  await pick("lock");
  const bob = await openPage(bare, `${server.url}/r/locked`);
  await bob.locator('[data-form="join"] [type="submit"]').click();
  await bob.locator('[data-slot="waiting"]').waitFor();
  await isAccessible(bob, "waiting");
  await ada.locator(".notice").waitFor();
  await isAccessible(ada, "somebody knocks");
  await bob.evaluate(async () => {
    const { join } = await import("/signalbox.js");
    for (const count of [1, 2]) void join("locked", { name: `Somebody with a name of more than one line, number ${count}` });
  });
  await ada.locator(".notice").nth(2).waitFor();
  await fits(ada, "three knock", small, landscape);
  await ada.locator('[data-slot="deny"]').first().click(); // Bob
  await bob.locator('[data-slot="join-problem"]').waitFor();
  await isAccessible(bob, "denied");
  await pick("password");
  await isAccessible(ada, "setting a password");
  await ada.locator('[data-input="secret"]').fill("secret");
  await ada.keyboard.press("Enter");
  await ada.locator("#secret").waitFor({ state: "hidden" });
  const eve = await openPage(bare, `${server.url}/r/locked`);
  await eve.locator('[data-form="join"] [type="submit"]').click();
  await eve.locator('[data-input="password"]').waitFor();
  await isAccessible(eve, "a password is asked for");
});

test("a call, its menus and dialogs", async () => {
  const ada = await joinRoom(browser, server, "call", "Ada");
  const bob = await joinRoom(browser, server, "call", "Bob");
  await sees(ada, "Bob");
  await say(bob, "see https://example.com");
  await say(ada, "yes");
  await bob.locator('.bar [data-toggle="audio"]').click();
  await isAccessible(ada, "call with chat");
  await fits(ada, "call with chat", tablet, small);
  await ada.setViewportSize(phone);
  await isAccessible(ada, "chat on a phone");
  await ada.locator('[data-action="close-panel"]').click();
  await isAccessible(ada, "call on a phone");
  await ada.setViewportSize(wide);
  await ada.keyboard.press("p");
  await isAccessible(ada, "people");
  await ada.locator('.person [data-slot="actions"]:visible').click();
  await isAccessible(ada, "somebody's menu");
  await ada.locator('#person-menu [data-action="kick"]').click();
  await isAccessible(ada, "a question");
  await ada.keyboard.press("Escape");
  await openChat(ada);
  const more = ada.locator('[data-slot="more-button"]');
  await more.click();
  await isAccessible(ada, "more");
  await ada.keyboard.press("Escape");
  for (const dialog of ["settings", "help", "invite"]) {
    await more.click();
    await ada.locator(`#more [data-action="${dialog}"]`).click();
    await ada.locator(`#${dialog}`).waitFor();
    await isAccessible(ada, dialog);
    await ada.keyboard.press("Escape");
  }
});

test("files, a shared screen, connection details and errors in a call", async () => {
  const key = "AAAAAAAAAAAAAAAAAAAAAA";
  const ada = await joinRoom(browser, server, "trouble", "Ada", { key });
  const bob = await joinRoom(browser, server, "trouble", "Bob", { key });
  const eve = await joinRoom(browser, server, "trouble", "Eve"); // without the key
  await sees(ada, "Bob");
  await ada.locator('.tile[data-trust="verified"]').waitFor();
  for (const page of [ada, bob]) await page.locator(".notice").waitFor();
  await isAccessible(ada, "somebody is not verified");
  for (const page of [ada, bob]) await page.locator(".notice button").click();
  await sees(ada, "Eve");
  await say(eve, "in the clear");
  await hears(ada, "in the clear");
  await openChat(bob);
  const offer = (name, mimeType, buffer) => bob.locator('[data-input="files"]').setInputFiles({ name, mimeType, buffer });
  await openChat(ada);
  await ada.locator('[data-input="receiver"]').selectOption({ label: "Only to Bob" });
  await say(ada, "in private");
  await offer("a.png", "image/png", readFileSync(inRoot("public/icon.png")));
  await ada.locator(".file").waitFor();
  await isAccessible(ada, "a file is offered");
  await ada.locator('.file [data-slot="accept"]').click();
  await ada.locator('.file[data-state="done"]').waitFor();
  await ada.locator(".file .picture").waitFor();
  await offer("b.txt", "text/plain", Buffer.from("words"));
  await ada.locator(".file").nth(1).locator('[data-slot="refuse"]').click();
  await isAccessible(ada, "a file is there, and one is refused");
  await bob.evaluate(async () => {
    const canvas = document.createElement("canvas");
    canvas.getContext("2d").fillRect(0, 0, 1, 1);
    navigator.mediaDevices.getDisplayMedia = async () => canvas.captureStream(5);
  });
  await bob.locator('.bar [data-toggle="screen"]').click();
  await ada.locator(".screen-tile").waitFor();
  await isAccessible(ada, "a screen is shared");
  await isAccessible(bob, "sharing a screen");
  await ada.locator('.tile[data-trust="verified"] .link-chip').click();
  await ada.locator("#link-details").waitFor();
  await isAccessible(ada, "the details of a link");
  await ada.keyboard.press("Escape");
  await ada.locator("#link-details").waitFor({ state: "hidden" });
  await ada.keyboard.press("p");
  await ada.locator('.person:has-text("Bob") [data-slot="actions"]').click();
  await ada.locator('#person-menu [data-action="ask-mute"]').click();
  await bob.locator(".notice").nth(1).waitFor(); // the first says that he shares his screen
  await isAccessible(bob, "the host asks to mute");
  await bob.context().setOffline(true);
  await bob.locator('[data-slot="reconnecting"]').waitFor();
  await isAccessible(bob, "reconnecting");
  await bob.context().setOffline(false);
  await bob.locator('[data-slot="reconnecting"]').waitFor({ state: "hidden" });
  await ada.locator('.person:has-text("Eve") [data-slot="actions"]').click();
  await ada.locator('#person-menu [data-action="kick"]').click();
  await ada.locator('#confirm [data-slot="yes"]').click();
  await eve.locator('[data-view="ended"]').waitFor();
  await isAccessible(eve, "removed by the host");
});
