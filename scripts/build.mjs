// `npm run build`: from a bare clone to worker/build/index.js, the Worker that wrangler serves and deploys. The Worker of
// the conformance tests is built in the same way, into its own build/.

import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { buildTools, npmPackages, rust, rustTools } from "./setup.mjs";
import { inRoot, main, mustRun, options, root, steps } from "./task.mjs";

const tools = [
  ["npm packages", npmPackages],
  ["Rust", rust],
  ["build tools", rustTools],
];

/** The crate of the Worker that is deployed, and the steps that build it. */
export const workerCrate = "worker";
export const buildSteps = [...tools, ["Worker", (busy) => worker(busy, workerCrate)]];

/** The Worker of the conformance tests, the steps that build it, and the option that asks for it. */
export const conformanceCrate = "tests/conformance";
export const conformanceSteps = [...tools, ["conformance Worker", (busy) => worker(busy, conformanceCrate)]];
export const conformanceOption = { type: "boolean", about: `takes the Worker of ${conformanceCrate} instead` };

/** The steps that build the examples. */
export const exampleSteps = ["chat", "cursors", "game"].map((name) => [`example ${name}`, (busy) => worker(busy, `examples/${name}`)]);

/** The size of a crate's built WebAssembly, raw and as it travels. */
export function wasmSize(crate) {
  const bytes = readFileSync(inRoot(crate, "build/index_bg.wasm"));
  return { raw: bytes.length, gzipped: gzipSync(bytes, { level: 9 }).length };
}

async function worker(busy, crate) {
  const inputs = digest(crate);
  const files = ["index.js", "index_bg.wasm", "inputs.sha256"].map((name) => inRoot(crate, "build", name));
  const stamp = files[2];
  const upToDate = files.every((file) => existsSync(file)) && readFileSync(stamp, "utf8") === inputs;
  if (!upToDate) {
    busy("building");
    rmSync(stamp, { force: true });
    const [workerBuild, bindgen] = buildTools();
    await mustRun(workerBuild.path, ["--release", crate], {
      env: {
        // Else worker-build downloads them.
        WASM_BINDGEN_BIN: bindgen.path,
        WASM_OPT_BIN: inRoot("node_modules/binaryen/bin/wasm-opt"),
        ESBUILD_BIN: inRoot("node_modules/esbuild/bin/esbuild"),
      },
    });
    writeFileSync(stamp, inputs);
  }
  const { raw, gzipped } = wasmSize(crate);
  const size = `${kilobytes(raw)} of WebAssembly, ${kilobytes(gzipped)} gzipped`;
  return upToDate ? `up to date, ${size}` : `built, ${size}`;
}

const kilobytes = (bytes) => `${(bytes / 1000).toFixed(0)} kB`;

/** A digest of everything a crate's Worker is built from. */
function digest(crate) {
  const hash = createHash("sha256");
  const add = (path) => {
    if (statSync(path).isDirectory()) {
      for (const name of readdirSync(path).sort()) add(`${path}/${name}`);
    } else {
      hash.update(relative(root, path)).update("\0").update(readFileSync(path)).update("\0");
    }
  };
  for (const path of ["Cargo.lock", "package-lock.json", "scripts/build.mjs", "dialects"]) add(inRoot(path));
  for (const folder of [".", crate]) {
    for (const path of ["Cargo.toml", "src"]) add(inRoot(folder, path));
  }
  return hash.digest("hex");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await main(async (args) => {
    const about = "Builds the Worker into worker/build/, installing first what that needs.";
    const { conformance } = options(args, "npm run build", about, { conformance: conformanceOption });
    await steps(conformance ? conformanceSteps : buildSteps);
  });
}
