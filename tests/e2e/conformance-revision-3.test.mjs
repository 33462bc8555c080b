// Revision 3 of Engine.IO against the Worker of tests/conformance: every example of its specification in both
// directions, the cases of its own test suite, and strangers who know the id of a session.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import * as conformance from "./conformance.mjs";
import { http, packetsOfRevision3 as packets, webSocket } from "./support.mjs";

const { pingInterval, pingTimeout, unknownSid, within } = conformance;

let server; // T-2
let calm; // with heartbeats that do not interfere
before(async () => {
  [server, calm] = [await conformance.startEchoes(), await conformance.startCalmEchoes()];
});
after(async () => {
  await server.stop();
  await calm.stop();
});

const url = (echo, query) => conformance.url(echo, { EIO: "3", ...query });
const polling = { transport: "polling" };
const websocket = { transport: "websocket" };
const text = "text/plain;charset=UTF-8";
const octets = "application/octet-stream";

/**
 * A polling session. Its requests have the `headers` of the handshake, unless the caller gives others: `get(headers)`,
 * `post(body, headers)`, `webSocket(headers)`.
 */
async function openPolling(server, echo, { b64, headers = {} } = {}) {
  const response = await http(server, url(echo, { ...polling, ...(b64 && { b64: "1" }) }), { headers });
  assert.equal(response.status, 200, response.body);
  const [open, ...more] = packets(response.body);
  const { sid } = JSON.parse(open.slice(1));
  const own = url(echo, { ...polling, sid });
  return {
    sid,
    open,
    more,
    cookie: response.headers["set-cookie"]?.[0],
    get: (other = headers) => http(server, own, { headers: other }),
    post: (body, other = headers) =>
      http(server, own, {
        method: "POST",
        headers: { "content-type": typeof body === "string" ? text : octets, ...other },
        body,
      }),
    webSocket: (other = headers) => webSocket(server, url(echo, { ...websocket, sid }), { headers: other }),
  };
}

async function openWebSocket(server, echo, query) {
  const socket = await webSocket(server, url(echo, { ...websocket, ...query }));
  assert.match(await socket.next(), /^0\{/);
  return socket;
}

/** Sends each frame, and expects its answer before the next one is sent. */
async function exchange(socket, ...frames) {
  for (const [frame, answer] of frames) {
    socket.send(frame);
    assert.deepEqual(await socket.next(), answer);
  }
}

const short = ({ status, body }) => [status, body];
const refusal = (promise) => promise.then(() => null, ({ status, body }) => [status, body]);

/** Posts a body; resolves to the answer to the next poll, whose type must be `expected`. */
async function echoed(session, body, expected) {
  assert.deepEqual(short(await session.post(body)), [200, "ok"]);
  const { status, headers, bytes } = await session.get();
  assert.equal(status, 200);
  assert.equal(headers["content-type"].split(";")[0], expected);
  return expected === octets ? bytes : bytes.toString();
}

for (const echo of ["engine.io", "socket.io"]) {
  describe(`handshake at /${echo}/`, () => {
    test("L-1, L-2, T-2: by polling", async () => {
      const { status, headers, body } = await http(server, url(echo, polling));
      assert.equal(status, 200);
      assert.equal(headers["content-type"], "text/plain; charset=UTF-8");
      assert.equal(headers["cache-control"], "no-store");
      const [open] = packets(body);
      const { sid, ...settings } = JSON.parse(open.slice(1));
      assert.match(sid, /^[\w-]{20}$/);
      assert.deepEqual(settings, { upgrades: ["websocket"], pingInterval, pingTimeout });
    });

    test("L-2, T-2: by WebSocket", async () => {
      const socket = await webSocket(server, url(echo, websocket));
      const open = await socket.next();
      const { sid, ...settings } = JSON.parse(open.slice(1));
      assert.match(sid, /^[\w-]{20}$/);
      assert.deepEqual(settings, { upgrades: [], pingInterval, pingTimeout });
      socket.close();
    });

    for (const [what, query, code, options] of [
      ["no transport", "EIO=3", 0],
      ["transport=abc", "EIO=3&transport=abc", 0],
      ["the method POST", "EIO=3&transport=polling", 2, { method: "POST" }],
      ["an unknown sid", "EIO=3&transport=polling&sid=AAAAAAAAAAAAAAAAAAAA", 1],
    ]) {
      test(`E-2, E-3, E-4: a handshake with ${what} is refused`, async () => {
        const { status, body } = await http(server, `/${echo}/?${query}`, options);
        assert.deepEqual([status, JSON.parse(body).code], [400, code]);
      });
    }
  });
}

describe("payloads", () => {
  const hello = Buffer.from([0, 6, 255, 52, 104, 101, 108, 108, 111]);
  const euro = Buffer.from([0, 4, 255, 52, 0xe2, 0x82, 0xac]);
  const four = Buffer.from([1, 5, 255, 4, 1, 2, 3, 4]); // the specification leaves the type out of its example
  const both = Buffer.concat([hello, four]);
  for (const [what, body, plain, base64] of [
    ["a text", "6:4hello", "6:4hello", "6:4hello"],
    ["texts", "6:4hello6:4world", "6:4hello6:4world", "6:4hello6:4world"],
    ["a text that is not ASCII", "6:4hello2:4€", Buffer.concat([hello, euro]), "6:4hello2:4€"],
    ["a character of two UTF-16 units", "3:4😀", Buffer.from([0, 5, 255, 52, 0xf0, 0x9f, 0x98, 0x80]), "3:4😀"],
    ["a text, and bytes as base64", "6:4hello10:b4AQIDBA==", both, "6:4hello10:b4AQIDBA=="],
    ["a text that is not ASCII, and bytes as base64", "2:4€10:b4AQIDBA==", Buffer.concat([euro, four]), "2:4€10:b4AQIDBA=="],
    ["bytes", Buffer.concat([euro, four]), Buffer.concat([euro, four]), "2:4€10:b4AQIDBA=="],
    ["a text and bytes", both, both, "6:4hello10:b4AQIDBA=="],
    ["a text in bytes", hello, "6:4hello", "6:4hello"],
  ]) {
    test(`L-3, L-4, L-5, T-1: ${what}`, async () => {
      for (const [b64, expected] of [[false, plain], [true, base64]]) {
        const session = await openPolling(calm, "engine.io", { b64 });
        const type = typeof expected === "string" ? "text/plain" : octets;
        assert.deepEqual(await echoed(session, body, type), expected, "the echo waited for the poll");
        const poll = session.get();
        await session.post(body);
        const { bytes } = await poll;
        assert.deepEqual(bytes, Buffer.from(expected), "the poll waited for the echo");
      }
    });
  }

  test("L-6: texts that are encoded as UTF-8 twice", async () => {
    const session = await openPolling(calm, "engine.io", { b64: true });
    const twice = `4:4${Buffer.from("€").toString("latin1")}`;
    assert.equal(await echoed(session, twice, "text/plain"), twice);
  });

  test("L-7: no more than 16 packets in an answer", async () => {
    const session = await openPolling(calm, "engine.io");
    assert.equal(await echoed(session, "2:4a".repeat(40), "text/plain"), "2:4a".repeat(16));
    assert.equal((await session.get()).body, "2:4a".repeat(16));
    assert.equal((await session.get()).body, "2:4a".repeat(8));
  });

  for (const body of ["abc", "", "6:4hell", "4hello", Buffer.from("6:4hello"), Buffer.from([0, 6, 255, 52])]) {
    test(`L-8: the invalid body ${JSON.stringify(body)}`, async () => {
      const session = await openPolling(calm, "engine.io");
      assert.deepEqual(short(await session.post(body)), [400, ""]);
      assert.deepEqual(short(await session.get()), unknownSid);
    });
  }

  test("L-4: the specification's example of 14 bytes ends the session: a packet lacks its type, so its first byte is read as the type of close", async () => {
    const session = await openPolling(calm, "engine.io");
    const literal = Buffer.from("0004ff34e282ac0104ff01020304", "hex");
    assert.deepEqual(short(await session.post(literal)), [200, "ok"]);
    assert.deepEqual(short(await session.get()), [200, "1:6"]);
    assert.deepEqual(short(await session.get()), unknownSid);
  });

  test("L-8: a second poll ends the session", async () => {
    const session = await openPolling(calm, "engine.io");
    const answers = (await Promise.all([session.get(), session.get()])).map(short);
    assert.deepEqual(answers.sort(), [[200, "1:1"], [400, ""]]);
    assert.deepEqual(short(await session.get()), unknownSid);
  });
});

describe("frames", () => {
  test("L-9, T-1: texts and bytes", async () => {
    const socket = await openWebSocket(calm, "engine.io");
    const frames = ["4hello", "4HelloWorld", "4€ 会议", Buffer.from([4, 0, 1, 2, 3, 4, 5]), Buffer.from([4])];
    await exchange(socket, ...frames.map((frame) => [frame, frame]));
    socket.close();
  });

  test("L-2, L-9, L-10: the sample session of the specification, with a WebSocket alone", async () => {
    const socket = await webSocket(calm, url("engine.io", websocket));
    const open = await socket.next();
    assert.deepEqual(Object.keys(JSON.parse(open.slice(1))), ["sid", "upgrades", "pingInterval", "pingTimeout"]);
    await exchange(socket, ["4hey", "4hey"], ["2", "3"]);
    socket.send("1");
    await socket.closed;
  });

  test("L-9: bytes as base64", async () => {
    const socket = await openWebSocket(calm, "engine.io", { b64: "1" });
    await exchange(socket, ["b4AQIDBA==", "b4AQIDBA=="], [Buffer.from([4, 1, 2, 3, 4]), "b4AQIDBA=="]);
    socket.close();
  });

  for (const frame of ["abc", "", Buffer.from([9]), Buffer.alloc(0)]) {
    test(`L-9, W-4: the frame ${JSON.stringify(frame)} ends the session`, async () => {
      const socket = await openWebSocket(calm, "engine.io");
      socket.send(frame);
      assert.equal((await socket.closed).code, 1005);
    });
  }
});

describe("heartbeat", () => {
  test("L-10: polling: the client pings", async () => {
    await within(pingInterval + pingTimeout, async (begin) => {
      let alive = performance.now();
      const session = await openPolling(server, "engine.io");
      for (let round = 0; round < 3; round++) {
        begin(alive);
        alive = performance.now();
        assert.deepEqual(short(await session.post("1:2")), [200, "ok"]);
        assert.deepEqual(short(await session.get()), [200, "1:3"]);
      }
    });
  });

  test("L-10: WebSocket: the client pings", async () => {
    const socket = await openWebSocket(calm, "engine.io");
    await exchange(socket, ["2", "3"], ["2", "3"], ["2", "3"]);
    socket.close();
  });

  test("L-10, T-8: without pings both transports are closed", async () => {
    const session = await openPolling(server, "engine.io");
    const socket = await openWebSocket(server, "engine.io"); // it expires later
    await assert.rejects(socket.next(), /closed with 1005/, "nothing comes before");
    assert.deepEqual(short(await session.post("1:2")), unknownSid);
  });
});

describe("close", () => {
  test("L-11, P-11: polling", async () => {
    await within(100, async (begin) => {
      const session = await openPolling(calm, "engine.io");
      begin();
      const answers = await Promise.all([session.get(), session.post("1:1")]);
      assert.deepEqual(answers.map(short), [[200, "1:6"], [200, "ok"]]);
      assert.deepEqual(short(await session.get()), unknownSid);
    });
  });

  test("L-11, W-2: WebSocket", async () => {
    const socket = await openWebSocket(calm, "engine.io");
    socket.send("1");
    await socket.closed;
  });
});

describe("upgrade", () => {
  test("L-11, U-4: the sample session of the specification", async () => {
    await within(100, async (begin) => {
      const session = await openPolling(calm, "engine.io");
      assert.equal(await echoed(session, "4:4hey", "text/plain"), "4:4hey");
      assert.deepEqual(short(await session.post("6:4hello6:4world")), [200, "ok"]);
      const socket = await session.webSocket();
      begin();
      await exchange(socket, ["2probe", "3probe"]);
      assert.deepEqual(short(await session.get()), [200, "6:4hello6:4world"]);
      assert.deepEqual(short(await session.get()), [200, "1:6"]);
      await session.post("10:b4AQIDBA==");
      for (const frame of ["5", "4hello", "4world", "2"]) socket.send(frame);
      assert.deepEqual(await socket.next(), Buffer.from([4, 1, 2, 3, 4]), "the echo that waited for a poll");
      for (const frame of ["4hello", "4world", "3"]) assert.equal(await socket.next(), frame);
      socket.send("1");
      await socket.closed;
    });
  });

  test("L-18: afterwards polls are refused, and another WebSocket is closed", async () => {
    const session = await openPolling(calm, "engine.io");
    const socket = await session.webSocket();
    await exchange(socket, ["2probe", "3probe"]);
    socket.send("5");
    socket.send("4up");
    assert.equal(await socket.next(), "4up");
    assert.deepEqual(short(await session.get()), unknownSid);
    assert.deepEqual(short(await session.post("1:1")), unknownSid);
    const second = await session.webSocket();
    await second.closed;
    await exchange(socket, ["4hello", "4hello"]);
    socket.close();
  });
});

describe("strangers who know the id of a session", () => {
  const from = (address, cookie) => ({ "cf-connecting-ip": address, ...(cookie && { cookie }) });
  const client = "192.0.2.1";
  const stranger = "198.51.100.7";

  test("L-18: WebSocket: no request is accepted", async () => {
    const socket = await webSocket(calm, url("engine.io", websocket), { headers: from(client) });
    const { sid } = JSON.parse((await socket.next()).slice(1));
    for (const address of [client, stranger]) {
      const headers = from(address);
      assert.deepEqual(short(await http(calm, url("engine.io", { ...polling, sid }), { headers })), unknownSid);
      const post = { method: "POST", headers: { ...headers, "content-type": text }, body: "1:1" };
      assert.deepEqual(short(await http(calm, url("engine.io", { ...polling, sid }), post)), unknownSid);
      await (await webSocket(calm, url("engine.io", { ...websocket, sid }), { headers })).closed;
    }
    await exchange(socket, ["4alive", "4alive"]);
    socket.close();
  });

  for (const returns of [true, false]) {
    test(`L-19, L-21: polling: a client that ${returns ? "returns" : "does not return"} the cookie`, async () => {
      const session = await openPolling(calm, "engine.io", { headers: from(client) });
      const [cookie] = session.cookie.split(";");
      assert.match(session.cookie, /^signalbox=[\w-]{20}; Path=\/; HttpOnly; SameSite=Lax$/);
      const own = from(client, returns && cookie);
      assert.deepEqual(short(await session.post("2:4a", own)), [200, "ok"]);
      const attack = async (when) => {
        const strangers = [from(stranger), from(stranger, cookie), from(stranger, "signalbox=AAAAAAAAAAAAAAAAAAAA")];
        if (returns) strangers.push(from(client), from(client, "signalbox=AAAAAAAAAAAAAAAAAAAA"));
        for (const headers of strangers) {
          assert.deepEqual(short(await session.get(headers)), unknownSid, when);
          assert.deepEqual(short(await session.post("1:1", headers)), unknownSid, when);
          assert.deepEqual(await refusal(session.webSocket(headers)), [400, "Session ID unknown"], when);
        }
      };
      await attack("a message waits");
      assert.deepEqual(short(await session.get(own)), [200, "2:4a"]);
      const poll = session.get(own);
      await attack("a poll is pending");
      await session.post("2:4b", own);
      assert.deepEqual(short(await poll), [200, "2:4b"]);
      const socket = await session.webSocket(own);
      await attack("a WebSocket joined");
      await exchange(socket, ["2probe", "3probe"]);
      await attack("it was probed");
      socket.send("5");
      socket.send("4up");
      assert.equal(await socket.next(), "4up");
      for (const headers of [own, from(stranger, cookie)]) {
        assert.deepEqual(short(await session.get(headers)), unknownSid);
        await (await session.webSocket(headers)).closed;
      }
      await exchange(socket, ["4alive", "4alive"]);
      socket.close();
    });
  }
});

describe("browsers", () => {
  const origin = "https://example.com";

  test("L-22: may read the answers to requests with credentials, which clients of revision 3 send", async () => {
    const session = await openPolling(calm, "engine.io", { headers: { origin } });
    const { headers } = await session.post("2:4a", { origin });
    assert.equal(headers["access-control-allow-origin"], origin);
    assert.equal(headers["access-control-allow-credentials"], "true");
    assert.equal(headers.vary, "Origin");
  });

  test("L-22: may also send binary payloads", async () => {
    const asked = { origin, "access-control-request-method": "POST", "access-control-request-headers": "content-type" };
    const { status, headers } = await http(calm, url("engine.io", polling), { method: "OPTIONS", headers: asked });
    assert.equal(status, 204);
    assert.equal(headers["access-control-allow-origin"], origin);
    assert.equal(headers["access-control-allow-credentials"], "true");
    assert.equal(headers["access-control-allow-headers"], "content-type");
  });
});

describe("Socket.IO", () => {
  test("L-12: by polling, the CONNECT packet is in the first answer; by WebSocket, it follows the open packet", async () => {
    const session = await openPolling(calm, "socket.io");
    assert.deepEqual(session.more, ["40", '42["auth",{}]']);
    const socket = await openWebSocket(calm, "socket.io");
    for (const packet of session.more) assert.equal(await socket.next(), packet);
    await exchange(socket, ['420["message-with-ack",1]', "430[1]"]);
    socket.close();
  });

  test("L-13, L-14, L-15: other namespaces", async () => {
    const socket = await openWebSocket(calm, "socket.io");
    for (const packet of ["40", '42["auth",{}]']) assert.equal(await socket.next(), packet);
    socket.send('42/custom,["too early"]');
    socket.send("40/custom?token=abc,");
    for (const packet of ["40/custom,", '42/custom,["auth",{}]']) assert.equal(await socket.next(), packet);
    await exchange(socket, ["40/random", '44/random,"Invalid namespace"'], ['42["message"]', '42["message-back"]']);
    socket.close();
  });
});
