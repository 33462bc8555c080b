// One socket sends as fast as it can in a room of 20, with the deployed rates.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ask, connect, once, startServer } from "./support.mjs";

const others = 19;
const chats = 10; // the burst of a socket
const relays = 50;

let server;
before(async () => {
  server = await startServer({ vars: { SIGNAL_RATE: "200/20", CHAT_RATE: "10/1", CONTROL_RATE: "10/1" } });
});
after(() => server.stop());

test("a socket that floods a room of 20 is limited, then disconnected, and the others are not affected", async (t) => {
  const room = "flood";
  const transports = (n) => [["websocket"], ["polling"], ["polling", "websocket"]][n % 3];
  const peers = await Promise.all(Array.from({ length: others }, (_, n) => connect(server, { room, transports: transports(n) })));
  const flooder = await connect(server, { room, transports: ["websocket"] });
  const codes = {};
  flooder.on("room:error", ({ code, retryAfterMs }) => {
    assert.ok(code !== "rate-limited" || retryAfterMs > 0);
    codes[code] = (codes[code] ?? 0) + 1;
  });

  const heard = peers.map(() => new Set());
  const relayed = peers.map(() => new Set());
  const complete = Promise.all(peers.flatMap((peer, n) => [
    once(peer, "chat-message", ({ message, from }) => {
      if (from !== flooder.id) heard[n].add(message);
      return heard[n].size === others * chats;
    }),
    once(peer, "signal", ({ data, from }) => {
      if (from !== flooder.id) relayed[n].add(data);
      return relayed[n].size === relays;
    }),
  ]));

  let sent = 0;
  const flood = new Promise((resolve) => {
    const out = once(flooder, "disconnect");
    out.then(([reason]) => resolve(reason), resolve);
    const more = () => {
      if (!flooder.connected) return;
      for (let n = 0; n < 100; n += 1) {
        flooder.emit(["signal", "chat-message", "room:join", "offer"][n % 4], { data: n, message: `flood ${n}`, to: peers[n % others].id });
      }
      sent += 100;
      setImmediate(more);
    };
    more();
  });
  await Promise.all(peers.map(async (peer, n) => {
    const next = peers[(n + 1) % others];
    for (let i = 0; i < relays; i += 1) {
      assert.deepEqual(await ask(peer, "signal", { to: next.id, data: i }), { ok: true, delivered: 1 });
      if (i < chats) assert.equal((await ask(peer, "chat-message", `${n}: ${i}`)).ok, true);
    }
  }));
  await complete;
  assert.equal(await flood, "io server disconnect");
  assert.ok(codes["rate-limited"] >= 100, JSON.stringify(codes));
  t.diagnostic(`${sent} events in the flood, ${JSON.stringify(codes)} answered; ${others * others * chats} chat messages and ${others * relays} signals of the others arrived`);
});
