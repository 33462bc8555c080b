// The limits in the variables of wrangler.toml, on a server with small limits: the limit itself is accepted, one more
// is refused with its code.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ask, client, connect, enginePath, http, once, openPolling, startServer, webSocket } from "./support.mjs";

const handshakes = { HANDSHAKES: 3, ADDRESSES: 7 };
const small = {
  MAX_PAYLOAD: 4096, MAX_PEERS: 2, MAX_SOCKETS: 5, MAX_SESSIONS: 7, MAX_DESCRIPTION: 1500, MAX_CANDIDATE: 300, MAX_MESSAGE: 10,
  MAX_NAME: 16, CHAT_HISTORY: 3, MAX_WAITING: 2, WRONG_PASSWORDS: 4,
};
const limits = {
  maxPayload: 4096, peers: 2, sockets: 5, description: 1500, candidate: 300, chat: 10, name: 16, password: 128,
  history: 3, waiting: 2, wrongPasswords: 4,
};

let server;
before(async () => {
  server = await startServer({
    vars: Object.fromEntries(Object.entries(small).map(([name, number]) => [name, String(number)])),
    ratelimits: Object.fromEntries(Object.entries(handshakes).map(([name, limit], n) =>
      [name, { type: "ratelimit", namespace_id: String(n), simple: { limit, period: 60 } }])),
  });
});
after(() => server.stop());

/** The code with which an event is refused, or "ok". */
async function outcome(socket, event, ...args) {
  const reply = await ask(socket, event, ...args);
  return reply.ok ? "ok" : reply.error.code;
}

/** Two sockets in a room of their own. */
async function pair(room) {
  return [await connect(server, { room }), await connect(server, { room })];
}

/** Calls `open` this many times, and once more. */
async function times(count, open) {
  const outcomes = [];
  for (let n = 0; n <= count; n++) outcomes.push(await open(n));
  return [outcomes.slice(0, -1), outcomes.at(-1)];
}

test("room:join returns the configured limits", async () => {
  const [ada] = await pair("told");
  const { rates, ...told } = (await ask(ada, "room:join", {})).limits;
  assert.deepEqual(told, limits);
  assert.deepEqual(Object.keys(rates), ["signal", "chat", "control"]);
});

test("MAX_PAYLOAD: a frame and a packet of a body", async () => {
  const frame = (length) => {
    const [head, tail] = ['421["nothing","', '"]'];
    return head + "x".repeat(length - head.length - tail.length) + tail;
  };
  for (const [length, passes] of [[limits.maxPayload, true], [limits.maxPayload + 1, false]]) {
    const socket = await webSocket(server, enginePath("frames", { transport: "websocket" }));
    const { maxPayload } = JSON.parse((await socket.next()).slice(1));
    assert.equal(maxPayload, limits.maxPayload);
    socket.send("40");
    await socket.next();
    socket.send(frame(length));
    if (passes) assert.match(await socket.next(), /^431\[.*unsupported/);
    else assert.equal((await socket.closed).code, 1009);

    const session = await openPolling(server, (query) => enginePath("bodies", query));
    const { status } = await session.post(`4${"1".padEnd(length - 1, "1")}`);
    assert.equal(status, passes ? 200 : 413);
  }
});

test("MAX_DESCRIPTION, MAX_CANDIDATE", async () => {
  const [ada, grace] = await pair("signals");
  const sized = (fields, key, length) => {
    const around = JSON.stringify({ ...fields, [key]: "" }).length;
    return { ...fields, [key]: "x".repeat(length - around) };
  };
  for (const [event, limit, make] of [
    ["offer", limits.description, (length) => sized({ type: "offer" }, "sdp", length)],
    ["answer", limits.description, (length) => sized({ type: "answer" }, "sdp", length)],
    ["candidate", limits.candidate, (length) => sized({ sdpMid: "0" }, "candidate", length)],
  ]) {
    const heard = once(grace, event);
    assert.equal(await outcome(ada, event, make(limit)), "ok");
    assert.deepEqual((await heard)[0], make(limit));
    assert.equal(await outcome(ada, event, make(limit + 1)), "too-large");
  }
});

test("MAX_MESSAGE, MAX_NAME, and the length of a password", async () => {
  const [ada] = await pair("words");
  assert.equal(await outcome(ada, "room:join", { name: "é".repeat(limits.name) }), "ok");
  assert.equal(await outcome(ada, "room:join", { name: "é".repeat(limits.name + 1) }), "too-large");
  assert.equal(await outcome(ada, "chat-message", "é".repeat(limits.chat)), "ok");
  assert.equal(await outcome(ada, "chat-message", "é".repeat(limits.chat + 1)), "too-large");
  assert.equal(await outcome(ada, "host:password", { password: "é".repeat(limits.password) }), "ok");
  assert.equal(await outcome(ada, "host:password", { password: "é".repeat(limits.password + 1) }), "bad-payload");
});

test("CHAT_HISTORY", async () => {
  const [ada, grace] = await pair("history");
  for (let n = 1; n <= limits.history + 1; n++) await ask(ada, "chat-message", String(n));
  const { history } = await ask(grace, "room:join", {});
  assert.deepEqual(history.map(({ message }) => message), ["2", "3", "4"]);
});

test("MAX_PEERS", async () => {
  const media = { media: { audio: true } };
  const enter = async () => outcome(await connect(server, { room: "peers" }), "room:join", media);
  assert.deepEqual(await times(limits.peers, enter), [Array(limits.peers).fill("ok"), "room-full"]);
});

test("MAX_SOCKETS", async () => {
  const enter = async () => {
    const socket = client(server, { room: "sockets" });
    return Promise.race([
      once(socket, "connect").then(() => "ok"),
      once(socket, "connect_error").then(([error]) => error.data.code),
    ]);
  };
  assert.deepEqual(await times(limits.sockets, enter), [Array(limits.sockets).fill("ok"), "room-full"]);
});

test("MAX_SESSIONS", async () => {
  const open = async () => (await http(server, enginePath("sessions", { transport: "polling" }))).status;
  assert.deepEqual(await times(small.MAX_SESSIONS, open), [Array(small.MAX_SESSIONS).fill(200), 503]);
});

test("MAX_WAITING", async () => {
  const [ada, grace] = await pair("waiting");
  for (const socket of [ada, grace]) await ask(socket, "room:join", {});
  const away = once(ada, "peer:away");
  const { id } = grace;
  grace.io.engine.close();
  await away;
  const signal = () => outcome(ada, "signal", { to: id, data: 1 });
  assert.deepEqual(await times(limits.waiting, signal), [Array(limits.waiting).fill("ok"), "rate-limited"]);
});

test("WRONG_PASSWORDS", async () => {
  const [ada, grace] = await pair("guesses");
  await ask(ada, "room:join", {});
  await ask(ada, "host:password", { password: "sesame" });
  const guess = () => outcome(grace, "room:join", { password: "wrong" });
  const wrong = Array(limits.wrongPasswords).fill("bad-password");
  assert.deepEqual(await times(limits.wrongPasswords, guess), [wrong, "rate-limited"]);
});

for (const [name, room, address] of [["HANDSHAKES", () => "handshakes", "192.0.2.1"], ["ADDRESSES", (n) => `handshakes-${n}`, "192.0.2.2"]]) {
  test(name, async () => {
    const headers = { "cf-connecting-ip": address };
    const open = (n) => http(server, enginePath(room(n), { transport: "polling" }), { headers });
    const limit = handshakes[name];
    let count = 0;
    while (count <= 2 * limit && (await open(count)).status === 200) count += 1;
    assert.ok(count >= limit && count <= 2 * limit, `${count} handshakes were accepted, in a minute or across two`);
  });
}

test("RECOVERY_MS = 0: a client that loses its connection leaves, and returns as a new socket", async () => {
  const withoutRecovery = await startServer({ vars: { RECOVERY_MS: "0" } });
  try {
    const options = { room: "gone", reconnection: true, reconnectionDelay: 1 };
    const [ada, grace] = [await connect(withoutRecovery, { room: "gone" }), await connect(withoutRecovery, options)];
    for (const socket of [ada, grace]) await ask(socket, "room:join", {});
    const heard = [];
    ada.onAny((...event) => heard.push(event));
    const { id } = grace;
    const [left, back] = [once(ada, "peer:left"), once(grace, "connect")];
    grace.io.engine.close();
    await left;
    assert.deepEqual(heard, [["peer:left", { id, reason: "timeout" }]], "nothing before it, and no offset");
    await back;
    assert.ok(!grace.recovered);
    assert.notEqual(grace.id, id);
  } finally {
    await withoutRecovery.stop();
  }
});
