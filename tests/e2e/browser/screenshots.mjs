// Takes screenshots of every view, for a look at them: node tests/e2e/browser/screenshots.mjs [folder [part…]]
// SIGNALBOX_URL names a running server; without it the built one is started.

import { mkdirSync } from "node:fs";
import { startServer } from "../support.mjs";
import { enter, hears, joinRoom, launch, openChat, openPage, say, sees, tile } from "./support.mjs";

const folder = process.argv[2] ?? ".screenshots";
const wide = { width: 1280, height: 800 };
const phone = { width: 390, height: 844 };
const landscape = { width: 844, height: 390 };

mkdirSync(folder, { recursive: true });
const given = process.env.SIGNALBOX_URL;
const server = given ? { url: given, stop() {} } : await startServer();
const browser = await launch();
const bare = await launch({ devices: false });
const sharing = await launch({ sharedTab: "A tab to share" });
let room = 0;
const chosen = process.argv.slice(3);
try {
  for (const colorScheme of ["dark", "light"]) {
    for (const part of [entries, doors, chatOnly, presenting, calls]) {
      if (chosen.length === 0 || chosen.includes(part.name)) await part(colorScheme);
    }
  }
  await firstScreen();
} finally {
  await browser.close();
  await bare.close();
  await sharing.close();
  await server.stop();
}

async function shoot(page, name, viewport) {
  if (viewport) await page.setViewportSize(viewport);
  await page.evaluate(async () => {
    await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
    const passing = document.getAnimations().filter(({ effect }) => effect.getComputedTiming().iterations !== Infinity);
    await Promise.allSettled(passing.map(({ finished }) => finished));
  });
  await page.screenshot({ path: `${folder}/${name}.png` });
  console.log(`${folder}/${name}.png`);
}

/** A screenshot in each size. */
async function shootAll(page, name) {
  for (const [size, viewport] of Object.entries({ wide, phone, landscape })) await shoot(page, `${name}-${size}`, viewport);
}

async function entries(colorScheme) {
  for (const [locale, suffix] of [["en-US", ""], ["zh-CN", "-zh"]]) {
    const page = await openPage(browser, server.url, { colorScheme, locale });
    await shootAll(page, `home-${colorScheme}${suffix}`);
    const unasked = await openPage(bare, `${server.url}/r/design-review`, { colorScheme, locale });
    await unasked.locator('[data-view="prejoin"]').waitFor();
    await shootAll(unasked, `prejoin-unasked-${colorScheme}${suffix}`);
    await unasked.context().close();
    await page.goto(`${server.url}/r/design-review`); // permission is given, so the preview starts by itself
    await page.waitForFunction(() => document.querySelector('[data-slot="preview"]').videoWidth > 0);
    await shootAll(page, `prejoin-${colorScheme}${suffix}`);
    await page.context().close();
  }
}

async function calls(colorScheme) {
  room += 1;
  const name = `review-${room}-${Date.now().toString(36)}`;
  const names = ["Ada Lovelace", "王小明", "Bartholomew Featherstonehaugh-Cholmondeley of Upper Slaughter", "Grace", "Li Na", "Émile"];
  const pages = [];
  for (const [index, who] of names.entries()) {
    // Half of them send nothing: more is too much for two cores.
    const localStorage = ["audio", "video"].map((name) => ({ name, value: index > 2 ? "off" : "on" }));
    const storageState = { cookies: [], origins: [{ origin: server.url, localStorage }] };
    const page = await joinRoom(browser, server, name, who, { colorScheme, storageState, viewport: index ? { width: 500, height: 400 } : wide });
    pages.push(page);
    const [ada] = pages;
    if (index > 0) await tile(ada, who).and(ada.locator('[data-state="connected"]')).waitFor();
    if (index > 0 && index < 3) await sees(ada, who);
    if (index === 2) await page.locator('.bar [data-toggle="video"]').click();
    if (index === 1) await conversation(ada, page);
    if (index === 2) await overlays(ada, page, colorScheme);
    if (![0, 1, 3, 5].includes(index)) continue;
    await shoot(ada, `call-${index + 1}-wide-${colorScheme}`, wide);
    await openChat(ada);
    await shoot(ada, `call-${index + 1}-chat-phone-${colorScheme}`, phone);
    await shoot(ada, `call-${index + 1}-chat-landscape-${colorScheme}`, landscape);
    await ada.locator('[data-action="close-panel"]').click();
    await shoot(ada, `call-${index + 1}-landscape-${colorScheme}`, landscape);
    await shoot(ada, `call-${index + 1}-phone-${colorScheme}`, phone);
    await ada.setViewportSize(wide);
    await shoot(ada, `call-${index + 1}-nochat-wide-${colorScheme}`, wide);
    await openChat(ada);
  }
  await pages[0].setViewportSize(wide);
  await pages[0].getByRole("button", { name: "Leave" }).click();
  await shootAll(pages[0], `ended-${colorScheme}`);
  for (const page of pages) await page.context().close();
}

async function conversation(ada, other) {
  await say(ada, "Hi! Can you see the slides? https://example.com/a/rather/long/path?with=a&query=string");
  await hears(other, "Hi! Can you see the slides? https://example.com/a/rather/long/path?with=a&query=string");
  await say(other, "看得到，很清楚 👍");
  await hears(ada, "看得到，很清楚 👍");
  await say(other, "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft");
  await say(other, "第二页的数字\n需要再核对一下");
  await hears(ada, "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft");
  await say(ada, "ok");
  await other.locator('[data-action="close-panel"]').click();
}

/** The list of people, menus and dialogs over a call; `other` raises a hand. */
async function overlays(ada, other, colorScheme) {
  await other.locator('[data-slot="more-button"]').click();
  await other.locator('#more [data-action="hand"]').click();
  await ada.locator(".tile[data-hand]").waitFor();
  await ada.setViewportSize(wide);
  await ada.locator('[data-tab="people"]').click();
  await shootAll(ada, `people-${colorScheme}`);
  await ada.setViewportSize(wide);
  await ada.locator('.person [data-slot="actions"]:visible').first().click();
  await shoot(ada, `person-menu-${colorScheme}-wide`);
  await ada.locator('#person-menu [data-action="kick"]').click();
  await shootAll(ada, `confirm-${colorScheme}`);
  await ada.keyboard.press("Escape");
  await ada.setViewportSize(phone);
  await ada.locator('[data-action="close-panel"]').click();
  for (const [size, viewport] of Object.entries({ wide, phone, landscape })) {
    await ada.setViewportSize(viewport);
    await ada.locator('[data-slot="more-button"]').click();
    await shoot(ada, `more-${colorScheme}-${size}`);
    await ada.keyboard.press("Escape");
  }
  for (const dialog of ["settings", "help", "invite", "password"]) {
    await ada.setViewportSize(wide);
    await ada.locator('[data-slot="more-button"]').click();
    await ada.locator(`#more [data-action="${dialog}"]`).click();
    await shootAll(ada, `${dialog}-${colorScheme}`);
    await ada.keyboard.press("Escape");
  }
}

/** A locked room with a password, from both sides. */
async function doors(colorScheme) {
  const name = `doors-${room}-${Date.now().toString(36)}`;
  const ada = await joinRoom(browser, server, name, "Ada", { colorScheme, viewport: wide });
  const pick = async (action) => {
    await ada.locator('[data-slot="more-button"]').click();
    await ada.locator(`#more [data-action="${action}"]`).click();
  };
  await pick("lock");
  const bob = await openPage(browser, `${server.url}/r/${name}`, { colorScheme });
  await bob.locator('[data-input="name"]:visible').fill("Bartholomew Featherstonehaugh-Cholmondeley");
  await bob.locator('[data-form="join"] [type="submit"]').click();
  await bob.locator('[data-slot="waiting"]').waitFor();
  await shootAll(bob, `waiting-${colorScheme}`);
  await ada.locator(".notice").waitFor();
  await shootAll(ada, `knock-${colorScheme}`);
  await ada.setViewportSize(wide);
  await ada.locator(".notice button").first().click();
  await bob.locator('[data-slot="join-problem"]').waitFor();
  await shootAll(bob, `denied-${colorScheme}`);
  await pick("password");
  await ada.locator('[data-input="secret"]').fill("secret");
  await ada.keyboard.press("Enter");
  await ada.locator("#secret").waitFor({ state: "hidden" });
  const eve = await openPage(bare, `${server.url}/r/${name}`, { colorScheme });
  await eve.locator('[data-form="join"] [type="submit"]').click();
  await eve.locator('[data-input="password"]').fill("wrong");
  await eve.keyboard.press("Enter");
  await eve.locator('[aria-invalid="true"]').waitFor();
  await shootAll(eve, `password-asked-${colorScheme}`);
  for (const page of [ada, bob, eve]) await page.context().close();
}

/** A user shares a screen. */
async function presenting(colorScheme) {
  const name = `presenting-${Date.now().toString(36)}`;
  const options = { permissions: ["camera", "microphone"], colorScheme, viewport: { width: 640, height: 480 } };
  const ada = await joinRoom(sharing, server, name, "Ada Lovelace", options);
  const bob = await joinRoom(sharing, server, name, "王小明", options);
  await sees(bob, "Ada Lovelace");
  const tab = await ada.context().newPage();
  await tab.setContent("<title>A tab to share</title><body style='font: 60px sans-serif; background: #fff; padding: 60px'>Slides to look at");
  await ada.bringToFront();
  await ada.locator('.bar [data-toggle="screen"]').click();
  await bob.waitForFunction(() => document.querySelector(".screen-tile video")?.videoWidth > 0);
  await bob.setViewportSize(wide);
  await openChat(bob);
  await shoot(bob, `presented-chat-${colorScheme}-wide`);
  await bob.locator('[data-action="close-panel"]').click();
  await shootAll(bob, `presented-${colorScheme}`);
  await shootAll(ada, `presenting-${colorScheme}`);
  for (const page of [ada, bob]) await page.context().close();
}

/** How soon the start page can be used on a slow machine. */
async function firstScreen() {
  const page = await openPage(bare, "about:blank");
  const session = await page.context().newCDPSession(page);
  await session.send("Emulation.setCPUThrottlingRate", { rate: 4 });
  await page.goto(server.url);
  await page.locator('[data-form="start"] button').click({ trial: true });
  const usable = await page.evaluate(() => Math.round(performance.now()));
  const painted = await page.evaluate(() => Math.round(performance.getEntriesByName("first-contentful-paint")[0].startTime));
  console.log(`with the processor four times slower, the start page is painted after ${painted} ms and usable after ${usable} ms`);
}

async function chatOnly(colorScheme) {
  const page = await openPage(bare, `${server.url}/r/chat-only-${colorScheme}`, { colorScheme });
  await page.locator('[data-action="preview"]').click();
  await page.locator(".notes p").first().waitFor();
  await shootAll(page, `prejoin-no-devices-${colorScheme}`);
  await enter(page, "Ada");
  await shootAll(page, `chat-only-${colorScheme}`);
  await page.context().close();
}
