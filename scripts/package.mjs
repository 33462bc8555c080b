// `npm run package`: the npm package `signalbox`, packed into target/npm/. It holds the built Worker, the page, the client
// module, the template of a project and the command, with what they need from scripts/, each where the repository has it.

import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildSteps } from "./build.mjs";
import { inRoot, main, npm, options, steps } from "./task.mjs";
import { templateRecord } from "../npm/project.mjs";

const folder = "target/npm/package";
const { version, description, license, devDependencies } = JSON.parse(readFileSync(inRoot("package.json"), "utf8"));

/** The packed package. */
export const tarball = inRoot(`target/npm/signalbox-${version}.tgz`);

/** What of the repository is in the package. */
const contents = [
  "CHANGELOG.md", "LICENSE-APACHE", "LICENSE-MIT", "docs", "npm/project.mjs", "npm/serve.mjs", "npm/signalbox.mjs",
  "npm/site.mjs", "public", "scripts/deployment.mjs", "scripts/server.mjs", "scripts/serving.mjs", "scripts/settings.mjs",
  "scripts/starting.mjs", "scripts/task.mjs", "template", "worker/build/index.js", "worker/build/index_bg.wasm",
];

/** What of the repository's own packages serves and deploys. */
const tools = { node: devDependencies.node, wrangler: devDependencies.wrangler };

/** package.json of the package. A project brings the tools: a page that wants the client module alone needs none of them. */
const packageManifest = {
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
  peerDependencies: Object.fromEntries(Object.keys(tools).map((name) => [name, "*"])),
  peerDependenciesMeta: Object.fromEntries(Object.keys(tools).map((name) => [name, { optional: true }])),
};

/** The text of template/wrangler.toml: the Worker's own settings, for a project that has the Worker from the package. */
function templateConfig() {
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

/** The text of template/package.json, with this package and the tools in the versions of the repository. */
function templateManifest(text) {
  return `${JSON.stringify({ ...JSON.parse(text), dependencies: { node: tools.node, signalbox: `^${version}`, wrangler: tools.wrangler } }, null, 2)}\n`;
}

/** The files of the template that are made from others, as they have to be: their texts by their names. */
export function madeFiles() {
  const files = new Map();
  for (const name of readdirSync(inRoot("template"), { recursive: true })) {
    if (statSync(inRoot("template", name)).isFile()) files.set(name.replaceAll("\\", "/"), readFileSync(inRoot("template", name), "utf8"));
  }
  files.delete("signalbox.json");
  files.set("wrangler.toml", templateConfig());
  files.set("package.json", templateManifest(files.get("package.json")));
  files.set("signalbox.json", templateRecord(files));
  return ["package.json", "signalbox.json", "wrangler.toml"].map((name) => [`template/${name}`, files.get(name)]);
}

/** Brings those files up to date. */
function updateTemplate() {
  const stale = madeFiles().filter(([path, text]) => !existsSync(inRoot(path)) || readFileSync(inRoot(path), "utf8") !== text);
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
  writeFileSync(inRoot(folder, "package.json"), `${JSON.stringify(packageManifest, null, 2)}\n`);
  await npm(["pack", `./${folder}`, "--pack-destination", dirname(tarball), "--loglevel=error"]);
  return `${join("target", "npm", `signalbox-${version}.tgz`)}, ${(statSync(tarball).size / 1000).toFixed(0)} kB`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await main(async (args) => {
    options(args, "npm run package", "Builds the Worker and packs it as the npm package signalbox, into target/npm/.");
    await steps([...buildSteps, ["template", updateTemplate], ["package", pack]]);
  });
}
