// A misbehaving client does not affect the others. While it misbehaves, the members of its room send messages, and each
// member gets every message once and in order.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { connect as connectTcp } from "node:net";
import { PassThrough } from "node:stream";
import { after, before, test } from "node:test";
import { WebSocket } from "ws";
import { isolateMemory, residentSet } from "./memory.mjs";
import { ask, connect, enginePath, freePort, http, once, openPolling, startServer, webSocket } from "./support.mjs";

/** How much more memory workerd may use than before, in bytes. It uses about 230 kB for each open connection. */
const memoryLimit = 512 * 2 ** 20;

/** How much memory the isolate may use beside that of the WebAssembly, in bytes: an eighth of what it has on the platform. */
const isolateLimit = 16 * 2 ** 20;

let server;
let inspector;
before(async () => {
  // The deployed rates, except for chat: the members send messages all the time.
  inspector = await freePort();
  server = await startServer({ inspector, vars: { MAX_SOCKETS: "1000", SIGNAL_RATE: "200/20", CONTROL_RATE: "10/1" } });
});
after(() => server.stop());

/** Three members of a room, on both transports. */
async function conversation(room) {
  const members = [];
  for (const transports of [["websocket"], ["polling"], ["polling", "websocket"]]) {
    members.push(await connect(server, { room, transports }));
  }
  const heard = members.map(() => []);
  let said = 0;
  for (const [n, member] of members.entries()) {
    member.on("chat-message", ({ message }) => message.startsWith("word ") && heard[n].push(message));
  }
  const before = residentSet();
  let most = before;
  return {
    members,
    /** One member sends a message, and all get it. */
    async speak() {
      const word = `word ${said}`;
      const all = members.map((member) => once(member, "chat-message", ({ message }) => message === word));
      members[said++ % members.length].emit("chat-message", word);
      await Promise.all(all);
      most = Math.max(most, residentSet());
    },
    /** No message was lost, and the server took less memory than the limit. */
    assertUnharmed(t) {
      const words = Array.from({ length: said }, (_, n) => `word ${n}`);
      assert.deepEqual(heard, members.map(() => words));
      assert.ok(members.every((member) => member.connected));
      const mib = (bytes) => (bytes / 2 ** 20).toFixed(0);
      t.diagnostic(`${said} messages heard by ${members.length}; memory ${mib(before)} MiB before, at most ${mib(most)}, then ${mib(residentSet())}`);
      assert.ok(most - before < memoryLimit, `${mib(most - before)} MiB more`);
    },
  };
}

/** Sends `count` signals of 50 kB to all other sockets. */
async function broadcast({ members: [speaker], speak }, count) {
  const data = randomBytes(25_000).toString("hex"); // incompressible
  for (let n = 0; n < count; n++) {
    await ask(speaker, "signal", { data });
    if (n % 10 === 0) await speak();
  }
}

test("a WebSocket that does not read, while 10 MB are sent to it", async (t) => {
  const room = "deaf";
  const talk = await conversation(room);
  const url = server.url.replace("http", "ws") + enginePath(room, { transport: "websocket" });
  const deaf = new WebSocket(url, { perMessageDeflate: false });
  server.closers.add(() => deaf.terminate());
  await once(deaf, "open");
  deaf.send("40");
  await once(deaf, "message", (data) => data.toString().startsWith("40"));
  deaf.pause();
  await broadcast(talk, 200); // the operating system's buffers hold 4 MB of it
  talk.assertUnharmed(t);
  // The server does not disconnect it before the heartbeat: the runtime buffers the messages, and the object cannot see
  // how many, because its WebSockets have no `bufferedAmount`. When the client reads again, it gets every message.
  let received = 0;
  deaf.on("message", (data) => (received += data.length > 50_000 ? 1 : 0));
  deaf.resume();
  while (received < 200) await once(deaf, "message");
});

test("a poller that never polls again, while 5 MB are sent to it", async (t) => {
  const room = "absent";
  const talk = await conversation(room);
  const absent = await openPolling(server, (query) => enginePath(room, query));
  await absent.post('40\x1e42["room:join",{"name":"absent"}]');
  await absent.get();
  const [observer] = talk.members;
  await ask(observer, "room:join", {});
  const missed = once(observer, "peer:away");
  await broadcast(talk, 100);
  await missed; // its queue exceeds the limit
  const { status, body } = await absent.get();
  assert.deepEqual([status, body], [400, '{"code":1,"message":"Session ID unknown"}']);
  talk.assertUnharmed(t);
});

// The bounds of docs/bounds.md by their ids: incomplete packets (M-2), queues of sessions that do not poll (M-4), farewells
// (M-5), chat (M-7) and the replay log (M-9), each close to its bound.
test("100 sockets that each hold the maximum", async (t) => {
  const room = "full";
  const talk = await conversation(room);
  const open = (query) => enginePath(room, query);
  const place = { _placeholder: true, num: 9 };
  let closed = 0;
  const incomplete = Array.from({ length: 40 }, async () => {
    const socket = await webSocket(server, open({ transport: "websocket" }));
    socket.closed.then(() => (closed += 1));
    await socket.next();
    socket.send("40");
    await socket.next();
    socket.send(`4510-["signal",${JSON.stringify({ data: place })}]`);
    socket.send(randomBytes(100_000)); // the first of ten
  });
  await Promise.all(incomplete);
  for (let n = 0; n < 200; n++) assert.ok((await ask(talk.members[n % 3], "chat-message", randomBytes(2_000).toString("hex"))).ok);
  const connecting = Array.from({ length: 57 + 16 }, async () => {
    const session = await openPolling(server, open);
    await session.post("40");
    const { body } = await session.get();
    return { session, id: JSON.parse(body.slice(2)).sid };
  });
  const all = await Promise.all(connecting);
  const [absent, ended] = [all.slice(0, 57), all.slice(57)];
  const data = randomBytes(32_500).toString("hex");
  const fill = async ({ id }, n) => {
    const speaker = talk.members[n % talk.members.length];
    const { ok, error } = await ask(speaker, "signal", { to: id, data });
    assert.ok(ok, error?.message);
  };
  for (const [n, one] of ended.entries()) {
    await fill(one, n);
    await one.session.post("4nonsense"); // it is disconnected, and its farewell waits for it
  }
  for (const [n, one] of absent.entries()) {
    await fill(one, n);
    await fill(one, n + 1);
    if (n % 10 === 0) await talk.speak();
  }
  await talk.speak();
  talk.assertUnharmed(t);
  const used = await isolateMemory(inspector);
  t.diagnostic(`the isolate uses ${(used / 2 ** 20).toFixed(1)} MiB`);
  assert.ok(used < isolateLimit, `${used} bytes`);
  // All of it was really there: none of those who should stay was disconnected.
  assert.equal(closed, 0);
  for (const { session } of absent) {
    const { status, body } = await session.get();
    assert.equal(status, 200, body);
    assert.ok(body.length > 2 * data.length, `${body.length} characters`);
  }
});

test("a body and a WebSocket frame that arrive byte by byte", async (t) => {
  const room = "slow";
  const talk = await conversation(room);
  const session = await openPolling(server, (query) => enginePath(room, query));
  await session.post("40");
  await session.get();
  const body = new PassThrough();
  const posted = session.post(body);
  const socket = connectTcp(server.port, "127.0.0.1").setNoDelay();
  server.closers.add(() => socket.destroy());
  const packet = '42["chat-message","slowly"]';
  // RFC 6455, section 5.2: text frames of a client, masked with zeros.
  const frames = [["40"], [packet]].map(([text]) => Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0, ...Buffer.from(text)]));
  const request = [
    `GET ${enginePath(room, { transport: "websocket" })} HTTP/1.1`,
    `Host: 127.0.0.1:${server.port}`,
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    `Sec-WebSocket-Key: ${Buffer.alloc(16).toString("base64")}`,
  ].join("\r\n");
  socket.write(`${request}\r\n\r\n`);
  const heard = talk.members.map((member) => once(member, "chat-message", ({ message }) => message === "slowly"));
  // A member sends a message between any two bytes.
  for (const [n, byte] of [...Buffer.concat(frames)].entries()) {
    socket.write(Buffer.from([byte]));
    if (n < packet.length) body.write(packet[n]);
    await talk.speak();
  }
  body.end();
  assert.equal((await posted).body, "ok");
  for (const [{ message }] of await Promise.all(heard)) assert.equal(message, "slowly");
  talk.assertUnharmed(t);
  // A slow client is served: both messages arrived.
  const { messages } = await ask(talk.members[0], "chat:history", { limit: 200 });
  assert.equal(messages.filter(({ message }) => message === "slowly").length, 2);
});

test("more abandoned sessions than a room may have", async (t) => {
  const room = "crowd";
  const talk = await conversation(room);
  const answers = [];
  for (let round = 0; round < 22; round++) {
    const opened = Array.from({ length: 25 }, async () => {
      const { status, body } = await http(server, enginePath(room, { transport: "polling" }));
      answers.push(status === 200 ? "opened" : [status, body]);
      const socket = await webSocket(server, enginePath(room, { transport: "websocket" })).catch((error) => error);
      answers.push(socket instanceof Error ? [socket.status, socket.body] : "opened");
    });
    await Promise.all([...opened, talk.speak()]);
  }
  talk.assertUnharmed(t);
  // MAX_SESSIONS is 1,000, including the members.
  const refused = answers.filter((answer) => answer !== "opened");
  assert.equal(answers.length - refused.length, 1_000 - talk.members.length);
  for (const [status, body] of refused) {
    assert.equal(status, 503);
    assert.match(body, /Too many sessions: try again later/);
  }
  t.diagnostic(`${answers.length} attempts, ${refused.length} refused`);
});

test("100,000 events from one client, which reconnects after each disconnection", async (t) => {
  const room = "flood";
  const talk = await conversation(room);
  let signals = 0;
  talk.members[0].on("signal", () => (signals += 1));
  for (let round = 0; round < 100; round++) {
    const flooder = await webSocket(server, enginePath(room, { transport: "websocket" }));
    await flooder.next();
    flooder.send("40");
    const spoken = talk.speak();
    for (let n = 0; n < 1_000; n++) flooder.send('42["signal",{"data":"flood"}]');
    const told = new Map();
    for (let frame; frame !== "41"; told.set(frame, (told.get(frame) ?? 0) + 1)) {
      [frame] = (await flooder.next()).match(/^40|^41|rate-limited|"word \d+"|^2$|^6$/) ?? ["else"];
    }
    await flooder.closed;
    await spoken;
    // Reconnecting does not reset the rates: later it is disconnected sooner.
    if (round === 0) assert.ok(told.get("rate-limited") >= 200, `${told.get("rate-limited")} errors before the disconnect`);
    assert.ok(!told.has("else"));
  }
  talk.assertUnharmed(t);
  t.diagnostic(`of 100,000 signals ${signals} were relayed: 200, and 20 per second`);
  assert.ok(signals >= 200 && signals < 20_000, `${signals} signals`);
});

for (const transports of [["websocket"], ["polling"]]) {
  test(`D-1, S-14: a stock client learns that the server disconnected it: ${transports}`, async () => {
    const flooder = await connect(server, { room: `put-out-${transports}`, transports });
    await connect(server, { room: `put-out-${transports}` }); // the client that gets the signals
    const out = once(flooder, "disconnect");
    for (let n = 0; n < 600; n++) flooder.emit("signal", { data: "flood" });
    assert.equal((await out)[0], "io server disconnect");
    assert.equal(flooder.active, false);
  });
}
