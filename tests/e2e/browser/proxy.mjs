// A path to a server that can die without a word, as when a phone leaves its Wi-Fi: nothing arrives any more, and nobody
// closes anything.

import { once } from "node:events";
import { connect, createServer } from "node:net";

/** Starts a proxy in front of a server. Whoever starts it stops it. */
export async function startProxy(server) {
  const paths = new Set();
  const listener = createServer((near) => {
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
    /** Nothing passes on the connections there are; new ones work. */
    die() {
      for (const [near, far] of paths) {
        near.unpipe().pause();
        far.unpipe().pause();
        dead.push(near, far);
      }
      paths.clear();
    },
    stop() {
      for (const end of [...dead, ...[...paths].flat()]) end.destroy();
      listener.close();
    },
  };
}
