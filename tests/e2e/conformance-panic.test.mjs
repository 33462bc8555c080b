// A panic ends the WebAssembly instance that all objects of an isolate share. They go on with another one: nobody is
// disconnected, and what was stored is there.

import assert from "node:assert/strict";
import { test } from "node:test";
import { io } from "socket.io-client";
import { startCalmEchoes } from "./conformance.mjs";
import { once } from "./support.mjs";

test("after a panic every object is made anew, and all connections go on", async () => {
  const server = await startCalmEchoes();
  const connect = async (transports) => {
    const socket = io(server.url, { transports, forceNew: true });
    server.closers.add(() => socket.disconnect());
    await once(socket, "connect");
    return socket;
  };
  const [culprit, webSocket, polling] = [await connect(["websocket"]), await connect(["websocket"]), await connect(["polling"])];
  const ids = [culprit, webSocket, polling].map(({ id }) => id);
  for (const round of [1, 2]) {
    const since = server.logs.length;
    culprit.emit("panic");
    for (const socket of [culprit, webSocket, polling]) {
      const answer = await socket.timeout(20_000).emitWithAck("message-with-ack", "hello", round);
      assert.equal(answer, "hello");
    }
    await server.logged(/made anew after a panic/, since);
  }
  assert.deepEqual([culprit, webSocket, polling].map(({ id }) => id), ids, "nobody had to connect again");
  server.logs.length = 0; // the panics were wanted
  await server.stop();
});
