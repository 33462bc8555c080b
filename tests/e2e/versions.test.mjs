// After a deploy, a Worker and an object may have different versions. These tests check the answers to parked polls, and the
// requests to an object.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { enginePath, http, startServer } from "./support.mjs";

/** The code of objects that answer each parked poll at once, with the frames that the room's name encodes. */
const objects = `
import { DurableObject } from "cloudflare:workers";
export class Room extends DurableObject {
  fetch() {
    const { 0: client, 1: server } = new WebSocketPair();
    this.ctx.acceptWebSocket(server);
    for (const frame of atob(this.ctx.id.name.replaceAll("-", "+").replaceAll("_", "/")).split("|")) server.send(frame);
    return new Response(null, { status: 101, webSocket: client });
  }
}
export default { fetch: () => new Response(null, { status: 404 }) };
`;

let server;
before(async () => {
  server = await startServer({ objects });
});
after(() => server.stop());

const sid = "A".repeat(20);

/** The answer to a poll for which the object sends these frames. */
async function poll(...frames) {
  const room = Buffer.from(frames.join("|")).toString("base64url");
  const { status, body } = await http(server, enginePath(room, { transport: "polling", sid }));
  return [status, body];
}

test("a poll is answered by a frame of the Worker's version", async () => {
  assert.deepEqual(await poll("1200t6"), [200, "6"]);
  assert.deepEqual(await poll("1hold60000", '1200t42["a"]'), [200, '42["a"]']);
  assert.deepEqual(await poll("1400j{}"), [400, "{}"]);
});

for (const [frame, why] of [
  ["200t6", /cannot be read: it has version "2", this Worker reads '1'/],
  ["hold100", /cannot be read: it has version "h"/],
  ["9200t6", /cannot be read: it has version "9"/],
  ["1200", /cannot be read: it is malformed/],
]) {
  test(`the frame ${frame} is answered with 503, and the log says why`, async () => {
    const before = server.logs.length;
    const [status, body] = await poll(frame);
    assert.equal(status, 503);
    assert.match(JSON.parse(body).message, /try again$/);
    assert.match(await server.logged(/the answer to a poll/, before), why);
  });
}

test("an object refuses a request of another version, and the log says why", async () => {
  const deployed = await startServer();
  try {
    const objects = await deployed.objects();
    const ask = (url) => objects.get(objects.idFromName("x")).fetch(`${url}?EIO=4&transport=polling`);
    assert.equal((await ask("https://room/1")).status, 200);
    for (const url of ["https://room/", "https://room/2", "https://operator/", "https://operator/2", "https://door/1"]) {
      const before = deployed.logs.length;
      const response = await ask(url);
      assert.equal(response.status, 503, url);
      assert.match((await response.json()).message, /try again$/);
      await deployed.logged(/a request is refused: it is not of version '1'/, before);
    }
  } finally {
    await deployed.stop();
  }
});
