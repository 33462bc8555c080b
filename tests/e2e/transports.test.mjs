// The stock client on each transport and over the upgrade, its acks and attachments, and rooms that hibernate during a
// conversation.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { io } from "socket.io-client";
import { ask, client, connect, enginePath, http, once, openPolling, startServer, webSocket } from "./support.mjs";

let server;
before(async () => {
  server = await startServer();
});
after(() => server.stop());

test("U-3: io(url) with no options connects by polling and upgrades to websocket", async () => {
  const socket = io(server.url);
  server.closers.add(() => socket.disconnect());
  const began = new Promise((resolve) => {
    socket.io.once("open", () => resolve(socket.io.engine.transport.name));
  });
  await once(socket, "connect");
  assert.equal(await began, "polling");
  if (socket.io.engine.transport.name !== "websocket") await once(socket.io.engine, "upgrade");
  assert.equal(socket.io.engine.transport.name, "websocket");
  assert.equal((await ask(socket, "chat-message", "hello")).ok, true);
});

for (const transports of [["polling"], ["websocket"], ["polling", "websocket"]]) {
  const room = transports.join("-");
  test(`${room}: events, acks, attachments, disconnect`, async () => {
    const [ada, grace] = [await connect(server, { room, transports }), await connect(server, { room, transports })];
    const signal = { to: grace.id, data: { bytes: Buffer.from([0, 255, 30, 4]), more: [Buffer.from("b")] } };
    const heard = once(grace, "signal");
    assert.deepEqual(await ask(ada, "signal", signal), { ok: true, delivered: 1 });
    const [{ from, data }] = await heard;
    assert.equal(from, ada.id);
    assert.deepEqual([...data.bytes], [0, 255, 30, 4]);
    assert.equal(Buffer.from(data.more[0]).toString(), "b");
    await ask(ada, "room:join", { name: "Ada" });
    await ask(grace, "room:join", { name: "Grace" });
    const left = once(grace, "peer:left");
    const id = ada.id;
    ada.disconnect();
    assert.deepEqual((await left)[0], { id, reason: "left" });
  });

  test(`${room}: an object that loses its memory between events loses no client`, async () => {
    const name = `${room}-evicted`;
    const [ada, grace] = [
      await connect(server, { room: name, transports }),
      await connect(server, { room: name, transports }),
    ];
    const joined = await ask(ada, "room:join", { name: "Ada" });
    if (transports.length > 1 && ada.io.engine.transport.name !== "websocket") await once(ada.io.engine, "upgrade");
    for (let round = 1; round <= 5; round++) {
      await server.evict(name);
      const heard = once(grace, "chat-message");
      const ack = await ask(ada, "chat-message", `round ${round}`);
      const [message] = await heard;
      assert.equal(message.message, `round ${round}`);
      assert.deepEqual([message.id, message.from, message.name], [ack.id, joined.self.id, "Ada"]);
    }
    const { peers, history, self } = await ask(grace, "room:join", { name: "Grace" });
    assert.deepEqual(peers.map(({ id, n, host }) => ({ id, n, host })), [{ id: joined.self.id, n: 1, host: true }]);
    assert.equal(self.n > 1, true);
    assert.deepEqual(history.map(({ message }) => message), [1, 2, 3, 4, 5].map((round) => `round ${round}`));
    assert.equal(new Set(history.map(({ seq }) => seq)).size, 5);
    assert.equal(ada.connected && grace.connected, true);
  });
}

for (const { title, go } of [
  { title: "closes", go: (socket) => socket.close() },
  { title: "closes with a code", go: (socket) => socket.close(4001, "bye") },
  { title: "loses the connection", go: (socket) => socket.terminate() },
]) {
  test(`a socket that ${title} while the object hibernates is away for the others`, async () => {
    const room = `asleep-${title.replaceAll(" ", "-")}`;
    const grace = await connect(server, { room, transports: ["polling"] });
    await ask(grace, "room:join", {});
    const socket = await webSocket(server, enginePath(room, { transport: "websocket" }));
    await socket.next();
    socket.send("40");
    const joined = once(grace, "peer:joined");
    socket.send('42["room:join",{"name":"Ada"}]');
    const [{ id }] = await joined;
    await server.evict(room);
    const away = once(grace, "peer:away");
    go(socket);
    assert.deepEqual((await away)[0], { id });
    // The socket does not come back when the memory is rebuilt.
    await server.evict(room);
    const { peers } = await ask(grace, "room:join", {});
    assert.deepEqual(peers.map(({ id, away }) => [id, away]), [[id, true]]);
  });
}

test("U-3, U-5: no event before, during or after the upgrade is lost or out of order", async () => {
  const listener = await connect(server, { room: "upgrade", transports: ["websocket"] });
  const heard = [];
  const all = new Promise((resolve) => {
    listener.on("chat-message", ({ message }) => {
      heard.push(message);
      if (message === "last") resolve();
    });
  });
  const speaker = client(server, { room: "upgrade" });
  let sent = 0;
  const say = () => speaker.emit("chat-message", `${sent++}`);
  say(); // buffered until the client connects
  await once(speaker.io, "open");
  const upgraded = once(speaker.io.engine, "upgrade");
  const timer = setInterval(say, 1);
  await Promise.all([upgraded, once(speaker, "connect")]).finally(() => clearInterval(timer));
  say();
  speaker.emit("chat-message", "last");
  await all;
  assert.deepEqual(heard, [...Array.from({ length: sent }, (_, n) => `${n}`), "last"]);
});

test("P-8: after an aborted poll the next one gets 400, and the others are told that the peer is away", async () => {
  const grace = await connect(server, { room: "abort", transports: ["websocket"] });
  await ask(grace, "room:join", {});
  const handshake = await http(server, enginePath("abort", { transport: "polling" }));
  const { sid } = JSON.parse(handshake.body.slice(1));
  const path = enginePath("abort", { transport: "polling", sid });
  const post = (body) => http(server, path, { method: "POST", headers: { "content-type": "text/plain" }, body });
  const joined = once(grace, "peer:joined");
  await post("40");
  await post('42["room:join",{"name":"Ada"}]');
  const [{ id }] = await joined;
  await http(server, path); // the buffered packets
  const away = once(grace, "peer:away");
  const aborter = new AbortController();
  const poll = http(server, path, { signal: aborter.signal });
  assert.equal((await ask(grace, "chat:history", {})).ok, true);
  aborter.abort();
  await assert.rejects(poll);
  // If the loss of the connection is not noticed at once, the next poll detects it.
  assert.equal((await http(server, path)).status, 400);
  assert.equal((await away)[0].id, id);
  const { status, body } = await http(server, path);
  assert.deepEqual([status, body], [400, '{"code":1,"message":"Session ID unknown"}']);
});

test("E-6, D-9: a session over the limit is refused, and its client connects when another has ended", async () => {
  const small = await startServer({ vars: { MAX_SESSIONS: "2", MAX_SOCKETS: "2", MAX_PEERS: "2", ALLOWED_ORIGINS: "*" } });
  try {
    const path = enginePath("full", { transport: "polling" });
    const sids = [];
    for (let n = 0; n < 2; n++) sids.push(JSON.parse((await http(small, path)).body.slice(1)).sid);
    const { status, headers, body } = await http(small, path);
    assert.deepEqual([status, JSON.parse(body).code], [503, 4]);
    assert.equal(headers["access-control-allow-origin"], "*", "E-17");
    const refused = await webSocket(small, enginePath("full", { transport: "websocket" })).then(() => null, (error) => error);
    assert.equal(refused?.status, 503);
    // Connected clients are not affected, and may upgrade.
    const probe = await webSocket(small, enginePath("full", { transport: "websocket", sid: sids[0] }));
    probe.send("2probe");
    assert.equal(await probe.next(), "3probe");
    for (const transports of [["polling"], ["websocket"]]) {
      const socket = client(small, { room: "full", transports, reconnection: true, reconnectionDelay: 10, reconnectionDelayMax: 50 });
      const [error] = await once(socket, "connect_error");
      assert.match(error.message, /^(xhr poll|websocket) error$/);
      assert.equal(socket.active, true, "it tries again");
      const connected = once(socket, "connect");
      const gone = enginePath("full", { transport: "polling", sid: sids.pop() });
      if (transports[0] === "polling") await http(small, gone, { method: "POST", body: "1" });
      await connected;
      assert.equal((await ask(socket, "chat-message", "in")).ok, true);
      socket.disconnect();
    }
  } finally {
    await small.stop();
  }
});

test("a close frame is answered, with its code or none", async () => {
  for (const [code, answer] of [[undefined, 1005], [1000, 1000], [4001, 4001], [1001, 1005]]) {
    const socket = await webSocket(server, enginePath("close", { transport: "websocket" }));
    await socket.next();
    socket.close(code);
    assert.equal((await socket.closed).code, answer, `after close(${code})`);
  }
});

for (const transports of [["websocket"], ["polling", "websocket"]]) {
  test(`W-8: a stock client that offers subprotocols connects by ${transports.join(", then ")}`, async () => {
    const socket = await connect(server, { room: "subprotocols", transports, protocols: ["chat.v2", "chat.v1"] });
    const { engine } = socket.io;
    if (engine.transport.name !== "websocket") await once(engine, "upgrade");
    assert.equal(engine.transport.ws.protocol, "chat.v2");
    assert.equal((await ask(socket, "chat-message", "hello")).ok, true);
  });
}

test("W-8: a subprotocol is confirmed if one is offered, on each kind of WebSocket", async () => {
  const path = (query) => enginePath("subprotocols", query);
  const direct = path({ transport: "websocket" });
  for (const [protocols, confirmed] of [[["chat.v1"], "chat.v1"], [["b", "a"], "b"], [undefined, undefined]]) {
    const { sid } = await openPolling(server, path);
    const upgrade = path({ transport: "websocket", sid });
    for (const [kind, url] of [["direct", direct], ["upgrade", upgrade], ["closed at once", upgrade]]) {
      const socket = await webSocket(server, url, { protocols });
      assert.equal(socket.headers["sec-websocket-protocol"], confirmed, kind);
      if (kind === "closed at once") assert.equal((await socket.closed).code, 1005);
    }
  }
});

test("rooms are isolated, even from clients that know the other room's peer ids", async () => {
  const [a1, a2] = [await connect(server, { room: "island-a" }), await connect(server, { room: "island-a" })];
  const [b1, b2] = [await connect(server, { room: "island-b" }), await connect(server, { room: "island-b" })];
  const strangers = [];
  for (const socket of [b1, b2]) socket.onAny((event, ...args) => strangers.push([event, ...args]));
  await ask(a1, "join", "alias-of-a1");
  await ask(a1, "room:join", { name: "A" });
  await ask(a1, "chat-message", "for a alone");
  const offer = { type: "offer", sdp: "v=0" };
  for (const to of [b1.id, b2.id]) {
    const { error } = await ask(a1, "offer", { to, description: offer });
    assert.equal(error.code, "unknown-peer");
    a1.emit("candidate", { candidate: null, remotePeerId: to });
  }
  const delivered = once(a2, "offer");
  a1.emit("offer", offer);
  await delivered;
  // Only b's own messages arrive.
  const { error } = await ask(b1, "offer", { to: "alias-of-a1", description: offer });
  assert.equal(error.code, "unknown-peer");
  assert.deepEqual((await ask(b1, "room:join", { name: "B" })).peers, []);
  const heard = Promise.all([once(b1, "chat-message"), once(b2, "chat-message")]);
  await ask(b1, "chat-message", "for b");
  await heard;
  assert.deepEqual(strangers.map(([event, message]) => [event, message.message]), [
    ["chat-message", "for b"],
    ["chat-message", "for b"],
  ]);
});
