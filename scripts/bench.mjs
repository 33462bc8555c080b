// `npm run bench`: measures the core by itself, and then servers with the same load. The servers are Signalbox on workerd,
// a bare Durable Object in JavaScript, socket.io on Node and, with --all, socketioxide. They take turns in every
// repetition, so that other work of the machine affects all of them. A ratio compares figures of the same repetition.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { cpus } from "node:os";
import { createInterface } from "node:readline";
import { median } from "../tests/bench/median.mjs";
import { scenarios } from "../tests/bench/scenarios.mjs";
import { withServer } from "../tests/bench/servers.mjs";
import { buildSteps } from "./build.mjs";
import { measureCore } from "../tests/bench/core.mjs";
import { benchPackages, benchProgram, benchRust, benchSocketioxide, workerd } from "./setup.mjs";
import { main, options, Problem, steps, works } from "./task.mjs";

/** If the load generator uses more of its core than this, it may have limited the result. */
const busy = 0.85;

await main(async (args) => {
  const about = "Measures the release build on workerd, beside a bare Durable Object in JavaScript and socket.io on Node.";
  const chosen = options(args, "npm run bench", about, {
    quick: { type: "boolean", about: "a few scenarios, once, in less than a minute" },
    all: { type: "boolean", about: "measures socketioxide, too, which takes a minute to compile" },
    core: { type: "boolean", about: "only the core, natively" },
    only: { type: "string", value: "TEXT", about: "only scenarios with this in their names" },
    repeat: { type: "string", value: "N", about: "repetitions, by default 5" },
    seconds: { type: "string", value: "N", about: "length of each measurement, by default 3" },
    workerd: { type: "string", value: "VERSION", about: "uses this version of workerd, from its npm package, instead of the pinned one" },
    json: { type: "boolean", about: "prints the figures as JSON at the end" },
  });
  const repeat = chosen.quick ? 1 : Number(chosen.repeat ?? 5);
  const seconds = Number(chosen.seconds ?? (chosen.quick ? 2 : 3));
  if (!(repeat >= 1 && seconds > 0)) throw new Problem("--repeat and --seconds take numbers");
  if (chosen.core) {
    await steps([["the benchmark programs", benchRust]]);
    return measureCore();
  }
  const names = Object.keys(scenarios).filter((name) => name.includes(chosen.only ?? "") && (!chosen.quick || scenarios[name].quick));
  if (names.length === 0) throw new Problem(`no scenario has ${chosen.only} in its name:\n  ${Object.keys(scenarios).join("\n  ")}`);

  const version = chosen.workerd;
  await steps([
    ...buildSteps,
    ["packages to compare with", benchPackages],
    ["the benchmark programs", benchRust],
    ...(chosen.all ? [["socketioxide", benchSocketioxide]] : []),
    ...(version ? [[`workerd ${version}`, (busy) => workerd(busy, version)]] : []),
  ]);
  if (!chosen.only) await measureCore();
  const cores = cpus().length > 1 && (await works("taskset", "--version")) ? { server: "1", generator: "0" } : undefined;
  if (!cores) console.log("without taskset and a second core, server and load share the processor");

  const results = {};
  let valid = true;
  for (const name of names) {
    const scenario = scenarios[name];
    const rounds = scenario.once ? 1 : repeat;
    const servers = scenario.servers.filter((server) => chosen.all || server !== "socketioxide");
    results[name] = Object.fromEntries(servers.map((server) => [server, []]));
    for (let round = 1; round <= rounds; round += 1) {
      for (const server of servers) {
        if (process.stdout.isTTY) process.stdout.write(`\r\x1b[K${name}: ${server}, ${round} of ${rounds} …`);
        const order = { seconds, ...scenario.order, ...rate(scenario, results) };
        results[name][server].push(await measure(server, { cores, version }, order));
      }
    }
    if (process.stdout.isTTY) process.stdout.write("\r\x1b[K");
    valid = show(name, scenario, results[name]) && valid;
  }
  if (chosen.json) console.log(JSON.stringify(results));
  return valid ? 0 : 1;
});

/** How often a sender sends, if that depends on the result of another scenario. */
function rate({ tenthOf }, results) {
  if (!tenthOf) return {};
  const { members } = scenarios[tenthOf].order;
  const slowest = Object.values(results[tenthOf] ?? {}).map((runs) => median(runs.map(scenarios[tenthOf].figure)));
  if (slowest.length === 0) throw new Problem(`a scenario takes its rate from "${tenthOf}": measure that scenario, too`);
  return { rate: Math.min(...slowest) / members / 10 };
}

/** One measurement: the result of the load generator and, for connections that stay open, the memory that each takes. */
async function measure(server, how, order) {
  const { cores } = how;
  return withServer(server, how, async ({ port, pid }) => {
    const before = memory(pid);
    const words = [benchProgram("load"), JSON.stringify({ server: `127.0.0.1:${port}`, pid, ...order })];
    if (cores) words.unshift("taskset", "--cpu-list", cores.generator);
    const load = spawn(words[0], words.slice(1), { stdio: ["pipe", "pipe", "pipe"] });
    const ended = once(load, "close");
    let [bytes, outcome, errors] = [undefined, undefined, ""];
    load.stderr.on("data", (data) => (errors += data));
    for await (const line of createInterface({ input: load.stdout })) {
      if (line === "connected") {
        bytes = memory(pid) - before;
        load.stdin.end();
      } else {
        outcome = JSON.parse(line);
      }
    }
    const [code] = await ended;
    if (code !== 0) throw new Problem(`the load for ${server} failed: ${errors.trim()}`);
    if (outcome.count === 0) throw new Problem(`${server} delivered nothing`);
    return bytes === undefined ? outcome : { ...outcome, bytes: bytes / outcome.count };
  });
}

/** The resident memory of a process, in bytes. */
function memory(pid) {
  const [, kilobytes] = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Number(kilobytes) * 1024;
}

/** Prints the result. Returns whether it counts: it does not if the load generator was the limit. */
function show(name, { figure, unit, order, goals }, runs) {
  console.log(`\n${name} (${unit})`);
  const busiest = order.rate === undefined && ["traffic", "handshakes"].includes(order.scenario);
  const slow = (server) => busiest && runs[server].some(({ generator }) => generator > busy);
  const [first, ...others] = Object.keys(runs);
  for (const server of [first, ...others]) {
    if (slow(server)) {
      console.log(`  ${server.padEnd(17)}no result: the load generator used its whole core, so it may have been the limit`);
      continue;
    }
    const of = (what) => median(runs[server].map(what));
    const columns = [server.padEnd(17), Math.round(of(figure)).toLocaleString("en").padStart(10)];
    if (busiest) columns.push(`${of(({ server, seconds, count }) => (server * seconds * 1e6) / count).toFixed(1)} µs CPU each`.padStart(20));
    if (runs[server][0].p50 !== null) columns.push(`p50 ${of(({ p50 }) => p50)} µs`.padStart(17), `p99 ${of(({ p99 }) => p99)} µs`.padStart(17));
    console.log(`  ${columns.join("")}`);
  }
  for (const other of others) {
    if (slow(first) || slow(other)) continue;
    const ratios = runs[first].map((run, round) => figure(run) / figure(runs[other][round]));
    const goal = goals?.[other] ? ` (goal: ${goals[other]})` : "";
    console.log(`  ${first} is ${median(ratios).toFixed(2)} × ${other}${goal}`);
  }
  return ![first, ...others].some(slow);
}
