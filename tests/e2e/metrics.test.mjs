// The data points in the data set METRICS, if one is bound.

import assert from "node:assert/strict";
import { test } from "node:test";
import { metrics, points } from "./points.mjs";
import { ask, connect, once, startServer } from "./support.mjs";

test("joins, signals, outcomes, recoveries and leaves are points", async (t) => {
  const server = await startServer({ metrics });
  t.after(() => server.stop());
  const room = "café";
  const reconnects = { reconnection: true, reconnectionDelay: 50, reconnectionDelayMax: 500 };
  const ada = await connect(server, { room, transports: ["websocket"], ...reconnects });
  const bob = await connect(server, { room });
  await ask(ada, "room:join", {});
  await ask(bob, "room:join", {});
  const heard = once(bob, "offer");
  ada.emit("offer", { type: "offer", sdp: "v=0" });
  await heard;
  assert.deepEqual(await ask(ada, "peer:outcome", { outcome: "relayed", ms: 850 }), { ok: true });
  const back = once(bob, "peer:back");
  ada.io.engine.close();
  await back;
  await ask(bob, "room:leave");
  await server.logged(/"leave","café"/);
  const written = points(server);
  assert.deepEqual(written.map(({ blobs }) => blobs), [
    ["join", room, ""],
    ["join", room, ""],
    ["signal", room, "offer"],
    ["outcome", room, "relayed"],
    ["away", room, ""],
    ["back", room, ""],
    ["leave", room, "left"],
  ]);
  assert.deepEqual(written.map(({ indexes }) => indexes), written.map(({ blobs: [event] }) => [event]));
  assert.deepEqual(written.map(({ doubles: [, peers] }) => peers), [1, 2, 2, 2, 2, 2, 1]);
  assert.equal(written[2].doubles[0], 1, "receivers");
  assert.equal(written[3].doubles[0], 850);
  assert.ok(written[5].doubles[0] >= 0, "milliseconds");
});

test("without a data set an outcome is accepted", async (t) => {
  const server = await startServer();
  t.after(() => server.stop());
  const ada = await connect(server);
  await ask(ada, "room:join", {});
  assert.deepEqual(await ask(ada, "peer:outcome", { outcome: "direct", ms: 1 }), { ok: true });
});
