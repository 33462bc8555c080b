// What every script here does: run programs, say what is going on, end with one line when it cannot go on.
// Only Node's own modules: these scripts run before anything is installed.

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, dirname, join, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
/** The path of a file of this folder; an absolute path stays what it is. */
export const inRoot = (...path) => resolve(root, ...path);

export const isWindows = process.platform === "win32";

/** The file name of a compiled program. */
export const executable = (path) => (isWindows ? `${path}.exe` : path);

const { resolve: find } = createRequire(import.meta.url);

/** The folder of an npm package: where it is installed, else where it will be. */
export function packageFolder(name) {
  try {
    return dirname(find(`${name}/package.json`));
  } catch {
    return inRoot("node_modules", name);
  }
}

/** The pinned Node.js: wrangler needs 22, the system's may be older. */
export const pinnedNode = executable(join(packageFolder("node"), "bin", "node"));

const wranglerFile = join(packageFolder("wrangler"), "bin", "wrangler.js");

/** The words that run wrangler. Its name alone would be a shell script on Windows, which `spawn` cannot start. */
export const wrangler = (...args) => [pinnedNode, wranglerFile, ...args];

/** Refuses to go on without what serves and deploys. */
export function mustBeInstalled() {
  if (!existsSync(wranglerFile)) throw new Problem("wrangler is not installed: run npm install");
  if (existsSync(pinnedNode)) return;
  throw new Problem("Node.js 22, which wrangler needs, is not installed: run npm install, with the install script of the package node allowed");
}

/** Something the reader can mend: shown as one line, without a stack. */
export class Problem extends Error {}

export const portInUse = (port) =>
  new Problem(`port ${port} is in use: stop what uses it, or choose another with npm start -- --port 8787`);

/**
 * npm runs a script in a shell. Told to end, npm ends that shell, which may not pass it on: so a script of npm's ends when
 * its parent is gone. On Windows a process does not learn that; there a console ends all that run in it.
 */
function endWithShell() {
  const parent = process.ppid;
  if (process.env.npm_lifecycle_event === undefined) return;
  setInterval(() => process.ppid !== parent && process.kill(process.pid, "SIGTERM"), 500).unref();
}

/** Runs a script's main function; a `Problem` ends it with one line. */
export async function main(script) {
  endWithShell();
  try {
    process.exitCode = (await script(process.argv.slice(2))) ?? 0;
  } catch (error) {
    console.error(error instanceof Problem ? `error: ${error.message}` : error);
    process.exitCode = 1;
  }
}

/** The environment of every program started here: the pinned tools come first on PATH. */
export function environment(extra = {}) {
  return {
    ...process.env,
    PATH: [inRoot("node_modules/.bin"), process.env.PATH].join(delimiter),
    WRANGLER_SEND_METRICS: "false",
    ...extra,
  };
}

/**
 * Runs a program and resolves to `{code, output}`; `output` holds what it printed.
 * `show` lets it print as it goes, `env` adds to the environment, `shell` has the system's shell run it.
 */
export function run(command, args, { env, show = false, shell = false } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: root,
      env: environment(env),
      shell,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    for (const [stream, screen] of [[child.stdout, process.stdout], [child.stderr, process.stderr]]) {
      stream.setEncoding("utf8");
      stream.on("data", (text) => {
        output += text;
        if (show) screen.write(text);
      });
    }
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code: code ?? signal, output }));
  });
}

/** Like `run`, shown; `remedy` is what to do when the program fails. */
export async function mustRun(command, args, { remedy, env, shell } = {}) {
  const { code } = await run(command, args, { env, shell, show: true });
  if (code !== 0) {
    const line = [command.replace(root + sep, ""), ...args].join(" ");
    throw new Problem(`\`${line}\` ended with ${code}; ${remedy ?? "its output is above"}`);
  }
}

/** Runs npm like `mustRun`. On Windows npm is a script that only a shell runs, so no word may need quotes there. */
export const npm = (words, options) =>
  isWindows ? mustRun(["npm", ...words].join(" "), [], { ...options, shell: true }) : mustRun("npm", words, options);

/** What a program prints, or `undefined` when it fails or is not there. */
export async function ask(command, ...args) {
  try {
    const { code, output } = await run(command, args);
    return code === 0 ? output.trim() : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a program is there and does as told. */
export const works = async (...words) => (await ask(...words)) !== undefined;

export const seconds = (since) => `${((performance.now() - since) / 1000).toFixed(1)} s`;

/**
 * Runs the steps of `[title, function]` in order and numbers them. A step returns what it found or did, in a few
 * words, and calls `busy(text)` before anything that takes long.
 */
export async function steps(list) {
  for (const [index, [title, step]] of list.entries()) {
    const label = `[${index + 1}/${list.length}] ${title}`;
    const start = performance.now();
    const done = await step((text) => console.log(`${label}: ${text} …`));
    console.log(`${label}: ${done} (${seconds(start)})`);
  }
}

/**
 * Parses the command line: `--help` prints `usage` and ends, anything that `known` (as in node:util's parseArgs)
 * does not name is refused.
 */
export function options(args, command, about, known = {}) {
  const flags = Object.entries({ ...known, help: { type: "boolean", about: "prints this" } });
  try {
    const { values } = parseArgs({ args, options: Object.fromEntries(flags) });
    if (!values.help) return values;
  } catch (error) {
    throw new Problem(`${error.message.split(". ")[0]}: see ${command} -- --help`);
  }
  console.log(`${command} [-- options]\n\n${about}\n`);
  for (const [name, { value, about }] of flags) {
    console.log(`  ${`--${name}${value ? ` ${value}` : ""}`.padEnd(16)} ${about}`);
  }
  process.exit(0);
}
