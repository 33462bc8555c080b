// The API for operators and back ends, with its token, and the log. The examples of docs/api.md run unchanged.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { inRoot } from "../../scripts/task.mjs";
import { ask, connect, enginePath, http, once, openPolling, payload, startServer, webSocket } from "./support.mjs";

const token = "operators-secret-0123456789";
const authorization = `Bearer ${token}`;
const json = { authorization, "content-type": "application/json" };

let server;
before(async () => {
  server = await startServer({ vars: { API_TOKEN: token } });
});
after(() => server.stop());

/** Sends an operator's request: `{status, headers, body}`, with the parsed body. */
async function api(path, { body, headers = json, method = body === undefined ? "GET" : "POST" } = {}) {
  const text = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
  const answer = await http(server, `/api${path}`, { method, headers, body: text });
  assert.equal(answer.headers["content-type"], "application/json", answer.body);
  assert.equal(answer.headers["access-control-allow-origin"], undefined);
  return { ...answer, body: JSON.parse(answer.body) };
}

const emit = async (room, body) => (await api(`/rooms/${room}/emit`, { body })).body;

/** Status and code of a refusal, whose message must not be empty. */
async function refusal(path, options) {
  const { status, body } = await api(path, options);
  assert.equal(body.ok, false);
  assert.ok(body.error.message);
  return [status, body.error.code];
}

test("without API_TOKEN the API is off, and the answer says how to turn it on", async () => {
  const off = await startServer();
  try {
    for (const headers of [{}, { authorization }, { authorization: "Bearer " }, { authorization: "Bearer undefined" }]) {
      const { status, body } = await http(off, "/api/rooms/x", { headers });
      const { ok, error } = JSON.parse(body);
      assert.deepEqual([status, ok, error.code], [404, false, "unsupported"]);
      assert.match(error.message, /npm start.*\.dev\.vars.*deployment.*npx wrangler secret put API_TOKEN/);
    }
  } finally {
    await off.stop();
  }
});

test("a token that could be guessed is an invalid setting; the error does not show it", async () => {
  const weak = await startServer({ vars: { API_TOKEN: "hunter2" } });
  try {
    const { status, body } = await http(weak, "/healthz");
    assert.equal(status, 500);
    assert.match(body, /the secret API_TOKEN has to be 16 or more/);
    assert.ok(!JSON.stringify([body, weak.logs]).includes("hunter2"));
  } finally {
    await weak.stop();
  }
});

test("a request without the token learns nothing", async () => {
  for (const path of ["/rooms/x", "/rooms/x/emit", "/rooms/x/close", "/rooms/!", "/nothing", "/", ""]) {
    for (const shown of [undefined, "", token, "Bearer", `Bearer ${token}x`, `Bearer ${token.slice(1)}`, `Basic ${token}`]) {
      const headers = shown === undefined ? {} : { authorization: shown };
      const { status, headers: answered, body } = await api(path, { headers });
      assert.deepEqual([status, answered["www-authenticate"], body.error.code], [401, "Bearer", "bad-token"], shown);
    }
  }
  const line = await server.logged(/bad-token/);
  assert.deepEqual(JSON.parse(line), { event: "api-refusal", reason: "bad-token", status: 401, room: null, origin: null, dropped: 0 });
});

test("the token is accepted only in the header", async () => {
  for (const query of [`?token=${token}`, `?access_token=${token}`, `?authorization=${encodeURIComponent(authorization)}`]) {
    assert.equal((await api(`/rooms/x${query}`, { headers: {} })).status, 401);
  }
});

test("paths, methods, names, sizes and types are checked", async () => {
  for (const path of ["", "/", "/rooms/", "/rooms//emit", "/rooms/x/y", "/rooms/x/emit/", "/rooms/x/emit/y", "/room/x"]) {
    assert.deepEqual(await refusal(path), [404, "unsupported"], path);
  }
  for (const [path, method, allow] of [
    ["/rooms/x", "POST", "GET"],
    ["/rooms/x", "DELETE", "GET"],
    ["/rooms/x/emit", "GET", "POST"],
    ["/rooms/x/emit", "PUT", "POST"],
    ["/rooms/x/close", "GET", "POST"],
    ["/rooms/x/close", "OPTIONS", "POST"],
  ]) {
    const { status, headers, body } = await api(path, { method });
    assert.deepEqual([status, headers.allow, body.ok], [405, allow, false], `${method} ${path}`);
  }
  for (const room of ["a%20b", "a%2Fb", "%", "x".repeat(65), "!"]) {
    assert.deepEqual(await refusal(`/rooms/${room}`), [400, "bad-payload"], room);
  }
  const event = { event: "e" };
  assert.deepEqual(await refusal("/rooms/x/emit", { body: event, headers: { authorization } }), [400, "bad-payload"]);
  assert.deepEqual(await refusal("/rooms/x/emit", { body: "no JSON" }), [400, "bad-payload"]);
  assert.deepEqual(await refusal("/rooms/x/emit", { body: "" }), [400, "bad-payload"]);
  for (const body of [{ event: "disconnect" }, { event: "room:closed" }, { event: "peer:joined" }, { ...event, to: null }, { ...event, too: "x" }]) {
    assert.deepEqual(await refusal("/rooms/x/emit", { body }), [400, "bad-payload"], JSON.stringify(body));
  }
  const other = { authorization, "content-type": "application/jsonfoo" };
  assert.deepEqual(await refusal("/rooms/x/emit", { body: event, headers: other }), [400, "bad-payload"]);
  assert.equal((await api("/rooms/x/emit", { body: event, headers: { authorization, "content-type": "Application/JSON" } })).status, 200);
  assert.deepEqual(await refusal("/rooms/x/emit", { body: { ...event, to: "nobody" } }), [404, "unknown-peer"]);
  const large = JSON.stringify({ ...event, args: ["x".repeat(131_072)] });
  assert.deepEqual(await refusal("/rooms/x/emit", { body: large }), [413, "too-large"]);
  const fits = { ...event, args: ["x".repeat(130_000)] };
  assert.deepEqual(await emit("x", fits), { ok: true, delivered: 0 });
});

test("the preflight of a page of another site is refused", async () => {
  const headers = { origin: "https://evil.example", "access-control-request-method": "POST" };
  const preflight = await http(server, "/api/rooms/x/emit", { method: "OPTIONS", headers });
  assert.equal(preflight.status, 401);
  assert.equal(preflight.headers["access-control-allow-origin"], undefined);
  assert.equal((await api("/rooms/x", { headers: { ...json, origin: "https://evil.example" } })).status, 200);
});

test("clients cannot send the Worker's internal requests", async () => {
  const room = "internal";
  const member = await connect(server, { room });
  member.onAny((event) => assert.fail(`got ${event}`));
  const crafted = [
    ["/r/internal/socket.io/?emit", {}],
    ["/r/internal/socket.io/emit", {}],
    ["/r/internal/socket.io/?operator/?emit", {}],
    ["/r/internal/socket.io/#https://operator/?emit", {}],
    ["/r/internal/socket.io/?EIO=4&transport=polling&https://operator/?emit", {}],
    ["/socket.io/?room=internal&emit", { host: "operator" }],
    ["/?emit", { host: "operator" }],
    ["/r/internal/socket.io/?emit", { "x-signalbox-operator": "1", "x-signalbox-action": "emit", "x-signalbox-park": "1" }],
  ];
  for (const [path, headers] of crafted) {
    const body = JSON.stringify({ event: "forged" });
    const { status, body: answer } = await http(server, path, { method: "POST", headers: { ...headers, "content-type": "application/json" }, body });
    assert.ok(!answer.includes("delivered"), `${path}: ${status} ${answer}`);
  }
  assert.equal((await ask(member, "chat:history", {})).ok, true, "nothing came before this");
});

test("the state of a room: peers, host, counts and limits, but no secrets and no messages", async () => {
  const room = encodeURIComponent("café-会议");
  const [ada, bob] = [await connect(server, { room: "café-会议" }), await connect(server, { room: "café-会议", transports: ["polling"] })];
  const { self } = await ask(ada, "room:join", { name: "Ada", media: { audio: true } });
  await ask(bob, "room:join", {});
  await connect(server, { room: "café-会议" });
  await ask(ada, "chat-message", "not for operators");
  await ask(ada, "host:lock", { on: true });
  const { status, headers, body } = await api(`/rooms/${room}`);
  assert.equal(status, 200);
  assert.equal(headers["cache-control"], "no-store");
  const { limits, peers, ...rest } = body;
  assert.deepEqual(rest, {
    ok: true,
    room: { name: "café-会议", locked: true, password: false, capacity: 8, count: 2 },
    host: ada.id,
    sockets: 3,
  });
  assert.deepEqual(peers[0], self);
  assert.deepEqual(peers.map(({ id, n }) => [id, n]), [[ada.id, 1], [bob.id, 2]]);
  assert.equal(limits.maxPayload, 131_072);
  const text = JSON.stringify(body);
  for (const secret of ["not for operators", "127.0.0.1", "::1", ada._pid, ada.io.engine.id, bob.io.engine.id]) {
    assert.ok(!text.includes(secret), secret);
  }
});

for (const transports of [["websocket"], ["polling"]]) {
  test(`a back end's event reaches all clients, before and after the object's memory is lost: ${transports}`, async () => {
    const room = `emit-${transports}`;
    const sockets = [await connect(server, { room, transports }), await connect(server, { room, transports })];
    const args = ["text", 7, { deep: [null, "ä\u2028"] }];
    for (const loses of [false, true]) {
      if (loses) await server.evict(room);
      const heard = sockets.map((socket) => once(socket, "deploy"));
      assert.deepEqual(await emit(room, { event: "deploy", args }), { ok: true, delivered: 2 });
      for (const event of await Promise.all(heard)) assert.deepEqual(payload(event), args);
    }
    await ask(sockets[1], "join", "bob");
    sockets[0].on("private", () => assert.fail("this event was for the other socket only"));
    for (const to of [sockets[1].id, "bob"]) {
      const heard = once(sockets[1], "private");
      assert.deepEqual(await emit(room, { event: "private", args: [to], to }), { ok: true, delivered: 1 });
      assert.deepEqual(payload(await heard), [to]);
    }
    await ask(sockets[0], "chat:history", {}); // the ack means that earlier events have arrived
  });

  test(`a back end's event is replayed to a client that was away: ${transports}`, async () => {
    const room = `recovered-${transports}`;
    const options = { reconnection: true, reconnectionDelay: 50, reconnectionDelayMax: 500 };
    const ada = await connect(server, { room, transports, ...options });
    const bob = await connect(server, { room });
    await ask(ada, "room:join", {});
    await ask(bob, "room:join", {});
    const [away, heard] = [once(bob, "peer:away"), once(ada, "missed")];
    ada.io.engine.close();
    await away;
    const back = once(ada, "connect");
    assert.deepEqual(await emit(room, { event: "missed", args: ["while away"] }), { ok: true, delivered: 2 });
    await back;
    assert.equal(ada.recovered, true);
    assert.deepEqual(payload(await heard), ["while away"]);
  });

  test(`a closed room: all clients are told and disconnected, and the next client finds a new room: ${transports}`, async () => {
    const room = `closed-${transports}`;
    const sockets = [await connect(server, { room, transports }), await connect(server, { room, transports })];
    await ask(sockets[0], "room:join", {});
    await ask(sockets[0], "chat-message", "old");
    await ask(sockets[0], "host:password", { password: "sesame" });
    await ask(sockets[0], "host:lock", { on: true });
    const told = sockets.map((socket) => once(socket, "room:closed"));
    const out = sockets.map((socket) => once(socket, "disconnect"));
    const { status, body } = await api(`/rooms/${room}/close`, { body: { reason: "maintenance" } });
    assert.deepEqual([status, body], [200, { ok: true, closed: 2 }]);
    for (const event of await Promise.all(told)) assert.deepEqual(payload(event), [{ reason: "maintenance" }]);
    for (const [reason] of await Promise.all(out)) assert.equal(reason, "io server disconnect");
    await server.evict(room);
    const next = await connect(server, { room, auth: { pid: sockets[0]._pid, offset: "0000000000000000" } });
    assert.equal(next.recovered, false);
    const joined = await ask(next, "room:join", {});
    assert.deepEqual(joined.history, []);
    assert.deepEqual([joined.room.locked, joined.room.password, joined.self.host], [false, false, true]);
    assert.equal(joined.self.n, 1, "it is a new room");
  });
}

for (const transports of [["websocket"], ["polling"]]) {
  test(`a client that is away when the room is closed is told when it returns, and is disconnected: ${transports}`, async () => {
    const room = `away-${transports}`;
    const ada = await connect(server, { room, transports, reconnection: true, reconnectionDelay: 50, reconnectionDelayMax: 500 });
    const bob = await connect(server, { room });
    for (const socket of [ada, bob]) await ask(socket, "room:join", {});
    ada.on("connect", () => ada.emit("room:join", {})); // as a page does on connecting
    const [away, told, out] = [once(bob, "peer:away"), once(ada, "room:closed"), once(ada, "disconnect", (reason) => reason === "io server disconnect")];
    ada.io.engine.close();
    await away;
    assert.deepEqual((await api(`/rooms/${room}/close`, { body: { reason: "over" } })).body, { ok: true, closed: 2 });
    assert.deepEqual(payload(await told), [{ reason: "over" }]);
    await out;
    const { body } = await api(`/rooms/${room}`);
    assert.deepEqual([body.peers, body.sockets], [[], 0]);
  });
}

test("operators do what the host may: kick, bans, lock, password, host, chat, and waiting clients", async () => {
  const room = "presided";
  const [ada, bob] = [await connect(server, { room }), await connect(server, { room, extraHeaders: { "cf-connecting-ip": "203.0.113.9" } })];
  for (const socket of [ada, bob]) await ask(socket, "room:join", {});
  await ask(ada, "chat-message", "secret");
  const post = async (action, body = {}) => (await api(`/rooms/${room}/${action}`, { body })).body;
  const state = (socket) => once(socket, "room:state").then((args) => payload(args)[0]);
  for (const [action, body, told] of [
    ["host", { id: bob.id }, { host: bob.id }],
    ["password", { password: "sesame" }, { password: true }],
    ["password", { password: null }, { password: false }],
    ["lock", { on: true }, { locked: true }],
  ]) {
    const heard = state(ada);
    assert.deepEqual(await post(action, body), { ok: true }, action);
    assert.deepEqual(await heard, told);
  }
  assert.deepEqual(await post("clear"), { ok: true });
  assert.deepEqual((await ask(ada, "chat:history", {})).messages, []);
  const { id } = bob;
  const eve = await connect(server, { room });
  assert.equal((await ask(eve, "room:join", { name: "Eve" })).error.code, "waiting");
  const { waiting } = (await api(`/rooms/${room}/waiting`)).body;
  assert.deepEqual(waiting.map(({ id, name }) => [id, name]), [[eve.id, "Eve"]]);
  const admitted = once(eve, "room:admitted");
  assert.deepEqual(await post("admit", { id: eve.id }), { ok: true });
  await admitted;
  const out = once(bob, "disconnect");
  assert.deepEqual(await post("kick", { id }), { ok: true });
  assert.equal((await out)[0], "io server disconnect");
  const { bans } = (await api(`/rooms/${room}/bans`)).body;
  assert.deepEqual(bans.map((ban) => [ban.id, ban.shared]), [[id, false]]);
  assert.deepEqual(await post("unban", { id }), { ok: true, lifted: 1 });
  assert.equal((await api(`/rooms/${room}/count`)).body.peers, 2);
});

test("closing a room needs no body", async () => {
  await connect(server, { room: "bare" });
  const { body } = await api("/rooms/bare/close", { method: "POST", headers: { authorization } });
  assert.deepEqual(body, { ok: true, closed: 1 });
});

test("the examples of docs/api.md work unchanged", async () => {
  const [, script] = readFileSync(inRoot("docs/api.md"), "utf8").split("```sh\n");
  const [commands] = script.split("```");
  const heard = once(await connect(server, { room: "my-room" }), "room:closed");
  const run = promisify(execFile);
  const answers = [];
  for (const command of commands.replaceAll("\\\n", "").trim().split("\n").filter((line) => line.startsWith("curl"))) {
    const { stdout } = await run("sh", ["-c", `${command} --silent --show-error`], {
      env: { ...process.env, URL: server.url, API_TOKEN: token },
    });
    answers.push(JSON.parse(stdout));
  }
  assert.equal(answers.length, 3);
  assert.equal(answers[0].room.name, "my-room");
  assert.deepEqual(answers.slice(1), [{ ok: true, delivered: 1 }, { ok: true, closed: 1 }]);
  assert.equal(typeof payload(await heard)[0].reason, "string");
});

test("the log identifies sockets by their ids, and has no secrets and no messages", async () => {
  const room = "logged";
  const logged = await startServer({ vars: { API_TOKEN: token, CHAT_RATE: "2/1", MAX_SOCKETS: "3", MAX_PEERS: "3" } });
  try {
    const address = "203.0.113.77";
    const extraHeaders = { "cf-connecting-ip": address };
    const ada = await connect(logged, { room, extraHeaders });
    const bob = await connect(logged, { room, transports: ["polling"], extraHeaders: { "cf-connecting-ip": "203.0.113.78" } });
    await ask(ada, "room:join", { name: "Name-of-Ada" });
    await ask(bob, "room:join", { name: "Name-of-Bob" });
    const ids = { ada: ada.id, bob: bob.id };
    const secrets = [token, "distinctive", "Name-of", address, "203.0.113.78", ada._pid, bob._pid, ada.io.engine.id, bob.io.engine.id];
    const description = { type: "offer", sdp: "v=0 distinctive-sdp" };
    await ask(ada, "offer", { to: bob.id, description });
    await ask(ada, "candidate", { to: bob.id, candidate: { candidate: "distinctive-candidate" } });
    for (let n = 0; n < 4; n++) await ask(ada, "chat-message", "distinctive-words");
    const raw = await openPolling(logged, (query) => enginePath(room, query));
    await raw.post('40{"token":"distinctive-token"}');
    const guest = await raw.get();
    const { sid: id } = JSON.parse(/40(\{.*?\})/.exec(guest.body)[1]);
    const full = await webSocket(logged, enginePath(room, { transport: "websocket" }));
    full.send("40");
    for (let frame = ""; !frame.startsWith("44"); ) frame = await full.next();
    await ask(ada, "host:password", { password: "distinctive-password" });
    await raw.post('42["room:join",{"password":"distinctive-guess"}]');
    await ask(ada, "host:kick", { id: ids.bob });
    const body = JSON.stringify({ event: "news", args: ["distinctive-args"] });
    await http(logged, `/api/rooms/${room}/emit`, { method: "POST", headers: json, body });
    const reason = JSON.stringify({ reason: "distinctive-reason" });
    await http(logged, `/api/rooms/${room}/close`, { method: "POST", headers: json, body: reason });
    await logged.logged(/"reason":"closed"/);

    const lines = logged.logs.filter(({ message }) => message.startsWith('{"event"')).map(({ message }) => JSON.parse(message));
    const brief = lines.map(({ event, peer, code, reason }) => [event, peer, code ?? reason]);
    assert.ok(lines.every((line) => line.room === room));
    assert.deepEqual(brief.filter(([, peer]) => peer === ids.ada), [
      ["join", ids.ada, undefined],
      ["limit", ids.ada, "rate-limited"],
      ["password", ids.ada, "set"],
      ["leave", ids.ada, "closed"],
    ]);
    assert.deepEqual(brief.filter(([, peer]) => peer === ids.bob), [
      ["join", ids.bob, undefined],
      ["kick", ids.bob, "kicked"],
      ["leave", ids.bob, "kicked"],
    ]);
    assert.deepEqual(brief.filter(([, peer]) => peer === id), [["refusal", id, "bad-password"]]);
    assert.equal(brief.filter(([event, , code]) => event === "refusal" && code === "room-full").length, 1);
    assert.equal(brief.filter(([event]) => event === "close").length, 1);

    const all = JSON.stringify(logged.logs);
    for (const secret of [...secrets, raw.sid]) assert.ok(!all.includes(secret), secret);
  } finally {
    await logged.stop();
  }
});
