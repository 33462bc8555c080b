// What wrangler.toml routes where: the page from assets, the endpoint to the Worker.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { inRoot } from "../../scripts/task.mjs";
import { http, startServer } from "./support.mjs";

let server;
before(async () => {
  server = await startServer({ vars: { PING_INTERVAL_MS: "40000" } });
});
after(() => server.stop());

const page = readFileSync(inRoot("public/index.html"), "utf8");

for (const path of ["/", "/r/standup", "/r/%E4%BC%9A%E8%AE%AE", "/a/stale/link", "/socket.iox"]) {
  test(`E-12: GET ${path} is the page`, async () => {
    const { status, headers, body } = await http(server, path, { headers: { "sec-fetch-mode": "navigate" } });
    assert.equal(status, 200);
    assert.match(headers["content-type"], /^text\/html/);
    assert.equal(body, page);
  });
}

for (const path of ["/socket.io", "/socket.io/", "/socket.io/x/y.js", "/r/standup/socket.io", "/r/standup/socket.io/x"]) {
  test(`R-8: GET ${path} is the endpoint`, async () => {
    const { status, body } = await http(server, `${path}?EIO=4&transport=polling`);
    assert.equal(status, 200);
    assert.equal(JSON.parse(body.replace(/^0/, "")).pingInterval, 40_000);
  });
}

for (const [name, bundle] of [
  ["socket.io.js", "socket.io.min.js"],
  ["socket.io.min.js", "socket.io.min.js"],
  ["socket.io.esm.min.js", "socket.io.esm.min.js"],
]) {
  test(`R-10: /socket.io/${name} is the stock client, for pages of any origin`, async () => {
    const { status, headers } = await http(server, `/socket.io/${name}`);
    assert.equal(status, 302);
    assert.equal(headers["access-control-allow-origin"], "*");
    const script = await http(server, headers.location);
    assert.equal(script.status, 200);
    assert.match(script.headers["content-type"], /^text\/javascript/);
    assert.equal(script.headers["access-control-allow-origin"], "*");
    const stock = readFileSync(inRoot("node_modules/socket.io-client/dist", bundle), "utf8");
    assert.ok(script.body === stock, `${headers.location} is not the ${bundle} of package.json's socket.io-client`);
  });
}

test("a setting that is none is an error that names it, and its default is used", async () => {
  const misconfigured = await startServer({ vars: { PING_TIMEOUT_MS: "soon" } });
  try {
    const { body } = await http(misconfigured, "/socket.io/?EIO=4&transport=polling");
    assert.equal(JSON.parse(body.slice(1)).pingTimeout, 75_000);
    const errors = misconfigured.logs.filter(({ level }) => level === "error").map(({ message }) => message);
    assert.match(errors.join("\n"), /^PING_TIMEOUT_MS in wrangler\.toml is "soon"/m);
  } finally {
    await misconfigured.stop();
  }
});
