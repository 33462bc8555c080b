// The process that serves: it ends when it is told to, or when its parent has ended.

import { existsSync, readFileSync, watch } from "node:fs";
import { unstable_readConfig as readConfig } from "wrangler";
import { serve } from "./server.mjs";
import { mistakes } from "./settings.mjs";
import { inRoot, portInUse, Problem, report } from "./task.mjs";

/**
 * Starts the Worker of a folder for development, with its storage in that folder. If the Worker serves rooms
 * (`isRoom`), the settings are checked.
 */
export async function startDevelopment({ port, folder, isRoom }) {
  const storage = inRoot(folder, ".wrangler/state", String(port));
  const server = await serve({ crate: folder, port, storage, development: true }).catch((error) => {
    throw error.code === "ERR_ADDRESS_IN_USE" ? portInUse(port) : error;
  });
  if (!isRoom) return server;
  const health = await server.dispatchFetch("http://localhost/healthz");
  if (health.ok) {
    warn(folder);
    return server;
  }
  const { message } = await health.json();
  await server.dispose();
  throw new Problem(`${message} (.dev.vars overrides wrangler.toml)`);
}

/** Prints what is probably a mistake in .dev.vars and wrangler.toml. */
function warn(folder) {
  const devVars = inRoot(folder, ".dev.vars");
  const { vars } = readConfig({ config: inRoot(folder, "wrangler.toml") });
  const found = mistakes({ devVars: existsSync(devVars) ? readFileSync(devVars, "utf8") : "", vars });
  for (const mistake of found) console.warn(`warning: ${mistake}`);
}

const debounce = 100; // ms to wait for another change

/**
 * Serves the Worker of a folder, with its rooms, until this process is told to stop. After a change in the folder
 * `watched`, `mustRestart()` says whether the server has to be restarted. The server reads a file at each request, but
 * learns only at its start which files there are.
 */
export async function serveAndWatch({ port, folder, watched, mustRestart }) {
  const start = () => startDevelopment({ port, folder, isRoom: true });
  let server = await start();

  async function update() {
    if (mustRestart() || !server) {
      await server?.dispose();
      server = undefined; // until a start succeeds; each change causes another attempt
      server = await start();
    }
    console.log("changes in public/ are served");
  }

  let timer;
  let work = Promise.resolve(); // one update at a time
  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(() => (work = work.then(update).catch(report)), debounce);
  };
  const watcher = existsSync(watched) && watch(watched, { recursive: true }, later);
  console.log(`Signalbox is ready on http://localhost:${port}`);
  await told();
  if (watcher) watcher.close();
  clearTimeout(timer);
  await work;
  await server?.dispose();
}

/** Resolves when this process is told to stop, by a signal or by its parent, which closes their channel. */
export async function told() {
  await new Promise((stop) => {
    for (const event of ["SIGINT", "SIGTERM", "SIGHUP", "disconnect"]) process.on(event, stop);
  });
  if (process.connected) process.disconnect(); // an open channel would keep the process alive
}
