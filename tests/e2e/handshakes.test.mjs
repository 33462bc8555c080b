// Tests how many connections an address may open. wrangler.toml sets the limits: 60 per minute in one room, 600 in all
// rooms.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ask, client, connect, enginePath, http, once, startKillable, startServer, webSocket } from "./support.mjs";

const limit = 60;
let server;
before(async () => {
  server = await startServer();
});
after(() => server.stop());

const polling = { transport: "polling" };
const from = (address) => ({ headers: { "cf-connecting-ip": address } });
const handshake = (address) => http(server, enginePath("flood", polling), from(address));

/** Opens sessions until one is refused: `{before, refused}`. A new minute may begin meanwhile, so twice the limit may be accepted. */
async function flood(open) {
  for (let before = 0; before <= 2 * limit; before++) {
    const answer = await open(before);
    if (answer.status !== 200) return { before, refused: answer };
  }
  throw new Error(`none of ${2 * limit + 1} handshakes was refused`);
}

test("D-9, D-11: a handshake over the limit is refused, with the time to retry", async () => {
  const address = "192.0.2.1";
  const first = await handshake(address);
  const { before, refused } = await flood(() => handshake(address));
  assert.ok(before >= limit - 1, `${before + 1} were let in`);
  assert.equal(refused.status, 429);
  assert.equal(refused.headers["retry-after"], "60");
  assert.equal(refused.headers["content-type"], "application/json");
  const { code, message } = JSON.parse(refused.body);
  assert.equal(code, 4);
  assert.match(message, /try again in a minute/);

  // Open sessions continue, and may upgrade.
  const { sid } = JSON.parse(first.body.slice(1));
  const session = enginePath("flood", { ...polling, sid });
  assert.equal((await http(server, session, { ...from(address), method: "POST", body: "40" })).body, "ok");
  assert.match((await http(server, session, from(address))).body, /^40\{"sid"/);
  const probe = await webSocket(server, enginePath("flood", { transport: "websocket", sid }), from(address));
  probe.send("2probe");
  assert.equal(await probe.next(), "3probe");

  // Clients from other addresses are accepted.
  assert.equal((await handshake("192.0.2.2")).status, 200);

  const line = await server.logged(/rate-limited/);
  assert.deepEqual(JSON.parse(line), { event: "refusal", reason: "rate-limited", status: 429, room: "flood", origin: null, dropped: 0 });
});

test("E-13, D-9: a WebSocket is refused with the message, and a stock client keeps trying", async () => {
  const address = "192.0.2.3";
  const path = enginePath("flood", { transport: "websocket" });
  const open = () => webSocket(server, path, from(address)).then(() => ({ status: 200 }), (refused) => refused);
  const { refused } = await flood(open);
  assert.equal(refused.status, 429);
  assert.match(refused.body, /^Too many new connections/);
  // The minute may end, so repeat until the client is refused.
  const { refused: active } = await flood(async () => {
    const socket = client(server, { room: "flood", extraHeaders: from(address).headers, reconnection: true });
    const told = await Promise.race([
      once(socket, "connect_error").then(([error]) => ({ status: error.description, active: socket.active })),
      once(socket, "connect").then(() => ({ status: 200 })),
    ]);
    socket.disconnect();
    return told;
  });
  assert.deepEqual(active, { status: 429, active: true });
});

const reconnecting = { reconnection: true, reconnectionDelay: 50, reconnectionDelayMax: 500 };

/** Stock clients of one address in this room. */
const crowd = (server, count, options) => Promise.all(Array.from({ length: count }, (_, n) =>
  connect(server, { ...reconnecting, ...options, transports: n % 2 ? ["websocket"] : undefined })));

/** Checks that all clients disconnect when `lose` runs, and then recover. `start` runs when all have disconnected. */
async function allRecover(sockets, lose, start = () => {}) {
  const ids = sockets.map(({ id }) => id);
  const lost = sockets.map((socket) => once(socket, "disconnect"));
  await lose();
  await Promise.all(lost);
  await start();
  await Promise.all(sockets.map((socket) => socket.connected || once(socket, "connect")));
  assert.deepEqual(sockets.map(({ id, recovered }) => [id, recovered]), ids.map((id) => [id, true]));
}

test("E-18: all clients of an address recover after all lose their connections at the same time, although they exceed its limit", async () => {
  const room = "crowd";
  const extraHeaders = from("192.0.2.4").headers;
  const sockets = await crowd(server, limit, { room, extraHeaders });
  await allRecover(sockets, () => server.evict(room, { webSockets: "close" }));
  for (const socket of sockets) socket.disconnect();
});

test("E-18: 100 clients of one address recover after a restart, and the limit for new clients stays", async () => {
  const killable = await startKillable({ ratelimits: {} });
  try {
    const room = "crowd";
    const address = "192.0.2.5";
    const sockets = await crowd(killable, 100, { room, extraHeaders: from(address).headers });
    // An ack means that this and all earlier events survive the kill.
    for (const socket of sockets) await ask(socket, "room:join", {});
    killable.ratelimits = undefined; // the deployed limits
    await allRecover(sockets, () => killable.kill(), () => killable.start());
    for (const socket of sockets) socket.disconnect();
    let opened = 0;
    for (let n = 0; n < 1_000; n++) {
      const { status, headers } = await http(killable, enginePath("newcomers", polling), from(address));
      assert.ok(status === 200 || (status === 429 && headers["retry-after"] === "60"), `${status}`);
      if (status === 200) opened += 1;
    }
    // A new minute may begin meanwhile, once.
    assert.ok(opened >= limit && opened <= 2 * limit, `${opened} of 1000 were let in`);
  } finally {
    await killable.stop();
  }
});

test("an address may open more connections in many rooms than in one, but not any number", async () => {
  const ratelimit = (id, limit) => ({ type: "ratelimit", namespace_id: id, simple: { limit, period: 60 } });
  const few = await startServer({ ratelimits: { HANDSHAKES: ratelimit("1001", 3), ADDRESSES: ratelimit("1002", 10) } });
  try {
    let room = 0;
    const { before } = await flood(async (n) => {
      if (n % 3 === 0) room += 1;
      return http(few, enginePath(`room-${room}`, polling), from("192.0.2.6"));
    });
    assert.ok(before >= 10 && before <= 20, `${before} were let in`);
    assert.equal((await http(few, enginePath("room-1", polling), from("192.0.2.7"))).status, 200);
  } finally {
    await few.stop();
  }
});

test("a customer's IPv6 network counts as one address", async () => {
  const { before } = await flood((n) => handshake(`2001:db8:1:2::${n.toString(16)}`));
  assert.ok(before >= limit, `${before} were let in`);
  assert.equal((await handshake("2001:db8:1:3::1")).status, 200);
});

test("connections from the machine itself, by developers and tests, are not counted", async () => {
  for (let n = 0; n < 2 * limit + 1; n++) {
    assert.equal((await http(server, enginePath("local", polling))).status, 200);
  }
});

test("E-3: requests with an unknown sid are counted, and a client whose session expired may still open a new one", async () => {
  const few = 3;
  const simple = { limit: few, period: 60 };
  const limited = await startServer({ ratelimits: { HANDSHAKES: { type: "ratelimit", namespace_id: "1001", simple } } });
  try {
    const ask = (query, address) => http(limited, enginePath("strays", { ...polling, ...query }), from(address));
    const sid = (n) => String(n).padStart(20, "A");
    // Requests with an unknown sid have a limit of their own, and only those beyond it count as handshakes. So this
    // address may still open its third session.
    const expired = "192.0.2.7";
    for (let n = 0; n < few - 1; n++) assert.equal((await ask({}, expired)).status, 200);
    assert.equal((await ask({ sid: sid(0) }, expired)).status, 400);
    assert.equal((await ask({}, expired)).status, 200);

    // An address that repeats such requests may open no session, and its open sessions continue. A new minute may begin.
    const address = "192.0.2.8";
    const open = { sid: JSON.parse((await ask({}, address)).body.slice(1)).sid };
    await flood(async (round) => {
      for (let n = 0; n < 2 * few; n++) {
        const { status, body } = await ask({ sid: sid(round * 2 * few + n) }, address);
        assert.deepEqual([status, JSON.parse(body).code], [400, 1]);
      }
      return ask({}, address);
    });
    const path = enginePath("strays", { ...polling, ...open });
    assert.equal((await http(limited, path, { ...from(address), method: "POST", body: "40" })).body, "ok");
    // Requests for a WebSocket count too.
    const other = "192.0.2.9";
    await flood(async () => {
      for (let n = 0; n < 2 * few; n++) {
        const path = enginePath("strays", { transport: "websocket", sid: sid(n) });
        await assert.rejects(webSocket(limited, path, from(other)), { status: 400, body: "Session ID unknown" });
      }
      return ask({}, other);
    });
  } finally {
    await limited.stop();
  }
});

test("without the binding there is no limit, and the log says so once", async () => {
  const unlimited = await startServer({ ratelimits: {} });
  try {
    for (let n = 0; n < 2 * limit + 1; n++) {
      const { status } = await http(unlimited, enginePath("flood", polling), from("192.0.2.1"));
      assert.equal(status, 200);
    }
    await unlimited.logged(/HANDSHAKES/);
    for (const name of ["HANDSHAKES", "ADDRESSES"]) {
      const warnings = unlimited.logs.filter(({ message }) => message.includes(name));
      assert.deepEqual(warnings.map(({ level }) => level), ["warn"], name);
    }
  } finally {
    await unlimited.stop();
  }
});
