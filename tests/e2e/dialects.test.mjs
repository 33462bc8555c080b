// Dialects, end to end: stock clients play the transcript of each shipped dialect, connected as a tutorial's page
// connects.

import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename } from "node:path";
import { after, before, test } from "node:test";
import { io } from "socket.io-client";
import { inRoot } from "../../scripts/task.mjs";
import { ask, enginePath, http, once, startKillable, startServer } from "./support.mjs";

const json = (...path) => JSON.parse(readFileSync(inRoot(...path), "utf8"));
const names = readdirSync(inRoot("dialects/transcripts")).map((file) => basename(file, ".json"));

const versions = createRequire(inRoot("tests/interop/package.json"));
/** The versions of the client that tutorials' pages load, if it is not the newest version. */
const loaded = {
  "chaim-video-chat": "2.3.1",
  "chaim-group-video": "2.3.1",
  "chaim-native-webrtc": "2.3.1",
  miczeq22: "2.3.1",
  "video-meeting": "2.3.1",
  anoek: "1.4.8",
  simplewebrtc: "1.7.4",
  "javascript-mastery": "4.0.0",
  csagar131: "4.7.5",
  nextjs: "4.7.5",
  "piyush-garg": "4.7.5",
};

/** The client's function `io` of this version. In older versions it is the module itself. */
function library(version) {
  const module = versions(`socket.io-client-${version}`);
  return module.io ?? module;
}

/** The tutorials for which the tests have a table, but which are not shipped dialects. */
const others = readdirSync(inRoot("tests/dialects")).flatMap((file) => /^(.+)-transcript\.json$/.exec(file)?.slice(1) ?? []);

/** The deployment's own dialects, for the variable DIALECTS. */
const own = {
  mine: { on: { connect: [{ emit: "hello", args: ["$id"] }], x: { emit: "y", to: "everyone", args: "$args" } } },
  ...Object.fromEntries(others.map((name) => [name, json("tests/dialects", `${name}.json`)])),
};

let server;
before(async () => {
  server = await startServer({ vars: { DIALECT: "codelab", DIALECTS: JSON.stringify(own) } });
});
after(() => server.stop());

/** A client as a tutorial's page makes it: `io(url)`, with the dialect in the URL. Its events are in `got`. */
function page(dialect, { query = "", room = "", library = io, namespace = "", ...options } = {}) {
  const parameters = [dialect && `dialect=${dialect}`, room && `room=${room}`, query].filter(Boolean).join("&");
  const socket = library(`${server.url}${namespace || "/"}?${parameters}`, { forceNew: true, reconnection: false, autoConnect: false, ...options });
  socket.got = [];
  socket.heard = new EventEmitter(); // emits each event in got
  const hear = (...event) => {
    if (event[1]?.event === "settled?") return;
    // Removes the offset for recovery; errors have none.
    socket.got.push(/^\d{16}$/.test(event.at(-1)) ? event.slice(0, -1) : event);
    socket.heard.emit("event");
  };
  if (socket.onAny) {
    socket.onAny(hear);
  } else {
    const { onevent } = socket; // the equivalent in versions 1 and 2
    socket.onevent = (packet) => {
      hear(...packet.data);
      onevent.call(socket, packet);
    };
  }
  server.closers.add(() => socket.disconnect());
  return socket;
}

async function connected(socket) {
  socket.connect();
  await once(socket, "connect");
  return socket;
}

/** Resolves when the server has handled all events of a client: it answers an event that no table names. */
async function settled(client) {
  const answered = once(client, "room:error", ({ event }) => event === "settled?");
  client.emit("settled?");
  await answered;
}

/** Plays a transcript: see src/dialect/transcript.rs. */
async function play(dialect, steps, options) {
  const known = new Map();
  const clients = new Map();
  const filled = (value) => {
    if (typeof value === "string") return known.get(value) ?? value;
    if (Array.isArray(value)) return value.map(filled);
    if (value === null || typeof value !== "object") return value;
    if (typeof value.$bytes === "string") return Buffer.from(value.$bytes, "hex");
    return Object.fromEntries(Object.entries(value).map(([key, value]) => [known.get(key) ?? key, filled(value)]));
  };
  /** For each name in `expected` without a value: the value at the same place in `got` becomes its value. */
  const learn = (expected, got) => {
    if (typeof expected === "string" && expected.startsWith("$") && !known.has(expected) && got !== undefined) known.set(expected, got);
    else if (expected && got && typeof expected === "object") {
      for (const [key, value] of Object.entries(expected)) learn(value, got[known.get(key) ?? key]);
    }
  };
  for (const [index, step] of steps.entries()) {
    const where = `step ${index + 1}`;
    let ack;
    if (step.connect) {
      const client = page(dialect, { ...options, query: step.query, auth: step.auth });
      clients.set(step.connect, client);
      if (step.refused) {
        client.connect();
        const [error] = await once(client, "connect_error");
        assert.equal(error.message, step.refused, where);
        if (step.data) assert.deepEqual(error.data, filled(step.data), where);
        clients.delete(step.connect);
        continue;
      }
      await connected(client);
      known.set(`$${step.connect}`, client.id);
    } else if (step.by) {
      const client = clients.get(step.by);
      const event = filled(step.emit);
      if (step.ack === null) {
        client.emit(...event, () => assert.fail(`${where} is acknowledged`));
      } else if (step.ack) {
        const acknowledged = new Promise((resolve) => client.emit(...event, (...args) => resolve(args)));
        ack = await acknowledged;
        learn(step.ack, ack);
        assert.deepEqual(ack, filled(step.ack), where);
      } else {
        client.emit(...event);
      }
      await settled(client);
    } else if (step.lose) {
      const client = clients.get(step.lose);
      const lost = once(client, "disconnect");
      client.io.engine.close();
      await lost;
    } else if (step.recover) {
      await connected(clients.get(step.recover));
    } else {
      clients.get(step.disconnect).disconnect();
      clients.delete(step.disconnect);
    }
    for (const [name, expected] of Object.entries(step.gets ?? {})) {
      const client = clients.get(name);
      while (client.got.length < expected.length) await once(client.heard, "event");
      const got = client.got.splice(0, expected.length);
      learn(expected, got);
      assert.deepEqual(got, filled(expected), `${where}, ${name}`);
    }
  }
  for (const [name, client] of clients) assert.deepEqual(client.got, [], `${name} gets nothing else`);
}

for (const name of names) {
  for (const transports of [["websocket"], ["polling", "websocket"]]) {
    test(`${name} over ${transports.join(" and ")}`, () =>
      play(name, json("dialects/transcripts", `${name}.json`), { transports, room: `room-${transports.length}` }));
  }
}

for (const [name, version] of Object.entries(loaded)) {
  for (const transports of [["websocket"], ["polling", "websocket"]]) {
    test(`${name} with socket.io-client ${version}, as its page loads it, over ${transports.join(" and ")}`, () =>
      play(name, json("dialects/transcripts", `${name}.json`), {
        library: library(version),
        transports,
        room: `old-${transports.length}`,
      }));
  }
}

for (const name of others) {
  test(`${name}, a table of the deployment's own`, () =>
    play(name, json("tests/dialects", `${name}-transcript.json`), { namespace: own[name].namespace }));
}

test("the default dialect needs no parameter in the URL, and a room's own path leads to the room, not to the dialect", async () => {
  await play("", json("dialects/transcripts/codelab.json"), { room: "by-default" });
  const native = await connected(io(server.url, { path: "/r/by-default/socket.io", forceNew: true, autoConnect: false }));
  server.closers.add(() => native.disconnect());
  assert.equal((await ask(native, "room:join", {})).ok, true);
  const named = await connected(page("room", { room: "by-default" }));
  assert.equal((await ask(named, "room:join", {})).peers.length, 1, "both are in the native room");
});

test("a dialect of the deployment's own is separate from other dialects and rooms", async () => {
  const [a, b] = await Promise.all([page("mine"), page("mine")].map(connected));
  const others = await Promise.all([page("mine", { room: "another" }), page("voice-call"), page("room")].map(connected));
  const heard = Promise.all([once(a, "y"), once(b, "y")]);
  a.emit("x", 1, { two: [3] });
  for (const args of await heard) assert.deepEqual(args.slice(0, 2), [1, { two: [3] }]);
  assert.deepEqual(a.got[0], ["hello", a.id]);
  // Each of the others sends an event: the server answers it after all earlier events for that client.
  for (const other of others) {
    await settled(other);
    assert.ok(other.got.every(([event]) => event !== "y"));
  }
});

test("a dialect that does not exist is refused with the names of those that do", async () => {
  const { status, body } = await http(server, `/socket.io/?EIO=4&transport=polling&dialect=codlab`);
  assert.equal(status, 400);
  assert.match(JSON.parse(body).message, /there is no dialect "codlab"; did you mean "codelab"\? There are: anoek, /);
  const odd = await http(server, `/socket.io/?EIO=4&transport=polling&dialect=a%3Ab`);
  assert.equal(odd.status, 400);
});

test("a dialect's object keeps its rooms over hibernation", async () => {
  const [ann, bob] = await Promise.all([page("noom", { room: "nap" }), page("noom", { room: "nap" })].map(connected));
  const welcome = once(ann, "welcome");
  ann.emit("join_room", "r");
  await settled(ann);
  bob.emit("join_room", "r");
  await welcome;
  await server.evict("noom:nap");
  const offer = once(bob, "offer");
  ann.emit("offer", { type: "offer" }, "r");
  assert.deepEqual((await offer)[0], { type: "offer" });
});

test("a killed server: clients of a dialect return to their rooms", async () => {
  const killable = await startKillable();
  try {
    const connect = async () => {
      const socket = io(`${killable.url}/?dialect=simplewebrtc`, { forceNew: true, reconnectionDelay: 100, reconnectionDelayMax: 500 });
      killable.closers.add(() => socket.disconnect());
      await once(socket, "connect");
      return socket;
    };
    const [ann, bob] = [await connect(), await connect()];
    assert.deepEqual(await new Promise((resolve) => ann.emit("join", "r", (...args) => resolve(args))), [null, { clients: {} }]);
    const { id } = ann;
    const lost = Promise.all([once(ann, "disconnect"), once(bob, "disconnect")]);
    await killable.kill();
    await lost;
    await killable.start();
    for (const socket of [ann, bob]) if (!socket.connected) await once(socket, "connect");
    assert.equal(ann.id, id);
    assert.equal(ann.recovered, true);
    const [error, { clients }] = await new Promise((resolve) => bob.emit("join", "r", (...args) => resolve(args)));
    assert.equal(error, null);
    assert.deepEqual(Object.keys(clients), [id]);
  } finally {
    await killable.stop();
  }
});
