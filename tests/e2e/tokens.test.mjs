// `npm run token` makes tokens that rooms accept, and refuses those that rooms refuse, with the room's message.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHmac } from "node:crypto";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { inRoot } from "../../scripts/task.mjs";
import { ask, client, connect, once, startServer } from "./support.mjs";

const secret = "a secret of 32 or more characters";
const oldSecret = "an old secret of 32 or more characters";
const room = "with-tokens";

let server;
before(async () => {
  server = await startServer({ vars: { TOKENS: "required", TOKEN_SECRET: ` ${secret}\n`, TOKEN_SECRET_OLD: oldSecret } });
});
after(() => server.stop());

const env = { ...process.env, TOKEN_SECRET: secret, TOKEN_SECRET_OLD: oldSecret };

/** The command's output and exit code. */
const token = (...args) => promisify(execFile)(process.execPath, [inRoot("scripts/token.mjs"), ...args], { env }).then(
  ({ stdout }) => ({ code: 0, output: stdout.trim() }),
  ({ code, stdout, stderr }) => ({ code, output: (stdout + stderr).trim() }),
);

const encode = (text) => Buffer.from(text).toString("base64url");

/** A token with these claims, an object or a text, and this header. */
function signed(claims, { key = secret, header = '{"alg":"HS256"}' } = {}) {
  const text = `${encode(header)}.${encode(typeof claims === "string" ? claims : JSON.stringify(claims))}`;
  return `${text}.${createHmac("sha256", key).update(text).digest("base64url")}`;
}

const soon = Math.floor(Date.now() / 1000) + 600;

test("a token from the command admits its client, with the name and role in it", async () => {
  const made = await token("make", room, "--name", "Ada", "--sub", "ada", "--ref", "seat 7", "--host", "--for", "30m");
  assert.equal(made.code, 0, made.output);
  const socket = await connect(server, { room, auth: { token: made.output } });
  const { self } = await ask(socket, "room:join", { name: "somebody else" });
  assert.deepEqual([self.name, self.host], ["Ada", true]);
  assert.match(await server.logged(/"join"/), /"ref":"seat 7"/);
  const { code, output } = await token("check", made.output, "--room", room);
  assert.equal(code, 0, output);
  assert.match(output, /^valid: for the room with-tokens, name "Ada", sub "ada", ref "seat 7", as host, until .*\((29|30) min\)$/);
});

test("a token of the old secret is accepted during a change of secrets", async () => {
  const old = signed({ room, exp: soon }, { key: oldSecret });
  await connect(server, { room, auth: { token: old } });
  assert.equal((await token("check", old)).code, 0);
});

for (const [what, made] of Object.entries({
  "a text that is no token": "x",
  "two parts": `${encode("{}")}.${encode("{}")}`,
  "another algorithm": signed({ room, exp: soon }, { header: '{"alg":"HS512"}' }),
  "an extension that is null": signed({ room, exp: soon }, { header: '{"alg":"HS256","crit":null}' }),
  "two algorithms": signed({ room, exp: soon }, { header: '{"alg":"none","alg":"HS256"}' }),
  "a header that is a list": signed({ room, exp: soon }, { header: '["HS256",null]' }),
  "another secret": signed({ room, exp: soon }, { key: "of nobody" }),
  "a claim that was added after signing": signed({ room, exp: soon }).replace(/\.[^.]*\./, `.${encode(JSON.stringify({ room, exp: soon, role: "host" }))}.`),
  "another room": signed({ room: "elsewhere", exp: soon }),
  "no room": signed({ exp: soon }),
  "no exp": signed({ room }),
  "an exp that is a text": signed({ room, exp: String(soon) }),
  "an exp that is too large for JavaScript": signed(`{"room":"${room}","exp":1e400}`),
  "an exp in milliseconds": signed({ room, exp: soon * 1000 }),
  "two exps": signed(`{"room":"${room}","exp":${soon},"exp":${soon}}`),
  "the past": signed({ room, exp: soon - 3600 }),
  "the future": signed({ room, exp: soon, nbf: soon }),
  "a sub that is a number": signed({ room, exp: soon, sub: 7 }),
  "a role that is a list": signed({ room, exp: soon, role: ["host"] }),
  "a role in capitals": signed({ room, exp: soon, role: "HOST" }),
  "a list of claims": signed([]),
})) {
  test(`the command and the room refuse for the same reason: ${what}`, async () => {
    const { code, output } = await token("check", made, "--room", room);
    assert.equal(code, 1, output);
    const socket = client(server, { room, auth: { token: made } });
    const [error] = await once(socket, "connect_error");
    assert.equal(error.data.code, "bad-token");
    assert.equal(error.message, output.replace("refused: ", "this token does not let you in: "));
  });
}

test("an error of the command is one line that says what to do", async () => {
  for (const [args, message] of [
    [["make"], /takes make ROOM or check TOKEN/],
    [["mend", "x"], /takes make ROOM or check TOKEN/],
    [["make", "x", "--for", "soon"], /--for is soon: give a time such as 45s/],
    [["make", "x", "--for", "99999999d"], /--for is 99999999d: give a shorter time/],
    [["make", "x", "--colour", "red"], /Unknown option '--colour'/],
  ]) {
    const { code, output } = await token(...args);
    assert.equal(code, 1);
    assert.match(output, /^error: .*$/);
    assert.match(output, message);
  }
});
