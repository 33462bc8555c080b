// Pictures of every view, for looking at them: node tests/e2e/browser/screenshots.mjs [folder]
// SIGNALBOX_URL names a running server; without it the built one is started.

import { mkdirSync } from "node:fs";
import { startServer } from "../support.mjs";
import { enter, hears, joinRoom, launch, openChat, openPage, say, sees } from "./support.mjs";

const folder = process.argv[2] ?? ".screenshots";
const wide = { width: 1280, height: 800 };
const phone = { width: 390, height: 844 };
const landscape = { width: 844, height: 390 };

mkdirSync(folder, { recursive: true });
const given = process.env.SIGNALBOX_URL;
const server = given ? { url: given, stop() {} } : await startServer();
const browser = await launch();
const bare = await launch({ devices: false });
let room = 0;
try {
  for (const colorScheme of ["dark", "light"]) {
    await entries(colorScheme);
    await calls(colorScheme);
  }
  await chatOnly();
} finally {
  await browser.close();
  await bare.close();
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

async function entries(colorScheme) {
  for (const [locale, suffix] of [["en-US", ""], ["zh-CN", "-zh"]]) {
    const page = await openPage(browser, server.url, { colorScheme, locale });
    await shoot(page, `home-wide-${colorScheme}${suffix}`, wide);
    await shoot(page, `home-phone-${colorScheme}${suffix}`, phone);
    const unasked = await openPage(bare, `${server.url}/r/design-review`, { colorScheme, locale });
    await unasked.locator('[data-view="prejoin"]').waitFor();
    await shoot(unasked, `prejoin-unasked-wide-${colorScheme}${suffix}`, wide);
    await unasked.context().close();
    await page.goto(`${server.url}/r/design-review`); // permission is given, so the preview starts by itself
    await page.waitForFunction(() => document.querySelector('[data-slot="preview"]').videoWidth > 0);
    for (const [name, viewport] of Object.entries({ wide, phone, landscape })) {
      await shoot(page, `prejoin-${name}-${colorScheme}${suffix}`, viewport);
    }
    await page.context().close();
  }
}

async function calls(colorScheme) {
  room += 1;
  const name = `review-${room}-${Date.now().toString(36)}`;
  const names = ["Ada Lovelace", "王小明", "Bartholomew Featherstonehaugh-Cholmondeley of Upper Slaughter", "Grace", "Li Na", "Émile"];
  const pages = [];
  for (const [index, who] of names.entries()) {
    const page = await joinRoom(browser, server, name, who, { colorScheme, viewport: index ? { width: 500, height: 400 } : wide });
    pages.push(page);
    const [ada] = pages;
    if (index > 0) await sees(ada, who);
    if (index === 2) await page.locator('.bar [data-toggle="video"]').click();
    if (index === 1) await conversation(ada, page);
    if (![0, 1, 3, 5].includes(index)) continue;
    await shoot(ada, `call-${index + 1}-wide-${colorScheme}`, wide);
    await openChat(ada);
    await shoot(ada, `call-${index + 1}-chat-phone-${colorScheme}`, phone);
    await shoot(ada, `call-${index + 1}-chat-landscape-${colorScheme}`, landscape);
    await ada.locator('[data-action="close-chat"]').click();
    await shoot(ada, `call-${index + 1}-landscape-${colorScheme}`, landscape);
    await shoot(ada, `call-${index + 1}-phone-${colorScheme}`, phone);
    await ada.setViewportSize(wide);
    await shoot(ada, `call-${index + 1}-nochat-wide-${colorScheme}`, wide);
    await openChat(ada);
  }
  await pages[0].getByRole("button", { name: "Leave" }).click();
  await shoot(pages[0], `ended-wide-${colorScheme}`, wide);
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
  await other.locator('[data-action="close-chat"]').click();
}

async function chatOnly() {
  const page = await openPage(bare, `${server.url}/r/chat-only`, { colorScheme: "dark" });
  await page.locator('[data-action="preview"]').click();
  await page.locator(".notes p").first().waitFor();
  await shoot(page, "prejoin-no-devices-wide", wide);
  await shoot(page, "prejoin-no-devices-phone", phone);
  await enter(page, "Ada");
  await shoot(page, "chat-only-wide", wide);
  await shoot(page, "chat-only-phone", phone);
}
