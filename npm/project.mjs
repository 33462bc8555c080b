// A project: a folder that was made from the template. Its signalbox.json has the template's version and a digest of each of
// the template's files, so an upgrade can tell which files the user has not changed.

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { inRoot, Problem, root } from "../scripts/task.mjs";

const record = "signalbox.json";
export const { version } = JSON.parse(readFileSync(inRoot("package.json"), "utf8"));

/** The path of a file of the template. npm leaves .gitignore out of packages, so in the package that file is named gitignore. */
function inTemplate(file) {
  const path = inRoot("template", file);
  return existsSync(path) ? path : inRoot("template", file.replace(/^\./, ""));
}

/** The texts of the template's files, by their names. */
function templateFiles() {
  const { files } = JSON.parse(readFileSync(inRoot("template", record), "utf8"));
  return new Map(Object.keys(files).map((file) => [file, readFileSync(inTemplate(file), "utf8")]));
}

const configName = /^name = "(.*)"/m;

/**
 * The template's text of a file, for the project with the manifest `mine`. It keeps the project's name, its version of signalbox,
 * and the fields and dependencies that only `mine` has.
 */
function personalize(file, text, mine) {
  if (file === "wrangler.toml") return text.replace(configName, () => `name = "${mine.name}"`);
  if (file !== "package.json") return text;
  const template = JSON.parse(text);
  const { signalbox, ...tools } = template.dependencies;
  const dependencies = { signalbox, ...mine.dependencies, ...tools };
  return `${JSON.stringify({ ...mine, ...template, name: mine.name, dependencies }, null, 2)}\n`;
}

/** The digest of a file. It does not depend on the kind of line ends, nor on the parts that `personalize` keeps. */
export function digest(file, text) {
  let rest = text.replaceAll("\r\n", "\n");
  if (file === "wrangler.toml") rest = rest.replace(configName, "");
  if (file === "package.json") {
    const { type, scripts, allowScripts, dependencies } = JSON.parse(rest);
    rest = JSON.stringify([type, scripts, allowScripts, dependencies?.node, dependencies?.wrangler]);
  }
  return createHash("sha256").update(rest).digest("hex");
}

/**
 * The version of this package that a new project asks for: what the manifest that installed this package asks for; without one,
 * this package's version.
 */
function ownSource() {
  const manifest = resolve(root, "../../package.json"); // beside the node_modules that has this package
  const asked = existsSync(manifest) && JSON.parse(readFileSync(manifest, "utf8")).dependencies?.signalbox;
  if (!asked) return `^${version}`;
  if (!asked.startsWith("file:")) return asked;
  return `file:${resolve(dirname(manifest), asked.slice("file:".length)).replaceAll("\\", "/")}`;
}

/** The name of a folder, changed to a valid name of a Worker. */
const workerName = (folder) =>
  basename(folder).toLowerCase().replace(/[^a-z0-9-]+/g, "-").replace(/^-+|-+$/g, "").slice(0, 54) || "signalbox";

/** Makes a project in a folder that is empty or does not exist. */
export function init(folder) {
  if (existsSync(folder) && readdirSync(folder).length > 0) {
    throw new Problem(`${folder} is not empty: name a folder that does not exist yet`);
  }
  const mine = { name: workerName(folder), dependencies: { signalbox: ownSource() } };
  for (const [file, text] of templateFiles()) write(folder, file, personalize(file, text, mine));
  write(folder, record, readFileSync(inRoot("template", record), "utf8"));
}

function write(folder, file, text) {
  const path = join(folder, file);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

/** Returns the folder if it is a project; otherwise throws a `Problem`. */
export function project(folder) {
  if (existsSync(join(folder, "wrangler.toml"))) return folder;
  throw new Problem(`there is no wrangler.toml in ${folder}: run this in a folder that signalbox init made`);
}

/**
 * Updates a project's files to this package's template. Files that the user did not change are replaced. For a file that the
 * user changed, the template's text is written into `.signalbox/template/`. Returns `since`, the template's version before the
 * upgrade; `lines`, one for each file that changed in the template; and `changes`, what CHANGELOG.md says since that version.
 */
export function upgrade(folder) {
  const recorded = existsSync(join(folder, record)) ? JSON.parse(readFileSync(join(folder, record), "utf8")) : { files: {} };
  const template = templateFiles();
  const lines = [];
  const manifest = ownManifest(folder);
  for (const file of new Set([...Object.keys(recorded.files), ...template.keys()])) {
    const path = join(folder, file);
    const mine = existsSync(path) ? digest(file, readFileSync(path, "utf8")) : undefined;
    const was = recorded.files[file];
    const text = template.get(file);
    const now = text === undefined ? undefined : digest(file, text);
    if (now === was || now === mine) continue;
    const isUntouched = mine === was;
    if (now === undefined) {
      if (mine) lines.push(`${file}: no longer part of the template; ${isUntouched ? "you did not change it" : "it stays as you changed it"}`);
    } else if (isUntouched) {
      write(folder, file, personalize(file, text, manifest));
      lines.push(`${file}: ${mine ? "updated" : "new"}${file === "package.json" ? "; run npm install" : ""}`);
    } else {
      write(folder, join(".signalbox/template", file), personalize(file, text, manifest));
      lines.push(`${file}: ${mine ? "you changed it, so it is kept" : "you removed it, so it stays removed"}; the template's file is ${join(".signalbox/template", file)}`);
    }
  }
  write(folder, record, readFileSync(inRoot("template", record), "utf8"));
  return { since: recorded.template, lines, changes: recorded.template === version ? "" : changesSince(recorded.template) };
}

/** The manifest of a project, with the name from its wrangler.toml. */
function ownManifest(folder) {
  const path = join(folder, "package.json");
  const manifest = existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : {};
  const [, name] = configName.exec(readFileSync(join(folder, "wrangler.toml"), "utf8")) ?? [];
  return { ...manifest, name: name ?? workerName(folder) };
}

/** The part of CHANGELOG.md that is newer than a version. */
function changesSince(before) {
  const sections = readFileSync(inRoot("CHANGELOG.md"), "utf8").split(/^(?=## )/m).slice(1);
  const known = sections.findIndex((section) => section.startsWith(`## ${before}\n`));
  return sections.slice(0, known === -1 ? 1 : known).join("").trim();
}

/** The text of signalbox.json for the files of a template. */
export function templateRecord(files) {
  const digests = Object.fromEntries([...files].sort().map(([file, text]) => [file, digest(file, text)]));
  return `${JSON.stringify({ template: version, files: digests }, null, 2)}\n`;
}
