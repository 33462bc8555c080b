// Makes `.signalbox/` in a project: the package's Worker, and the package's page with the project's own files, which replace files
// of the same name. The project's wrangler.toml names both folders.

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { inRoot } from "../scripts/task.mjs";

/** Files of rules: the rules of the project and of the package both apply. */
const rules = {
  _headers: mergedHeaders,
  _redirects: (own, packaged) => `${own}\n${packaged}`, // the first rule that matches is applied
};

/** The rules of a `_headers` file: the lines below each path. */
function headersIn(text) {
  const rules = new Map();
  let lines = [];
  for (const line of String(text).split("\n").map((line) => line.trim())) {
    if (line === "" || line.startsWith("#")) continue;
    if (/^(\/|https:)/.test(line)) {
      lines = rules.get(line) ?? [];
      rules.set(line, lines);
    } else {
      lines.push(line);
    }
  }
  return rules;
}

/** The platform uses one rule for each path, the last one. So rules for the same path become one; the project's lines win. */
function mergedHeaders(own, packaged) {
  const rules = headersIn(packaged);
  for (const [path, lines] of headersIn(own)) {
    const header = (line) => line.replace(/^!\s*/, "").split(":")[0].toLowerCase();
    const replaced = new Set(lines.map(header));
    const others = (rules.get(path) ?? []).filter((line) => !replaced.has(header(line)));
    rules.delete(path); // so that this rule comes last, and can remove what an earlier rule sets
    rules.set(path, [...others, ...lines]);
  }
  return [...rules].map(([path, lines]) => [path, ...lines].join("\n  ")).join("\n\n");
}

/** The files in a folder and its subfolders: `{name, bytes}` each. */
function filesIn(folder) {
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder, { recursive: true }).filter((name) => statSync(join(folder, name)).isFile());
  return names.map((name) => ({ name, bytes: readFileSync(join(folder, name)) }));
}

/** The files that a project's `.signalbox/` should have, by name. */
function wantedFiles(project) {
  const wanted = new Map();
  for (const name of ["index.js", "index_bg.wasm"]) wanted.set(join("worker", name), readFileSync(inRoot("worker/build", name)));
  for (const { name, bytes } of filesIn(inRoot("public"))) wanted.set(join("public", name), bytes);
  for (const { name, bytes } of filesIn(join(project, "public"))) {
    const path = join("public", name);
    wanted.set(path, Object.hasOwn(rules, name) ? Buffer.from(rules[name](bytes, wanted.get(path))) : bytes);
  }
  return wanted;
}

/**
 * Makes `.signalbox/` of a project. Returns whether a running server has to restart: it reads a file of the page at each
 * request, but the list of files, the rules and the Worker only at its start.
 */
export function buildSite(project) {
  const site = join(project, ".signalbox");
  const wanted = wantedFiles(project);
  const present = new Map();
  for (const part of ["worker", "public"]) {
    for (const { name, bytes } of filesIn(join(site, part))) present.set(join(part, name), bytes);
  }
  let isNew = false;
  for (const name of present.keys()) {
    if (wanted.has(name)) continue;
    rmSync(join(site, name));
    isNew = true;
  }
  for (const [name, bytes] of wanted) {
    if (present.get(name)?.equals(bytes)) continue;
    const path = join(site, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, bytes);
    const [part, file] = [dirname(name), name.slice("public".length + 1)];
    isNew ||= !present.has(name) || part === "worker" || Object.hasOwn(rules, file);
  }
  return isNew;
}
