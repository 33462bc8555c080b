// HTTP details: methods, paths, headers, and bodies that arrive in parts.

import assert from "node:assert/strict";
import { once as emitted } from "node:events";
import { request } from "node:http";
import { after, before, test } from "node:test";
import { ok, openPolling, startCalmEchoes, unknownSid, url } from "./conformance.mjs";
import { http } from "./support.mjs";

let server;
before(async () => {
  server = await startCalmEchoes();
});
after(() => server.stop());

const handshake = url("engine.io", { transport: "polling" });
const plain = { "content-type": "text/plain;charset=UTF-8" };
const pathOf = ({ sid }) => url("engine.io", { transport: "polling", sid });

test("H-1, P-1: polls and POSTs are answered with these headers", async () => {
  const { headers, body } = await http(server, handshake);
  const path = pathOf(JSON.parse(body.slice(1)));
  const post = await http(server, path, { method: "POST", headers: plain, body: "4hello\x1e4world" });
  assert.deepEqual([post.status, post.body], [200, "ok"]);
  const poll = await http(server, path);
  assert.deepEqual([poll.status, poll.body], [200, "4hello\x1e4world"]);
  for (const [kind, { "content-type": type, "cache-control": cache }] of [
    ["text/plain; charset=UTF-8", headers],
    ["text/html", post.headers],
    ["text/plain; charset=UTF-8", poll.headers],
  ]) {
    assert.deepEqual([type, cache], [kind, "no-store"]);
  }
});

test("E-12: a Worker without pages answers 404 at the address of a room, too", async () => {
  for (const path of ["/", "/?room=den", "/page?room=den"]) assert.equal((await http(server, path)).status, 404, path);
});

for (const method of ["POST", "PUT", "PATCH", "DELETE", "HEAD"]) {
  test(`E-4: ${method} is not a handshake`, async () => {
    const { status, body } = await http(server, handshake, { method });
    const refusal = '{"code":2,"message":"Bad handshake method"}';
    assert.deepEqual([status, body], [400, method === "HEAD" ? "" : refusal]);
  });
}

for (const path of ["/", "/nothing/", "/engine.iox/", "/r/engine.io/", "/r/one/two/engine.io/"]) {
  test(`E-12: ${path} is not found`, async () => {
    const { status, headers } = await http(server, `${path}?EIO=4&transport=polling`);
    assert.equal(status, 404);
    assert.equal(headers["access-control-allow-origin"], "*");
  });
}

test("T-5: the base URL may have a path, and each path is a separate room", async () => {
  const [one, two] = ["/r/one", "/r/two"];
  const { status, body } = await http(server, one + handshake);
  assert.equal(status, 200);
  const path = pathOf(JSON.parse(body.slice(1)));
  assert.equal((await http(server, one + path, { method: "POST", headers: plain, body: "4here" })).body, "ok");
  assert.equal((await http(server, one + path)).body, "4here");
  for (const base of ["", two]) {
    const { status, body } = await http(server, base + path);
    assert.deepEqual([status, body], unknownSid);
  }
});

/** A POST whose head and first half were sent; `finish` sends the rest and resolves to the answer. */
async function halfPost(session, [first, second]) {
  const half = request(server.url + pathOf(session), { method: "POST", headers: plain, agent: false });
  const answered = emitted(half, "response");
  answered.catch(() => {}); // an aborted request has no answer
  await new Promise((resolve, reject) => half.on("error", reject).write(first, resolve));
  return {
    async finish() {
      half.end(second);
      const [response] = await answered;
      return [response.statusCode, Buffer.concat(await response.toArray()).toString()];
    },
    /** Aborts the request. Resolves when the connection is closed. */
    async abort() {
      const closed = new Promise((resolve) => half.on("close", resolve));
      half.removeAllListeners("error").on("error", () => {}).destroy();
      await closed;
    },
  };
}

test("P-4: a POST that overlaps another is handled when it is complete", async () => {
  const session = await openPolling(server, "engine.io");
  const slow = await halfPost(session, ["4slow ", "but whole\x1e4and more"]);
  assert.deepEqual(await session.post("4quick"), ok);
  assert.deepEqual(await session.get(), [200, "4quick"]);
  assert.deepEqual(await slow.finish(), ok);
  assert.deepEqual(await session.get(), [200, "4slow but whole\x1e4and more"]);
});

test("P-4: no packet of an aborted POST is delivered, and the session stays open", async () => {
  const session = await openPolling(server, "engine.io");
  const broken = await halfPost(session, ["4never\x1e4ne", "ver"]);
  await broken.abort();
  for (const message of ["4alive", "4still"]) {
    assert.deepEqual(await session.post(message), ok);
    assert.deepEqual(await session.get(), [200, message]);
  }
});
