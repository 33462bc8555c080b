// The compared servers: each is started again for every measurement, on one core.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { benchProgram, workerdProgram } from "../../scripts/setup.mjs";
import { inRoot, pinnedNode } from "../../scripts/task.mjs";

/** Limits that no measurement reaches. */
const unlimited = {
  SIGNAL_RATE: "1000000000/1000000000",
  CHAT_RATE: "1000000000/1000000000",
  CONTROL_RATE: "1000000000/1000000000",
  MAX_SOCKETS: "30000",
  MAX_SESSIONS: "30000",
};

/** The events of the measurements as a dialect. */
const dialect = {
  on: {
    "chat-message": [{ emit: "chat-message", to: "everyone", args: [{ from: "$id", message: "$0" }] }],
    offer: [{ emit: "offer", to: "$0.to", args: [{ "...": "$0", from: "$id" }] }],
  },
};

const worker = (files, vars) => (port, folder, version) => {
  for (const [name, path] of Object.entries(files)) copyFileSync(inRoot(path), join(folder, name));
  const config = join(folder, "config.capnp");
  writeFileSync(config, workerd(port, files, vars));
  mkdirSync(join(folder, "storage"));
  return [workerdProgram(version), ["serve", config]];
};

const built = { "index.js": "worker/build/index.js", "index_bg.wasm": "worker/build/index_bg.wasm" };
const bare = { "bare.mjs": "tests/bench/bare.mjs", "application.mjs": "tests/bench/application.mjs" };

const gathered = { "gathered.mjs": "tests/bench/gathered.mjs", ...bare };

/** How to start each server, by name. */
export const servers = {
  signalbox: worker(built, unlimited),
  "without recovery": worker(built, { ...unlimited, RECOVERY_MS: "0" }),
  "as a dialect": worker(built, { ...unlimited, DIALECT: "measured", DIALECTS: JSON.stringify({ measured: dialect }) }),
  bare: worker(bare, {}),
  gathered: worker(gathered, {}),
  "socket.io": (port) => [pinnedNode, [inRoot("tests/bench/socketio.mjs"), String(port)]],
  socketioxide: (port) => [benchProgram("signalbox-bench-socketioxide"), [String(port)]],
};

/** The configuration of a workerd with one Worker and one class of objects. Their storage is the folder `storage` beside it. */
function workerd(port, files, vars) {
  const module = (name) => `(name = "${name}", ${name.endsWith(".wasm") ? "wasm" : "esModule"} = embed "${name}")`;
  const binding = ([name, value]) => `(name = "${name}", text = ${JSON.stringify(value)})`;
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .worker), (name = "storage", disk = (path = "storage", writable = true))],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);
const worker :Workerd.Worker = (
  modules = [${Object.keys(files).map(module).join(", ")}],
  compatibilityDate = "2026-04-20",
  bindings = [(name = "ROOM", durableObjectNamespace = "Room"), ${Object.entries(vars).map(binding).join(", ")}],
  durableObjectNamespaces = [(className = "Room", uniqueKey = "room", enableSql = true)],
  durableObjectStorage = (localDisk = "storage"),
);
`;
}

/**
 * Starts a server, calls `use` with its port and process id once it answers, and stops it. It may use only
 * the core `cores.server`. `version` is that of workerd. Both are optional.
 */
export async function withServer(name, { cores, version }, use) {
  const folder = mkdtempSync(join(tmpdir(), "signalbox-bench-"));
  const port = await freePort();
  const [command, args] = servers[name](port, folder, version);
  const words = cores ? ["taskset", "--cpu-list", cores.server, command, ...args] : [command, ...args];
  const child = spawn(words[0], words.slice(1), { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (output += data));
  const gone = new AbortController();
  const ended = once(child, "close").then(([code]) => {
    gone.abort();
    throw new Error(`${name} ended with ${code}: ${output}`);
  });
  ended.catch(() => {}); // the server ends when it is stopped below
  try {
    await Promise.race([answers(port, gone.signal), ended]);
    return await Promise.race([use({ port, pid: child.pid }), ended]);
  } finally {
    child.kill("SIGKILL");
    await ended.catch(() => {});
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Waits until a server answers, with any response. */
async function answers(port, gone) {
  while (!gone.aborted) {
    try {
      return await fetch(`http://127.0.0.1:${port}/none`);
    } catch {
      await delay(20); // no event tells when the server listens, so try again
    }
  }
}

/** A free port, below those that the system gives to clients. */
async function freePort() {
  for (let port = 20_000 + Math.floor(Math.random() * 10_000); ; port += 1) {
    const server = createServer();
    const free = await new Promise((resolve) => {
      server.once("error", () => resolve(false));
      server.listen(port, "127.0.0.1", () => resolve(true));
    });
    if (!free) continue;
    server.close();
    await once(server, "close");
    return port;
  }
}
