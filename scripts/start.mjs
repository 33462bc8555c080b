// `npm start`: from a bare clone to Signalbox on http://localhost:3000. `npm run start:conformance`: likewise, to the
// echoes that the protocols' conformance tests talk to.

import { buildSteps, conformanceCrate, conformanceOption, conformanceSteps } from "./build.mjs";
import { freePort, portOption, runServer } from "./starting.mjs";
import { main, options, steps } from "./task.mjs";

const about = `Installs what is missing, builds, and serves on http://localhost:3000.
Secrets are read from .dev.vars.`;

await main(async (args) => {
  const { conformance, port: option } = options(args, "npm start", about, { conformance: conformanceOption, port: portOption });
  const port = await freePort(option);
  await steps(conformance ? conformanceSteps : buildSteps);
  return runServer("scripts/serve.mjs", port, conformance ? conformanceCrate : ".");
});
