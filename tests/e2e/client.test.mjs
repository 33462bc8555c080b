// The behaviour of the stock client when a room refuses it, restarts, or gets its message twice.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ask, client, connect, enginePath, once, startServer, webSocket } from "./support.mjs";

let server;
before(async () => {
  server = await startServer({ vars: { MAX_SOCKETS: "2", MAX_PEERS: "2" } });
});
after(() => server.stop());

for (const transport of ["polling", "websocket"]) {
  test(`D-8, D-11, S-10: ${transport}: a full room says so, and the client may try again`, async () => {
    const room = `full-${transport}`;
    const [first] = [await connect(server, { room }), await connect(server, { room })];
    const third = client(server, { room, transports: [transport], reconnection: true });
    const [error] = await once(third, "connect_error");
    assert.equal(error.data.code, "room-full");
    assert.ok(error.message.length > 10);
    assert.equal(third.active, false, "the client does not reconnect by itself");
    first.disconnect();
    const connected = once(third, "connect");
    third.on("connect_error", () => third.connect()); // until the room has noticed that the first one left
    third.connect();
    await connected;
  });
}

test("S-17, D-11: a client that loses its WebSocket by a restart reconnects", async () => {
  const options = { room: "restart", transports: ["websocket"], reconnection: true, reconnectionDelay: 1 };
  const socket = await connect(server, options);
  const [lost, back] = [once(socket, "disconnect"), once(socket, "connect")];
  await server.evict("restart", { webSockets: "close" });
  assert.equal((await lost)[0], "transport close");
  assert.equal(socket.active, true);
  await back;
  assert.equal((await ask(socket, "room:join", {})).ok, true);
});

test("S-17: a polling client does not notice a restart", async () => {
  const socket = await connect(server, { room: "restart-polling", transports: ["polling"] });
  const { id } = socket;
  await ask(socket, "room:join", {}); // an ack means that this and all earlier events are stored
  await server.evict("restart-polling", { webSockets: "close" });
  assert.equal((await ask(socket, "room:join", {})).self.id, id);
  assert.equal(socket.connected, true);
});

test("D-14: a message that is sent again after its ack was lost is one message", async () => {
  const room = "again";
  const [ada, grace] = [await connect(server, { room }), client(server, { room, retries: 3, ackTimeout: 50, autoConnect: false })];
  const heard = [];
  ada.on("chat-message", ({ message }) => heard.push(message));
  // Its acks are lost until it has sent the message twice.
  let sent = 0;
  const deliver = grace.onpacket;
  grace.onpacket = (packet) => (packet.type === 3 && sent < 2 ? undefined : deliver.call(grace, packet));
  grace.onAnyOutgoing(() => (sent += 1));
  const acknowledged = new Promise((resolve) => grace.emit("chat-message", { message: "once", mid: "m1" }, (error, ack) => resolve(ack)));
  grace.connect();
  assert.equal((await acknowledged).ok, true);
  assert.ok(sent >= 2, `sent ${sent} times`);
  const last = once(ada, "chat-message", ({ message }) => message === "last");
  grace.emit("chat-message", { message: "last" });
  await last;
  assert.deepEqual(heard, ["once", "last"]);
});

test("B-6: the platform answers a pong in place of the room", async () => {
  const socket = await webSocket(server, enginePath("absorbed", { transport: "websocket" }));
  assert.match(await socket.next(), /^0\{/);
  for (let round = 0; round < 3; round++) {
    socket.send("3");
    assert.equal(await socket.next(), "6");
  }
  await server.evict("absorbed");
  socket.send("3");
  assert.equal(await socket.next(), "6");
  socket.send("40");
  assert.match(await socket.next(), /^40\{"sid":/);
});
