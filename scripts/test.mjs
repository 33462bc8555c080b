// `npm test`: installs what is missing, runs every check and test, and prints "N passed, N failed".

import { readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { behaviours } from "./behaviours.mjs";
import { buildSteps, conformanceSteps, exampleSteps, wasmSize, workerCrate } from "./build.mjs";
import { chromium, chromiumPath, coturn, coturnPath, curl, display, firefox, firefoxPath, interopPackages, interopRust, networkTools, npmPackages, oldPython, openssl, python, rust, rustLints, webkit } from "./setup.mjs";
import { inRoot, main, options, pinnedNode, Problem, run, seconds, steps, wrangler } from "./task.mjs";

const wasmLimit = 300_000; // bytes, gzipped, so that a Worker starts quickly
const coreDependencies = "hmac,serde,serde_json,sha1,sha2"; // data formats and digests, without I/O
const fileTimeout = 900_000; // ms, for one file of end-to-end tests; each wait in them has its own deadline

const cores = availableParallelism();

const tsc = [pinnedNode, inRoot("node_modules/typescript/bin/tsc")];

const isConformance = (file) => file.startsWith("conformance-");

/** Files whose calls need the whole machine: they have several browsers or a mesh. */
const callsAlone = ["firefox", "mesh", "network"].map((name) => `${name}.test.mjs`);
const isAlone = (file) => callsAlone.includes(file);

/** The parts in their order, each with its set-up and its checks. */
const parts = {
  lint: {
    setup: [["Rust", rust], ["rustfmt and clippy", rustLints], ["npm packages", npmPackages]],
    checks: [
      ["formatting", () => command("cargo", "fmt", "--all", "--check")],
      ["formatting of the interop clients", () => command("cargo", "fmt", "--manifest-path", "tests/interop/rust/Cargo.toml", "--check")],
      ["formatting of tools/bindgen", () => command("cargo", "fmt", "--manifest-path", "tools/bindgen/Cargo.toml", "--check")],
      ["formatting of the fuzz targets", () => command("cargo", "fmt", "--manifest-path", "tests/fuzz/Cargo.toml", "--check")],
      ["formatting of the benchmarks", () => command("cargo", "fmt", "--manifest-path", "tests/bench/Cargo.toml", "--check")],
      ["clippy, native", () => command("cargo", "clippy", "--all-targets", "--", "-D", "warnings")],
      ["clippy, wasm32", () => command("cargo", "clippy", "--lib", "--target", "wasm32-unknown-unknown", "--", "-D", "warnings")],
      ["clippy, Workers", () => command("cargo", "clippy", "--package", "signalbox-worker", "--package", "signalbox-conformance", "--package", "signalbox-chat", "--package", "signalbox-cursors", "--package", "signalbox-game", "--target", "wasm32-unknown-unknown", "--", "-D", "warnings")],
      ["clippy, fuzz targets", () => command("cargo", "clippy", "--manifest-path", "tests/fuzz/Cargo.toml", "--lib", "--", "-D", "warnings")],
      ["documentation", () => command({ RUSTDOCFLAGS: "-D warnings" }, "cargo", "doc", "--no-deps")],
      ["documentation, wasm32", () => command({ RUSTDOCFLAGS: "-D warnings" }, "cargo", "doc", "--no-deps", "--lib", "--target", "wasm32-unknown-unknown")],
      ["each behaviour has a test", behaviours],
      ["the core is pure", purity],
      ["types of the page", () => command(...tsc, "--project", "tests/e2e/browser")],
      ["types of the contract", () => command(...tsc, "--project", "tests/types")],
    ],
  },
  native: {
    setup: [["Rust", rust]],
    checks: [
      ["native tests", nativeTests],
      ["the bill", () => command("cargo", "test", "--test", "native", "bill::the_bill", "--", "--nocapture")],
      ["the cost of an idle room", () => command("cargo", "test", "--test", "native", "idle::", "--", "--nocapture", "--test-threads=1")],
    ],
  },
  conformance: {
    setup: conformanceSteps,
    checks: [["conformance tests", () => nodeTests("tests/e2e", { only: isConformance })]],
  },
  interop: {
    setup: [...conformanceSteps, buildSteps.at(-1), ["old JavaScript clients", interopPackages], ["Python", python], ["an old Python client", oldPython], ["Rust clients", interopRust]],
    checks: [["interop", () => nodeTests("tests/interop")]],
  },
  e2e: {
    setup: [...buildSteps, ...exampleSteps, ["old JavaScript clients", interopPackages], ["Python", python], ["curl", curl]],
    checks: [
      ["size of the Worker", size],
      ["wrangler deploy --dry-run", () => command(...wrangler("deploy", "--dry-run"))],
      ["end-to-end tests", () => nodeTests("tests/e2e", { only: (name) => !isConformance(name) })],
    ],
  },
  browser: {
    setup: [...buildSteps, ...exampleSteps, ["Chromium", chromium], ["a display", display], ["Firefox", firefox], ["WebKit", webkit], ["coturn", coturn], ["openssl", openssl], ["network tools", networkTools]],
    checks: [
      ["large calls, one file after the other", () => nodeTests("tests/e2e/browser", { only: isAlone, atOnce: 1, env: browserPaths() })],
      ["browser tests", () => nodeTests("tests/e2e/browser", { only: (name) => !isAlone(name), env: browserPaths() })],
    ],
  },
};

await main(async (args) => {
  const about = "Installs what is missing, then runs every check and test.";
  const { only } = options(args, "npm test", about, {
    only: { type: "string", value: "PART", about: `runs one part: ${Object.keys(parts).join(", ")}` },
  });
  if (only && !Object.hasOwn(parts, only)) {
    throw new Problem(`there is no part ${only}: --only takes one of ${Object.keys(parts).join(", ")}`);
  }

  const results = [];
  const ready = new Set(); // set-up steps that are done, by function
  for (const [part, { setup, checks }] of Object.entries(parts)) {
    if (only && part !== only) continue;
    const heading = (text) => console.log(`\n== ${part}: ${text}`);
    const missing = setup.filter(([, step]) => !ready.has(step));
    if (missing.length > 0) {
      heading("set-up");
      try {
        await steps(missing);
        for (const [, step] of missing) ready.add(step);
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        console.error(`error: ${error.message}`);
        results.push({ check: `${part}: set-up`, passed: 0, failed: [error.message] });
        continue;
      }
    }
    for (const [name, check] of checks) {
      heading(name);
      const start = performance.now();
      const result = await check();
      results.push({ check: `${part}: ${name}`, time: seconds(start), ...result });
    }
  }
  return summarize(results);
});

/** Prints the result of each check, and the sum as the last line. Returns the exit code. */
function summarize(results) {
  console.log("\n== summary");
  let passed = 0;
  let failed = 0;
  for (const result of results) {
    passed += result.passed;
    failed += result.failed.length;
    const counts = `${result.passed} passed, ${result.failed.length} failed${result.skipped ? `, ${result.skipped} skipped` : ""}`;
    console.log(`${result.check}: ${counts} (${result.time ?? "not run"})`);
    for (const name of result.failed) console.log(`  FAILED ${name}`);
  }
  console.log(`\n${passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

/** The browsers and the TURN server that were found or installed. */
function browserPaths() {
  return { CHROMIUM: chromiumPath(), FIREFOX: firefoxPath(), TURNSERVER: coturnPath() };
}

/** The result of a check that is not a collection of tests. */
function judge(good, reason) {
  return { passed: good ? 1 : 0, failed: good ? [] : [reason] };
}

/** A check that is one command. If the first argument is an object, it adds to the environment. */
async function command(...words) {
  const env = typeof words[0] === "object" ? words.shift() : {};
  const { code } = await run(words[0], words.slice(1), { env, show: true });
  return judge(code === 0, `${words.join(" ")} ended with ${code}`);
}

/** Checks that the core depends only on crates that have no clock, no I/O and no JavaScript. */
async function purity() {
  const { code, output } = await run("cargo", ["tree", "--edges", "normal", "--depth", "1", "--prefix", "none"]);
  console.log(output.trim());
  const dependencies = output.trim().split("\n").slice(1).map((line) => line.split(" ")[0]);
  return judge(code === 0 && dependencies.sort().join() === coreDependencies, `the core depends on ${dependencies.join(", ")}`);
}

async function size() {
  const { gzipped } = wasmSize(workerCrate);
  console.log(`${gzipped} bytes gzipped, ${wasmLimit} allowed`);
  return judge(gzipped <= wasmLimit, `${gzipped} bytes gzipped are more than ${wasmLimit}`);
}

async function nativeTests() {
  const { code, output } = await run("cargo", ["test", "--no-fail-fast"], { show: true });
  const sum = (word) => [...output.matchAll(new RegExp(`^test result: .*?(\\d+) ${word}`, "gm"))].reduce((n, [, count]) => n + Number(count), 0);
  const failed = [...output.matchAll(/^test (.+) \.\.\. FAILED$/gm)].map(([, name]) => name);
  return verdict(code, "cargo test", { passed: sum("passed"), failed, skipped: sum("ignored") });
}

/** Runs a folder's test files that pass `only`. Each has its own process; `atOnce` of them run at the same time. */
async function nodeTests(folder, { only = () => true, atOnce = cores, env } = {}) {
  const files = readdirSync(inRoot(folder)).filter((name) => name.endsWith(".test.mjs") && only(name)).sort();
  if (files.length === 0) return judge(false, `no *.test.mjs in ${folder}`);
  const flags = ["--test", "--test-reporter=spec", `--test-concurrency=${atOnce}`, `--test-timeout=${fileTimeout}`];
  const paths = files.map((name) => `${folder}/${name}`);
  const { code, output } = await run(pinnedNode, [...flags, ...paths], { env, show: true });
  const count = (word) => Number([...output.matchAll(new RegExp(`^ℹ ${word} (\\d+)$`, "gm"))].at(-1)?.[1] ?? 0);
  const listed = output.split("✖ failing tests:")[1] ?? "";
  const failed = [...listed.matchAll(/^✖ (.+?)(?: \([\d.]+ms\))?\n(?: +(.+))?/gm)].map(([, name, why]) => (why ? `${name}: ${why}` : name));
  return verdict(code, `node --test ${folder}`, { passed: count("pass"), failed, skipped: count("skipped") + count("todo") });
}

/** The result of a run. It has a failure, too, if the command failed without naming a test, or if it found no tests. */
function verdict(code, name, result) {
  const { passed, failed } = result;
  if (code !== 0 && failed.length === 0) return { ...result, failed: [`${name} ended with ${code}`] };
  if (passed + failed.length === 0) return { ...result, failed: [`${name} found no tests`] };
  return result;
}
