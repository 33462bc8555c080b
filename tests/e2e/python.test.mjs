// A stock client in another language, on each transport and over the upgrade.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { pythonPath } from "../../scripts/setup.mjs";
import { inRoot } from "../../scripts/task.mjs";
import { connect, once, startServer } from "./support.mjs";

let server;
before(async () => {
  server = await startServer();
});
after(() => server.stop());

for (const { title, transports, ends } of [
  { title: "polling only", transports: ["polling"], ends: "polling" },
  { title: "WebSocket only", transports: ["websocket"], ends: "websocket" },
  { title: "polling, then the upgrade", transports: [], ends: "websocket" },
]) {
  test(`python-socketio: ${title}`, async () => {
    const room = `python-${transports.join() || "upgrade"}`;
    const peer = await connect(server, { room });
    const heard = once(peer, "chat-message");
    const offers = [];
    peer.on("offer", ({ sdp }) => offers.push(sdp.split(" ")[0]));
    const python = promisify(execFile)(pythonPath, [
      inRoot("tests/e2e/python_client.py"),
      server.url,
      `/r/${room}/socket.io`,
      ...transports,
    ]);
    const [message] = await Promise.race([heard, python.then(() => assert.fail("the client ended before its message arrived"))]);
    peer.emit("chat-message", "hello from JavaScript");
    const { transport, sid, ack, own, answer } = JSON.parse((await python).stdout);

    assert.equal(transport, ends);
    assert.deepEqual(offers, Array.from({ length: 40 }, (_, number) => `v=${number}`));
    assert.equal(message.message, "hello from Python");
    assert.equal(message.from, sid);
    assert.equal(ack.ok, true);
    assert.equal(ack.id, message.id);
    assert.deepEqual(own, message);
    assert.equal(answer.message, "hello from JavaScript");
    assert.equal(answer.from, peer.id);
  });
}
