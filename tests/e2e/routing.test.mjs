// Tests which room a request belongs to.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { io } from "socket.io-client";
import { ask, connect, enginePath, http, once, startServer, webSocket } from "./support.mjs";

let server;
before(async () => {
  server = await startServer();
});
after(() => server.stop());

/** A stock client with only these options, and its room. */
async function roomOf(options) {
  const socket = io(server.url, { forceNew: true, reconnection: false, ...options });
  server.closers.add(() => socket.disconnect());
  const { room } = await ask(socket, "room:join", {});
  return [room.name, socket];
}

test("R-1: the path names the room, else the query, else it is the lobby", async () => {
  for (const [options, name] of [
    [{ path: "/r/in-path/socket.io" }, "in-path"],
    [{ path: "/r/in-path/socket.io", query: { room: "in-query" } }, "in-path"],
    [{ query: { room: "in-query" } }, "in-query"],
    [{ query: { room: "" } }, "lobby"],
    [{}, "lobby"],
  ]) {
    assert.equal((await roomOf(options))[0], name, JSON.stringify(options));
  }
});

test("R-1: ?room= and /r/<room> are the same room, in any script and any normal form", async () => {
  const [, a] = await roomOf({ path: `/r/${encodeURIComponent("caf\u00e9-会议")}/socket.io` });
  const [, b] = await roomOf({ query: { room: "cafe\u0301-会议" } });
  const heard = once(b, "chat-message");
  await ask(a, "chat-message", "here");
  assert.equal((await heard)[0].message, "here");
});

test("R-1: of several rooms in the query the last counts", async () => {
  const path = "/socket.io/?room=first&EIO=4&transport=polling&room=last";
  const { sid } = JSON.parse((await http(server, path)).body.slice(1));
  const last = await http(server, `${path}&sid=${sid}`, { method: "POST", body: "40" });
  assert.equal(last.body, "ok");
  const inPath = await http(server, enginePath("last", { transport: "polling", sid }));
  assert.match(inPath.body, /^40\{/);
});

for (const options of [{ query: { room: "upgraded", more: "a b&c=d" } }, { path: "/r/upgraded/socket.io" }]) {
  test(`R-2: a client with ${Object.keys(options)} names its room in each request`, async () => {
    const peer = await connect(server, { room: "upgraded" });
    const socket = io(server.url, { forceNew: true, ...options });
    server.closers.add(() => socket.disconnect());
    await once(socket, "connect");
    if (socket.io.engine.transport.name === "polling") await once(socket.io.engine, "upgrade");
    const heard = once(peer, "chat-message");
    await ask(socket, "chat-message", "by WebSocket");
    assert.equal((await heard)[0].from, socket.id);
  });
}

test("R-2: a sid is unknown in another room", async () => {
  const { sid } = JSON.parse((await http(server, enginePath("home", { transport: "polling" }))).body.slice(1));
  const away = await http(server, enginePath("away", { transport: "polling", sid }));
  assert.deepEqual([away.status, away.body], [400, '{"code":1,"message":"Session ID unknown"}']);
  const refused = await webSocket(server, enginePath("away", { transport: "websocket", sid })).then(() => null, (error) => error);
  assert.deepEqual([refused?.status, refused?.body], [400, "Session ID unknown"]);
  const home = await http(server, enginePath("home", { transport: "polling", sid }), { method: "POST", body: "40" });
  assert.equal(home.body, "ok");
});

test("an object without a room's name refuses all requests, and says why", async () => {
  const objects = await server.objects();
  const ask = (id) => objects.get(id).fetch("https://room/1?EIO=4&transport=polling");
  await assert.rejects(ask(objects.newUniqueId()), /this object has no name/);
  await assert.rejects(ask(objects.idFromName("a b")), /the object "a b" is not a room: a room's name consists of/);
  assert.equal((await ask(objects.idFromName("a-b"))).status, 200);
});

test("R-8: a client whose path has no trailing slash connects", async () => {
  assert.equal((await roomOf({ addTrailingSlash: false }))[0], "lobby");
  assert.equal((await roomOf({ addTrailingSlash: false, path: "/r/bare/socket.io" }))[0], "bare");
});
