// Connection state recovery, with stock clients: after the loss of a connection, of the object's memory or of the whole
// server, each client is the same socket and gets the missed events.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ask, connect, enginePath, once, startKillable, startServer, webSocket } from "./support.mjs";

let server;
before(async () => {
  server = await startServer();
});
after(() => server.stop());

/** The transports of stock clients: the default, which upgrades, and each alone. */
const TRANSPORTS = { upgrade: undefined, websocket: ["websocket"], polling: ["polling"] };

const reconnecting = { reconnection: true, reconnectionDelay: 50, reconnectionDelayMax: 500 };

/** A stock client that reconnects by itself. */
function reconnectingClient(server, options) {
  return connect(server, { ...reconnecting, ...options });
}

/** Collects the chat messages that a client gets. */
function listen(socket) {
  const messages = [];
  socket.on("chat-message", (message) => messages.push(message));
  return messages;
}

for (const [name, transports] of Object.entries(TRANSPORTS)) {
  const room = `recovery-${name}`;

  /** Two members; one of them will lose its connection. */
  async function pair(room) {
    const [ada, grace] = [await reconnectingClient(server, { room, transports }), await connect(server, { room })];
    await ask(ada, "room:join", { name: "Ada" });
    await ask(grace, "room:join", { name: "Grace" });
    return [ada, grace];
  }

  const losses = {
    "a lost connection": (ada) => ada.io.engine.close(),
    "the loss of all connections": (_, room) => server.evict(room, { webSockets: "close" }),
  };
  for (const [what, lose] of Object.entries(losses)) {
    if (name === "polling" && what !== "a lost connection") continue; // polling has no lasting connection
    test(`V-1, V-4: recovery after ${what}, ${name}`, async () => {
      const own = `${room}-${what}`.replaceAll(" ", "-");
      const [ada, grace] = await pair(own);
      const { id } = ada;
      const heard = listen(ada);
      await ask(grace, "chat-message", "before");
      for (const round of [1, 2]) {
        const { engine } = ada.io;
        if (name === "upgrade" && engine.transport.name === "polling") await once(engine, "upgrade");
        const lost = once(ada, "disconnect");
        const back = once(ada, "connect");
        await lose(ada, own);
        await lost;
        const witness = await connect(server, { room: own });
        await ask(witness, "chat-message", `missed ${round}`);
        await back;
        assert.equal(ada.recovered, true);
        assert.equal(ada.id, id);
      }
      await ask(ada, "chat-message", "after");
      assert.deepEqual(heard.map(({ message }) => message), ["before", "missed 1", "missed 2", "after"]);
    });
  }

  test(`V-5: a client that has received no event yet recovers, ${name}`, async () => {
    const grace = await connect(server, { room: `${room}-quiet` });
    const ada = await reconnectingClient(server, { room: `${room}-quiet`, transports });
    const heard = listen(ada);
    const back = once(ada, "connect");
    ada.io.engine.close();
    await ask(grace, "chat-message", "missed");
    await back;
    assert.equal(ada.recovered, true);
    await ask(ada, "chat:history", {});
    assert.deepEqual(heard.map(({ message }) => message), ["missed"]);
  });
}

test("members see peer:away, then peer:back", async () => {
  const room = "away-and-back";
  const [ada, grace] = [await reconnectingClient(server, { room }), await connect(server, { room })];
  for (const socket of [ada, grace]) await ask(socket, "room:join", {});
  const { id } = ada;
  const [away, back] = [once(grace, "peer:away"), once(grace, "peer:back")];
  ada.io.engine.close();
  assert.deepEqual((await away)[0], { id });
  const [peer] = await back;
  assert.deepEqual([peer.id, peer.n, peer.host, peer.away], [id, 1, true, false]);
});

test("V-4: the peer of a closed page leaves after some seconds, and at once if the page is loaded again", async () => {
  const room = "page-left";
  const grace = await connect(server, { room });
  await ask(grace, "room:join", {});
  const page = await webSocket(server, enginePath(room, { transport: "websocket" }));
  await page.next();
  page.send("40");
  const joined = once(grace, "peer:joined");
  page.send('42["room:join",{}]');
  const [{ id }] = await joined;
  const [away, left] = [once(grace, "peer:away"), once(grace, "peer:left")];
  page.close(1001); // as browsers do
  assert.deepEqual((await away)[0], { id });
  assert.deepEqual((await left)[0], { id, reason: "left" });

  const again = await webSocket(server, enginePath(room, { transport: "websocket" }));
  await again.next();
  again.send("40");
  const joinedAgain = once(grace, "peer:joined");
  again.send('42["room:join",{}]');
  const [{ id: reloaded }] = await joinedAgain;
  const told = [once(grace, "peer:away"), once(grace, "peer:left")];
  again.close(1001);
  await told[0];
  const next = await connect(server, { room });
  const [gone] = await told[1];
  assert.deepEqual(gone, { id: reloaded, reason: "left" });
  assert.equal((await ask(next, "room:join", {})).peers.length, 1, "the earlier peer is gone");
});

test("V-4: a clean disconnect cannot be recovered", async () => {
  const ada = await connect(server, { room: "clean" });
  const { id } = ada;
  ada.disconnect();
  const back = once(ada, "connect");
  ada.connect();
  await back;
  assert.equal(ada.recovered, false);
  assert.notEqual(ada.id, id);
});

test("a stolen pid recovers nothing, and its owner does not notice", async () => {
  const room = "stolen";
  for (const transports of Object.values(TRANSPORTS)) {
    const owner = await connect(server, { room, transports });
    const heard = listen(owner);
    owner.on("disconnect", () => heard.push("disconnected"));
    const thief = await connect(server, { room, auth: { pid: owner._pid, offset: "0000000000000000" } });
    assert.notEqual(thief.id, owner.id);
    await ask(thief, "chat-message", "hello");
    await ask(owner, "chat:history", {});
    assert.deepEqual(heard.map(({ message }) => message), ["hello"]);
    for (const socket of [owner, thief]) socket.disconnect();
  }
});

test("a pid of another room, or an unknown one, recovers nothing", async () => {
  const elsewhere = await connect(server, { room: "elsewhere" });
  const pid = elsewhere._pid;
  elsewhere.io.engine.close();
  for (const auth of [{ pid }, { pid: "x".repeat(20) }, { pid: 1 }, { pid: null, offset: {} }]) {
    const socket = await connect(server, { room: "here", auth });
    assert.equal(typeof socket._pid, "string");
    assert.notEqual(socket._pid, pid);
  }
});

test("a killed server: 20 chatting clients are the same sockets again, and each gets every acknowledged message once", async (t) => {
  const [CLIENTS, MESSAGES] = [20, 15];
  const killable = await startKillable();
  t.after(() => killable.stop());
  const kinds = Object.values(TRANSPORTS);
  const sockets = await Promise.all(
    Array.from({ length: CLIENTS }, (_, i) => reconnectingClient(killable, { room: "killed", transports: kinds[i % 3] })),
  );
  const heard = sockets.map(listen);
  const joined = await Promise.all(sockets.map((socket, i) => ask(socket, "room:join", { name: `${i}` })));
  const ids = sockets.map(({ id }) => id);
  const comebacks = [];
  for (const socket of sockets) socket.on("connect", () => comebacks.push(socket.recovered));
  const left = [];
  for (const socket of sockets) socket.on("peer:left", ({ id }) => left.push(id));

  let acknowledged = 0;
  const killing = Promise.withResolvers();
  /** Sends its messages one after the other, and repeats those that were not acknowledged. */
  async function talk(socket, i) {
    for (let n = 0; n < MESSAGES; n++) {
      const message = { message: `${i}: ${n}`, mid: `${n}` };
      for (;;) {
        if (!socket.connected) await once(socket, "connect");
        const reply = await socket.timeout(20_000).emitWithAck("chat-message", message).catch(() => undefined);
        if (reply?.ok) break;
        assert.equal(reply, undefined, `refused: ${JSON.stringify(reply)}`);
      }
      acknowledged += 1;
      if (acknowledged === (CLIENTS * MESSAGES) / 3) killing.resolve();
    }
  }
  const talks = Promise.all(sockets.map(talk));
  await killing.promise;
  await killable.kill();
  const before = acknowledged;
  await killable.start();
  await talks;
  await Promise.all(sockets.map((socket) => ask(socket, "chat:history", {}))); // the ack means that earlier events have arrived

  t.diagnostic(`${before} messages were acknowledged before the kill, ${acknowledged - before} after it`);
  assert.equal(acknowledged, CLIENTS * MESSAGES);
  assert.deepEqual(comebacks, Array(CLIENTS).fill(true), "each came back once, recovered");
  assert.deepEqual(sockets.map(({ id }) => id), ids);
  assert.deepEqual(left, []);
  const order = heard[0].map(({ seq }) => seq);
  assert.deepEqual(order, order.toSorted((a, b) => a - b), "in the order of their numbers");
  for (const messages of heard) {
    assert.equal(new Set(messages.map(({ message }) => message)).size, CLIENTS * MESSAGES, "each message");
    assert.deepEqual(messages.map(({ seq }) => seq), order, "once, in the same order for everyone");
  }
  const again = await Promise.all(sockets.map((socket, i) => ask(socket, "room:join", { name: `${i}` })));
  const known = (answers) => answers.map(({ self: { id, n, host } }) => ({ id, n, host }));
  assert.deepEqual(known(again), known(joined), "the same ids, ordinals and host");
});
