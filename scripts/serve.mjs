// The process behind `npm start` and `npm run start:conformance`: serves until it is told to stop or its parent is gone.

import { existsSync, readFileSync } from "node:fs";
import { unstable_readConfig as readConfig } from "wrangler";
import { serve } from "./server.mjs";
import { mistakes } from "./settings.mjs";
import { inRoot, main, portInUse, Problem } from "./task.mjs";

await main(async ([port, crate]) => {
  const server = await serve({ crate, port: Number(port), storage: inRoot(".wrangler/state", port), development: true }).catch((error) => {
    throw error.code === "ERR_ADDRESS_IN_USE" ? portInUse(port) : error;
  });
  if (crate === ".") {
    const health = await server.dispatchFetch("http://localhost/healthz");
    const { message } = await health.json();
    if (!health.ok) {
      await server.dispose();
      throw new Problem(`${message} (.dev.vars goes before wrangler.toml)`);
    }
  }
  const devVars = inRoot(crate, ".dev.vars");
  const { vars } = readConfig({ config: inRoot(crate, "wrangler.toml") });
  for (const mistake of mistakes({ devVars: existsSync(devVars) ? readFileSync(devVars, "utf8") : "", vars })) {
    console.warn(`warning: ${mistake}`);
  }
  const paths = crate === "." ? "" : ": /engine.io/ and /socket.io/";
  console.log(`${crate === "." ? "Signalbox" : crate} is ready on http://localhost:${port}${paths}`);
  await new Promise((stop) => {
    for (const event of ["SIGINT", "SIGTERM", "SIGHUP", "disconnect"]) process.on(event, stop);
  });
  await server.dispose();
  process.disconnect?.();
});
