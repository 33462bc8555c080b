// Rooms with more than two users: each user sees all others.

import { after, afterEach, before, test } from "node:test";
import { startServer } from "../support.mjs";
import { hears, joinRoom, launch, mesh, people, say, sees, tile } from "./support.mjs";

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

test("four users form a full mesh, and one leaves it", async () => {
  const pages = await mesh(browser, server, "four", 4, { microphones: false, key: "AAAAAAAAAAAAAAAAAAAAAA" });
  const dan = pages.pop();
  await say(dan, "四个人都在");
  for (const page of pages) await hears(page, "四个人都在");
  await dan.close({ runBeforeUnload: true });
  for (const page of pages) await tile(page, "Dan").waitFor({ state: "detached" });
  await sees(pages[0], "Bob", "Cleo");
});

test("four users who join at once form a full mesh", async () => {
  const names = people.slice(0, 4);
  const pages = await Promise.all(names.map((name) => joinRoom(browser, server, "rush", name, { viewport: { width: 640, height: 480 } })));
  for (const [index, page] of pages.entries()) await sees(page, ...names.toSpliced(index, 1));
});

test("six users form a full mesh", async () => {
  await mesh(browser, server, "six", 6, { microphones: false, key: "AAAAAAAAAAAAAAAAAAAAAA" });
});
