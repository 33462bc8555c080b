#!/usr/bin/env node
// The command `signalbox`.

import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { asksForHelp, deploy } from "../scripts/deployment.mjs";
import { freePort, runServer } from "../scripts/starting.mjs";
import { main, Problem } from "../scripts/task.mjs";
import { token } from "../scripts/token.mjs";
import { init, project, upgrade, version } from "./project.mjs";
import { buildSite } from "./site.mjs";

const usage = `signalbox init DIR          makes a project: a folder with settings and a page of your own
signalbox start [--port N]  serves the project in this folder on this machine, on port N; by default on PORT, or 3000
signalbox deploy [OPTION…]  deploys the project to Cloudflare and checks that it runs; options: signalbox deploy --help
signalbox upgrade           updates the project to the template of this version; your changes stay
signalbox token …           makes a token for a room, or checks one: signalbox token --help
signalbox build             makes .signalbox/, from which the project is served; wrangler calls this
signalbox --version         prints the version
signalbox --help            prints this`;

const commands = {
  init([folder]) {
    if (!folder) throw new Problem("signalbox init takes the name of a folder: signalbox init my-room");
    init(resolve(folder));
    console.log(`${folder} is made. Now:\n\n  cd ${/\s/.test(folder) ? `"${folder}"` : folder}\n  npm install\n  npm start\n\nIts README.md describes the files.`);
  },
  async start(_, { port }) {
    const folder = project(process.cwd());
    return runServer("npm/serve.mjs", await freePort(port), folder);
  },
  deploy: (args) => deploy(asksForHelp(args) ? process.cwd() : project(process.cwd()), args),
  upgrade() {
    const { since, lines, changes } = upgrade(project(process.cwd()));
    if (changes) console.log(`${changes}\n`);
    if (lines.length > 0) console.log(`The template has changed since ${since ?? "this project was made"}:\n${lines.join("\n")}\n`);
    console.log(`This project is at the template of ${version}.`);
  },
  token: (args) => token(args, "signalbox token", process.cwd()),
  build() {
    buildSite(project(process.cwd()));
    console.log(`${join(".signalbox", "worker")} and ${join(".signalbox", "public")} are up to date`);
  },
};

const flags = { start: { port: { type: "string" } } };
const withOwnOptions = ["deploy", "token"]; // these commands read their options themselves, --help as well

await main(async ([command, ...args]) => {
  if (Number(process.versions.node.split(".")[0]) < 20) {
    throw new Problem(`Node.js ${process.versions.node} is too old: install Node.js 20 or newer`);
  }
  if (command === undefined || command === "help" || command === "--help") return console.log(usage);
  if (command === "--version") return console.log(version);
  if (!Object.hasOwn(commands, command)) throw new Problem(`there is no command ${command}. The commands are:\n\n${usage}`);
  if (withOwnOptions.includes(command)) return commands[command](args);
  if (args.includes("--help")) return console.log(usage);
  return commands[command](...parse(command, args));
});

/** The arguments and options of a command. */
function parse(command, args) {
  try {
    const { positionals, values } = parseArgs({ args, options: flags[command] ?? {}, allowPositionals: command === "init" });
    if (positionals.length > 1) throw new Error(`it takes one folder, not ${positionals.length}`);
    return [positionals, values];
  } catch (error) {
    throw new Problem(`signalbox ${command}: ${error.message.split(". ")[0]}. See signalbox --help`);
  }
}
