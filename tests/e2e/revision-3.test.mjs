// Clients of Socket.IO 1 and 2 in a room that hibernates, is evicted, or is killed.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import { inRoot } from "../../scripts/task.mjs";
import { enginePath, http, once, packetsOfRevision3, startKillable, startServer } from "./support.mjs";

const old = createRequire(inRoot("tests/interop/package.json"));

for (const version of ["1.7.4", "2.3.1"]) {
  for (const transport of ["polling", "websocket"]) {
    test(`L-23: socket.io-client ${version} does not notice that a room is evicted, ${transport}`, async () => {
      const server = await startServer();
      try {
        const io = old(`socket.io-client-${version}`);
        const socket = io(server.url, { path: "/r/old/socket.io", transports: [transport], forceNew: true, reconnection: false });
        server.closers.add(() => socket.disconnect());
        await once(socket, "connect");
        const { id } = socket;
        const ask = (...args) => new Promise((resolve) => socket.emit(...args, resolve));
        assert.equal((await ask("room:join", {})).self.id, id);
        for (const message of ["one", "two"]) {
          await server.evict("old");
          const heard = once(socket, "chat-message");
          assert.equal((await ask("chat-message", message)).ok, true);
          assert.deepEqual([(await heard)[0].message, (await heard)[0].from], [message, id]);
        }
        assert.equal(socket.connected, true);
      } finally {
        await server.stop();
      }
    });
  }
}

/** The packets in an answer to a poll. */
const packets = (revision, body) => (revision === 4 ? body.split("\x1e") : packetsOfRevision3(body));

for (const revision of [3, 4]) {
  test(`L-23: a polling session of revision ${revision} survives a killed server`, async () => {
    const server = await startKillable();
    try {
      const path = (query) => enginePath("killed", { EIO: String(revision), transport: "polling", ...query });
      const write = (packet) => (revision === 4 ? packet : `${packet.length}:${packet}`);
      const [open] = packets(revision, (await http(server, path())).body);
      const { sid } = JSON.parse(open.slice(1));
      const post = async (packet) => {
        const { status, body } = await http(server, path({ sid }), { method: "POST", headers: { "content-type": "text/plain" }, body: write(packet) });
        assert.equal(status, 200, body);
      };
      /** Polls until a packet begins with this. */
      const receive = async (start) => {
        for (;;) {
          const { status, body } = await http(server, path({ sid }));
          assert.equal(status, 200, body);
          const found = packets(revision, body).find((packet) => packet.startsWith(start));
          if (found) return found;
        }
      };
      if (revision === 4) {
        await post("40");
        await receive("40");
      }
      await post('421["room:join",{}]');
      await receive("431");
      await server.kill();
      await server.start();
      await post('422["chat-message","after the kill"]');
      assert.match(await receive("432"), /"ok":true/);
    } finally {
      await server.stop();
    }
  });
}
