// A crowd, in a file of its own: thirty pictures are decoded at once.

import { after, before, test } from "node:test";
import { startServer } from "../support.mjs";
import { launch, mesh } from "./support.mjs";

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

test("six users form a full mesh", async () => {
  await mesh(browser, server, "six", 6, { microphones: false, key: "AAAAAAAAAAAAAAAAAAAAAA" });
});
