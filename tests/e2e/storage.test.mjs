// What an object stores, in the local runtime's own files: nothing until there is something to store. A room with a
// damaged row serves nobody.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { after, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { databases, files, rowsOf, withDatabase } from "./databases.mjs";
import { example } from "./documents.mjs";
import { ask, connect, enginePath, startKillable } from "./support.mjs";

const server = await startKillable();
after(() => server.stop());

const madeUpSid = () => randomBytes(15).toString("base64url");

test("150 requests with made-up names and session ids reach no object", async () => {
  for (let n = 0; n < 50; n += 1) {
    const path = (query) => server.url + enginePath(`made-up-${n}`, query);
    const sid = madeUpSid();
    const answers = await Promise.all([
      fetch(path({ transport: "polling", sid })),
      fetch(path({ transport: "polling", sid }), { method: "POST", body: "40" }),
      fetch(path({ transport: "polling", sid }), { method: "HEAD" }),
    ]);
    for (const answer of answers) assert.equal(answer.status, 400);
  }
  assert.deepEqual(files(server), []);
});

test("a damaged row halts its room, which refuses all requests until the row is repaired", async () => {
  const room = "damaged";
  const host = await connect(server, { room });
  assert.equal((await ask(host, "room:join", { name: "Host" })).ok, true);
  assert.equal((await ask(host, "host:lock", { on: true })).ok, true);
  host.disconnect();
  await server.kill();
  const [file] = databases(server);
  const edit = (value) =>
    withDatabase(file, (database) => {
      const rows = database.prepare("SELECT key, value FROM _cf_KV").all();
      const row = rows.find(({ value }) => Buffer.from(value).includes("room/door"));
      database.prepare("UPDATE _cf_KV SET value = ? WHERE key = ?").run(value(Buffer.from(row.value)), row.key);
      return Buffer.from(row.value);
    });
  const intact = edit((value) => Buffer.from(value.toString("latin1").replace('"locked":true', '"locked":1234'), "latin1"));
  await server.start();
  const handshake = () => fetch(server.url + enginePath(room, { transport: "polling" }));
  for (let n = 0; n < 3; n += 1) {
    assert.equal((await handshake()).status, 503);
  }
  assert.match(server.output, /"event":"halt","room":"damaged","reason":"journal\/\d+: the checksum is wrong/);
  assert.equal((await fetch(server.url + enginePath("another", { transport: "polling" }))).status, 200, "other rooms still work");
  await server.kill();
  edit(() => intact);
  await server.start();
  const stranger = await connect(server, { room });
  const { error } = await ask(stranger, "room:join", {});
  assert.match(error.code, /^(waiting|room-locked)$/, "it is locked as before");
});

test("a room without clients stores nothing after its retention", async (t) => {
  const server = await startKillable({ vars: { RETENTION: "0", RECOVERY_MS: "0" } });
  t.after(() => server.stop());
  const [host, guest] = [await connect(server, { room: "left" }), await connect(server, { room: "left" })];
  assert.equal((await ask(host, "room:join", { name: "Host" })).ok, true);
  assert.equal((await ask(host, "host:password", { password: "sesame" })).ok, true);
  assert.equal((await ask(host, "chat-message", { message: "what was said", mid: "1" })).ok, true);
  host.disconnect();
  assert.equal((await ask(guest, "room:join", { password: "sesame" })).ok, true);
  assert.equal(databases(server).length, 1, "somebody is there");
  guest.disconnect();
  const until = performance.now() + 30_000;
  while (databases(server).length > 0 && performance.now() < until) await setTimeout(50);
  assert.deepEqual(databases(server), []);
  const next = await connect(server, { room: "left" });
  const joined = await ask(next, "room:join", { name: "Next" });
  assert.deepEqual([joined.ok, joined.room.password, joined.history], [true, false, []], "it is a new room");
});

test("the program in docs/journal.md reads a row of the journal", async (t) => {
  const own = await startKillable();
  t.after(() => own.stop());
  const ada = await connect(own, { room: "read" });
  await ask(ada, "room:join", { name: "Ada" });
  await own.kill();
  const [file] = databases(own);
  const program = `${example("journal-row")}\nimport sys\nshow(sys.stdin.buffer.read())`;
  const { status, stdout, stderr } = spawnSync("python3", ["-c", program], { input: rowsOf(file)[0], encoding: "utf8" });
  assert.equal(status, 0, stderr);
  assert.match(stdout, /^row \d+, segment \d+, part 1 of 1; \d+ is the oldest that counts\n.+ = /);
  await own.start(); // `stop` expects a running server
});
