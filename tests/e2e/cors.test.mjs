// What browsers ask before a page of another origin may use a room, and what they must find in each answer.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { WebSocket } from "ws";
import { enginePath, http, startServer } from "./support.mjs";

let server;
before(async () => {
  server = await startServer();
});
after(() => server.stop());

const origin = "https://elsewhere.example";

test("O-1, E-17: every answer may be read by any origin", async () => {
  const polling = { transport: "polling" };
  for (const [path, options] of [
    [enginePath("a", polling), {}],
    [enginePath("a", { ...polling, sid: "unknown" }), {}],
    [enginePath("a", polling), { method: "POST", body: "40" }],
    [enginePath("a b", polling), {}],
  ]) {
    const { headers } = await http(server, path, { ...options, headers: { origin } });
    assert.equal(headers["access-control-allow-origin"], "*", path);
  }
});

test("O-1, O-4: so may the answer that becomes a WebSocket", async () => {
  const socket = new WebSocket(server.url.replace("http", "ws") + enginePath("a", { transport: "websocket" }), { origin });
  server.closers.add(() => socket.terminate());
  const headers = await new Promise((resolve, reject) => {
    socket.on("upgrade", (response) => resolve(response.headers)).on("error", reject);
  });
  assert.equal(headers["access-control-allow-origin"], "*");
});

test("O-2: a preflight is granted the headers that it asks for", async () => {
  const { status, headers, body } = await http(server, enginePath("a", { transport: "polling" }), {
    method: "OPTIONS",
    headers: { origin, "access-control-request-method": "POST", "access-control-request-headers": "x-one,x-two" },
  });
  assert.deepEqual([status, body], [204, ""]);
  assert.equal(headers["access-control-allow-origin"], "*");
  assert.equal(headers["access-control-allow-headers"], "x-one,x-two");
  assert.equal(headers["access-control-allow-methods"], "GET,HEAD,PUT,PATCH,POST,DELETE");
  assert.match(headers.vary, /Access-Control-Request-Headers/);
});
