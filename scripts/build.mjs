// `npm run build`: from a bare clone to build/index.js, the Worker that wrangler serves and deploys.

import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { buildTools, npmPackages, rust, rustTools } from "./setup.mjs";
import { inRoot, main, mustRun, options, root, steps } from "./task.mjs";

const output = inRoot("build/index.js");
const wasm = inRoot("build/index_bg.wasm");
const stamp = inRoot("build/inputs.sha256");

/** The steps that end with a Worker in build/. */
export const buildSteps = [
  ["npm packages", npmPackages],
  ["Rust", rust],
  ["build tools", rustTools],
  ["Worker", worker],
];

/** The size of the built WebAssembly, raw and as it travels. */
export function wasmSize() {
  const bytes = readFileSync(wasm);
  return { raw: bytes.length, gzipped: gzipSync(bytes, { level: 9 }).length };
}

async function worker(busy) {
  const inputs = digest();
  const upToDate = [output, wasm, stamp].every((file) => existsSync(file)) && readFileSync(stamp, "utf8") === inputs;
  if (!upToDate) {
    busy("building");
    rmSync(stamp, { force: true });
    const [workerBuild, bindgen] = buildTools();
    await mustRun(workerBuild.path, ["--release"], {
      env: {
        // Else worker-build downloads them.
        WASM_BINDGEN_BIN: bindgen.path,
        WASM_OPT_BIN: inRoot("node_modules/binaryen/bin/wasm-opt"),
        ESBUILD_BIN: inRoot("node_modules/esbuild/bin/esbuild"),
      },
    });
    writeFileSync(stamp, inputs);
  }
  const { raw, gzipped } = wasmSize();
  const size = `${kilobytes(raw)} of WebAssembly, ${kilobytes(gzipped)} gzipped`;
  return upToDate ? `up to date, ${size}` : `built, ${size}`;
}

const kilobytes = (bytes) => `${(bytes / 1000).toFixed(0)} kB`;

/** A digest of everything the Worker is built from. */
function digest() {
  const hash = createHash("sha256");
  const add = (path) => {
    if (statSync(path).isDirectory()) {
      for (const name of readdirSync(path).sort()) add(`${path}/${name}`);
    } else {
      hash.update(relative(root, path)).update("\0").update(readFileSync(path)).update("\0");
    }
  };
  for (const path of ["Cargo.toml", "Cargo.lock", "package-lock.json", "scripts/build.mjs", "src"]) add(inRoot(path));
  return hash.digest("hex");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await main(async (args) => {
    options(args, "npm run build", "Builds the Worker into build/, installing first what that needs.");
    await steps(buildSteps);
  });
}
