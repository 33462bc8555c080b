// What all scripts share: they run programs, print their progress, and end with one line if they cannot continue.
// Uses only Node's own modules, because the scripts run before anything is installed.

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { constants, setPriority } from "node:os";
import { delimiter, dirname, join, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
/** The path of a file in the repository; an absolute path is returned unchanged. */
export const inRoot = (...path) => resolve(root, ...path);

export const isWindows = process.platform === "win32";

/** The file name of a compiled program. */
export const executable = (path) => (isWindows ? `${path}.exe` : path);

const { resolve: find } = createRequire(import.meta.url);

/** The folder of an npm package: where it is installed, or will be. */
export function packageFolder(name) {
  try {
    return dirname(find(`${name}/package.json`));
  } catch {
    return inRoot("node_modules", name);
  }
}

/** The pinned Node.js: wrangler needs version 22, and the system's may be older. */
export const pinnedNode = executable(join(packageFolder("node"), "bin", "node"));

const wranglerFile = join(packageFolder("wrangler"), "bin", "wrangler.js");

/** The command that runs wrangler. On Windows `wrangler` is a shell script, which `spawn` cannot start. */
export const wrangler = (...args) => [pinnedNode, wranglerFile, ...args];

/** Throws a `Problem` if the tools that serve and deploy are not installed. */
export function mustBeInstalled() {
  if (!existsSync(wranglerFile)) throw new Problem("wrangler is not installed: run npm install in the project's folder");
  if (existsSync(pinnedNode)) return;
  throw new Problem("Node.js 22, which wrangler needs, is not installed: run npm install in the project's folder, with the install script of the package node allowed");
}

/** An error that the user can correct: shown as one line, without a stack. */
export class Problem extends Error {}

export const portInUse = (port) =>
  new Problem(`port ${port} is in use: stop what uses it, or choose another with npm start -- --port ${port === 8787 ? 8788 : 8787}`);

/**
 * Ends this script when npm ends. npm runs a script in a shell. When npm is told to end, it ends that shell, which may not pass
 * the signal on. So the script ends when its parent has ended. On Windows the script cannot see that, but there a console ends
 * all its processes.
 */
function endWithShell() {
  const parent = process.ppid;
  if (process.env.npm_lifecycle_event === undefined) return;
  setInterval(() => process.ppid !== parent && process.kill(process.pid, "SIGTERM"), 500).unref();
}

/** Runs a script's main function. A `Problem` is printed as one line. */
export async function main(script) {
  endWithShell();
  try {
    process.exitCode = (await script(process.argv.slice(2))) ?? 0;
  } catch (error) {
    report(error);
    process.exitCode = 1;
  }
}

/** Prints an error: a `Problem` as one line, any other with its stack. */
export function report(error) {
  console.error(error instanceof Problem ? `error: ${error.message}` : error);
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
 * `show` lets it print as it goes, `env` adds to the environment, `shell` has the system's shell run it,
 * `yields` lets other programs go first.
 */
export function run(command, args, { env, show = false, shell = false, yields = false } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: root,
      env: environment(env),
      shell,
      stdio: ["ignore", "pipe", "pipe"],
    });
    if (yields && child.pid) setPriority(child.pid, constants.priority.PRIORITY_BELOW_NORMAL);
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

/** Like `run`, with output shown; `remedy` says what to do if the program fails. */
export async function mustRun(command, args, { remedy, env, shell, yields } = {}) {
  const { code } = await run(command, args, { env, shell, yields, show: true });
  if (code !== 0) {
    const line = [command.replace(root + sep, ""), ...args].join(" ");
    throw new Problem(`\`${line}\` ended with ${code}; ${remedy ?? "its output is above"}`);
  }
}

/** Runs npm like `mustRun`. On Windows only a shell can run npm, so no argument may need quotes. */
export const npm = (words, options) =>
  isWindows ? mustRun(["npm", ...words].join(" "), [], { ...options, shell: true }) : mustRun("npm", words, options);

/** What a program prints, or `undefined` if it fails or does not exist. */
export async function ask(command, ...args) {
  try {
    const { code, output } = await run(command, args);
    return code === 0 ? output.trim() : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a program exists and succeeds. */
export const works = async (...words) => (await ask(...words)) !== undefined;

export const seconds = (since) => `${((performance.now() - since) / 1000).toFixed(1)} s`;

/**
 * Runs the steps, `[title, function]` each, in order, and numbers them. A step returns its result in a few words, and calls
 * `busy(text)` before anything that takes long.
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
 * Parses the command line. `known` has the form of `options` in node:util's parseArgs; an option that is not in it is
 * an error. `--help` prints the options and ends.
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
