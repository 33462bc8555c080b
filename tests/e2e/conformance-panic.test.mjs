// A panic ends the WebAssembly instance that the Worker and all objects of an isolate share. They continue with a new
// instance: sockets stay connected, and a client whose poll was parked reconnects.

import assert from "node:assert/strict";
import { test } from "node:test";
import { io } from "socket.io-client";
import { startCalmEchoes } from "./conformance.mjs";
import { once } from "./support.mjs";

const ask = (socket, round) => socket.timeout(5_000).emitWithAck("message-with-ack", `hello ${round}`);

test("after a panic every object is made again, and its clients continue", async () => {
  const server = await startCalmEchoes();
  const connect = async (transports) => {
    const socket = io(server.url, { transports, forceNew: true, reconnectionDelay: 50 });
    server.closers.add(() => socket.disconnect());
    await once(socket, "connect");
    return socket;
  };
  const [culprit, webSocket, polling] = [await connect(["websocket"]), await connect(["websocket"]), await connect(["polling"])];
  const ids = [culprit, webSocket].map(({ id }) => id);
  for (const round of [1, 2]) {
    const since = server.logs.length;
    culprit.emit("panic");
    for (const socket of [culprit, webSocket]) assert.equal(await ask(socket, round), `hello ${round}`);
    for (let tries = 1; ; tries += 1) {
      if (!polling.connected) await once(polling, "connect");
      const answer = await ask(polling, round).catch((error) => error);
      if (answer === `hello ${round}`) break;
      assert.ok(tries < 3, answer); // a message that is sent while the poll is lost gets no answer
    }
    await server.logged(/replaced after a panic/, since);
  }
  assert.deepEqual([culprit, webSocket].map(({ id }) => id), ids, "neither client had to connect again");
  server.logs.length = 0; // these panics were expected
  await server.stop();
});
