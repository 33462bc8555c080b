// A page of a site that the deployment does not name: it is refused, and told so.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setUp } from "./setup.mjs";
import { openPage } from "./support.mjs";

const { server, site, browser } = await setUp({ vars: {} });

test("a stock client on another site is told why it may not connect", async () => {
  const page = await openPage(browser, site.url);
  const refusal = await page.evaluate(async (url) => {
    const { io } = await import(`${url}/vendor/socket.io.esm.min.js`);
    const socket = io(url, { reconnection: false });
    return new Promise((resolve) => {
      socket.on("connect", () => resolve("it connected"));
      socket.on("connect_error", ({ description, context }) => resolve({ status: description, body: context.responseText }));
    });
  }, server.url);
  assert.equal(refusal.status, 403);
  assert.match(JSON.parse(refusal.body).message, /ALLOWED_ORIGINS/);
});

test("a WebSocket from another site is refused", async () => {
  const page = await openPage(browser, site.url);
  const outcome = await page.evaluate((url) => {
    const socket = new WebSocket(`${url.replace("http", "ws")}/socket.io/?EIO=4&transport=websocket`);
    return new Promise((resolve) => {
      socket.onopen = () => resolve("it opened");
      socket.onerror = () => resolve("refused");
    });
  }, server.url);
  assert.equal(outcome, "refused");
});
