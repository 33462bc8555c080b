// What wrangler.toml routes where: the page from assets, the endpoint to the Worker.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { inRoot } from "../../scripts/task.mjs";
import { ask, connect, http, startServer } from "./support.mjs";

let server;
before(async () => {
  server = await startServer({ vars: { PING_INTERVAL_MS: "40000" } });
});
after(() => server.stop());

const page = readFileSync(inRoot("public/index.html"), "utf8");

const asPage = { headers: { "sec-fetch-mode": "navigate" } };

for (const path of ["/", "/r/standup", "/r/standup/", "/r/standup?x=/y#z", "/r/%E4%BC%9A%E8%AE%AE", "/r/x%26y", "/r/x%2Fy", "/r/%ff"]) {
  for (const options of [asPage, {}, { method: "HEAD" }]) {
    test(`E-12: ${path} is the page, asked ${JSON.stringify(options)}`, async () => {
      const { status, headers, body } = await http(server, path, options);
      assert.equal(status, 200);
      assert.match(headers["content-type"], /^text\/html/);
      assert.match(headers["content-security-policy"], /default-src 'self'/);
      assert.equal(headers["x-content-type-options"], "nosniff");
      assert.equal(body, options.method === "HEAD" ? "" : page);
    });
  }
}

for (const path of [
  "/keep/healthz", "/keep/r/x", "/keep/r/x/socket.io/", "/keep/socket.io/", "/nothing", "/a/stale/link", "/socket.iox", "/healthz/", "/r",
  "/r/", "/r/x/y", "/r/x/healthz", "//r/x", "/page/nothing.js",
]) {
  for (const options of [asPage, {}, { method: "POST", body: "x" }]) {
    test(`E-12: ${path} is nothing, asked ${JSON.stringify(options)}`, async () => {
      const { status, headers, body } = await http(server, path, options);
      assert.equal(status, 404);
      assert.match(headers["content-type"], /^text\/plain/);
      assert.match(body, /^there is nothing here: a room is at \/r\/<room>/);
      assert.match(body, /base path .* not supported$/);
    });
  }
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

test("the page draws its codes with the lean-qr of package.json", async () => {
  const { status, headers, body } = await http(server, "/vendor/lean-qr.mjs");
  assert.equal(status, 200);
  assert.match(headers["content-type"], /^text\/javascript/);
  assert.ok(body === readFileSync(inRoot("node_modules/lean-qr/nano.mjs"), "utf8"));
});

test("GET /healthz says that the Worker runs, and which it is", async () => {
  const { status, headers, body } = await http(server, "/healthz");
  assert.equal(status, 200);
  assert.equal(headers["content-type"], "application/json");
  assert.equal(headers["cache-control"], "no-store");
  const { version } = JSON.parse(readFileSync(inRoot("package.json"), "utf8"));
  assert.deepEqual(JSON.parse(body), { ok: true, version });
});

test("a setting that is none is an error that names it, and nothing is served until it is mended", async () => {
  const misconfigured = await startServer({ vars: { PING_INTERVAL_MS: 0, ALLOWED_ORIGINS: "example.com" } });
  try {
    const named = [
      'ALLOWED_ORIGINS in wrangler.toml has to be "same"',
      "PING_INTERVAL_MS in wrangler.toml has to be a whole number from 100 to 3600000",
    ];
    for (const path of ["/socket.io/?EIO=4&transport=polling", "/healthz"]) {
      const { status, headers, body } = await http(misconfigured, path, { headers: { origin: "https://elsewhere.example" } });
      assert.equal(status, 500);
      assert.equal(headers["access-control-allow-origin"], "*", "E-17");
      for (const name of named) assert.ok(JSON.parse(body).message.includes(name), body);
    }
    await misconfigured.logged(/PING_INTERVAL_MS/);
    const errors = misconfigured.logs.filter(({ level }) => level === "error").map(({ message }) => message);
    assert.equal(errors.length, 2);
    assert.ok(errors[0].startsWith(named[0]) && errors[0].endsWith(': "example.com" is no origin'), errors[0]);
    assert.equal(errors[1], `${named[1]}: it is "0"`);
  } finally {
    await misconfigured.stop();
  }
});

test("a setting may be a number or a list of TOML's own", async () => {
  const urls = "stun:stun.example.com";
  const configured = await startServer({ vars: { PING_TIMEOUT_MS: 60_000, ICE_SERVERS: [{ urls }] } });
  try {
    const { body } = await http(configured, "/socket.io/?EIO=4&transport=polling");
    assert.equal(JSON.parse(body.slice(1)).pingTimeout, 60_000);
    const { ice } = await ask(await connect(configured), "room:join", {});
    assert.deepEqual(ice.iceServers, [{ urls }]);
  } finally {
    await configured.stop();
  }
});
