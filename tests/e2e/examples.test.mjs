// Tests the examples with stock clients. Each example is a Worker of its own.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { io } from "socket.io-client";
import { ask, http, once, payload, startKillable, startServer } from "./support.mjs";

/** A stock client as the example's page makes it. */
async function connect(server, options = {}) {
  const socket = io(server.url, { forceNew: true, autoConnect: false, reconnectionDelay: 100, reconnectionDelayMax: 500, ...options });
  server.closers.add(() => socket.disconnect());
  const connected = once(socket, "connect");
  socket.connect();
  await connected;
  return socket;
}

describe("chat", () => {
  let server;
  before(async () => {
    server = await startKillable({ crate: "examples/chat" });
  });
  after(() => server.stop());

  test("members of a room get its messages, before and after the server is killed", async () => {
    const [ann, bob, cat] = [await connect(server), await connect(server), await connect(server)];
    const surprises = [];
    cat.onAny((event) => surprises.push(event));
    ann.emit("enter", "den", "Ann");
    await ask(ann, "say", "first"); // the ack means that earlier events have been handled
    const entered = once(ann, "entered");
    bob.emit("enter", "den", "Bob");
    assert.deepEqual(payload(await entered), ["Bob"]);
    const say = async (from, to, text) => {
      const said = Promise.all([once(from, "said"), once(to, "said")]);
      assert.equal(await ask(from, "say", text), "ok");
      return (await said).map((args) => payload(args)[0]);
    };
    assert.deepEqual(await say(ann, bob, "hello"), [["Ann", "hello"], ["Ann", "hello"]]);
    const ids = [ann.id, bob.id];
    const lost = Promise.all([once(ann, "disconnect"), once(bob, "disconnect")]);
    await server.kill();
    await lost;
    await server.start();
    for (const socket of [ann, bob]) if (!socket.connected) await once(socket, "connect");
    assert.deepEqual([ann.id, bob.id], ids);
    assert.deepEqual(await say(bob, ann, "again"), [["Bob", "again"], ["Bob", "again"]]);
    const left = once(ann, "left");
    bob.disconnect();
    assert.deepEqual(payload(await left), ["Bob"]);
    assert.deepEqual(surprises, []);
  });

  test("an invalid payload is an error for its sender", async () => {
    const eve = await connect(server);
    const exception = once(eve, "exception");
    eve.emit("enter", { no: "room" });
    const [{ event, message }] = await exception;
    assert.equal(event, "enter");
    assert.match(message, /the list of arguments does not fit/);
    const { error } = await ask(eve, "no such event");
    assert.equal(error.message, "there is no such event");
  });

  test("its page is served", async () => {
    const { status, body } = await http(server, "/");
    assert.equal(status, 200);
    assert.match(body, /<title>Chat<\/title>/);
  });
});

describe("chat, evicted", () => {
  let server;
  before(async () => {
    server = await startServer({ crate: "examples/chat" });
  });
  after(() => server.stop());

  test("rooms and names are restored", async () => {
    const [ann, bob] = [await connect(server, { transports: ["websocket"] }), await connect(server, { transports: ["websocket"] })];
    ann.emit("enter", "den", "Ann");
    await ask(ann, "say", "first");
    const entered = once(ann, "entered");
    bob.emit("enter", "den", "Bob");
    await entered;
    await server.evict("lobby", { className: "Chat" });
    const said = once(bob, "said");
    assert.equal(await ask(ann, "say", "still here"), "ok");
    assert.deepEqual(payload(await said), [["Ann", "still here"]]);
  });
});

describe("cursors", () => {
  let server;
  before(async () => {
    server = await startServer({ crate: "examples/cursors" });
  });
  after(() => server.stop());

  test("others see each pointer, and later clients get all positions", async () => {
    const [ann, bob] = [await connect(server), await connect(server)];
    for (const event of ["move", "rest"]) {
      const cursor = once(bob, "cursor", ({ x }) => x === (event === "move" ? 0.25 : 0.5));
      ann.emit(event, { x: event === "move" ? 0.25 : 0.5, y: 1 });
      assert.equal((await cursor)[0].id, ann.id);
    }
    const cat = io(server.url, { forceNew: true, autoConnect: false });
    server.closers.add(() => cat.disconnect());
    const cursors = once(cat, "cursors");
    cat.connect();
    assert.deepEqual((await cursors)[0], [{ id: ann.id, x: 0.5, y: 1 }]);
    const gone = once(bob, "gone");
    ann.disconnect();
    await gone;
  });
});

describe("game", () => {
  let server;
  before(async () => {
    server = await startServer({ crate: "examples/game" });
  });
  after(() => server.stop());

  /** Connects a client; returns it with its side. */
  async function player() {
    const socket = io(server.url, { forceNew: true, autoConnect: false });
    server.closers.add(() => socket.disconnect());
    const side = once(socket, "side");
    socket.connect();
    return { socket, side: (await side)[0] };
  }

  test("two clients play by the rules, a third client watches, and the game continues after a loss of memory", async () => {
    const x = await player();
    const o = await player();
    const watcher = await player();
    assert.deepEqual([x.side, o.side, watcher.side], ["x", "o", null]);
    const play = async ({ socket }, field) => {
      const game = once(watcher.socket, "game", ({ board }) => board[field] !== "");
      socket.emit("play", field);
      return (await game)[0];
    };
    const refused = async ({ socket }, field) => {
      const exception = once(socket, "exception");
      socket.emit("play", field);
      return (await exception)[0].message;
    };
    assert.equal((await play(x, 0)).turns, 1);
    assert.equal(await refused(x, 1), "it is not your turn");
    assert.equal(await refused(o, 0), "this field is taken");
    assert.equal(await refused(o, 9), "there is no such field");
    assert.equal(await refused(watcher, 1), "you only watch");
    await play(o, 3);
    await server.evict("lobby", { className: "Match" });
    await play(x, 1);
    await play(o, 4);
    const { winner, board } = await play(x, 2);
    assert.equal(winner, "x");
    assert.deepEqual(board, ["x", "x", "x", "o", "o", "", "", "", ""]);
    assert.equal(await refused(o, 5), "the game is over");
    const again = once(watcher.socket, "game");
    o.socket.emit("again");
    assert.equal((await again)[0].turns, 0);
  });
});
