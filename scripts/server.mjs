// Runs a built Worker in wrangler's local workerd, as its wrangler.toml says. Needs the pinned Node.js.

import { dirname, join } from "node:path";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from "miniflare";
import { unstable_getMiniflareWorkerOptions as workerOptions } from "wrangler";
import { inRoot } from "./task.mjs";

/**
 * Starts workerd on 127.0.0.1 and resolves, once it serves, to its `Miniflare`.
 *
 * @param {object} options
 * @param {number} options.port
 * @param {string} [options.crate] the Worker's folder
 * @param {string} [options.storage] folder for the storage of the Durable Objects; without it the storage ends with the server
 * @param {Record<string, unknown>} [options.vars] each takes the place of the variable of wrangler.toml that has its name
 * @param {Record<string, unknown>} [options.ratelimits] in place of those of wrangler.toml
 * @param {Record<string, unknown>} [options.durableObjects] in place of those of wrangler.toml
 * @param {(log: {level: string, message: string}) => void} [options.onLog] gets what the Worker logs
 * @param {string[]} [options.envFiles] files with secrets, in place of .dev.vars
 * @param {boolean} [options.development] pages on this machine may connect, whatever their port; the jurisdiction is ignored
 * @param {number} [options.inspector] port of the inspector, for tests of memory
 * @param {string} [options.metrics] the script of a Worker whose entrypoint takes the place of the data set METRICS
 * @param {string} [options.objects] the script of a Worker whose class Room takes the place of the Worker's own
 */
export async function serve({ port, crate = ".", storage, vars, ratelimits, durableObjects, onLog, envFiles, objects, metrics, development, inspector }) {
  const { workerOptions: worker, main } = workerOptions(inRoot(crate, "wrangler.toml"), undefined, { envFiles });
  delete worker.modulesRules; // `modules` below lists them instead
  const own = {
    ...worker,
    name: "signalbox",
    bindings: { ...worker.bindings, ...vars },
    ratelimits: ratelimits ?? worker.ratelimits,
    durableObjects: durableObjects ?? worker.durableObjects,
    modules: [
      { type: "ESModule", path: main },
      { type: "CompiledWasm", path: join(dirname(main), "index_bg.wasm") },
    ],
    modulesRoot: dirname(main),
  };
  const { ALLOWED_ORIGINS: origins } = own.bindings;
  if (development && origins !== "*") own.bindings.ALLOWED_ORIGINS = `${origins || "same"},loopback`;
  if (development) own.bindings.JURISDICTION = ""; // the local runtime has no jurisdictions
  const workers = [own];
  if (objects) {
    const { compatibilityDate } = worker;
    own.durableObjects = { ROOM: { className: "Room", scriptName: "objects" } };
    workers.push({ name: "objects", modules: true, script: objects, compatibilityDate, durableObjects: { ROOM: "Room" } });
  }
  if (metrics) {
    const { compatibilityDate } = worker;
    own.serviceBindings = { ...own.serviceBindings, METRICS: "metrics" };
    workers.push({ name: "metrics", modules: true, script: metrics, compatibilityDate });
  }
  const server = new Miniflare(
    convertV4MiniflareOptions({
      workers,
      host: "127.0.0.1",
      port,
      inspectorPort: inspector,
      cf: false, // do not download the data that the edge adds to a request
      log: new Log(LogLevel.WARN),
      handleStructuredLogs: onLog,
      resourcePersistencePath: storage,
    }),
  );
  try {
    await server.ready;
  } catch (error) {
    await server.dispose();
    throw error;
  }
  return server;
}
