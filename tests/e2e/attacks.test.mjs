// Attacks with stock clients: each is refused, and does not affect other clients.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHmac } from "node:crypto";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { pythonPath } from "../../scripts/setup.mjs";
import { example } from "./documents.mjs";
import { ask, client, connect, enginePath, http, once, payload, startServer } from "./support.mjs";

const secret = "a secret of more than 32 characters";
let server;
before(async () => {
  server = await startServer({ vars: { TOKEN_SECRET: secret } });
});
after(() => server.stop());

const from = (address) => ({ extraHeaders: { "cf-connecting-ip": address } });

/** The reason that a client is refused. */
async function refusal(options) {
  const socket = client(server, options);
  const [error] = await once(socket, "connect_error");
  assert.equal(error.data.message, error.message);
  return error.data.code;
}

test("a client cannot send a signal or a message in the name of another client", async () => {
  const room = "claims";
  const [ada, grace, eve] = await Promise.all([1, 2, 3].map(() => connect(server, { room })));
  const offer = once(grace, "offer");
  eve.emit("offer", { to: grace.id, from: ada.id, sender: ada.id, caller: ada.id, description: { type: "offer", sdp: "" } });
  const [signal, meta] = await offer;
  assert.deepEqual([signal.from, signal.sender, signal.caller, meta.from], [eve.id, eve.id, eve.id, eve.id]);
  const message = once(grace, "chat-message");
  eve.emit("chat-message", { message: "I am Ada", from: ada.id, id: "x", name: "Ada", seq: 0 });
  const [{ from: sender, name }] = await message;
  assert.deepEqual([sender, name], [eve.id, null]);
});

test("a client cannot reach the peers of another room by their ids or by guessed aliases", async () => {
  const ada = await connect(server, { room: "hers" });
  await ask(ada, "join", "ada");
  const heard = [];
  ada.onAny((event) => heard.push(event));
  const eve = await connect(server, { room: "his" });
  for (const to of [ada.id, "ada", "a", "admin", "__proto__", "lobby"]) {
    for (const [event, body] of [["offer", { description: {} }], ["signal", { data: 1 }], ["chat-message", { message: "x" }]]) {
      const { ok, error } = await ask(eve, event, { ...body, to });
      assert.deepEqual([ok, error.code], [false, "unknown-peer"], `${event} to ${to}`);
    }
  }
  assert.equal((await ask(ada, "chat:history", {})).ok, true);
  assert.deepEqual(heard, []);
});

test("a client cannot take the alias of another client, even while that client is away", async () => {
  const room = "aliases";
  const [ada, bob, again] = await Promise.all([1, 2, 3].map(() => connect(server, { room })));
  const eve = await connect(server, { room, extraHeaders: { "cf-connecting-ip": "198.51.100.7" } });
  assert.equal((await ask(ada, "join", "ada")).ok, true);
  await ask(bob, "room:join", {});
  await ask(ada, "room:join", {});
  assert.equal((await ask(eve, "join", "ada")).error.code, "id-taken");
  assert.equal((await ask(eve, "join", ada.id)).error.code, "id-taken");
  const away = once(bob, "peer:away");
  ada.io.engine.close();
  await away;
  assert.equal((await ask(eve, "join", "ada")).error.code, "id-taken");
  assert.equal((await ask(again, "join", "ada")).ok, true, "a page that was loaded again gets its alias back");
});

const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
const signature = (text, key = secret) => createHmac("sha256", key).update(text).digest("base64url");
const soon = () => Math.floor(Date.now() / 1000) + 600;
function token(claims, { header = { alg: "HS256" }, key = secret } = {}) {
  const signed = `${part(header)}.${part({ room: "tokens", exp: soon(), ...claims })}`;
  return `${signed}.${signature(signed, key)}`;
}

test("a token is refused if it is unsigned, for another room, expired, changed, or signed with another secret", async () => {
  const room = "tokens";
  const good = token({ name: "Ada" });
  const [header, , signed] = good.split(".");
  for (const [what, forged] of [
    ["alg none", `${part({ alg: "none" })}.${good.split(".")[1]}.`],
    ["alg none, signed", token({}, { header: { alg: "none" } })],
    ["another algorithm", token({}, { header: { alg: "RS256" } })],
    ["another room's", token({ room: "other" })],
    ["expired", token({ exp: Math.floor(Date.now() / 1000) - 61 })],
    ["without end", token({ exp: undefined })],
    ["tampered", `${header}.${part({ room, exp: soon(), role: "host" })}.${signed}`],
    ["another secret's", token({}, { key: "another secret" })],
    ["no token at all", "let me in"],
  ]) {
    assert.equal(await refusal({ room, auth: { token: forged } }), "bad-token", what);
  }
  const ada = await connect(server, { room, auth: { token: good } });
  const { self } = await ask(ada, "room:join", { name: "Somebody else" });
  assert.equal(self.name, "Ada");
  const admin = await connect(server, { room, auth: { token: token({ role: "host" }) } });
  assert.equal((await ask(admin, "room:join", {})).self.host, true);
});

test("a missing token is refused; the documentation's examples make valid ones", async () => {
  const strict = await startServer({ vars: { TOKEN_SECRET: secret, TOKENS: "required" } });
  try {
    const stranger = client(strict, { room: "standup" });
    assert.equal((await once(stranger, "connect_error"))[0].data.code, "bad-token");
    process.env.TOKEN_SECRET = secret;
    const module = `${example("token")}\nexport default token;`;
    const { default: made } = await import(`data:text/javascript,${encodeURIComponent(module)}`);
    const python = await promisify(execFile)(pythonPath, ["-c", `${example("token-in-python")}print(token)`]);
    delete process.env.TOKEN_SECRET;
    for (const token of [made, python.stdout.trim()]) {
      const ada = await connect(strict, { room: "standup", auth: { token } });
      assert.equal((await ask(ada, "room:join", {})).self.name, "Ada");
    }
  } finally {
    await strict.stop();
  }
});

test("a client may guess the password only a few times in a minute", async () => {
  const room = "guessed";
  const host = await connect(server, { room });
  await ask(host, "room:join", {});
  assert.deepEqual(await ask(host, "host:password", { password: "correct horse" }), { ok: true });
  const guess = async (address, password) => {
    const socket = await connect(server, { room, ...from(address) });
    const { ok, error } = await ask(socket, "room:join", { password });
    socket.disconnect();
    return ok || error;
  };
  for (let n = 0; n < 5; n += 1) assert.equal((await guess("198.51.100.1", `guess ${n}`)).code, "bad-password");
  for (const password of ["guess", "correct horse"]) {
    const { code, retryAfterMs } = await guess("198.51.100.1", password);
    assert.equal(code, "rate-limited");
    assert.ok(retryAfterMs > 0 && retryAfterMs <= 60_000);
  }
  assert.equal(await guess("198.51.100.2", "correct horse"), true);
});

test("the Engine.IO sid of a client is in no event, no log and no answer to another client", async () => {
  const room = "secrets";
  const seen = [];
  const [ada, grace] = await Promise.all([
    connect(server, { room }),
    connect(server, { room, transports: ["polling"] }),
  ]);
  for (const socket of [ada, grace]) socket.onAny((...args) => seen.push(args));
  const ids = [ada.id, grace.id];
  const sids = [ada.io.engine.id, grace.io.engine.id];
  for (const [one, other] of [[ada, grace], [grace, ada]]) {
    seen.push(await ask(one, "room:join", { name: "x" }));
    seen.push(await ask(one, "chat-message", { message: "hello", mid: "1" }));
    seen.push(await ask(one, "offer", { to: other.id, description: { type: "offer", sdp: "v=0" }, cid: 1 }));
    seen.push(await ask(one, "chat:history", {}));
    seen.push(await ask(one, "no-such-event"));
  }
  const away = once(grace, "peer:away");
  ada.io.engine.close();
  seen.push(await away);
  seen.push(await http(server, "/healthz"));
  const all = JSON.stringify([seen, server.logs]);
  assert.ok(ids.every((id) => all.includes(id)));
  for (const sid of sids) assert.ok(!all.includes(sid));
});

test("names and messages of any characters arrive unchanged; only lone surrogates are replaced", async () => {
  const room = "characters";
  const [ada, grace] = await Promise.all([1, 2].map(() => connect(server, { room })));
  await ask(grace, "room:join", {});
  for (const text of [
    "<img src=x onerror=alert(1)>", "</script>", "\u0000\u0001\u001b[31m\u007f", "\u202Egnp.exe\u2066", "\u{1F469}\u200D\u{1F680}", "\u{20000}",
    "a\u2028\u2029\ufeff\ufffe", "'; DROP TABLE records; --", '"}],"x":[{"', "%s%n{0}${1}",
  ]) {
    const [message, joined] = [once(grace, "chat-message"), once(grace, ada.joined ? "peer:updated" : /* the first time */ "peer:joined")];
    assert.equal((await ask(ada, "room:join", { name: text })).self.name, text.trim());
    ada.joined = true;
    assert.equal((await joined)[0].name, text.trim());
    assert.equal((await ask(ada, "chat-message", text)).ok, true);
    assert.equal((await message)[0].message, text);
  }
  for (const half of ["\ud83d", "\ude00", "a\ud83db"]) {
    const message = once(grace, "chat-message");
    assert.equal((await ask(ada, "chat-message", half)).ok, true);
    assert.equal((await message)[0].message, half.toWellFormed());
    const [renamed, aliased] = [once(grace, "peer:updated"), once(ada, "user-joined")];
    assert.equal((await ask(ada, "room:join", { name: half })).self.name, half.toWellFormed());
    assert.equal((await renamed)[0].name, half.toWellFormed());
    assert.deepEqual(await ask(ada, "join", half), { ok: true });
    assert.equal((await aliased)[0], half.toWellFormed());
  }
  const { messages } = await ask(grace, "chat:history", {});
  assert.equal(messages.length, 13);
});

test("events that are named like properties of Object.prototype, and JSON that is huge or deep, are refused", async () => {
  const room = "names";
  const [ada, eve] = await Promise.all([1, 2].map(() => connect(server, { room, transports: ["websocket"] })));
  for (const name of ["__proto__", "constructor", "toString", "hasOwnProperty", "0", "", "\u0000", "room:join ", "x".repeat(10_000)]) {
    assert.equal((await ask(eve, name, {})).error.code, "unsupported", name.slice(0, 20));
  }
  const deep = `${"[".repeat(60_000)}${"]".repeat(60_000)}`;
  for (const [args, code] of [
    [`{"to":"${ada.id}","data":${deep}}`, "bad-payload"],
    [`{"to":"${ada.id}","data":"${"x".repeat(70_000)}"}`, "too-large"],
    [`{"to":"${ada.id}","data":1,${Array.from({ length: 5_000 }, (_, n) => `"k${n}":${n}`)}}`, "bad-payload"],
  ]) {
    const told = once(eve, "room:error");
    eve.io.engine.write(`2["signal",${args}]`);
    assert.equal((await told)[0].code, code);
  }
  const heard = once(ada, "signal");
  await ask(eve, "signal", { to: ada.id, data: JSON.parse('{"__proto__":{"admin":true},"constructor":1}') });
  assert.equal({}.admin, undefined);
  assert.equal(payload(await heard)[0].from, eve.id);
});

for (const name of ["..", ".", "%2e%2e", "..%2f", "a%2fb", "a%00b", "x".repeat(65), "a%20b"]) {
  test(`a room named ${name.slice(0, 10)} is refused`, async () => {
    const { status, body } = await http(server, `/socket.io/?EIO=4&transport=polling&room=${name}`);
    assert.equal(status, 400);
    assert.match(JSON.parse(body).message, /room's name/);
    // `.` and `..` in a path are resolved as folders. With `..` the path becomes `/socket.io/`, which is the lobby's. With `.`
    // it becomes `/r/socket.io/`, which is unknown.
    const byPath = await http(server, `/r/${name}/socket.io/?EIO=4&transport=polling`);
    if (/^(\.|%2e)+$/.test(name)) assert.ok([200, 404].includes(byPath.status));
    else assert.equal(byPath.status, 400);
  });
}

test("a sid of another room is refused", async () => {
  const { body } = await http(server, enginePath("one", { transport: "polling" }));
  const { sid } = JSON.parse(body.slice(1));
  const { status } = await http(server, enginePath("two", { transport: "polling", sid }));
  assert.equal(status, 400);
});
