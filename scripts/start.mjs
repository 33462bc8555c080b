// `npm start`: builds and serves Signalbox on http://localhost:3000, from a fresh clone. `npm run start:conformance` serves the
// echoes for the protocols' conformance tests instead.

import { conformanceCrate, conformanceOption, conformanceSteps, developmentSteps } from "./build.mjs";
import { freePort, portOption, runServer } from "./starting.mjs";
import { main, options, steps } from "./task.mjs";

const about = `Installs what is missing, builds, and serves on http://localhost:3000.
Secrets are read from .dev.vars.`;

await main(async (args) => {
  const { conformance, port: option } = options(args, "npm start", about, { conformance: conformanceOption, port: portOption });
  const port = await freePort(option);
  await steps(conformance ? conformanceSteps : developmentSteps);
  return runServer("scripts/serve.mjs", port, conformance ? conformanceCrate : ".");
});
