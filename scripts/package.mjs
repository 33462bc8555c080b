// `npm run package`: the npm package `signalbox`, packed into target/npm/. It holds the built Worker, the page, the client
// module, the template of a project and the command, with what they need from scripts/, each where the repository has it.

import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildSteps } from "./build.mjs";
import { inRoot, main, npm, options, steps } from "./task.mjs";
import { templateRecord } from "../npm/project.mjs";

const folder = "target/npm/package";
const manifest = (path) => JSON.parse(readFileSync(inRoot(path), "utf8"));
const { version, description, license, devDependencies } = manifest("package.json");

/** The packed package. */
export const tarball = inRoot(`target/npm/signalbox-${version}.tgz`);

/** What of the repository is in the package. */
const contents = [
  "CHANGELOG.md", "LICENSE-APACHE", "LICENSE-MIT", "docs", "npm/project.mjs", "npm/serve.mjs", "npm/signalbox.mjs",
  "npm/site.mjs", "public", "scripts/deployment.mjs", "scripts/server.mjs", "scripts/serving.mjs", "scripts/starting.mjs",
  "scripts/task.mjs", "template", "worker/build/index.js", "worker/build/index_bg.wasm",
];

/** package.json of the package: it needs what of the repository's own packages serves and deploys. */
const packageManifest = () => ({
  name: "signalbox",
  version,
  description,
  license,
  keywords: ["socket.io", "webrtc", "signaling", "cloudflare", "durable-objects"],
  type: "module",
  bin: { signalbox: "npm/signalbox.mjs" },
  exports: {
    ".": { types: "./public/signalbox.d.ts", default: "./public/signalbox.js" },
    "./contract": { types: "./public/contract.d.ts" },
    "./package.json": "./package.json",
  },
  engines: { node: ">=20" },
  dependencies: {
    miniflare: manifest("node_modules/miniflare/package.json").version,
    node: devDependencies.node,
    wrangler: devDependencies.wrangler,
  },
});

/** The text of template/wrangler.toml: the Worker's own settings, for a project that has the Worker from the package. */
export function templateConfig() {
  const changes = [
    [/^main = .*$/m, 'main = ".signalbox/worker/index.js"'],
    [/^\[build\]\n(?:.+\n)+/m, '[build]\ncommand = "npx signalbox build" # puts .signalbox/ together: the package\'s Worker and page, and your public/\nwatch_dir = "public"\n'],
    [/^directory = "public"$/m, 'directory = ".signalbox/public"'],
  ];
  return changes.reduce((text, [before, after]) => {
    if (!before.test(text)) throw new Error(`wrangler.toml has nothing like ${before}`);
    return text.replace(before, after);
  }, readFileSync(inRoot("wrangler.toml"), "utf8"));
}

/** The files of the template that are made from others, as they have to be: their texts by their paths. */
export function madeFiles() {
  const files = new Map();
  for (const name of readdirSync(inRoot("template"), { recursive: true })) {
    if (name !== "signalbox.json" && statSync(inRoot("template", name)).isFile()) files.set(name.replaceAll("\\", "/"), readFileSync(inRoot("template", name), "utf8"));
  }
  files.set("wrangler.toml", templateConfig());
  return new Map([["template/wrangler.toml", templateConfig()], ["template/signalbox.json", templateRecord(files)]]);
}

/** Brings those files up to date. */
function updateTemplate() {
  const stale = [...madeFiles()].filter(([path, text]) => !existsSync(inRoot(path)) || readFileSync(inRoot(path), "utf8") !== text);
  for (const [path, text] of stale) writeFileSync(inRoot(path), text);
  return stale.length > 0 ? `${stale.map(([path]) => path).join(" and ")} updated, to be committed` : "up to date";
}

/** Packs what is built. */
export async function pack() {
  rmSync(inRoot(folder), { recursive: true, force: true });
  for (const path of contents) {
    mkdirSync(dirname(inRoot(folder, path)), { recursive: true });
    cpSync(inRoot(path), inRoot(folder, path), { recursive: true });
  }
  // npm leaves out files of this name, and what they name.
  renameSync(inRoot(folder, "template/.gitignore"), inRoot(folder, "template/gitignore"));
  cpSync(inRoot("npm/README.md"), inRoot(folder, "README.md"));
  writeFileSync(inRoot(folder, "package.json"), `${JSON.stringify(packageManifest(), null, 2)}\n`);
  await npm(["pack", `./${folder}`, "--pack-destination", dirname(tarball), "--loglevel=error"]);
  return `${join("target", "npm", `signalbox-${version}.tgz`)}, ${(statSync(tarball).size / 1000).toFixed(0)} kB`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await main(async (args) => {
    options(args, "npm run package", "Builds the Worker and packs it as the npm package signalbox, into target/npm/.");
    await steps([...buildSteps, ["template", updateTemplate], ["package", pack]]);
  });
}
