// The process behind `npm start`: serves until it is told to stop or its parent is gone.

import { serve } from "./server.mjs";
import { inRoot, main, portInUse } from "./task.mjs";

await main(async ([port]) => {
  const server = await serve({ port: Number(port), storage: inRoot(".wrangler/state", port) }).catch((error) => {
    throw error.code === "ERR_ADDRESS_IN_USE" ? portInUse(port) : error;
  });
  console.log(`Signalbox is ready on http://localhost:${port}`);
  await new Promise((stop) => {
    for (const event of ["SIGINT", "SIGTERM", "SIGHUP", "disconnect"]) process.on(event, stop);
  });
  await server.dispose();
  process.disconnect?.();
});
