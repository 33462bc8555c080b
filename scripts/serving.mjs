// The process behind a start: serves until it is told to stop or its parent is gone.

import { serve } from "./server.mjs";
import { inRoot, portInUse, Problem } from "./task.mjs";

/** Starts the Worker of a folder for development, with storage in that folder. `isRoom`: its settings are checked. */
export async function startDevelopment({ port, folder, isRoom }) {
  const storage = inRoot(folder, ".wrangler/state", String(port));
  const server = await serve({ crate: folder, port, storage, development: true }).catch((error) => {
    throw error.code === "ERR_ADDRESS_IN_USE" ? portInUse(port) : error;
  });
  if (!isRoom) return server;
  const health = await server.dispatchFetch("http://localhost/healthz");
  if (health.ok) return server;
  const { message } = await health.json();
  await server.dispose();
  throw new Problem(`${message} (.dev.vars goes before wrangler.toml)`);
}

/** Resolves when this process is told to stop, by a signal or by its parent, which closes their channel. */
export async function told() {
  await new Promise((stop) => {
    for (const event of ["SIGINT", "SIGTERM", "SIGHUP", "disconnect"]) process.on(event, stop);
  });
  if (process.connected) process.disconnect(); // an open channel keeps the process
}
