// The rows that rooms write, counted in the runtime's own storage. native/bill.rs has the same workloads on the virtual
// clock. The alarm, a row each time it is set, leaves no trace in the storage: native/bill.rs alone counts it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { databases, rowsWritten } from "./databases.mjs";
import { ask, client, connect, enginePath, once, openPolling, startKillable } from "./support.mjs";

const pace = 25; // the pause after a commit, in ms

/** Runs `workload` in a room of a fresh server. Returns how many rows it wrote, and how many milliseconds it took. */
async function measure(t, workload) {
  const server = await startKillable();
  t.after(() => server.stop());
  const begin = performance.now();
  await workload(server);
  const time = performance.now() - begin;
  for (const close of server.closers) close();
  await server.kill();
  const files = databases(server);
  assert.ok(files.length <= 1, "one room");
  await server.start();
  return { rows: files.length ? rowsWritten(files[0]) : 0, time };
}

/** The maximum number of rows in this time, including those of clients that connect and leave. */
const most = ({ time }) => Math.ceil(time / pace) + 1;

test("a call of 2 with 20 chat messages writes at most 46 rows", async (t) => {
  const bill = await measure(t, async (server) => {
    const [a, b] = [await connect(server), await connect(server)];
    for (const peer of [a, b]) assert.equal((await ask(peer, "room:join", {})).ok, true);
    for (const [from, to, kind] of [[a, b, "offer"], [b, a, "answer"]]) {
      const heard = once(to, kind);
      from.emit(kind, { to: to.id, description: { type: kind, sdp: "v=0".repeat(1000) } });
      await heard;
    }
    for (let n = 0; n < 20; n += 1) {
      const heard = once(b, "candidate");
      a.emit("candidate", { to: b.id, candidate: { candidate: `candidate:${n} 1 udp 1 192.0.2.1 9 typ host` } });
      await heard;
    }
    for (let n = 0; n < 20; n += 1) assert.equal((await ask(a, "chat-message", { message: "hello", mid: String(n) })).ok, true);
  });
  console.log(`call of 2, 20 chat messages: ${bill.rows} rows in ${Math.round(bill.time)} ms`);
  // Two handshakes and joins, an offer, an answer, twenty candidates and messages: at most one row each.
  assert.ok(bill.rows <= Math.min(46, most(bill)), `${bill.rows} rows`);
  assert.ok(bill.rows > 2);
});

test("99 polling sessions that never poll, and one socket that floods, write at most 40 rows a second", async (t) => {
  const bill = await measure(t, async (server) => {
    for (let n = 0; n < 99; n += 1) {
      const session = await openPolling(server, (query) => enginePath("lobby", query));
      await session.post("40");
    }
    const flooder = await connect(server);
    for (let n = 0; n < 3_000; n += 1) flooder.emit("offer", { type: "offer", sdp: String(n) });
    await ask(flooder, "chat-message", { message: "the last", mid: "last" });
  });
  console.log(`99 silent sessions and a flood: ${bill.rows} rows in ${Math.round(bill.time)} ms`);
  assert.ok(bill.rows <= most(bill), `${bill.rows} rows in ${bill.time} ms`);
});

test("a stranger that knocks repeatedly writes at most 40 rows a second", async (t) => {
  const bill = await measure(t, async (server) => {
    const host = await connect(server);
    assert.equal((await ask(host, "room:join", {})).ok, true);
    assert.equal((await ask(host, "host:lock", { on: true })).ok, true);
    const stranger = await connect(server);
    for (let n = 0; n < 1_000; n += 1) stranger.emit("room:join", { name: String(n) });
    await ask(stranger, "chat:history", {}).catch(() => {});
  });
  console.log(`a stranger who knocks 1,000 times: ${bill.rows} rows in ${Math.round(bill.time)} ms`);
  assert.ok(bill.rows <= most(bill), `${bill.rows} rows in ${bill.time} ms`);
});

test("a client that connects and leaves repeatedly writes at most 40 rows a second", async (t) => {
  const bill = await measure(t, async (server) => {
    await connect(server); // a client that keeps the room open
    for (let n = 0; n < 40; n += 1) {
      const socket = client(server, { transports: ["websocket"] });
      await once(socket, "connect");
      socket.disconnect();
    }
  });
  console.log(`a client that connects 40 times: ${bill.rows} rows in ${Math.round(bill.time)} ms`);
  assert.ok(bill.rows <= most(bill), `${bill.rows} rows in ${bill.time} ms`);
});
