// The routes of wrangler.toml: the page comes from assets, the endpoint from the Worker.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { io } from "socket.io-client";
import { inRoot } from "../../scripts/task.mjs";
import { ask, connect, http, once, startServer } from "./support.mjs";

let server;
before(async () => {
  server = await startServer({ vars: { PING_INTERVAL_MS: "40000" } });
});
after(() => server.stop());

const page = readFileSync(inRoot("public/index.html"), "utf8");

const asPage = { headers: { "sec-fetch-mode": "navigate" } };

for (const path of ["/", "/r/standup", "/r/standup?x=/y#z", "/r/%E4%BC%9A%E8%AE%AE", "/r/x%26y", "/r/x%2Fy", "/r/%ff"]) {
  for (const options of [asPage, {}, { method: "HEAD" }]) {
    test(`E-12: ${path} is the page, requested with ${JSON.stringify(options)}`, async () => {
      const { status, headers, body } = await http(server, path, options);
      assert.equal(status, 200);
      assert.match(headers["content-type"], /^text\/html/);
      assert.equal(headers["content-security-policy"], "frame-ancestors 'none'");
      assert.equal(headers["x-content-type-options"], "nosniff");
      assert.equal(body, options.method === "HEAD" ? "" : page);
    });
  }
}

test("E-12: the address of a room with a trailing slash redirects to the address without it", async () => {
  for (const path of ["/r/standup", "/r/%E4%BC%9A%E8%AE%AE"]) {
    for (const query of ["", "?password=x&lang=de"]) {
      const { status, headers } = await http(server, `${path}/${query}`, asPage);
      assert.deepEqual([status, headers.location], [308, path + query]);
    }
  }
});

test("E-12: a client whose path or namespace is a room's address is told the right path", async () => {
  const refusal = async (address, options) => {
    const socket = io(server.url + address, { forceNew: true, reconnection: false, transports: ["polling"], ...options });
    server.closers.add(() => socket.disconnect());
    return (await once(socket, "connect_error"))[0];
  };
  assert.equal((await refusal("", { path: "/r/standup" })).description, 404);
  const { body } = await http(server, "/r/standup/?EIO=4&transport=polling"); // as browsers have it in error.context.responseText
  assert.match(body, /Socket\.IO endpoint at \/r\/<room>\/socket\.io\//);
  assert.match((await refusal("/r/standup")).message, /^Invalid namespace: .*path: "\/r\/<room>\/socket\.io"/);
});

for (const path of [
  "/keep/healthz", "/keep/r/x", "/keep/r/x/socket.io/", "/keep/socket.io/", "/nothing", "/a/stale/link", "/socket.iox", "/healthz/", "/r",
  "/r/", "/r/x/y", "/r/x/healthz", "//r/x", "/page/nothing.js",
]) {
  for (const options of [asPage, {}, { method: "POST", body: "x" }]) {
    test(`E-12: ${path} is not found, requested with ${JSON.stringify(options)}`, async () => {
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

test("the page draws its QR codes with the version of lean-qr in package.json", async () => {
  const { status, headers, body } = await http(server, "/vendor/lean-qr.mjs");
  assert.equal(status, 200);
  assert.match(headers["content-type"], /^text\/javascript/);
  assert.ok(body === readFileSync(inRoot("node_modules/lean-qr/nano.mjs"), "utf8"));
});

test("GET /healthz returns the state and the version of the Worker", async () => {
  const { status, headers, body } = await http(server, "/healthz");
  assert.equal(status, 200);
  assert.equal(headers["content-type"], "application/json");
  assert.equal(headers["cache-control"], "no-store");
  const { version } = JSON.parse(readFileSync(inRoot("package.json"), "utf8"));
  const { deployment, ...told } = JSON.parse(body);
  assert.deepEqual(told, { ok: true, version });
  assert.match(deployment, /^[\da-f-]{36}$/, "the platform's id of the deployed version");
});

test("a Worker without the binding of its rooms is not healthy, and says what is missing", async () => {
  const roomless = await startServer({ durableObjects: {} });
  try {
    const { status, body } = await http(roomless, "/healthz");
    assert.deepEqual([status, JSON.parse(body).ok], [500, false]);
    assert.match(body, /durable_objects.bindings.* has no ROOM/);
  } finally {
    await roomless.stop();
  }
});

test("the log suggests the right name of a misspelt variable", async () => {
  const misspelt = await startServer({ vars: { TOKEN: "required", ALOWED_ORIGINS: "*", GREETING: "hello" } });
  try {
    assert.equal((await http(misspelt, "/healthz")).status, 200);
    await misspelt.logged(/no variable ALOWED_ORIGINS: did you mean ALLOWED_ORIGINS\?/);
    await misspelt.logged(/no variable TOKEN: did you mean TOKENS\?/);
    const warnings = misspelt.logs.filter(({ message }) => message.includes("no variable"));
    assert.deepEqual(warnings.map(({ level }) => level), ["warn", "warn"]);
  } finally {
    await misspelt.stop();
  }
});

test("rooms are made in the LOCATION and JURISDICTION of the settings", async () => {
  const placed = await startServer({ vars: { LOCATION: "weur" } });
  try {
    await connect(placed);
  } finally {
    await placed.stop();
  }
  // The local runtime has no jurisdictions: its refusal shows that it was asked for one, and that no room is made
  // elsewhere.
  const bounded = await startServer({ vars: { JURISDICTION: "eu" } });
  try {
    assert.equal((await http(bounded, "/socket.io/?EIO=4&transport=polling")).status, 503);
    await bounded.logged(/Jurisdiction restrictions are not implemented in workerd/);
  } finally {
    await bounded.stop();
  }
});

test("an invalid setting is an error that names it, and every request is refused until it is fixed", async () => {
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
    assert.ok(errors[0].startsWith(named[0]) && errors[0].endsWith(': "example.com" is not an origin'), errors[0]);
    assert.equal(errors[1], `${named[1]}: it is "0"`);
  } finally {
    await misconfigured.stop();
  }
});

test("a setting may be a TOML number or list", async () => {
  const urls = "stun:stun.example.com";
  const configured = await startServer({ vars: { PING_TIMEOUT_MS: 60_000, ICE_SERVERS: [{ urls }] } });
  try {
    const { body } = await http(configured, "/socket.io/?EIO=4&transport=polling");
    assert.equal(JSON.parse(body.slice(1)).pingTimeout, 60_000);
    const { ice } = await ask(await connect(configured), "room:join", {});
    assert.deepEqual(ice.iceServers, [{ urls }]);
    const listed = await startServer({ vars: { ALLOWED_ORIGINS: ["https://a.example", "https://b.example"] } });
    try {
      for (const [origin, status] of [["https://b.example", 200], ["https://c.example", 403]]) {
        const answer = await http(listed, "/socket.io/?EIO=4&transport=polling", { headers: { origin } });
        assert.equal(answer.status, status, origin);
      }
    } finally {
      await listed.stop();
    }
  } finally {
    await configured.stop();
  }
});
