// For commands that start a server: chooses the port, and runs a process under the pinned Node.js that serves there.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { environment, inRoot, mustBeInstalled, pinnedNode, portInUse, Problem } from "./task.mjs";

/** The option for the port. The environment variable `PORT` sets it, too. */
export const portOption = { type: "string", value: "N", about: "serves on this port; by default on PORT, or 3000" };

/** The chosen port, if it is free. */
export async function freePort(option) {
  const wanted = option ?? (process.env.PORT || "3000");
  const port = Number(wanted);
  if (!(Number.isInteger(port) && port >= 1 && port <= 65535)) {
    throw new Problem(`${option ? "--port" : "PORT"} is ${wanted}, which is not a port: give a number from 1 to 65535`);
  }
  for (const host of ["127.0.0.1", "::1"]) await mustBeFree(port, host);
  return port;
}

/** Throws a `Problem` if another program uses the port on this address of localhost. */
async function mustBeFree(port, host) {
  const server = createServer().listen({ port, host });
  try {
    await once(server, "listening");
  } catch (error) {
    if (error.code === "EADDRINUSE") throw portInUse(port);
    if (error.code === "EADDRNOTAVAIL") return; // this machine has no IPv6
    throw new Problem(`port ${port} cannot be opened (${error.code}): choose another with npm start -- --port 8787`);
  }
  server.close();
  await once(server, "close");
}

/** Runs a script that serves until this process is told to stop; resolves to its exit code. */
export async function runServer(script, ...args) {
  mustBeInstalled();
  const server = spawn(pinnedNode, [inRoot(script), ...args.map(String)], {
    env: environment(),
    stdio: ["inherit", "inherit", "inherit", "ipc"],
  });
  // Not a signal: on Windows that would end the server before it has ended the runtime.
  const stop = () => server.connected && server.disconnect();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, stop);
  const [code] = await once(server, "exit");
  return code ?? 1;
}
