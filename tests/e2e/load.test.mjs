// Many stock clients connect at once. All of them upgrade, and no message is lost meanwhile.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { within } from "./conformance.mjs";
import { client, connect, once, startServer } from "./support.mjs";

const clients = 200;

let server;
before(async () => {
  server = await startServer({ vars: { MAX_SOCKETS: "1000" } });
});
after(() => server.stop());

/** A member that sends 0, 1, 2, … to all others, one number at each call of `tell`, and receives their numbers. */
async function crier(room) {
  const socket = await connect(server, { room, transports: ["websocket"] });
  const heard = new Map(); // by sender, the received numbers
  socket.on("signal", ({ from, data }) => heard.set(from, [...(heard.get(from) ?? []), data]));
  const crier = { id: socket.id, heard, told: 0 };
  crier.tell = () => socket.emit("signal", { data: crier.told++ });
  crier.hears = (from, data) => once(socket, "signal", (signal) => signal.from === from && signal.data === data);
  return crier;
}

/**
 * A client with default options. It sends a number at each step of its way to the WebSocket, and during its upgrade the
 * crier sends one. `begin` is called when the upgrade begins.
 */
async function member(room, crier, begin) {
  const socket = client(server, { room });
  const heard = [];
  socket.on("signal", ({ data }) => heard.push(data));
  const said = []; // in this order, although messages before the connection are buffered
  const say = (step) => {
    said.push(step);
    socket.emit("signal", { to: crier.id, data: step });
  };
  let toldBefore; // the crier's number when the client connected
  await once(socket.io, "open");
  begin();
  const { engine } = socket.io;
  assert.equal(engine.transport.name, "polling");
  await new Promise((resolve, reject) => {
    engine.once("upgradeError", (error) => engine.readyState === "open" && reject(error));
    engine.once("close", (reason, cause) => reject(new Error(`the session ended: ${reason}`, { cause })));
    socket.once("connect", () => {
      toldBefore = crier.told;
      say("connected");
    });
    engine.once("upgrading", () => {
      say("upgrading");
      crier.tell();
    });
    engine.once("upgrade", resolve);
  }).catch((error) => {
    socket.disconnect();
    throw error;
  });
  assert.equal(engine.transport.name, "websocket");
  say("upgraded");
  if (!socket.connected) await once(socket, "connect");
  if (crier.heard.get(socket.id)?.length !== said.length) await crier.hears(socket.id, said.at(-1));
  return { socket, heard, said, toldBefore };
}

for (const rooms of [1, 20]) {
  test(`${clients} clients connect at once, to ${rooms} room${rooms > 1 ? "s" : ""}`, async (t) => {
    const names = Array.from({ length: rooms }, (_, n) => `load-${rooms}-${n}`);
    const criers = await Promise.all(names.map(crier));
    const members = new Array(clients);
    let repeats = 0;
    await Promise.all(
      Array.from(members, async (_, n) => {
        // The server abandons an upgrade after 10 s.
        const repeated = await within(10_000, async (begin) => {
          members[n] = await member(names[n % rooms], criers[n % rooms], begin);
        });
        repeats += repeated;
      }),
    );
    for (const crier of criers) crier.tell();
    const told = criers.reduce((sum, crier) => sum + crier.told, 0);
    t.diagnostic(`${clients} of ${clients} upgraded, ${repeats} attempts repeated as the machine was slow; meanwhile ${told} messages went to all`);
    for (const [n, { socket, heard, said, toldBefore }] of members.entries()) {
      const crier = criers[n % rooms];
      const last = crier.told - 1;
      if (heard.at(-1) !== last) await once(socket, "signal", ({ data }) => data === last);
      const [first] = heard;
      assert.ok(first <= toldBefore, `client ${n} missed what was told between ${toldBefore} and ${first}`);
      assert.deepEqual(heard, Array.from({ length: crier.told - first }, (_, k) => first + k), `client ${n}`);
      assert.deepEqual(crier.heard.get(socket.id), said, `client ${n}`);
      socket.disconnect();
    }
  });
}
