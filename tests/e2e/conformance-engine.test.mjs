// Engine.IO against the Worker of tests/conformance: the cases of the protocol's own test suite, and the races between
// two connections of one session. The Socket.IO echo has the same engine.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import * as conformance from "./conformance.mjs";
import { http, webSocket } from "./support.mjs";

const { badRequest, ok, openPolling, openWebSocket, pingInterval, pingTimeout, unknownSid, url, within } =
  conformance;
const rounds = 100;

let server; // T-2
let calm; // with heartbeats that do not interfere
before(async () => {
  [server, calm] = [await conformance.startEchoes(), await conformance.startCalmEchoes()];
});
after(async () => {
  await server.stop();
  await calm.stop();
});

const polling = { transport: "polling" };
const websocket = { transport: "websocket" };

for (const echo of ["engine.io", "socket.io"]) {
  describe(`handshake at /${echo}/`, () => {
    const expected = { pingInterval, pingTimeout, maxPayload: 1_000_000 };

    test("H-1, T-2: by polling", async () => {
      const { status, headers, body } = await http(server, url(echo, polling));
      assert.equal(status, 200);
      assert.equal(headers["content-type"], "text/plain; charset=UTF-8");
      assert.equal(headers["access-control-allow-origin"], "*");
      assert.equal(body[0], "0");
      const { sid, ...settings } = JSON.parse(body.slice(1));
      assert.match(sid, /^[\w-]{20}$/);
      assert.deepEqual(settings, { upgrades: ["websocket"], ...expected });
    });

    test("H-2, T-2: by WebSocket", async () => {
      const socket = await webSocket(server, url(echo, websocket));
      const frame = await socket.next();
      assert.equal(frame[0], "0");
      const { sid, ...settings } = JSON.parse(frame.slice(1));
      assert.match(sid, /^[\w-]{20}$/);
      assert.deepEqual(settings, { upgrades: [], ...expected });
      socket.close();
    });

    for (const [what, query, code, options] of [
      ["no EIO", "transport=polling", 5],
      ["EIO=abc", "EIO=abc&transport=polling", 5],
      ["EIO=5", "EIO=5&transport=polling", 5],
      ["no transport", "EIO=4", 0],
      ["transport=abc", "EIO=4&transport=abc", 0],
      ["an unknown sid", "EIO=4&transport=polling&sid=AAAAAAAAAAAAAAAAAAAA", 1],
      ["POST", "EIO=4&transport=polling", 2, { method: "POST" }],
      ["PUT", "EIO=4&transport=polling", 2, { method: "PUT" }],
    ]) {
      test(`E-2, E-3, E-4, E-7, E-17: a handshake with ${what} is refused`, async () => {
        const { status, headers, body } = await http(server, `/${echo}/?${query}`, options);
        assert.equal(status, 400);
        assert.equal(JSON.parse(body).code, code);
        assert.equal(headers["access-control-allow-origin"], "*");
      });
    }

    for (const [what, query] of [
      ["no EIO", "transport=websocket"],
      ["EIO=abc", "EIO=abc&transport=websocket"],
      ["no transport", "EIO=4"],
      ["transport=abc", "EIO=4&transport=abc"],
      ["an unknown sid", "EIO=4&transport=websocket&sid=AAAAAAAAAAAAAAAAAAAA"],
    ]) {
      test(`E-13, E-14: a WebSocket with ${what} is refused`, async () => {
        const refused = await webSocket(server, `/${echo}/?${query}`).then(() => null, (error) => error);
        assert.equal(refused?.status, 400);
      });
    }
  });

  describe(`heartbeat at /${echo}/`, () => {
    test("B-1, T-4: polling: one ping per interval, answered by a pong", async () => {
      await within(pingInterval + pingTimeout, async (begin) => {
        let alive = performance.now();
        const session = await openPolling(server, echo);
        for (let round = 0; round < 3; round++) {
          begin(alive);
          assert.deepEqual(await session.get(), [200, "2"]);
          alive = performance.now();
          assert.deepEqual(await session.post("3"), ok);
        }
      });
    });

    test("B-7, T-4, T-10: WebSocket: only pings", async () => {
      await within(pingInterval + pingTimeout, async (begin) => {
        let alive = performance.now();
        const socket = await openWebSocket(server, echo);
        for (let round = 0; round < 3; round++) {
          begin(alive);
          assert.equal(await socket.next(), "2");
          alive = performance.now();
          socket.send("3");
        }
        assert.equal(await socket.next(), "2");
        socket.close();
      });
    });

    test("T-9: no ping before pingInterval", async () => {
      await within(pingInterval + pingTimeout, async (begin) => {
        const start = performance.now();
        begin(start);
        const session = await openPolling(server, echo);
        assert.deepEqual(await session.get(), [200, "2"]);
        const waited = performance.now() - start;
        assert.ok(waited > pingInterval - 10, `the ping came after ${waited} ms`);
      });
    });

    test("B-1, T-8: without pongs both transports are closed, after a ping", async () => {
      await within(pingInterval + pingTimeout, async (begin) => {
        begin();
        const session = await openPolling(server, echo);
        const socket = await openWebSocket(server, echo); // it expires later
        assert.equal(await socket.next(), "2");
        begin(Infinity); // the rest has no time limit
        await assert.rejects(socket.next(), /closed with 1005/);
        assert.deepEqual(await session.get(), unknownSid);
      });
    });
  });

  describe(`close at /${echo}/`, () => {
    test("P-11: polling", async () => {
      await within(100, async (begin) => {
        const session = await openPolling(calm, echo);
        begin();
        assert.deepEqual(await Promise.all([session.get(), session.post("1")]), [[200, "6"], ok]);
        assert.deepEqual(await session.get(), unknownSid);
      });
    });

    test("W-2: WebSocket", async () => {
      const socket = await openWebSocket(calm, echo);
      socket.send("1");
      await socket.closed;
    });
  });
}

describe("messages", () => {
  for (const [what, payload] of [
    ["a text", "4hello"],
    ["texts", "4test1\x1e4test2\x1e4test3"],
    ["a text and bytes", "4hello\x1ebAQIDBA=="],
    ["a text of two scripts and a line break", "4€ 会议\n"],
  ]) {
    test(`P-1, P-2, T-1: polling: ${what}`, async () => {
      const session = await openPolling(calm, "engine.io");
      assert.deepEqual(await session.post(payload), ok);
      assert.deepEqual(await session.get(), [200, payload]);
      const poll = session.get();
      assert.deepEqual(await session.post(payload), ok);
      assert.deepEqual(await poll, [200, payload]);
    });
  }

  for (const [what, payload] of [["an unknown packet", "abc"], ["an empty payload", ""], ["a ping", "2"]]) {
    test(`P-3: polling: ${what} ends the session`, async () => {
      const session = await openPolling(calm, "engine.io");
      assert.deepEqual(await session.post(payload), ok);
      assert.deepEqual(await session.get(), unknownSid);
    });
  }

  test("P-7: a second poll ends the session", async () => {
    const session = await openPolling(calm, "engine.io");
    const answers = await Promise.all([session.get(), session.get()]);
    // The first poll waits, and gets the close packet.
    assert.deepEqual(answers.sort(), [[200, "1"], [400, ""]]);
    assert.deepEqual(await session.get(), unknownSid);
  });

  test("W-1, T-1: WebSocket: texts and bytes", async () => {
    const socket = await openWebSocket(calm, "engine.io");
    for (const frame of ["4hello", "4", "4€ 会议", Buffer.from([1, 2, 3, 4]), Buffer.alloc(0)]) {
      socket.send(frame);
      assert.deepEqual(await socket.next(), frame);
    }
    socket.close();
  });

  for (const frame of ["abc", "", "2"]) {
    test(`W-4: WebSocket: the frame "${frame}" ends the session`, async () => {
      const socket = await openWebSocket(calm, "engine.io");
      socket.send(frame);
      assert.equal((await socket.closed).code, 1005);
    });
  }

  test("E-10, W-5: maxPayload passes, one byte more does not", async () => {
    const most = `4${"x".repeat(999_999)}`;
    const session = await openPolling(calm, "engine.io");
    assert.deepEqual(await session.post(most), ok);
    assert.deepEqual(await session.get(), [200, most]);
    assert.deepEqual(await session.post(`${most}x`), [413, ""]);
    const socket = await openWebSocket(calm, "engine.io");
    socket.send(most);
    assert.equal(await socket.next(), most);
    socket.send(`${most}x`);
    assert.equal((await socket.closed).code, 1009);
  });
});

/** Sends a session's probe, and waits for the pong. */
async function probe(session) {
  const socket = await session.webSocket();
  socket.send("2probe");
  assert.equal(await socket.next(), "3probe");
  return socket;
}

async function assertEchoes(socket) {
  socket.send("4hello");
  assert.equal(await socket.next(), "4hello");
}

describe("upgrade", () => {
  test("U-2: a poll during the upgrade gets a noop, messages after it go by WebSocket", async () => {
    const session = await openPolling(calm, "engine.io");
    const socket = await probe(session);
    assert.deepEqual(await session.get(), [200, "6"]);
    socket.send("5");
    await assertEchoes(socket);
  });

  test("U-5: packets that no poll fetched are sent first", async () => {
    const session = await openPolling(calm, "engine.io");
    const socket = await probe(session);
    assert.deepEqual(await session.post("4one\x1ebAgM="), ok);
    socket.send("5");
    socket.send("4three");
    assert.equal(await socket.next(), "4one");
    assert.deepEqual(await socket.next(), Buffer.from([2, 3]));
    assert.equal(await socket.next(), "4three");
  });

  test("U-4: afterwards HTTP requests of the session are refused, and the session stays open", async () => {
    const session = await openPolling(calm, "engine.io");
    const socket = await probe(session);
    socket.send("5");
    await assertEchoes(socket);
    assert.deepEqual(await session.get(), badRequest);
    assert.deepEqual(await session.post("4lost"), badRequest);
    await assertEchoes(socket);
  });

  for (const state of ["upgrading", "upgraded"]) {
    test(`E-15, T-6: a second WebSocket for a session that is ${state} opens, and is closed`, async () => {
      const session = await openPolling(calm, "engine.io");
      const socket = await probe(session);
      if (state === "upgraded") socket.send("5");
      if (state === "upgraded") await assertEchoes(socket);
      const second = await session.webSocket();
      assert.equal((await second.closed).code, 1005);
      if (state === "upgrading") socket.send("5");
      await assertEchoes(socket);
    });
  }

  for (const frame of ["4hello", "2", "3", "2probe2", ""]) {
    test(`U-6: the frame "${frame}" instead of the probe ends only the upgrade`, async () => {
      const session = await openPolling(calm, "engine.io");
      const socket = await session.webSocket();
      socket.send(frame);
      assert.equal((await socket.closed).code, 1005);
      assert.deepEqual(await session.post("4still"), ok);
      assert.deepEqual(await session.get(), [200, "4still"]);
      const again = await probe(session);
      again.send("5");
      await assertEchoes(again);
    });
  }

  test("U-7: a WebSocket lost before the upgrade leaves the session on polling", async () => {
    const session = await openPolling(calm, "engine.io");
    const socket = await probe(session);
    socket.terminate();
    assert.deepEqual(await session.post("4still"), ok);
    assert.deepEqual(await session.get(), [200, "4still"]);
  });
});

describe("races between connections", () => {
  test(`U-2, U-8, T-7: ${rounds} upgrades, each with a poll before the probe and a poll after it`, async (t) => {
    let repeats = 0;
    for (let round = 0; round < rounds; round++) {
      // The poll after the upgrade may overtake it by 100 ms.
      repeats += await within(100, async (begin) => {
        const session = await openPolling(calm, "engine.io");
        const pending = session.get();
        const socket = await probe(session);
        assert.deepEqual(await pending, [200, "6"]);
        begin();
        socket.send("5");
        const late = session.get();
        await assertEchoes(socket);
        assert.deepEqual(await late, badRequest);
        socket.close();
        await socket.closed;
      });
    }
    t.diagnostic(`${rounds} of ${rounds} upgrades, ${repeats} repeated as the machine was slow`);
  });

  test(`T-7, U-8: ${rounds} upgrades by a client that does not wait`, async (t) => {
    let repeats = 0;
    for (let round = 0; round < rounds; round++) {
      // The poll may overtake the probe and the upgrade by 20 ms.
      repeats += await within(20, async (begin) => {
        const session = await openPolling(calm, "engine.io");
        const socket = await session.webSocket();
        begin();
        for (const frame of ["2probe", "5"]) socket.send(frame);
        assert.deepEqual(await session.get(), badRequest);
        assert.equal(await socket.next(), "3probe");
        await assertEchoes(socket);
        socket.close();
        await socket.closed;
      });
    }
    t.diagnostic(`${rounds} of ${rounds} upgrades, ${repeats} repeated as the machine was slow`);
  });

  test("U-2: a poll that came before the probe is answered when the probe arrives", async () => {
    const session = await openPolling(calm, "engine.io");
    const socket = await session.webSocket();
    const poll = session.get();
    socket.send("2probe");
    assert.equal(await socket.next(), "3probe");
    assert.deepEqual(await poll, [200, "6"]);
    socket.send("5");
    await assertEchoes(socket);
  });

  test(`P-12, T-7: ${rounds} polls that race with the session's close`, async (t) => {
    let repeats = 0;
    for (let round = 0; round < rounds; round++) {
      // The poll may come 100 ms after the close.
      repeats += await within(100, async (begin) => {
        const session = await openPolling(calm, "engine.io");
        begin();
        const requests = round % 2 ? [session.get(), session.post("1")] : [session.post("1"), session.get()].reverse();
        assert.deepEqual(await Promise.all(requests), [[200, "6"], ok]);
        assert.deepEqual(await session.get(), unknownSid);
      });
    }
    t.diagnostic(`${rounds} of ${rounds} races, ${repeats} repeated as the machine was slow`);
  });
});
