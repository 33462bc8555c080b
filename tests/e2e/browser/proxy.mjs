// A proxy in front of a server, for tests of lost connections. A connection can fail silently, as when a phone leaves its
// Wi-Fi: nothing arrives any more, and neither end learns that it failed. Or the
// proxy closes the connection at both ends.

import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect, createServer } from "node:net";

/** Starts a proxy in front of a server. The caller stops it. */
export async function startProxy(server) {
  const paths = new Set();
  let isCut = false;
  const listener = createServer((near) => {
    if (isCut) return near.destroy();
    const far = connect(server.port, "127.0.0.1");
    const path = [near, far];
    paths.add(path);
    near.pipe(far);
    far.pipe(near);
    for (const end of path) {
      end.on("error", () => {}).on("close", () => {
        if (paths.delete(path)) path.forEach((end) => end.destroy());
      });
    }
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  const dead = [];
  const { port } = listener.address();
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    /** Existing connections fail silently. New ones work. */
    die() {
      for (const [near, far] of paths) {
        near.unpipe().pause();
        far.unpipe().pause();
        dead.push(near, far);
      }
      paths.clear();
    },
    /** Closes all connections, and refuses new ones until `mend`. */
    cut() {
      isCut = true;
      for (const end of [...paths].flat()) end.destroy();
    },
    mend() {
      isCut = false;
    },
    stop() {
      for (const end of [...dead, ...[...paths].flat()]) end.destroy();
      listener.close();
    },
  };
}

/** The same for UDP, such as a TURN server on `port`. A flow is all datagrams from one address. */
export async function startDatagramProxy(port) {
  const flows = new Map();
  const listener = createSocket("udp4");
  listener.on("message", (datagram, { port: from }) => {
    if (!flows.has(from)) {
      const flow = { socket: createSocket("udp4"), isDead: false };
      flows.set(from, flow);
      flow.socket.on("error", () => {}).on("message", (answer) => flow.isDead || listener.send(answer, from, "127.0.0.1"));
    }
    const { socket, isDead } = flows.get(from);
    if (!isDead) socket.send(datagram, port, "127.0.0.1");
  });
  listener.bind(0, "127.0.0.1");
  await once(listener, "listening");
  return {
    port: listener.address().port,
    /** Existing flows fail silently. New ones work. */
    die() {
      for (const flow of flows.values()) flow.isDead = true;
    },
    stop() {
      for (const { socket } of [...flows.values()]) socket.close();
      listener.close();
    },
  };
}
