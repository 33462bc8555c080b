// `npm start`: from a bare clone to Signalbox on http://localhost:3000. `npm run start:conformance`: likewise, to the
// echoes that the protocols' conformance tests talk to.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { buildSteps, conformanceCrate, conformanceOption, conformanceSteps } from "./build.mjs";
import { environment, inRoot, main, options, pinnedNode, portInUse, Problem, steps } from "./task.mjs";

const about = `Installs what is missing, builds, and serves on http://localhost:3000.
PORT=4000 npm start serves on another port. Secrets are read from .dev.vars.`;

await main(async (args) => {
  const { conformance } = options(args, "npm start", about, { conformance: conformanceOption });
  const port = wantedPort();
  await mustBeFree(port);
  await steps(conformance ? conformanceSteps : buildSteps);

  const server = spawn(pinnedNode, [inRoot("scripts/serve.mjs"), String(port), conformance ? conformanceCrate : "."], {
    env: environment(),
    stdio: ["inherit", "inherit", "inherit", "ipc"],
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => server.kill("SIGTERM"));
  const [code] = await once(server, "exit");
  return code ?? 1;
});

function wantedPort() {
  const port = Number(process.env.PORT || 3000);
  if (Number.isInteger(port) && port >= 1 && port <= 65535) return port;
  throw new Problem(`PORT is ${process.env.PORT}, which is no port: give a number from 1 to 65535`);
}

/** Refuses a port that something else serves on either address of localhost. */
async function mustBeFree(port) {
  for (const host of ["127.0.0.1", "::1"]) {
    const server = createServer().listen({ port, host });
    try {
      await once(server, "listening");
    } catch (error) {
      if (error.code === "EADDRINUSE") throw portInUse(port);
      if (error.code === "EADDRNOTAVAIL") continue; // no IPv6 here
      throw new Problem(`port ${port} cannot be opened (${error.code}): choose another with PORT=8787 npm start`);
    }
    server.close();
    await once(server, "close");
  }
}
