// Users of the module on a page of another site, without a user interface.

import { openPage } from "./support.mjs";

/** A page on which `signalbox.join` is the module's, and `prepare` has run. */
export async function moduleUser(browser, site, server, prepare = () => {}) {
  const page = await openPage(browser, site.url);
  await prepare(page);
  await page.evaluate(async (origin) => (window.signalbox = await import(`${origin}/signalbox.js`)), server.url);
  return page;
}

/** Joins a room as `window.room`. Options that cannot be passed to the page are made there: `media` is an expression. */
export function joinAs(page, room, name, { media, ...options } = {}) {
  return page.evaluate(async ({ room, name, media, options }) => {
    const made = media && (await new Function(`return (async () => ${media})()`)());
    window.room = await window.signalbox.join(room, { name, media: made, ...options });
  }, { room, name, media, options });
}

/** Waits until this many peers are connected. */
export const connected = (page, count) =>
  page.waitForFunction((count) => [...window.room.peers.values()].filter(({ state }) => state === "connected").length === count, count);
