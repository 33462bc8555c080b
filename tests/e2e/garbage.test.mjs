// Invalid input at every endpoint: its sender gets the documented error, and the room's members are not affected.

import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { after, before, test } from "node:test";
import { ask, connect, enginePath, http, once, startServer, webSocket } from "./support.mjs";

const room = "garbage";
let server;
let members;
before(async () => {
  server = await startServer({ vars: { ALLOWED_ORIGINS: "*" } });
  members = [await connect(server, { room }), await connect(server, { room, transports: ["polling"] })];
});
after(() => server.stop());

let said = 0;

/** The room's members still get each other's messages. Returns the text. */
async function roomWorks() {
  const [ada, grace] = members;
  const text = `still here ${(said += 1)}`;
  const heard = once(grace, "chat-message", ({ message }) => message === text);
  const { id } = await ask(ada, "chat-message", text);
  assert.equal((await heard)[0].id, id);
  return text;
}

const json = (code, message) => JSON.stringify({ code, message });
const unknownTransport = [400, json(0, "Transport unknown")];
const unknownSid = [400, json(1, "Session ID unknown")];
const badMethod = [400, json(2, "Bad handshake method")];
const badRequest = [400, json(3, "Bad request")];
const badProtocol = [400, json(5, "Unsupported protocol version")];
const polling = { transport: "polling" };

for (const [what, query, options, [status, body]] of [
  ["no transport", {}, {}, unknownTransport],
  ["an unknown transport", { transport: "webtransport" }, {}, unknownTransport],
  ["an unknown sid", { ...polling, sid: "AAAAAAAAAAAAAAAAAAAA" }, {}, unknownSid],
  ["an invalid sid", { ...polling, sid: "../../etc/passwd" }, {}, unknownSid],
  ["a sid of 10,000 characters", { ...polling, sid: "A".repeat(10_000) }, {}, unknownSid],
  ["a POST without sid", polling, { method: "POST", body: "40" }, badMethod],
  ["a PUT without sid", polling, { method: "PUT", body: "40" }, badMethod],
  ["a DELETE without sid", polling, { method: "DELETE" }, badMethod],
  ["a method of WebDAV without sid", polling, { method: "PROPFIND" }, badMethod],
  ["websocket without upgrade", { transport: "websocket" }, {}, badRequest],
  ["revision 2", { ...polling, EIO: "2" }, {}, badProtocol],
  ["no revision", { ...polling, EIO: "" }, {}, badProtocol],
]) {
  test(`E-2, E-3, E-4, E-5, E-7, E-17: a request with ${what}`, async () => {
    const response = await http(server, enginePath(room, query), options);
    assert.deepEqual([response.status, response.body], [status, body]);
    assert.equal(response.headers["access-control-allow-origin"], "*", "E-17: without it browsers see no status");
    assert.equal(response.headers["content-type"], "application/json");
    await roomWorks();
  });
}

test("E-1: a request that no session could accept wakes no object", async () => {
  const wrong = [
    [{}, {}],
    [{ transport: "webtransport" }, {}],
    [{ ...polling, sid: "short" }, {}],
    [{ ...polling, sid: "short" }, { method: "POST", body: "40" }],
    [{ ...polling, sid: `${"A".repeat(19)}+` }, {}],
    [polling, { method: "POST", body: "40" }],
    [polling, { method: "HEAD" }],
    [{ transport: "websocket" }, {}],
    [{ ...polling, EIO: "5" }, {}],
    [{ ...polling, EIO: "" }, {}],
    [polling, { method: "OPTIONS" }],
  ];
  for (const [index, [query, options]] of wrong.entries()) {
    const name = `unused-${index}`;
    const { status } = await http(server, enginePath(name, query), options);
    assert.equal(status, options.method === "OPTIONS" ? 204 : 400);
    await assert.rejects(server.evict(name), `${JSON.stringify([query, options])} woke an object`);
  }
  for (const [index, query] of [{ transport: "x" }, polling, { transport: "websocket", EIO: "5" }].entries()) {
    const name = `unused-websocket-${index}`;
    await assert.rejects(webSocket(server, enginePath(name, query)), { status: 400 });
    await assert.rejects(server.evict(name), `${JSON.stringify(query)} woke an object`);
  }
  const used = "used";
  assert.equal((await http(server, enginePath(used, polling))).status, 200);
  await server.evict(used);
});

for (const name of ["a%20b", "a%2Fb", "%00", "%ff", "..%2f", "x".repeat(65), "%E2%80%AE", "a;b"]) {
  test(`a room called ${name.slice(0, 12)}`, async () => {
    const { status, headers, body } = await http(server, `/r/${name}/socket.io/?EIO=4&transport=polling`);
    assert.equal(status, 400);
    assert.equal(headers["content-type"], "application/json");
    assert.match(JSON.parse(body).message, /room's name/);
    await roomWorks();
  });
}

/** A polling session of a connected socket. */
async function session() {
  const { body } = await http(server, enginePath(room, polling));
  const path = enginePath(room, { ...polling, sid: JSON.parse(body.slice(1)).sid });
  assert.equal((await post(path, "40")).body, "ok");
  assert.match((await http(server, path)).body, /^40\{"sid":"/);
  return path;
}

const post = (path, body, type = "text/plain;charset=UTF-8") =>
  http(server, path, { method: "POST", headers: { "content-type": type }, body });

for (const [what, body] of [
  ["an empty payload", ""],
  ["a trailing separator", '42["chat:history"]\x1e'],
  ["an unknown packet type", "7"],
  ["a client's ping", "2"],
  ["bytes that are neither text nor a packet type", Buffer.from([0xff, 0xfe, 0x34])],
  ["a packet that is not JSON", "42{"],
  ["an event that is not an array", '42{"a":1}'],
  ["an event without name", "42[]"],
  ["a reserved event", '42["connect"]'],
  ["an event in a namespace not joined", '42/admin,["a"]'],
  ["a second CONNECT", "40"],
  ["eleven attachments", '4511-["a",{"_placeholder":true,"num":0}]'],
  ["an attachment that no packet announced", "bAQID"],
  ["a type of Socket.IO that does not exist", "49"],
]) {
  test(`P-3, S-4, S-7: a POST of ${what} ends its session`, async () => {
    const path = await session();
    assert.deepEqual((await post(path, body)).body, "ok");
    const { status, body: rest } = await http(server, path);
    // The engine's own errors end a session at once; errors of the layer above show in the next poll.
    if (status === 200) assert.match(rest, /(^|\x1e)1$/);
    else assert.deepEqual([status, rest], unknownSid);
    const late = await http(server, path);
    assert.deepEqual([late.status, late.body], unknownSid);
    await roomWorks();
  });
}

test("P-2: bytes of a POST that are not UTF-8 are read as U+FFFD, and the session stays open", async () => {
  const path = await session();
  const heard = once(members[0], "chat-message");
  const text = (bytes) => Buffer.concat([Buffer.from('42["chat-message","a'), Buffer.from(bytes), Buffer.from('b"]')]);
  assert.equal((await post(path, text([0xff, 0xe2, 0x82]))).body, "ok");
  assert.equal((await heard)[0].message, "a\u{fffd}\u{fffd}b");
  assert.equal((await http(server, path)).status, 200);
  await roomWorks();
});

for (const method of ["PUT", "DELETE", "TRACE", "PROPFIND", "QUERY"]) {
  test(`E-11: ${method} on a session is refused, and the session stays open`, async () => {
    const path = await session();
    const { status, body } = await http(server, path, { method });
    assert.deepEqual([status, body], badRequest);
    assert.equal((await post(path, '42["room:leave"]')).body, "ok");
    await roomWorks();
  });
}

const packet = "x".repeat(100_000);
const bytesTooMany = `4${packet}\x1e`.repeat(10);

for (const [what, body] of [
  ["a packet beyond maxPayload", `4${"x".repeat(131_072)}`],
  ["a packet beyond maxPayload behind others", `42["chat-message","never"]\x1e4${"x".repeat(131_072)}`],
  ["bytes beyond maxPayload in base64", `b${Buffer.alloc(131_073).toString("base64")}`],
  ["more than a million bytes", bytesTooMany],
  ["more than a million bytes, without a Content-Length", () => Readable.from([bytesTooMany])],
]) {
  test(`E-10: a body with ${what} is refused with 413, and the session stays open`, async () => {
    const path = await session();
    const heard = [];
    const listener = (message) => heard.push(message.message);
    members[1].on("chat-message", listener);
    const refused = await post(path, typeof body === "function" ? body() : body);
    assert.deepEqual([refused.status, refused.body], [413, ""]);
    assert.equal((await post(path, '42["room:leave"]')).body, "ok");
    const said = await roomWorks();
    members[1].off("chat-message", listener);
    assert.deepEqual(heard, [said]);
  });
}

test("E-10: forty signals of 4 KB pass in one body", async () => {
  const path = await session();
  const heard = [];
  const last = once(members[0], "offer", ({ sdp }) => heard.push(sdp) === 40);
  const sdp = (n) => `v=${n} ${"x".repeat(4096)}`;
  const offers = Array.from({ length: 40 }, (_, n) => `42["offer",${JSON.stringify({ type: "offer", sdp: sdp(n) })}]`);
  assert.equal((await post(path, offers.join("\x1e"))).body, "ok");
  await last;
  assert.deepEqual(heard, offers.map((_, n) => sdp(n)));
});

test("E-9: a binary body ends the session", async () => {
  const path = await session();
  const { status, body } = await post(path, "\x00\x04\xff4hi", "application/octet-stream");
  assert.deepEqual([status, body], [400, ""]);
  assert.equal((await http(server, path)).status, 400);
  await roomWorks();
});

test("E-8, P-7: a second poll ends the session: the first gets the close packet, and the second gets 400 without a body", async () => {
  const path = await session();
  const first = http(server, path);
  const second = await http(server, path);
  // The poll that reaches the room first is the one that waits. It may be either of the two.
  const answers = [await first, second];
  assert.deepEqual(answers.map(({ status, body }) => `${status} ${body}`).sort(), ["200 1", "400 "]);
  const late = await http(server, path);
  assert.deepEqual([late.status, late.body], unknownSid);
  await roomWorks();
});

for (const [what, frame, code] of [
  ["an empty frame", "", 1005],
  ["an unknown packet type", "9", 1005],
  ["a client's ping", "2", 1005],
  ["a packet that is not JSON", "42{", 1005],
  ["an event that is not an array", '42"a"', 1005],
  ["an event without name", "42[]", 1005],
  ["a name that is an object", "42[{}]", 1005],
  ["a reserved event", '42["disconnect"]', 1005],
  ["an event in a namespace not joined", '42/admin,["a"]', 1005],
  ["a CONNECT that is an array", "40/x,[]", 1005],
  ["an attachment that no packet announced", Buffer.from([1, 2, 3]), 1005],
  ["a frame beyond maxPayload", `4${"x".repeat(131_072)}`, 1009],
]) {
  test(`W-4, W-5, S-4: a WebSocket with ${what} is closed`, async () => {
    const socket = await webSocket(server, enginePath(room, { transport: "websocket" }));
    assert.match(await socket.next(), /^0\{"sid"/);
    socket.send("40");
    assert.match(await socket.next(), /^40\{"sid":"/);
    socket.send(frame);
    assert.equal((await socket.closed).code, code);
    await roomWorks();
  });
}

for (const [what, query, message] of [
  ["an unknown transport", { transport: "x" }, "Transport unknown"],
  ["an unknown sid", { transport: "websocket", sid: "AAAAAAAAAAAAAAAAAAAA" }, "Session ID unknown"],
  ["polling", { transport: "polling" }, "Bad request"],
  ["revision 5", { transport: "websocket", EIO: "5" }, "Unsupported protocol version"],
]) {
  test(`E-13, E-14, E-16: a request to upgrade with ${what}`, async () => {
    const refused = await webSocket(server, enginePath(room, query)).then(() => null, (error) => error);
    assert.deepEqual([refused?.status, refused?.body], [400, message]);
    await roomWorks();
  });
}

for (const [what, event, ...args] of [
  ["an unknown event", "no-such-event", 1],
  ["an event named __proto__", "__proto__", {}],
  ["a numeric event", "7"],
  ["an event whose name is a number", 7, "x"],
  ["an offer of nothing", "offer"],
  ["an offer of a number", "offer", 7],
  ["an offer of an empty object", "offer", {}],
  ["a chat message of an object", "chat-message", { text: "no message" }],
  ["a chat message of bytes", "chat-message", Buffer.from("x")],
  ["a join without id", "join"],
  ["a join as a list", "join", ["a"]],
  ["a room:join as a text", "room:join", "me"],
  ["a room:join with a bad name", "room:join", { name: 7 }],
]) {
  test(`${what} is an error to its sender and disconnects no client`, async () => {
    const socket = await connect(server, { room });
    const { ok, error } = await ask(socket, event, ...args);
    assert.equal(ok, false);
    assert.match(error.code, /^(bad-payload|unsupported)$/);
    assert.equal(error.event, String(event));
    assert.ok(error.message.length > 10);
    const told = once(socket, "room:error");
    socket.emit(event, ...args);
    assert.deepEqual((await told)[0], error);
    assert.equal(socket.connected, true);
    await roomWorks();
    socket.disconnect();
  });
}

test("an event that is too large is an error to its sender", async () => {
  const socket = await connect(server, { room });
  for (const [event, ...args] of [
    ["chat-message", "x".repeat(4001)],
    ["candidate", { candidate: "x".repeat(2049) }],
    ["room:join", { name: "x".repeat(65) }],
    ["join", "x".repeat(65)],
  ]) {
    const { error } = await ask(socket, event, ...args);
    assert.equal(error.code, "too-large", event);
  }
  await roomWorks();
  socket.disconnect();
});

const deep = "[".repeat(50_000) + "]".repeat(50_000);
const huge = JSON.stringify("x".repeat(120_000));

test("JSON that is huge or nested 50,000 deep is refused, because the parsers of some peers would fail", async () => {
  const socket = await connect(server, { room, transports: ["websocket"] });
  for (const [event, payload, code] of [
    ["signal", `{"to":"${members[0].id}","data":${deep}}`, "bad-payload"],
    ["room:join", deep, "bad-payload"],
    ["room:join", `{"name":${deep}}`, "bad-payload"],
    ["room:join", `{"media":${deep}}`, "bad-payload"],
    ["room:join", `{"name":${huge}}`, "too-large"],
    ["peer:update", `{"name":${deep}}`, "bad-payload"],
    ["peer:update", `{"media":{"audio":${deep}}}`, "bad-payload"],
    ["peer:update", huge, "bad-payload"],
    ["chat-message", deep, "bad-payload"],
    ["chat-message", `{"message":${deep}}`, "bad-payload"],
    ["chat-message", huge, "too-large"],
    ["chat-message", `{"message":"x","mid":${huge}}`, "too-large"],
    ["chat-message", `{"message":"x","enc":${deep}}`, "too-large"],
    ["join", deep, "bad-payload"],
    ["join", huge, "too-large"],
  ]) {
    const told = once(socket, "room:error");
    socket.io.engine.write(`2["${event}",${payload}]`);
    const [error] = await told;
    assert.deepEqual([error.event, error.code], [event, code], payload.slice(0, 40));
    await roomWorks();
  }
  assert.equal((await ask(socket, "room:join", {})).ok, true);
  socket.disconnect();
});

for (const auth of [`{"token":${deep}}`, `{"token":${huge}}`, `{"pid":${deep}}`, `{"pid":${huge}}`, `{"pid":1,"offset":${huge}}`, `{"a":${deep}}`]) {
  test(`M-6: a client with ${auth.slice(0, 12)}… is refused, and may try again`, async () => {
    const socket = await webSocket(server, enginePath(room, { transport: "websocket" }));
    await socket.next();
    socket.send(`40${auth}`);
    assert.match(await socket.next(), /^44\{"message":"auth is too large: /);
    socket.send("40");
    assert.match(await socket.next(), /^40\{"sid":/);
    await roomWorks();
    socket.close();
  });
}

for (const auth of ['{"token":[[1]]}', '{"pid":{}}', '{"pid":"short"}', '{"pid":1,"offset":"x"}', '{"strict":"yes"}', '{"a":null}']) {
  test(`a client with ${auth} is accepted`, async () => {
    const socket = await webSocket(server, enginePath(room, { transport: "websocket" }));
    await socket.next();
    socket.send(`40${auth}`);
    assert.match(await socket.next(), /^40\{"sid":/);
    socket.close();
  });
}

test("none of this caused an error or a panic of the server", () => {
  assert.deepEqual(server.logs.filter(({ level, message }) => level === "error" || /panic/.test(message)), []);
});
