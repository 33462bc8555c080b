// GET /api/rooms: the rooms that have peers.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ask, connect, http, startKillable, startServer } from "./support.mjs";

const token = "operators-secret-0123456789";
const headers = { authorization: `Bearer ${token}` };
const vars = { API_TOKEN: token };

async function list(server, query = "") {
  const { status, body } = await http(server, `/api/rooms${query}`, { headers });
  assert.equal(status, 200, body);
  return JSON.parse(body);
}

/** Waits until the list is as wanted: rooms tell the index after they have answered clients. */
async function listed(server, isWanted) {
  const end = Date.now() + 30_000;
  for (;;) {
    const page = await list(server);
    if (isWanted(page)) return page;
    if (Date.now() > end) assert.fail(`the list stays at ${JSON.stringify(page)}`);
  }
}

test("rooms with peers are listed, by pages, with counts", async (t) => {
  const server = await startServer({ vars });
  t.after(() => server.stop());
  assert.deepEqual(await list(server), { ok: true, count: 0, rooms: [], next: null });
  const names = ["ada", "bob", "café-会议", "dora"];
  for (const room of names) await ask(await connect(server, { room }), "room:join", {});
  await connect(server, { room: "nobody-joined" });
  await ask(await connect(server, { room: "bob" }), "room:join", {});
  const page = await listed(server, ({ count }) => count === 4);
  assert.deepEqual(page.rooms.map(({ name, peers }) => [name, peers]), [["ada", 1], ["bob", 2], ["café-会议", 1], ["dora", 1]]);
  assert.equal(page.next, null);
  for (const { since } of page.rooms) assert.ok(Math.abs(Date.now() - since) < 60_000);
  const first = await list(server, "?limit=3");
  assert.deepEqual([first.rooms.length, first.next, first.count], [3, "café-会议", 4]);
  const second = await list(server, `?limit=3&after=${encodeURIComponent(first.next)}`);
  assert.deepEqual([second.rooms.map(({ name }) => name), second.next], [["dora"], null]);
});

test("methods, tokens and parameters are checked", async (t) => {
  const server = await startServer({ vars });
  t.after(() => server.stop());
  const status = async (path, options) => (await http(server, path, { headers, ...options })).status;
  assert.equal(await status("/api/rooms", { headers: {} }), 401);
  assert.equal(await status("/api/rooms", { method: "POST" }), 405);
  assert.equal(await status("/api/rooms?limit=x"), 400);
  assert.equal(await status("/api/rooms?limit=-1"), 400);
  assert.equal(await status("/api/rooms/%3A"), 400, "the index is not a room");
  assert.equal(await status("/r/%3A/socket.io/?EIO=4&transport=polling"), 400);
});

test("the index is correct again after a kill, for a client that comes back and for one that does not", async (t) => {
  const server = await startKillable({ vars: { ...vars, RECOVERY_MS: "2000" } });
  t.after(() => server.stop());
  const transports = ["websocket"]; // a polling session would survive the kill
  const ada = await connect(server, { room: "ada", transports, reconnection: true, reconnectionDelay: 20, reconnectionDelayMax: 100 });
  const bob = await connect(server, { room: "bob", transports });
  for (const socket of [ada, bob]) await ask(socket, "room:join", {});
  await server.kill();
  await server.start();
  // Bob's client does not return; the alarm of his room tells the index.
  const page = await listed(server, ({ count, rooms }) => count === 1 && rooms.length === 1);
  assert.deepEqual(page.rooms.map(({ name, peers }) => [name, peers]), [["ada", 1]]);
  ada.disconnect();
  await listed(server, ({ count }) => count === 0);
});
