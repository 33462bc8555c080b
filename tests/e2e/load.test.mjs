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
async function broadcaster(room) {
  const socket = await connect(server, { room, transports: ["websocket"] });
  const heard = new Map(); // by sender, the received numbers
  socket.on("signal", ({ from, data }) => heard.set(from, [...(heard.get(from) ?? []), data]));
  const broadcaster = { id: socket.id, heard, told: 0 };
  broadcaster.tell = () => socket.emit("signal", { data: broadcaster.told++ });
  broadcaster.hears = (from, data) => once(socket, "signal", (signal) => signal.from === from && signal.data === data);
  return broadcaster;
}

/**
 * A client with default options. It sends the broadcaster the names of its steps: connected, upgrading, upgraded. During its upgrade
 * the broadcaster sends a number. `begin` is called when the upgrade begins.
 */
async function member(room, broadcaster, begin) {
  const socket = client(server, { room });
  const heard = [];
  socket.on("signal", ({ data }) => heard.push(data));
  const said = []; // the sent steps; they must arrive in this order, even if they were buffered before the connection
  const say = (step) => {
    said.push(step);
    socket.emit("signal", { to: broadcaster.id, data: step });
  };
  let toldBefore; // the broadcaster's number when the client connected
  await once(socket.io, "open");
  begin();
  const { engine } = socket.io;
  assert.equal(engine.transport.name, "polling");
  await new Promise((resolve, reject) => {
    engine.once("upgradeError", (error) => engine.readyState === "open" && reject(error));
    engine.once("close", (reason, cause) => reject(new Error(`the session ended: ${reason}`, { cause })));
    socket.once("connect", () => {
      toldBefore = broadcaster.told;
      say("connected");
    });
    engine.once("upgrading", () => {
      say("upgrading");
      broadcaster.tell();
    });
    engine.once("upgrade", resolve);
  }).catch((error) => {
    socket.disconnect();
    throw error;
  });
  assert.equal(engine.transport.name, "websocket");
  say("upgraded");
  if (!socket.connected) await once(socket, "connect");
  if (broadcaster.heard.get(socket.id)?.length !== said.length) await broadcaster.hears(socket.id, said.at(-1));
  return { socket, heard, said, toldBefore };
}

for (const rooms of [1, 20]) {
  test(`${clients} clients connect at once, to ${rooms} room${rooms > 1 ? "s" : ""}`, async (t) => {
    const names = Array.from({ length: rooms }, (_, n) => `load-${rooms}-${n}`);
    const broadcasters = await Promise.all(names.map(broadcaster));
    const members = new Array(clients);
    let repeats = 0;
    await Promise.all(
      Array.from(members, async (_, n) => {
        // The server abandons an upgrade after 10 s.
        const repeated = await within(10_000, async (begin) => {
          members[n] = await member(names[n % rooms], broadcasters[n % rooms], begin);
        });
        repeats += repeated;
      }),
    );
    for (const broadcaster of broadcasters) broadcaster.tell();
    const told = broadcasters.reduce((sum, broadcaster) => sum + broadcaster.told, 0);
    t.diagnostic(`${clients} of ${clients} upgraded, ${repeats} attempts repeated as the machine was slow; meanwhile ${told} messages went to all`);
    for (const [n, { socket, heard, said, toldBefore }] of members.entries()) {
      const broadcaster = broadcasters[n % rooms];
      const last = broadcaster.told - 1;
      if (heard.at(-1) !== last) await once(socket, "signal", ({ data }) => data === last);
      const [first] = heard;
      assert.ok(first <= toldBefore, `client ${n} missed what was told between ${toldBefore} and ${first}`);
      assert.deepEqual(heard, Array.from({ length: broadcaster.told - first }, (_, k) => first + k), `client ${n}`);
      assert.deepEqual(broadcaster.heard.get(socket.id), said, `client ${n}`);
      socket.disconnect();
    }
  });
}
