// Socket.IO against the echo of tests/conformance (T-3): the cases of the protocol's own test suite, and the stock
// client.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { io } from "socket.io-client";
import { assertEnds, ok, openPolling, openWebSocket, pingInterval, startCalmEchoes, startEchoes, within } from "./conformance.mjs";
import { once } from "./support.mjs";

let server; // T-2
let calm; // with heartbeats that do not interfere
before(async () => {
  [server, calm] = [await startEchoes(), await startCalmEchoes()];
});
after(async () => {
  await server.stop();
  await calm.stop();
});

const open = (where = calm) => openWebSocket(where, "socket.io");

/** A WebSocket connected to the main namespace. */
async function connect(where = calm) {
  const socket = await open(where);
  socket.send("40");
  assert.match(await socket.next(), /^40\{"sid":"[\w-]{20}"\}$/);
  assert.equal(await socket.next(), '42["auth",{}]');
  return socket;
}

const placeholders = '{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}';
const attachments = [Buffer.from([1, 2, 3]), Buffer.from([4, 5, 6])];

describe("connect", () => {
  for (const [packet, prefix, auth] of [
    ["40", "40", "{}"],
    ["40{}", "40", "{}"],
    ['40{"token":"123"}', "40", '{"token":"123"}'],
    ["40/custom,", "40/custom,", "{}"],
    ["40/custom", "40/custom,", "{}"],
    ['40/custom,{"token":"abc"}', "40/custom,", '{"token":"abc"}'],
  ]) {
    test(`S-8: ${packet}`, async () => {
      const socket = await open();
      socket.send(packet);
      const answer = await socket.next();
      assert.ok(answer.startsWith(prefix), answer);
      const { sid, ...rest } = JSON.parse(answer.slice(prefix.length));
      assert.match(sid, /^[\w-]{20}$/);
      assert.deepEqual(rest, {});
      assert.equal(await socket.next(), `${prefix.replace("40", "42")}["auth",${auth}]`);
    });
  }

  test("H-4: the id that peers see is not the session's", async () => {
    const session = await openPolling(calm, "socket.io");
    assert.deepEqual(await session.post("40"), ok);
    const [, body] = await session.get();
    assert.notEqual(JSON.parse(body.split("\x1e")[0].slice(2)).sid, session.sid);
  });

  test("S-9: an unknown namespace is refused, and the connection stays", async () => {
    const socket = await open();
    for (const namespace of ["/random", "/Custom", "/custom?a=b"]) {
      socket.send(`40${namespace}`);
      assert.equal(await socket.next(), `44${namespace},{"message":"Invalid namespace"}`);
    }
    socket.send("40");
    assert.match(await socket.next(), /^40\{"sid":/);
  });

  for (const packet of ["4abc", "40[]", '40"token"', "40null", "40{", '42["message"]', "41", '43["message"]']) {
    test(`S-4, S-12: ${packet} instead of CONNECT closes the connection`, async () => {
      const socket = await open();
      socket.send(packet);
      assert.equal((await socket.closed).code, 1005);
    });
  }
});

describe("disconnect", () => {
  test("S-14: from the main namespace; the connection stays, and is pinged", async () => {
    await within(pingInterval, async (begin) => {
      begin();
      const socket = await connect(server);
      socket.send("41");
      assert.equal(await socket.next(), "2");
      socket.send("3");
      assert.equal(await socket.next(), "2");
      socket.close();
    });
  });

  test("S-14: from another namespace; the main one stays", async () => {
    const socket = await connect();
    socket.send("40/custom");
    assert.match(await socket.next(), /^40\/custom,\{"sid":/);
    assert.equal(await socket.next(), '42/custom,["auth",{}]');
    socket.send("41/custom");
    socket.send('42["message","message to main namespace"]');
    assert.equal(await socket.next(), '42["message-back","message to main namespace"]');
  });

  test("S-12, S-14: a namespace that was left can be joined again; until then an event to it closes the connection", async () => {
    const socket = await connect();
    socket.send("41");
    socket.send("40");
    assert.match(await socket.next(), /^40\{"sid":/);
    assert.equal(await socket.next(), '42["auth",{}]');
    socket.send("41");
    socket.send('42["message"]');
    assert.equal((await socket.closed).code, 1005);
  });
});

describe("message", () => {
  test("T-3: plain text", async () => {
    const socket = await connect();
    for (const args of ['1,"2",{"3":[true]}', '"€ 会议"', "null", "-0.5e-7,[[]]"]) {
      socket.send(`42["message",${args}]`);
      assert.equal(await socket.next(), `42["message-back",${args}]`);
    }
  });

  test("S-3, T-3: binary", async () => {
    const socket = await connect();
    socket.send(`452-["message",${placeholders}]`);
    for (const attachment of attachments) socket.send(attachment);
    assert.equal(await socket.next(), `452-["message-back",${placeholders}]`);
    for (const attachment of attachments) assert.deepEqual(await socket.next(), attachment);
  });

  test("S-2, S-15, T-3: plain text with an ack, its id as it was sent", async () => {
    const socket = await connect();
    for (const id of ["456", "0", "9007199254740993"]) {
      socket.send(`42${id}["message-with-ack",1,"2",{"3":[false]}]`);
      assert.equal(await socket.next(), `43${id}[1,"2",{"3":[false]}]`);
    }
  });

  test("S-3, S-15, T-3: binary with an ack", async () => {
    const socket = await connect();
    socket.send(`452-789["message-with-ack",${placeholders}]`);
    for (const attachment of attachments) socket.send(attachment);
    assert.equal(await socket.next(), `462-789[${placeholders}]`);
    for (const attachment of attachments) assert.deepEqual(await socket.next(), attachment);
  });

  test("P-5: polling, the attachments in a POST of their own", async () => {
    const session = await openPolling(calm, "socket.io");
    assert.deepEqual(await session.post("40"), ok);
    const [, connected] = await session.get();
    assert.match(connected, /^40\{"sid":"[^"]+"\}\x1e42\["auth",\{\}\]$/);
    assert.deepEqual(await session.post(`452-["message",${placeholders}]`), ok);
    assert.deepEqual(await session.post("bAQID\x1ebBAUG"), ok);
    assert.deepEqual(await session.get(), [200, `452-["message-back",${placeholders}]\x1ebAQID\x1ebBAUG`]);
    assert.deepEqual(await session.post('427["message-with-ack"]\x1e42["message",1]'), ok);
    assert.deepEqual(await session.get(), [200, '437[]\x1e42["message-back",1]']);
  });

  test("T-3: /custom echoes nothing", async () => {
    const socket = await connect();
    socket.send("40/custom");
    assert.match(await socket.next(), /^40\/custom,/);
    assert.equal(await socket.next(), '42/custom,["auth",{}]');
    socket.send('42/custom,["message",1]');
    socket.send('42/custom,1["message-with-ack",1]');
    socket.send('42["message",2]');
    assert.equal(await socket.next(), '42["message-back",2]');
  });

  for (const packet of [
    "4abc",
    "42{}",
    '42"message"',
    "42[]",
    "42[{}]",
    '42["connect"]',
    '42["disconnecting"]',
    '42abc["message-with-ack",1,"2",{"3":[false]}]',
    '42["message"',
    '42/custom,["message"]',
    "43{}",
    "40",
    '41{"a":1}',
    '44{"message":"no"}',
    '451["message"]',
    '450-["message"]',
    '4511-["message"]',
    '451-["message",{"_placeholder":true,"num":1}]',
    '451-["message",{"_placeholder":true,"num":0}]\x1e42["message"]',
    Buffer.from([1, 2, 3]),
  ]) {
    test(`S-4, S-12: ${packet instanceof Buffer ? "bytes" : packet} closes the connection`, async () => {
      const socket = await connect();
      // A placeholder out of range is detected when the attachment arrives.
      const frames = packet instanceof Buffer ? [packet] : packet.split("\x1e");
      if (/"num":1/.test(packet)) frames.push(Buffer.from([1]));
      for (const frame of frames) socket.send(frame);
      assert.equal((await socket.closed).code, 1005);
    });
  }

  test("S-7: polling: an invalid packet closes the connection", async () => {
    const session = await openPolling(calm, "socket.io");
    assert.deepEqual(await session.post("40\x1e42{}"), ok);
    // Earlier packets come in an answer of their own (P-10).
    assert.match((await session.get())[1], /^40\{"sid":"[^"]+"\}\x1e42\["auth",\{\}\]$/);
    await assertEnds(session);
  });
});

for (const transports of [["polling"], ["websocket"], ["polling", "websocket"]]) {
  test(`socket.io-client over ${transports.join(" and ")}`, async () => {
    const socket = io(calm.url, { transports, auth: { token: "123" }, forceNew: true });
    const custom = socket.io.socket("/custom");
    const unknown = socket.io.socket("/unknown");
    calm.closers.add(() => socket.io._close());
    const refused = once(unknown, "connect_error");
    const greeted = Promise.all([once(socket, "auth"), once(custom, "auth")]);
    for (const other of [custom, unknown]) other.connect();
    assert.deepEqual((await greeted)[0], [{ token: "123" }]);
    assert.equal((await refused)[0].message, "Invalid namespace");
    if (transports.length > 1 && socket.io.engine.transport.name === "polling") await once(socket.io.engine, "upgrade");
    assert.equal(socket.io.engine.transport.name, transports.at(-1));
    const back = once(socket, "message-back");
    socket.emit("message", 1, "2", { 3: [Buffer.from("bytes")] });
    const [one, two, three] = await back;
    assert.deepEqual([one, two, Buffer.from(three[3][0]).toString()], [1, "2", "bytes"]);
    assert.equal(await socket.emitWithAck("message-with-ack", "acknowledged"), "acknowledged");
    socket.disconnect();
    custom.disconnect();
  });
}
