// `npm run package`: packs the npm package `signalbox` into target/npm/. It has the built Worker, the page, the client module,
// the template of a project, the command, and the scripts that these need. Each file has the same path as in the repository.

import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildSteps } from "./build.mjs";
import { inRoot, main, npm, options, steps } from "./task.mjs";
import { templateRecord } from "../npm/project.mjs";

const folder = "target/npm/package";
const { version, description, license, devDependencies } = JSON.parse(readFileSync(inRoot("package.json"), "utf8"));

/** The path of the packed package. */
export const tarball = inRoot(`target/npm/signalbox-${version}.tgz`);

/** The files and folders of the repository that are in the package. */
const contents = [
  "CHANGELOG.md", "LICENSE-APACHE", "LICENSE-MIT", "docs", "npm/project.mjs", "npm/serve.mjs", "npm/signalbox.mjs",
  "npm/site.mjs", "public", "scripts/deployment.mjs", "scripts/server.mjs", "scripts/serving.mjs", "scripts/settings.mjs",
  "scripts/starting.mjs", "scripts/task.mjs", "scripts/token.mjs", "template", "worker/build/index.js", "worker/build/index_bg.wasm",
];

/** The npm packages that serve and deploy a project, in the versions of the repository. */
const tools = { node: devDependencies.node, wrangler: devDependencies.wrangler };

/** package.json of the package. The tools are optional, because a page that uses only the client module needs none. */
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

/** The text of template/wrangler.toml: wrangler.toml, changed for a project that uses the Worker of the package. */
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

/** The generated files of the template: `[path, text]` each, up to date. */
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

/** Updates those files. */
function updateTemplate() {
  const stale = madeFiles().filter(([path, text]) => !existsSync(inRoot(path)) || readFileSync(inRoot(path), "utf8") !== text);
  for (const [path, text] of stale) writeFileSync(inRoot(path), text);
  return stale.length > 0 ? `${stale.map(([path]) => path).join(" and ")} updated, to be committed` : "up to date";
}

/** Packs the built files. */
export async function pack() {
  rmSync(inRoot(folder), { recursive: true, force: true });
  for (const path of contents) {
    mkdirSync(dirname(inRoot(folder, path)), { recursive: true });
    cpSync(inRoot(path), inRoot(folder, path), { recursive: true });
  }
  // npm leaves out files named .gitignore, and the files that these list.
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
