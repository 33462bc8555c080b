// The host, with stock clients: kick, lock, knock, admit, deny and password, also after the room lost its memory.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { ask, client, connect, once, startKillable, startServer } from "./support.mjs";

const reconnecting = { reconnection: true, reconnectionDelay: 50, reconnectionDelayMax: 500 };

/** Evicts the room's object: its sockets stay open. */
const evict = (server, room) => server.evict(room);

/** Kills and restarts the server, and waits until a member of the room is back. */
async function kill(server, _, member) {
  const back = once(member, "connect");
  await server.kill();
  await server.start();
  await back;
  assert.equal(member.recovered, true);
}

for (const [how, start, lose] of [["evicted", startServer, evict], ["killed", startKillable, kill]]) describe(how, () => {
  let server;
  before(async () => {
    server = await start();
  });
  after(() => server.stop());

  /** A room's host. */
  async function hostOf(room) {
    const host = await connect(server, { room, ...reconnecting });
    await ask(host, "room:join", { name: "Host" });
    return host;
  }

  /** A member of a room, from an address other than this machine's. */
  const guestOf = (room, address, options) =>
    connect(server, { room, extraHeaders: { "cf-connecting-ip": address }, ...options });

  /** The data of the error with which a client is refused. */
  async function refusal(room, address, options) {
    const socket = client(server, { room, extraHeaders: { "cf-connecting-ip": address }, ...options });
    const [error] = await once(socket, "connect_error");
    return error.data;
  }

  for (const transports of [["websocket"], ["polling"]]) {
    test(`a kicked client is disconnected, and cannot return in any way: ${transports}`, async () => {
      const room = `kick-${transports}`;
      const host = await hostOf(room);
      const guest = await guestOf(room, "198.51.100.7", { transports });
      const silent = await guestOf(room, "198.51.100.7", { transports, ...reconnecting });
      await ask(guest, "room:join", { name: "Guest" });
      const [out, left] = [once(guest, "disconnect"), once(host, "peer:left")];
      const { id, _pid: pid } = guest;
      assert.deepEqual(await ask(host, "host:kick", { id }), { ok: true });
      assert.equal((await out)[0], "io server disconnect");
      assert.deepEqual((await left)[0], { id, reason: "kicked" });
      for (const auth of [{}, { pid, offset: "0000000000000000" }, { name: "Somebody else" }]) {
        const { code, retryAfterMs } = await refusal(room, "198.51.100.7", { transports, auth });
        assert.equal(code, "kicked");
        assert.ok(retryAfterMs > 500_000 && retryAfterMs <= 600_000);
      }
      const other = await guestOf(room, "198.51.100.8", { transports });
      assert.equal((await ask(other, "room:join", {})).ok, true);
      for (const lost of [false, true]) {
        if (lost) await lose(server, room, host);
        assert.equal((await refusal(room, "198.51.100.7", { transports })).code, "kicked");
        assert.equal((await ask(silent, "room:join", {})).error.code, "kicked");
      }
    });
  }

  test("a locked room: knock, deny, admit; the lock survives the loss of memory", async () => {
    const room = "locked";
    const host = await hostOf(room);
    assert.deepEqual(await ask(host, "host:lock", { on: true }), { ok: true });
    await lose(server, room, host);
    const [ann, bob] = [await connect(server, { room }), await connect(server, { room })];
    const overheard = [];
    for (const socket of [ann, bob]) socket.on("chat-message", (message) => overheard.push(message));
    for (const [socket, name] of [[ann, "Ann"], [bob, "Bob"]]) {
      const knock = once(host, "host:knock");
      assert.equal((await ask(socket, "room:join", { name })).error.code, "waiting");
      assert.deepEqual((await knock)[0], { id: socket.id, name });
    }
    await ask(host, "chat-message", "among us");
    const [denied, admitted] = [once(bob, "room:denied"), once(ann, "room:admitted")];
    await ask(host, "host:deny", { id: bob.id });
    await ask(host, "host:admit", { id: ann.id });
    await denied;
    const [{ self, peers, history }] = await admitted;
    assert.equal(self.name, "Ann");
    assert.deepEqual(peers.map(({ name }) => name), ["Host"]);
    assert.deepEqual(history.map(({ message }) => message), ["among us"]);
    assert.equal((await ask(bob, "chat-message", "let me in")).error.code, "room-locked");
    assert.deepEqual(overheard, []);
  });

  test("a password, the history and the host survive the loss of memory", async () => {
    const room = "password";
    const host = await hostOf(room);
    await ask(host, "chat-message", { message: "among us", mid: "m1" });
    assert.deepEqual(await ask(host, "host:password", { password: "correct horse" }), { ok: true });
    await lose(server, room, host);
    await ask(host, "chat-message", { message: "among us", mid: "m1" });
    const guest = await connect(server, { room });
    for (const joining of [{}, { password: "wrong" }]) {
      assert.equal((await ask(guest, "room:join", joining)).error.code, "bad-password");
    }
    assert.equal((await ask(guest, "chat:history", {})).error.code, "room-locked");
    const joined = await ask(guest, "room:join", { password: "correct horse" });
    assert.deepEqual(joined.history.map(({ message }) => message), ["among us"]);
    assert.deepEqual(joined.peers.map(({ id, host }) => [id, host]), [[host.id, true]]);
    assert.deepEqual(await ask(host, "host:password", { password: null }), { ok: true });
  });
});
