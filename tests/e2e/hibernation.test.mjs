// Nothing keeps the object in memory, and no client loses anything with the object's memory.
//
// The tests notice a loss of memory by the sequence numbers of messages: the room skips a block of numbers after such a loss,
// and only then.

import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ask, connect, enginePath, once, openPolling, startServer, webSocket } from "./support.mjs";

let server;
before(async () => {
  server = await startServer();
});
after(() => server.stop());

const engine = (room) => (query) => enginePath(room, query);

const question = "is anybody there";

/** Whether `socket`'s room lost its memory since `seq`. Sends a message there. */
async function forgot(socket, seq) {
  const next = (await ask(socket, "chat-message", question)).seq;
  assert.ok(next > seq, `${next} after ${seq}`);
  return next !== seq + 1;
}

/** The only event in the answer to a poll of a raw session. */
function event({ status, body }) {
  assert.equal(status, 200);
  assert.match(body, /^42\[/);
  return JSON.parse(body.slice(2));
}

/** A raw session on polling that has joined the namespace and fetched all packets. */
async function poller(room) {
  const session = await openPolling(server, engine(room));
  await session.post("40");
  assert.match((await session.get()).body, /^40\{"sid":/);
  return session;
}

describe("the object can be evicted at once", () => {
  /**
   * Evicts the object. Fails if something holds the object for longer than the timeout of an upgrade that begins now:
   * 10 s.
   */
  async function evictAtOnce(room) {
    const upgrade = await (await openPolling(server, engine("clock"))).webSocket();
    const first = await Promise.race([
      server.evict(room).then(() => "evicted"),
      upgrade.closed.then(() => "something held the object"),
    ]);
    assert.equal(first, "evicted");
    upgrade.close();
  }

  const members = (...transports) => async (room) => {
    const heard = [];
    for (const transport of transports) {
      heard.push(once(await connect(server, { room, transports: [transport] }), "chat-message"));
    }
    return async () => {
      for (const [{ message }] of await Promise.all(heard)) assert.equal(message, question);
    };
  };

  for (const [what, settle] of [
    ["nobody else", members()],
    ["members on WebSockets", members("websocket", "websocket", "websocket")],
    ["members on polling", members("polling", "polling", "polling")],
    ["members on both transports", members("websocket", "polling", "websocket", "polling")],
    ["a parked poll", async (room) => {
      const session = await poller(room);
      const poll = session.get();
      // The answer is the message and not a noop, so the poll waited all the time.
      return async () => assert.equal(event(await poll)[1].message, question);
    }],
    ["an unfinished upgrade", async (room) => {
      const session = await poller(room);
      const poll = session.get();
      const socket = await session.webSocket();
      socket.send("2probe");
      assert.equal(await socket.next(), "3probe");
      assert.equal((await poll).body, "6");
      return async () => {
        socket.send("5");
        // The new object does not know when the last ping was sent, so it sends a ping at once.
        assert.equal(await socket.next(), "2", "the time of the last ping is lost");
        assert.match(await socket.next(), new RegExp(`^42\\["chat-message",.*${question}`));
      };
    }],
    ["a silent WebSocket of an upgrade", async (room) => {
      const session = await poller(room);
      const socket = await session.webSocket();
      const poll = session.get();
      return async () => {
        assert.equal(event(await poll)[1].message, question);
        socket.send("2probe");
        assert.equal(await socket.next(), "3probe");
      };
    }],
    ["sessions that have not sent CONNECT", async (room) => {
      const socket = await webSocket(server, enginePath(room, { transport: "websocket" }));
      assert.match(await socket.next(), /^0\{/);
      const session = await openPolling(server, engine(room));
      const poll = session.get();
      return async () => {
        socket.send("40");
        assert.match(await socket.next(), /^40\{/);
        assert.equal((await session.post("40")).body, "ok");
        assert.match((await poll).body, /^40\{/);
      };
    }],
    ["a request with an incomplete body", async (room) => {
      const session = await poller(room);
      const poll = session.get();
      const body = new PassThrough();
      body.write('42["chat-message","');
      const post = session.post(body);
      return async () => {
        assert.equal(event(await poll)[1].message, question);
        body.end('at last"]');
        assert.equal((await post).body, "ok");
        assert.equal(event(await session.get())[1].message, "at last");
      };
    }],
  ]) {
    test(`with ${what}`, async () => {
      const room = what.replaceAll(/\W+/g, "-");
      const speaker = await connect(server, { room, transports: ["websocket"] });
      const { seq } = await ask(speaker, "chat-message", "first");
      const goesOn = await settle(room);
      await ask(speaker, "chat:history", {}); // the ack means that earlier events have arrived
      await evictAtOnce(room);
      assert.equal(await forgot(speaker, seq), true);
      await goesOn();
    });
  }
});

test("an object without events hibernates, whatever connections are open; an object with events does not", async () => {
  const period = 3_000; // ms; workerd evicts an idle object after 10 s
  const rounds = 5;
  const settle = async (room) => {
    const speaker = await connect(server, { room, transports: ["websocket"] });
    const { seq } = await ask(speaker, "chat-message", "first");
    const socket = await webSocket(server, enginePath(room, { transport: "websocket" }));
    await socket.next();
    return { speaker, seq, socket, poll: (await poller(room)).get() };
  };
  const [asleep, awake] = [await settle("asleep"), await settle("awake")];
  for (let round = 1; round <= rounds; round++) {
    await sleep(period);
    // The runtime answers a pong without the object.
    asleep.socket.send("3");
    assert.equal(await asleep.socket.next(), "6");
    assert.equal(await forgot(awake.speaker, awake.seq++), false, `round ${round}`);
  }
  assert.equal(await forgot(asleep.speaker, asleep.seq), true);
  for (const { poll } of [asleep, awake]) assert.equal(event(await poll)[1].message, question);
});

test("50 evictions during a stream of 1,000 messages: each arrives once, in order", async () => {
  const room = "stream";
  const ada = await connect(server, { room, transports: ["polling"] });
  const grace = await connect(server, { room, transports: ["websocket"] });
  const heard = { ada: [], grace: [] };
  ada.on("signal", ({ data }) => heard.ada.push(data));
  grace.on("signal", ({ data }) => heard.grace.push(data));
  let said = 0;
  const say = (count) => {
    for (let n = 0; n < count; n++, said++) {
      ada.emit("signal", { to: grace.id, data: said });
      grace.emit("signal", { to: ada.id, data: said });
    }
  };
  for (let round = 0; round < 50; round++) {
    const next = once(grace, "signal"); // only a running object can be evicted
    say(5);
    await next;
    const evicted = server.evict(room);
    say(5);
    await evicted;
  }
  const last = said;
  const both = [ada, grace].map((socket) => once(socket, "signal", ({ data }) => data === last));
  say(1);
  await Promise.all(both);
  const all = Array.from({ length: said }, (_, n) => n);
  assert.deepEqual(heard, { ada: all, grace: all });
});
