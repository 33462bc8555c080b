// Looks for memory of the WebAssembly that is never freed: repeats one thing many times on a local server, and prints how much
// memory the server uses. It fails if that memory still grows in the last fifth. Not a part of `npm test`, because it takes minutes.
//
//   node_modules/node/bin/node tests/soak.mjs [evictions | polls [TIMES]]      after npm run build

import { ask, connect, enginePath, freePort, http, openPolling, startServer } from "./e2e/support.mjs";
import { inspect, residentSet, wasmMemory } from "./e2e/memory.mjs";

/**
 * How much the memory of the WebAssembly may grow in the last fifth of the repetitions, in MiB: it grows in steps of up to 3 MiB, when
 * more garbage than before waits for a collection.
 */
const GROWTH = 4;
const ROOMS = 20;

const mebibytes = (bytes) => bytes / 2 ** 20;

/** What is repeated, by name: how often by default, and one repetition in a room, in which `socket` is. */
const scenarios = {
  /** An object loses its memory while a client is connected. The runtime frees it when it collects garbage. */
  evictions: {
    times: 10_000,
    async repeat(server, { room, socket }) {
      await ask(socket, "chat:history", {}); // only a running object can be evicted
      await server.evict(room);
    },
  },
  /** A client gives up a poll that the room holds. That ends its session. */
  polls: {
    times: 17_500,
    async repeat(server, { room, socket }) {
      const path = (query) => enginePath(room, query);
      const { sid } = await openPolling(server, path);
      const end = new AbortController();
      const poll = http(server, path({ transport: "polling", sid }), { signal: end.signal });
      const ended = poll.then(({ status, body }) => Promise.reject(new Error(`the poll was answered with ${status}: ${body}`)), () => {});
      await Promise.race([ended, ask(socket, "chat:history", {})]); // by now the room holds the poll
      end.abort();
      await ended;
    },
  },
};

async function soak(name, times) {
  const { repeat } = scenarios[name];
  const inspector = await freePort();
  const server = await startServer({ inspector });
  try {
    const rooms = await Promise.all(
      Array.from({ length: ROOMS }, async (_, n) => {
        const room = `soak-${n}`;
        return { room, socket: await connect(server, { room, transports: ["websocket"] }) };
      }),
    );
    const wasm = await wasmMemory(await inspect(inspector));
    const sizes = [];
    let done = 0;
    for (let tenth = 1; tenth <= 10; tenth += 1) {
      for (; done < (times * tenth) / 10; done += ROOMS) await Promise.all(rooms.map((room) => repeat(server, room)));
      sizes.push(mebibytes(await wasm()));
      console.log(`${name}: ${done} of ${times}, WebAssembly ${sizes.at(-1).toFixed(1)} MiB, resident set ${mebibytes(residentSet()).toFixed(0)} MiB`);
    }
    return sizes[9] - sizes[7] <= GROWTH;
  } finally {
    await server.stop();
  }
}

const [only, times] = process.argv.slice(2);
if (times !== undefined && !(Number(times) >= 10 * ROOMS)) {
  console.error(`"${times}" is not a number of repeats, which is ${10 * ROOMS} at least`);
  process.exit(2);
}
if (only && !Object.hasOwn(scenarios, only)) {
  console.error(`there is no scenario "${only}": give one of ${Object.keys(scenarios).join(", ")}`);
  process.exit(2);
}
const failed = [];
for (const name of only ? [only] : Object.keys(scenarios)) {
  if (!(await soak(name, Number(times) || scenarios[name].times))) failed.push(name);
}
if (failed.length > 0) console.error(`the memory of the WebAssembly grows by more than ${GROWTH} MiB in the last fifth: ${failed.join(", ")}`);
process.exit(failed.length === 0 ? 0 : 1);
