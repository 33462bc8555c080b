// The data points in the data set METRICS, if one is bound.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ask, connect, once, startServer } from "./support.mjs";

/** A data set that prints its points. */
const metrics = `
import { WorkerEntrypoint } from "cloudflare:workers";
export default class extends WorkerEntrypoint {
  writeDataPoint(point) { console.log("point " + JSON.stringify(point)); }
}`;

test("joins, signals, recoveries and leaves are points", async (t) => {
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
  const back = once(bob, "peer:back");
  ada.io.engine.close();
  await back;
  await ask(bob, "room:leave");
  await server.logged(/"leave","café"/);
  const points = server.logs.filter(({ message }) => message.startsWith("point ")).map(({ message }) => JSON.parse(message.slice(6)));
  assert.deepEqual(points.map(({ blobs }) => blobs), [
    ["join", room, ""],
    ["join", room, ""],
    ["signal", room, "offer"],
    ["away", room, ""],
    ["back", room, ""],
    ["leave", room, "left"],
  ]);
  assert.deepEqual(points.map(({ indexes }) => indexes), points.map(({ blobs: [event] }) => [event]));
  assert.deepEqual(points.map(({ doubles: [, peers] }) => peers), [1, 2, 2, 2, 2, 1]);
  assert.equal(points[2].doubles[0], 1, "receivers");
  assert.ok(points[4].doubles[0] >= 0, "milliseconds");
});
