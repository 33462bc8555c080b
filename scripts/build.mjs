// `npm run build`: makes worker/build/index.js from a bare clone. It is the Worker that wrangler serves and deploys. Other
// Workers are built in the same way, each into its own build/: those of the tests, of the examples, and with --crate your own.

import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { bindgen, npmPackages, rust, rustTools, wasmTarget } from "./setup.mjs";
import { inRoot, main, mustRun, options, root, steps } from "./task.mjs";

const tools = [["Rust", rust]];

/** The crate of the Worker that is deployed, and the steps that build it. */
export const workerCrate = "worker";
export const buildSteps = [...tools, ["Worker", (busy) => worker(busy, workerCrate)]];

/** The steps that build the same Worker for development, in less time. They build nothing if its release build is up to date. */
export const developmentSteps = [...tools, ["Worker", (busy) => worker(busy, workerCrate, development)]];

/** The Worker of the conformance tests, the steps that build it, and the option that chooses it. */
export const conformanceCrate = "tests/conformance";
export const conformanceSteps = [...tools, ["conformance Worker", (busy) => worker(busy, conformanceCrate)]];
export const conformanceOption = { type: "boolean", about: `uses the Worker of ${conformanceCrate} instead` };

/** The steps that build the examples. */
export const exampleSteps = ["chat", "cursors", "game"].map((name) => [`example ${name}`, (busy) => page(busy, `examples/${name}`)]);

/** The size of a crate's built WebAssembly, raw and compressed. */
export function wasmSize(crate) {
  const bytes = readFileSync(inRoot(crate, "build/index_bg.wasm"));
  return { raw: bytes.length, gzipped: gzipSync(bytes, { level: 9 }).length };
}

/** Builds a Worker that uses the library, and puts socket.io-client into the folder of its page. */
async function page(busy, crate) {
  const client = "vendor/socket.io.esm.min.js";
  if (existsSync(inRoot(crate, "public"))) {
    mkdirSync(inRoot(crate, "public/vendor"), { recursive: true });
    copyFileSync(inRoot("public", client), inRoot(crate, "public", client));
  }
  // A crate outside of this repository has its own lock file. If it has none yet, it gets a copy of this repository's.
  const lock = inRoot(crate, "Cargo.lock");
  if (isOutside(crate) && !existsSync(lock)) copyFileSync(inRoot("Cargo.lock"), lock);
  return worker(busy, crate);
}

const isOutside = (crate) => relative(root, inRoot(crate)).startsWith("..");

async function worker(busy, crate, profile = release) {
  const inputs = digest(crate);
  const stampOf = (profile) => `${profile} ${inputs}`;
  const files = ["index.js", "index_bg.wasm", "inputs.sha256"].map((name) => inRoot(crate, "build", name));
  const stamp = files[2];
  const built = files.every((file) => existsSync(file)) && readFileSync(stamp, "utf8");
  const upToDate = [release, profile].some((fit) => built === stampOf(fit));
  const packages = npmPackages(busy); // beside cargo: npm mostly waits for the network, and cargo often uses one core
  if (upToDate) await packages;
  else {
    busy(existsSync(bindgen) ? "building" : "building, up to three minutes the first time");
    rmSync(stamp, { force: true });
    await compile(crate, profile, packages);
    writeFileSync(stamp, stampOf(profile));
  }
  const { raw, gzipped } = wasmSize(crate);
  const size = `${kilobytes(raw)} of WebAssembly, ${kilobytes(gzipped)} gzipped`;
  return upToDate ? `up to date, ${size}` : `built, ${size}`;
}

/** Profiles of Cargo.toml. */
const [release, development] = ["release", "development"];

/** Compiles a crate to its build/index.js and build/index_bg.wasm, while the npm packages are installed. */
async function compile(crate, profile, packages) {
  const build = inRoot(crate, "build");
  const staging = inRoot(crate, "build/staging");
  rmSync(staging, { recursive: true, force: true });
  mkdirSync(staging, { recursive: true });
  writeFileSync(join(build, ".gitignore"), "*\n");
  // npm, rustTools and cargo run at the same time: cargo often uses one core only, while it compiles a crate that all
  // others need.
  const locked = isOutside(crate) ? [] : ["--locked"];
  const flags = ["--profile", profile, ...locked, "--target", wasmTarget, "--target-dir", inRoot("target"), "--manifest-path", inRoot(crate, "Cargo.toml")];
  await Promise.all([packages, rustTools(), mustRun("cargo", ["build", ...flags], { env: { RUSTFLAGS: small } })]);
  const [, name] = /^name = "(.+)"/m.exec(readFileSync(inRoot(crate, "Cargo.toml"), "utf8"));
  const compiled = inRoot("target", wasmTarget, profile, `${name.replaceAll("-", "_")}.wasm`);
  await mustRun(bindgen, [compiled, staging]);
  // In a Worker a plain import gives the compiled module.
  const bindings = readFileSync(join(staging, "bindings.js"), "utf8").replace(/import source (\w+) from "[^"]+"/, 'import $1 from "./index_bg.wasm"');
  writeFileSync(join(staging, "bindings.js"), bindings);
  const classes = [...bindings.matchAll(/^export class (\w+)/gm)].map(([, name]) => name);
  const objects = classes.filter((name) => bindings.includes(`${name.toLowerCase()}_webSocketMessage`));
  if (profile === release) await optimize(staging, classes.filter((name) => !objects.includes(name)));
  else renameSync(join(staging, "bindings_bg.wasm"), join(staging, "index_bg.wasm"));
  const entry = objects.map((name) => `export const ${name} = durableObject(bindings.${name});\n`);
  writeFileSync(join(staging, "entry.js"), `${readFileSync(inRoot("scripts/entry.mjs"), "utf8")}\n${entry.join("")}`);
  const { build: bundle } = await import("esbuild"); // the packages are installed now
  await bundle({ entryPoints: [join(staging, "entry.js")], bundle: true, minify: true, format: "esm", external: ["*.wasm"], outfile: join(staging, "index.js"), logLevel: "warning" });
  for (const file of ["index_bg.wasm", "index.js"]) renameSync(join(staging, file), join(build, file));
  rmSync(staging, { recursive: true });
}

/** Makes the WebAssembly smaller. `unused` are classes that libraries export and nothing calls. */
async function optimize(staging, unused) {
  const { default: binaryen } = await import("binaryen"); // the packages are installed now
  const bytes = readFileSync(join(staging, "bindings_bg.wasm"));
  const isUnused = (name) => unused.some((unused) => name.replace(/^__wbg_((get|set)_)?/, "").startsWith(`${unused.toLowerCase()}_`));
  const module = binaryen.readBinary(bytes);
  for (const { name } of WebAssembly.Module.exports(new WebAssembly.Module(bytes))) {
    if (isUnused(name)) module.removeExport(name);
  }
  writeFileSync(join(staging, "used.wasm"), module.emitBinary());
  module.dispose();
  const features = wasmFeatures.map((feature) => `--enable-${feature}`);
  // --flatten and --rereloop rebuild the control flow, which makes the result 1 % smaller. --low-memory-unused assumes
  // that no data have an address below 1024. Only the far end of the stack is there: the stack grows down to address 0.
  const passes = ["--flatten", "--rereloop", "-Oz", "-Oz", "--low-memory-unused", "--strip-producers", "--strip-target-features"];
  const options = [...passes, ...features, join(staging, "used.wasm"), "-o", join(staging, "index_bg.wasm")];
  await mustRun(process.execPath, [inRoot("node_modules/binaryen/bin/wasm-opt"), ...options]);
}

/** The small implementation of SHA-256: the hashed texts are short. */
const small = `${process.env.RUSTFLAGS ?? ""} --cfg sha2_backend_soft="compact"`.trim();

/** The WebAssembly features that rustc and wasm-bindgen use. The list keeps wasm-opt from using anything newer, which the runtime may not support. */
const wasmFeatures = ["mutable-globals", "sign-ext", "nontrapping-float-to-int", "bulk-memory", "multivalue", "reference-types", "exception-handling"];

const kilobytes = (bytes) => `${(bytes / 1000).toFixed(0)} kB`;

/** A digest of everything that a crate's Worker is built from. */
function digest(crate) {
  const hash = createHash("sha256");
  const add = (path) => {
    if (statSync(path).isDirectory()) {
      for (const name of readdirSync(path).sort()) add(`${path}/${name}`);
    } else {
      hash.update(relative(root, path)).update("\0").update(readFileSync(path)).update("\0");
    }
  };
  for (const path of ["package-lock.json", "scripts/build.mjs", "scripts/entry.mjs", "tools/bindgen/Cargo.lock", "tools/bindgen/src", "dialects"]) add(inRoot(path));
  for (const folder of [".", crate]) {
    for (const path of ["Cargo.toml", "src"]) add(inRoot(folder, path));
    for (const path of ["Cargo.lock", "build.rs"]) if (existsSync(inRoot(folder, path))) add(inRoot(folder, path));
  }
  return hash.digest("hex");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await main(async (args) => {
    const about = "Installs what is missing, and builds the Worker into worker/build/.";
    const { conformance, crate } = options(args, "npm run build", about, {
      conformance: conformanceOption,
      crate: { type: "string", value: "FOLDER", about: "builds the Worker of another crate, with its page, instead" },
    });
    const own = crate && resolve(process.env.INIT_CWD ?? ".", crate);
    await steps(own ? [...tools, ["Worker", (busy) => page(busy, own)]] : conformance ? conformanceSteps : buildSteps);
  });
}
