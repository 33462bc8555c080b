// Webhooks: the events for the operator's server, with failures on either side. The receiver of docs/webhooks.md runs
// unchanged.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { EventEmitter, once as happens } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, test } from "node:test";
import { pinnedNode } from "../../scripts/task.mjs";
import { example } from "./documents.mjs";
import { ask, connect, freePort, startKillable, startServer } from "./support.mjs";

const secret = "0123456789abcdef0123456789abcdef";

/** Resolves to the first value of `find`, which is called now and after each `event`. */
async function awaitEvent(emitter, event, find) {
  for (;;) {
    const found = find();
    if (found) return found;
    await happens(emitter, event);
  }
}

/**
 * A receiver that answers with the status of `answer`, or not at all. It collects the events, and checks signatures.
 */
async function receiver(t, answer = () => 204) {
  const arrived = [];
  const emitter = new EventEmitter();
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request.setEncoding("utf8")) body += chunk;
    const [, time, signature] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(request.headers["x-signalbox-signature"]);
    assert.equal(signature, createHmac("sha256", secret).update(`${time}.${body}`).digest("hex"));
    assert.ok(Math.abs(Date.now() / 1000 - time) < 60);
    assert.equal(request.headers["content-type"], "application/json");
    const event = JSON.parse(body);
    const status = answer(event);
    arrived.push({ ...event, accepted: status >= 200 && status < 300 });
    if (status) response.writeHead(status).end();
    else response.destroy();
    emitter.emit("event");
  });
  server.listen(0, "127.0.0.1");
  await happens(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${server.address().port}/hook`;
  return {
    arrived,
    vars: { WEBHOOK_URL: url, WEBHOOK_SECRET: secret },
    until: (find) => awaitEvent(emitter, "event", find),
  };
}

// Each test has a server of its own and waits most of the time.
describe("webhooks", { concurrency: 2 }, () => {
  test("events are sent for joins, leaves, hosts and an empty room", async (t) => {
    const { arrived, vars, until } = await receiver(t);
    const server = await startServer({ vars });
    t.after(() => server.stop());
    const [ada, bob] = [await connect(server), await connect(server)];
    await ask(ada, "room:join", { name: "Ada" });
    await ask(bob, "room:join", { name: "Bob" });
    await ask(ada, "chat-message", "not told");
    await ask(ada, "room:leave");
    await ask(bob, "room:leave");
    await until(() => arrived.length === 7);
    assert.deepEqual(arrived.map(({ event, peer, seq }) => [seq, event, peer?.id]), [
      [1, "join", ada.id],
      [2, "host", ada.id],
      [3, "join", bob.id],
      [4, "leave", ada.id],
      [5, "host", bob.id],
      [6, "leave", bob.id],
      [7, "empty", undefined],
    ]);
  });

  test("a pending event is sent by the room's alarm after a kill, without any client", async (t) => {
    let works = false;
    const { arrived, vars, until } = await receiver(t, () => (works ? 200 : 500));
    const server = await startKillable({ vars: { ...vars, RECOVERY_MS: "1000" } });
    t.after(() => server.stop());
    const ada = await connect(server, { transports: ["websocket"] }); // a polling session would survive the kill
    await ask(ada, "room:join", {});
    await until(() => arrived.length >= 1);
    await server.kill();
    ada.disconnect();
    works = true;
    await server.start();
    await until(() => arrived.some(({ event }) => event === "empty"));
    const accepted = arrived.filter(({ accepted }) => accepted);
    assert.deepEqual(accepted.map(({ event }) => event), ["join", "host", "leave", "empty"]);
  });

  test("each of 1,000 events arrives in order, although the receiver fails at random and the server is killed five times", async (t) => {
    const rooms = 8;
    const kills = 5;
    const statuses = [204, 204, 204, 204, 204, 204, 204, 204, 204, 200, 201, 202, 500, undefined];
    const { arrived, vars, until } = await receiver(t, () => statuses[Math.floor(Math.random() * statuses.length)]);
    const server = await startKillable({ vars: { ...vars, RECOVERY_MS: "120000" } });
    t.after(() => server.stop());
    const expected = new Map(); // the acknowledged changes, by room
    let done = 0;
    const progress = new EventEmitter();
    const live = async (room) => {
      const told = [];
      expected.set(room, told);
      const socket = await connect(server, { room, transports: ["websocket"], reconnection: true, reconnectionDelay: 20, reconnectionDelayMax: 100 });
      // Each room is joined and left by turns: each join makes a host, and each leave empties the room.
      for (let n = 0; n < 32; n += 1) {
        for (const [event, names] of [["room:join", ["join", "host"]], ["room:leave", ["leave", "empty"]]]) {
          // After a kill it is the same socket, and a repeated request changes nothing.
          while (!(await socket.timeout(2_000).emitWithAck(event, {}).catch(() => false))) if (!socket.connected) await new Promise((resolve) => socket.once("connect", resolve));
          told.push(...names);
          done += names.length;
          progress.emit("done");
        }
      }
    };
    const all = Promise.all(Array.from({ length: rooms }, (_, n) => live(`room-${n}`)));
    for (let kill = 1; kill <= kills; kill += 1) {
      const target = (kill * rooms * 128) / (kills + 1);
      await awaitEvent(progress, "done", () => done >= target);
      await server.kill();
      await server.start();
    }
    await all;
    const first = (room) => {
      const seen = new Map();
      for (const event of arrived.filter((event) => event.room === room && event.accepted)) {
        const { accepted, ...rest } = event;
        const known = seen.get(event.id);
        if (known) assert.deepEqual(rest, known, "the same id is the same event");
        else seen.set(event.id, rest);
      }
      return [...seen.values()];
    };
    await until(() => [...expected].every(([room, told]) => first(room).length >= told.length));
    for (const [room, told] of expected) {
      const events = first(room);
      assert.deepEqual(events.map(({ seq }) => seq), told.map((_, at) => at + 1), "none is missing, in order");
      assert.equal(new Set(events.map(({ stream }) => stream)).size, 1);
      assert.deepEqual(events.map(({ event }) => event), told);
    }
    const sum = [...expected.values()].reduce((sum, told) => sum + told.length, 0);
    assert.ok(sum >= 1_000);
    console.log(`${sum} events, ${kills} kills: ${arrived.length} requests, ${arrived.filter(({ accepted }) => !accepted).length} of them failed`);
  });

  test("the receiver of the documentation works unchanged", async (t) => {
    const code = example("webhook-receiver");
    assert.ok(code.trim().split("\n").length <= 22, "it is short");
    const folder = mkdtempSync(join(tmpdir(), "signalbox-receiver-"));
    t.after(() => rmSync(folder, { recursive: true }));
    writeFileSync(join(folder, "receiver.mjs"), code);
    const port = await freePort();
    const child = spawn(pinnedNode, [join(folder, "receiver.mjs")], { env: { PORT: String(port), WEBHOOK_SECRET: secret }, stdio: ["ignore", "pipe", "inherit"] });
    t.after(() => child.kill());
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    const server = await startServer({ vars: { WEBHOOK_URL: `http://127.0.0.1:${port}/`, WEBHOOK_SECRET: secret } });
    t.after(() => server.stop());
    const ada = await connect(server, { room: "documented" });
    await ask(ada, "room:join", { name: "Ada" });
    const event = JSON.parse((await lines.next()).value);
    assert.deepEqual([event.event, event.room, event.peer.name, event.seq], ["join", "documented", "Ada", 1]);
    const forged = await fetch(`http://127.0.0.1:${port}/`, { method: "POST", body: "{}", headers: { "x-signalbox-signature": `t=${Math.floor(Date.now() / 1000)},v1=${"0".repeat(64)}` } });
    assert.equal(forged.status, 401);
    assert.equal((await fetch(`http://127.0.0.1:${port}/`, { method: "POST", body: "{}" })).status, 401);
  });
});
