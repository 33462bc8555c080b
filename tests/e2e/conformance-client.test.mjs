// How the stock client reacts to the server: the reason that it gives for a disconnect, and whether it reconnects by itself.
//
// The echo of Engine.IO serves as a mirror: it returns a Socket.IO client's own packets to it. So a test can choose any
// packet that the client receives.

import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import { io } from "socket.io-client";
import { startCalmEchoes, startEchoes, unknownSid, url } from "./conformance.mjs";
import { http, once } from "./support.mjs";

let server; // with the fast heartbeats of T-2
let calm; // with heartbeats that do not interfere
before(async () => {
  [server, calm] = [await startEchoes(), await startCalmEchoes()];
});
after(async () => {
  await server.stop();
  await calm.stop();
});

/** A client of the Socket.IO echo. If it reconnects, it does so at once. */
function client({ to = calm, namespace = "", ...options } = {}) {
  const socket = io(to.url + namespace, { forceNew: true, reconnectionDelay: 1, reconnectionDelayMax: 2, ...options });
  open.push(socket);
  return socket;
}

// A client that reconnects would disturb later tests: the library remembers a successful upgrade for all clients.
const open = [];
afterEach(() => {
  for (const socket of open.splice(0)) socket.disconnect();
});

async function connected(options) {
  const socket = client(options);
  await once(socket, "connect");
  return socket;
}

/** A client of the mirror. It receives what `reflect` sends. Its CONNECT comes back, too, with the `sid` in its `auth`. */
async function mirrored(transport) {
  const socket = await connected({ path: "/engine.io", transports: [transport], auth: { sid: "itself" } });
  assert.equal(socket.id, "itself");
  return Object.assign(socket, { reflect: (packet) => socket.io.engine.write(packet) });
}

/** Checks that the client disconnects for this reason, and reconnects by itself. */
async function assertLost(socket, act, reason) {
  const [lost, back] = [once(socket, "disconnect"), once(socket, "connect")];
  act();
  const [why, details] = await lost;
  assert.equal(why, reason);
  assert.equal(socket.active, true);
  await back;
  return details;
}

/** Checks that the client disconnects for this reason, and does not reconnect. */
async function assertOut(socket, act, reason) {
  const lost = once(socket, "disconnect");
  act();
  const [why] = await lost;
  assert.equal(why, reason);
  assert.equal(socket.active, false);
}

test("K-7, K-8: the default delays and timeout of a stock client", () => {
  const { io: manager } = client({ reconnectionDelay: undefined, reconnectionDelayMax: undefined, autoConnect: false });
  assert.equal(manager.timeout(), 20_000);
  assert.deepEqual([manager.reconnectionDelay(), manager.reconnectionDelayMax()], [1_000, 5_000]);
  assert.equal(manager.randomizationFactor(), 0.5);
  assert.equal(manager.reconnectionAttempts(), Infinity);
});

test("R-6: the URL's path is a namespace", async () => {
  const socket = await connected({ namespace: "/custom", auth: { token: "t" } });
  assert.equal(socket.io.engine.opts.path, "/socket.io/");
  const refused = once(client({ namespace: "/elsewhere" }), "connect_error");
  assert.equal((await refused)[0].message, "Invalid namespace");
});

test("R-7: clients that differ in namespace and query share a connection; clients that differ in path do not", async () => {
  const shared = { forceNew: false };
  const a = client({ ...shared, query: { room: "a" } });
  const b = client({ ...shared, namespace: "/custom", query: { room: "b" } });
  assert.equal(a.io, b.io);
  await Promise.all([once(a, "connect"), once(b, "connect")]);
  assert.equal(b.io.engine.opts.query.room, "a");
  const path = (room) => ({ ...shared, path: `/r/${room}/socket.io` });
  const [c, d] = [client(path("c")), client({ ...path("d"), namespace: "/custom" })];
  await Promise.all([once(c, "connect"), once(d, "connect")]);
  assert.equal(new Set([a.io, c.io, d.io]).size, 3);
});

for (const transport of ["polling", "websocket"]) {
  const transports = [transport];

  describe(transport, () => {
    test("D-1: the server's DISCONNECT", async () => {
      const socket = await mirrored(transport);
      await assertOut(socket, () => socket.reflect("1"), "io server disconnect");
    });

    test("D-2: a close", async () => {
      const socket = await connected({ transports });
      // This is not a packet, so the server closes the session (S-7).
      const details = await assertLost(socket, () => socket.io.engine.write("9"), "transport close");
      if (transport === "websocket") assert.deepEqual([details.context.code, details.context.reason], [1005, ""]);
    });

    test("D-4: an invalid packet", async () => {
      const socket = await mirrored(transport);
      await assertLost(socket, () => socket.reflect("9"), "parse error");
    });

    test("D-6: the client calls disconnect()", async () => {
      const socket = await connected({ transports });
      await assertOut(socket, () => socket.disconnect(), "io client disconnect");
    });

    test("D-7: the client calls engine.close()", async () => {
      const socket = await connected({ transports });
      await assertLost(socket, () => socket.io.engine.close(), "forced close");
    });

    test("D-8: a refused CONNECT", async () => {
      const socket = client({ transports, namespace: "/random" });
      const [error] = await once(socket, "connect_error");
      assert.equal(error.message, "Invalid namespace");
      assert.equal(socket.active, false);
      // The application may ask again.
      const again = once(socket, "connect_error");
      socket.connect();
      assert.equal((await again)[0].message, "Invalid namespace");
    });

    test("D-9: a refused handshake", async () => {
      const socket = client({ transports, path: "/r/no name/socket.io" });
      for (const attempt of [1, 2, 3]) {
        const [error] = await once(socket, "connect_error");
        assert.equal(error.message, transport === "polling" ? "xhr poll error" : "websocket error");
        if (transport === "polling") assert.equal(error.description, 400);
        assert.equal(socket.active, true);
        assert.deepEqual(await once(socket.io, "reconnect_attempt"), [attempt]);
      }
    });

    test("D-14: with retries, an event is sent after the connect, and again if no ack arrives", async () => {
      const socket = client({ transports, retries: 2, ackTimeout: 50 });
      const heard = [];
      socket.on("message-back", (message) => heard.push(message));
      // The echo answers this event, but never acknowledges it.
      const given = new Promise((resolve) => socket.emit("message", "insist", (error) => resolve(error)));
      assert.match((await given).message, /timed out/);
      const done = once(socket, "message-back", (message) => message === "end");
      socket.emit("message", "end");
      await done;
      assert.deepEqual(heard.slice(0, 4), ["insist", "insist", "insist", "end"]);
    });
  });
}

test("D-2, W-5: the code of a closed WebSocket tells the reason", async () => {
  const socket = await connected({ transports: ["websocket"] });
  const details = await assertLost(socket, () => socket.emit("message", "x".repeat(1_000_000)), "transport close");
  assert.equal(details.context.code, 1009);
});

/** The status and body in the client's error. They are available only during the event. */
function shown(socket) {
  return new Promise((resolve) => {
    socket.once("disconnect", (_, { description, context }) => resolve([description, context.responseText]));
  });
}

test("D-3: a POST that is refused", async () => {
  const socket = await connected({ transports: ["polling"] });
  const answer = shown(socket);
  await assertLost(socket, () => socket.emit("message", "x".repeat(1_000_000)), "transport error");
  assert.deepEqual(await answer, [413, ""]);
});

test("D-3: a poll that is refused", async () => {
  const socket = await connected({ transports: ["polling"] });
  const answer = shown(socket);
  // The session ends without the client's knowledge.
  const path = url("socket.io", { transport: "polling", sid: socket.io.engine.id });
  const end = () => http(calm, path, { method: "POST", headers: { "content-type": "text/plain" }, body: "1" });
  await assertLost(socket, end, "transport error");
  assert.deepEqual(await answer, unknownSid);
});

test("D-5: no ping in time", async () => {
  const socket = await connected({ to: server, transports: ["websocket"] });
  // From here no packet reaches it, as on a network that stalls.
  await assertLost(socket, () => socket.io.engine.transport.ws.pause(), "ping timeout");
});

test("D-13: rememberUpgrade starts with a WebSocket after one upgrade", async () => {
  for (const [options, begins] of [[{}, "polling"], [{ rememberUpgrade: true }, "websocket"]]) {
    const socket = client({ ...options, reconnection: false });
    await once(socket, "connect");
    if (socket.io.engine.transport.name === "polling") await once(socket.io.engine, "upgrade");
    socket.disconnect().connect();
    assert.equal(socket.io.engine.transport.name, begins);
    await once(socket, "connect");
    socket.disconnect();
  }
});

test("D-13: tryAllTransports tries the WebSocket when polling is refused", async () => {
  const refused = { transports: ["polling", "websocket"], path: "/r/no name/socket.io", reconnection: false };
  for (const [options, error] of [[{}, "xhr poll error"], [{ tryAllTransports: true }, "websocket error"]]) {
    const socket = client({ ...refused, ...options });
    assert.equal((await once(socket, "connect_error"))[0].message, error);
  }
});
