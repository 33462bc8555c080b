// A proxy between a peer and the server. It records the path of each request and the id of each session: they show
// which transport is used, whatever the client reports.

import { once } from "node:events";
import { connect, createServer } from "node:net";
import { constants, inflateRawSync } from "node:zlib";
import { freePort } from "../e2e/support.mjs";

/** Listens on a free port of 127.0.0.1, and forwards everything unchanged in both directions. */
export async function startTap(server) {
  const requests = [];
  const sessions = new Set();
  const sockets = new Set();
  // Half-open: either side may close first.
  const tap = createServer({ allowHalfOpen: true }, (client) => {
    const upstream = connect({ port: server.port, host: "127.0.0.1", allowHalfOpen: true });
    noteRequests(client, (path) => {
      const request = { path, ...Object.fromEntries(new URL(path, server.url).searchParams) };
      requests.push(request);
      if (request.sid) sessions.add(request.sid);
    });
    noteHandshake(upstream, (sid) => sessions.add(sid));
    for (const [one, other] of [[client, upstream], [upstream, client]]) {
      sockets.add(one);
      one.pipe(other);
      one.on("error", () => other.destroy());
    }
  });
  const port = await freePort();
  tap.listen({ port, host: "127.0.0.1" });
  await once(tap, "listening");
  return {
    url: `http://127.0.0.1:${port}`,
    /** The requests so far: the path and the query's parameters of each. */
    requests,
    /** The ids of the Engine.IO sessions so far. */
    sessions,
    async stop() {
      tap.close();
      for (const socket of sockets) socket.destroy();
      await once(tap, "close");
    },
  };
}

/** Calls `found` with the path of each request of a connection. */
function noteRequests(client, found) {
  let text = "";
  client.on("data", (chunk) => {
    const lines = (text + chunk.toString("latin1")).split("\r\n");
    text = lines.pop();
    for (const line of lines) {
      // Without ^: the line may begin with the body of the earlier request, which has no line break at its end.
      const [, path] = /[A-Z]+ (\/\S*) HTTP\/1.1$/.exec(line) ?? [];
      if (path) found(path);
    }
  });
}

/** Calls `found` with the id of a session that starts as a WebSocket, from its first frame: its requests have no id. */
function noteHandshake(upstream, found) {
  let bytes = Buffer.alloc(0);
  upstream.on("data", function note(chunk) {
    bytes = Buffer.concat([bytes, chunk]);
    const [head] = /^HTTP\/1.1 101 .*?\r\n\r\n/s.exec(bytes.toString("latin1")) ?? [];
    if (!head) return;
    const [flags, length] = bytes.subarray(head.length); // handshakes are shorter than 126 bytes
    if (length === undefined || bytes.length < head.length + 2 + length) return;
    upstream.off("data", note);
    const payload = bytes.subarray(head.length + 2, head.length + 2 + length);
    const [, sid] = /^0\{"sid":"([^"]+)"/.exec(flags & compressed ? inflate(payload) : payload) ?? [];
    if (sid) found(sid);
  });
}

/** RFC 7692: the first reserved bit marks a compressed message. Its sender left out the empty block at its end. */
const compressed = 0x40;
const inflate = (payload) =>
  inflateRawSync(Buffer.concat([payload, Buffer.from([0, 0, 0xff, 0xff])]), { finishFlush: constants.Z_SYNC_FLUSH });
