// Which origins' pages may use a room, and the CORS headers of each answer.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { client, enginePath, http, once, startServer, webSocket } from "./support.mjs";

const servers = {};
before(async () => {
  servers.open = await startServer({ vars: { ALLOWED_ORIGINS: "*" } });
  servers.own = await startServer(); // as in wrangler.toml: the deployment's own origin
  servers.list = await startServer({ vars: { ALLOWED_ORIGINS: "https://a.example, https://*.b.example, file://" } });
});
after(async () => {
  for (const server of Object.values(servers)) await server.stop();
});

const origin = "https://elsewhere.example";
const polling = { transport: "polling" };
const websocket = { transport: "websocket" };

/** The answer to a request for a WebSocket: `{status, headers, body}`. */
const upgrade = (server, path, headers) =>
  webSocket(server, path, { headers }).then(
    (socket) => ({ status: 101, headers: socket.headers }),
    (refused) => refused,
  );

describe("any origin", () => {
  test("O-1, E-17: every answer may be read by any origin", async () => {
    for (const [path, options] of [
      [enginePath("a", polling), {}],
      [enginePath("a", { ...polling, sid: "unknown" }), {}],
      [enginePath("a", polling), { method: "POST", body: "40" }],
      [enginePath("a b", polling), {}],
    ]) {
      const { headers } = await http(servers.open, path, { ...options, headers: { origin } });
      assert.equal(headers["access-control-allow-origin"], "*", path);
    }
  });

  test("O-1, O-4: the answer that upgrades to a WebSocket may be read by any origin", async () => {
    const { status, headers } = await upgrade(servers.open, enginePath("a", websocket), { origin });
    assert.equal(status, 101);
    assert.equal(headers["access-control-allow-origin"], "*");
  });

  test("O-2: a preflight is granted the headers that it asks for", async () => {
    const { status, headers, body } = await http(servers.open, enginePath("a", polling), {
      method: "OPTIONS",
      headers: { origin, "access-control-request-method": "POST", "access-control-request-headers": "x-one,x-two" },
    });
    assert.deepEqual([status, body], [204, ""]);
    assert.equal(headers["access-control-allow-origin"], "*");
    assert.equal(headers["access-control-allow-headers"], "x-one,x-two");
    assert.equal(headers["access-control-allow-methods"], "GET,HEAD,PUT,PATCH,POST,DELETE");
    assert.match(headers.vary, /Access-Control-Request-Headers/);
  });
});

describe("some origins", () => {
  for (const [which, passes, headers] of [
    ["own", true, () => ({})],
    ["own", true, ({ url }) => ({ origin: url })],
    ["own", true, () => ({ origin: "https://calls.example", host: "calls.example" })], // behind a proxy that ends TLS
    ["own", true, () => ({ origin: "wss://calls.example:443", host: "calls.example" })], // as clients in Swift write it
    ["own", true, () => ({ origin: "https://calls.example", host: "Calls.example:443" })],
    ["own", false, () => ({ origin: "https://calls.example:444", host: "calls.example" })],
    ["own", false, () => ({ origin: "file://" })],
    ["own", false, () => ({ origin })],
    ["own", false, () => ({ origin: "null" })],
    ["own", false, () => ({ origin: "https://\u00e9.example" })],
    ["own", false, ({ port }) => ({ origin: `http://127.0.0.1:${port + 1}` })],
    ["list", true, ({ url }) => ({ origin: url })],
    ["list", true, () => ({ origin: "https://a.example" })],
    ["list", true, () => ({ origin: "https://www.b.example" })],
    ["list", true, () => ({ origin: "WSS://a.example:443" })],
    ["list", true, () => ({ origin: "file://" })], // as the ESP32's client writes it
    ["list", false, () => ({ origin: "null" })],
    ["list", false, () => ({ origin: "https://b.example" })],
    ["list", false, () => ({ origin })],
  ]) {
    const what = JSON.stringify(headers({ url: "itself", port: 0 }));
    test(`O-4: ${which}: ${what} ${passes ? "passes" : "is refused"}, with either transport`, async () => {
      const server = servers[which];
      const sent = headers(server);
      assert.equal((await http(server, enginePath("b", polling), { headers: sent })).status, passes ? 200 : 403);
      assert.equal((await upgrade(server, enginePath("b", websocket), sent)).status, passes ? 101 : 400);
    });
  }

  test("O-1, O-3: an answer may be read by the origin that asked, with credentials", async () => {
    const headers = { origin: "https://a.example" };
    for (const answer of [
      await http(servers.list, enginePath("a", polling), { headers }),
      await http(servers.list, enginePath("a", { ...polling, sid: "unknown" }), { headers }),
      await http(servers.list, enginePath("a b", polling), { headers }),
      await upgrade(servers.list, enginePath("a", websocket), headers),
    ]) {
      assert.equal(answer.headers["access-control-allow-origin"], "https://a.example");
      assert.equal(answer.headers["access-control-allow-credentials"], "true");
      assert.match(answer.headers.vary, /Origin/);
    }
    const without = await http(servers.list, enginePath("a", polling));
    assert.equal(without.headers["access-control-allow-origin"], undefined);
    assert.match(without.headers.vary, /Origin/);
  });

  test("E-6, E-17: the page can read why a poll was refused", async () => {
    const asked = { origin, "access-control-request-method": "POST", "access-control-request-headers": "x-one" };
    const preflight = await http(servers.own, enginePath("a", polling), { method: "OPTIONS", headers: asked });
    const refused = await http(servers.own, enginePath("a", polling), { headers: { origin } });
    for (const { headers } of [preflight, refused]) assert.equal(headers["access-control-allow-origin"], origin);
    assert.equal(preflight.status, 204);
    assert.equal(refused.status, 403);
    assert.equal(refused.headers["content-type"], "application/json");
    assert.equal(refused.headers["cache-control"], "no-store");
    const { code, message } = JSON.parse(refused.body);
    assert.equal(code, 4);
    assert.match(message, /^Origin not allowed: ALLOWED_ORIGINS/);
  });

  test("E-13: a refused WebSocket is answered with the message alone", async () => {
    const { status, headers, body } = await upgrade(servers.own, enginePath("a", websocket), { origin });
    assert.equal(status, 400);
    assert.match(headers["content-type"], /^text\/html/);
    assert.match(body, /^Origin not allowed: ALLOWED_ORIGINS/);
  });

  test("another origin cannot use a session either", async () => {
    const { body } = await http(servers.own, enginePath("a", polling));
    const { sid } = JSON.parse(body.slice(1));
    const path = enginePath("a", { ...polling, sid });
    const post = (headers) => http(servers.own, path, { method: "POST", body: "40", headers });
    assert.equal((await post({ origin })).status, 403);
    assert.equal((await upgrade(servers.own, enginePath("a", { ...websocket, sid }), { origin })).status, 400);
    assert.equal((await post({ origin: servers.own.url })).status, 200);
  });

  test("a stock client gets the error", async () => {
    for (const transport of ["polling", "websocket"]) {
      const socket = client(servers.own, { transports: [transport], extraHeaders: { origin } });
      const [error] = await once(socket, "connect_error");
      assert.match(error.message, /^(xhr poll|websocket) error$/);
    }
  });

  test("refusals beyond the limit are counted, not logged", async () => {
    const flooded = await startServer();
    try {
      const lines = () => flooded.logs.map(({ message }) => JSON.parse(message)).filter(({ event }) => event === "refusal");
      let sent = 0;
      while (!lines().some(({ dropped }) => dropped > 0)) {
        assert.ok(sent < 5_000, `${sent} refusals, and none was dropped`);
        await http(flooded, enginePath(`n-${sent}`, polling), { headers: { origin } });
        sent += 1;
      }
      const before = lines().findIndex(({ dropped }) => dropped > 0);
      const { room, dropped } = lines()[before];
      assert.ok(before >= 200, `${before} lines before the first that was dropped`);
      assert.equal(room, `n-${before + dropped}`, "each refusal is a line or is counted");
    } finally {
      await flooded.stop();
    }
  });

  test("a refusal is one line in the log", async () => {
    const room = "logged";
    await http(servers.own, enginePath(room, polling), { headers: { origin, "cf-connecting-ip": "192.0.2.99" } });
    assert.deepEqual(JSON.parse(await servers.own.logged(/"logged"/)), {
      event: "refusal",
      reason: "origin-not-allowed",
      status: 403,
      room,
      origin,
      dropped: 0,
    });
    await http(servers.own, enginePath("of-old", { ...polling, EIO: "2" }));
    const { reason, status } = JSON.parse(await servers.own.logged(/"of-old"/));
    assert.deepEqual([reason, status], ["unsupported-protocol", 400]);
  });
});
