// More than two: everyone sees everyone.

import { after, afterEach, before, test } from "node:test";
import { startServer } from "../support.mjs";
import { hears, joinRoom, launch, say, sees, tile } from "./support.mjs";

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

const names = ["Ada", "Bob", "Cleo", "Dan", "Eve", "Fay"];
const small = { viewport: { width: 640, height: 480 } };

/** @param {number} count */
async function mesh(room, count) {
  const people = [];
  for (const name of names.slice(0, count)) {
    people.push({ name, page: await joinRoom(browser, server, room, name, small) });
  }
  const others = (own) => people.map(({ name }) => name).filter((name) => name !== own);
  for (const { name, page } of people) await sees(page, ...others(name));
  return people;
}

test("four people form a full mesh, which one may leave", async () => {
  const people = await mesh("mesh-four", 4);
  const [ada, , , dan] = people;
  await say(dan.page, "四个人都在");
  for (const { page } of people) await hears(page, "四个人都在");
  await dan.page.close({ runBeforeUnload: true });
  for (const { page } of people.slice(0, 3)) await tile(page, "Dan").waitFor({ state: "detached" });
  await sees(ada.page, "Bob", "Cleo");
});

test("four people who come at once form a full mesh", async () => {
  const pages = await Promise.all(names.slice(0, 4).map((name) => joinRoom(browser, server, "mesh-rush", name, small)));
  for (const [index, page] of pages.entries()) await sees(page, ...names.slice(0, 4).filter((_, other) => other !== index));
});

test("six people form a full mesh", { timeout: 300_000 }, async () => {
  await mesh("mesh-six", 6);
});
