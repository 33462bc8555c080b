// The documents: each block of code is run by a test or checked here, each link has a target, and each command and setting
// that a document names exists.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, normalize } from "node:path";
import { test } from "node:test";
import { inRoot } from "../../scripts/task.mjs";
import { blocksOf, documents, example, textOf, translations } from "./documents.mjs";

const read = (path) => readFileSync(inRoot(path), "utf8");

/** The texts of all tests. */
const tests = readdirSync(inRoot("tests"), { recursive: true })
  .filter((name) => /\.(mjs|rs)$/.test(name) && !/node_modules|(^|\/)target\//.test(name))
  .map((name) => read(join("tests", name)));

/** The languages of blocks that are not programs. */
const notPrograms = ["text"];

/** The checks of blocks without a name, by language. Each returns the faults of a block. */
const checks = { sh: commands, sql: columns, toml: configuration };

test("each block of code of the documents is run by a test, or checked here", () => {
  const faults = [];
  const names = new Set();
  const originals = documents.filter((document) => !translations.some(([translation]) => translation === document));
  for (const { document, line, name, language, code } of originals.flatMap(blocksOf)) {
    const fault = (what) => faults.push(`${document}:${line}: ${what}`);
    if (name) {
      if (names.has(name)) fault(`another block has the name ${name}`);
      names.add(name);
      if (!tests.some((text) => text.includes(`example("${name}")`))) fault(`no test runs the example ${name}`);
    } else if (checks[language]) {
      for (const what of checks[language](code, document)) fault(what);
    } else if (!notPrograms.includes(language)) {
      fault(`no test runs this block, as it has no name: ${code.split("\n")[0]}`);
    }
  }
  assert.deepEqual(faults, []);
  assert.ok(names.size > 10, `${names.size} examples`);
});

test("a translation has the headings, the blocks of code and the links of its original", () => {
  const links = (document) => [...textOf(document).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target);
  const levels = (document) => [...withoutBlocks(textOf(document)).matchAll(/^(#+) /gm)].map(([, level]) => level);
  for (const [translation, original] of translations) {
    assert.deepEqual(levels(translation), levels(original), translation);
    assert.deepEqual(blocksOf(translation).map(({ code }) => code), blocksOf(original).map(({ code }) => code), translation);
    assert.deepEqual(links(translation), links(original), translation);
  }
  assert.ok(translations.length > 0);
});

test("the page of the tutorial is that of the template", () => {
  assert.equal(example("first-call-page"), read("template/public/first-call.html"));
  const steps = ["camera", "connect", "connection", "offer", "chat"].map((step) => example(`first-call-${step}`));
  assert.equal(steps.join("\n"), read("template/public/first-call.js"));
});

test("with the line that docs/module.md shows for tsconfig.json, an import of the module from its URL has the module's types", (t) => {
  const project = mkdtempSync(join(tmpdir(), "signalbox-types-"));
  t.after(() => rmSync(project, { recursive: true }));
  mkdirSync(join(project, "node_modules"));
  symlinkSync(inRoot("."), join(project, "node_modules", "signalbox"));
  const { compilerOptions } = JSON.parse(example("types-of-a-url").replace("<your deployment>", "rooms.example.com"));
  const compile = (options) => {
    const config = { extends: inRoot("tests/types/tsconfig.json"), compilerOptions: options, files: [inRoot("tests/types/url.ts")], include: [] };
    writeFileSync(join(project, "tsconfig.json"), JSON.stringify(config));
    return spawnSync(process.execPath, [inRoot("node_modules/typescript/bin/tsc"), "--project", project], { encoding: "utf8" }).stdout;
  };
  assert.equal(compile(compilerOptions), "");
  assert.match(compile({ paths: {} }), /TS2307/);
});

test("the manifest in the library's document has the release profile of this repository", () => {
  const lines = (text) => text.split("[profile.release]")[1].split("\n\n")[0].split("\n").map((line) => line.split(" #")[0].trim()).filter(Boolean);
  assert.deepEqual(lines(example("manifest")).filter((line) => !line.startsWith("#")), lines(read("Cargo.toml")));
});

test("the build command in docs/library.md names a script and an option of this repository", () => {
  const [, script, option] = /^command = "node \.\.\/signalbox\/(\S+) --(\w+) \."$/m.exec(example("build-of-a-crate"));
  assert.match(read(script), new RegExp(`\\b${option}: \\{`));
});

test("the commands that the documents name exist", () => {
  const faults = [];
  for (const document of documents) {
    for (const [, command] of textOf(document).matchAll(/`((?:npm|npx) [^`|]+)`/g)) {
      faults.push(...commands(command, document).map((what) => `${document}: ${what}`));
    }
  }
  assert.deepEqual(faults, []);
});

test("the settings that the documents name exist", () => {
  const known = settings();
  const faults = [];
  for (const document of documents) {
    for (const [, name] of textOf(document).matchAll(/`([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)(?: = [^`]*|="[^`]*)?`/g)) {
      if (!known.has(name)) faults.push(`${document}: there is no setting ${name}`);
    }
  }
  assert.deepEqual(faults, []);
});

test("each link of the documents has a target", () => {
  const faults = [];
  for (const document of [...documents, "CONTRIBUTING.md", "CHANGELOG.md", "BENCHMARKS.md"]) {
    const prose = withoutBlocks(textOf(document));
    for (const [, target] of prose.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target)) continue;
      const [path, anchor] = target.split("#");
      const file = path ? normalize(join(dirname(document), path)) : document;
      if (!existsSync(inRoot(file))) faults.push(`${document}: there is no ${file}`);
      else if (anchor && !anchors(file).has(anchor)) faults.push(`${document}: ${file} has no heading for #${anchor}`);
    }
  }
  assert.deepEqual(faults, []);
});

const withoutBlocks = (text) => text.replaceAll(/^( *)```.*?^\1```$/gms, "");

/** The anchors that a Markdown file has for its headings, as GitHub makes them. */
function anchors(file) {
  if (statSync(inRoot(file)).isDirectory()) return new Set();
  const headings = withoutBlocks(read(file)).matchAll(/^#+ (.+)$/gm);
  const slug = (heading) => heading.toLowerCase().replaceAll(/[^\p{L}\p{N}\s_-]/gu, "").replaceAll(" ", "-");
  return new Set([...headings].map(([, heading]) => slug(heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1"))));
}

/** The variables of wrangler.toml and of the environment, and the secrets. */
function settings() {
  const variables = [...read("wrangler.toml").matchAll(/^([A-Z][A-Z0-9_]*) = /gm)].map(([, name]) => name);
  const secrets = [...read("src/settings/variables.rs").matchAll(/"([A-Z][A-Z0-9_]*)"/g)].map(([, name]) => name);
  const environment = readdirSync(inRoot("scripts")).flatMap((name) => [...read(`scripts/${name}`).matchAll(/process\.env\.([A-Z_0-9]+)|variable: "([A-Z_]+)"|"([A-Z_]+)"/g)].map((found) => found.slice(1).find(Boolean)));
  return new Set([...variables, ...secrets, ...environment]);
}

/** The faults of commands: scripts, options and files that they name have to exist. */
function commands(code, document) {
  const isProject = document.startsWith("template/") || document.startsWith("npm/");
  const { scripts } = JSON.parse(read(isProject ? "template/package.json" : "package.json"));
  const faults = [];
  for (const line of code.replaceAll("\\\n", " ").split("\n")) {
    for (const command of line.split(/ #|^#/)[0].split(/\||&&/)) {
      const [program, ...words] = command.trim().split(/\s+/);
      if (program === "npm") faults.push(...npm(words, scripts));
      else if (program === "npx") faults.push(...npx(words));
      else if (program && !programs.includes(program)) faults.push(`${program} is not in the list of programs that users have`);
    }
  }
  return faults;
}

const programs = ["cargo", "cd", "cp", "curl", "git", "openssl"];

/** The commands of npm itself that the documents use. */
const npmCommands = ["install"];

function npm([verb, ...words], scripts) {
  const name = verb === "run" ? words.shift() : verb;
  if (verb !== "run" && npmCommands.includes(name)) return [];
  if (!Object.hasOwn(scripts, name)) return [`there is no npm script ${name}`];
  if (verb !== "run" && !["start", "test"].includes(name)) return [`npm ${name} has to be npm run ${name}`];
  const [, script] = /^node (\S+)/.exec(scripts[name]) ?? [];
  const source = script ? [script, "scripts/starting.mjs", "examples/dialect.rs"].map(read).join("\n") : read("npm/signalbox.mjs");
  const options = words.flatMap((word) => /^--([a-z-]+)/.exec(word)?.[1] ?? []);
  return options.filter((option) => !new RegExp(`\\b${option}\\b`).test(source) && option !== "help").map((option) => `npm run ${name} has no option --${option}`);
}

/** The subcommands of wrangler that the documents use. */
const wranglerCommands = [/^deploy\b/, /^dev\b/, /^secret (put|delete) /, /^tail\b/];

function npx([tool, ...words]) {
  if (tool === "wrangler") return wranglerCommands.some((form) => form.test(`${words.join(" ")} `)) ? [] : [`wrangler has no ${words.join(" ")}`];
  if (tool !== "signalbox" && !/^\.\/signalbox-.*\.tgz$/.test(tool)) return [`${tool} is neither wrangler nor the package of signalbox`];
  if (tool !== "signalbox" && tool !== `./signalbox-${JSON.parse(read("package.json")).version}.tgz`) return [`${tool} is of another version`];
  const [command] = words;
  return !command || new RegExp(`^(const usage = \`)?signalbox ${command}\\b`, "m").test(read("npm/signalbox.mjs")) ? [] : [`signalbox has no command ${command}`];
}

/** The faults of queries: the columns are those that docs/metrics.md has in its table. */
function columns(code, document) {
  const known = new Set([...textOf(document).matchAll(/^\| (`.*?`) \|/gm)].flatMap(([, cell]) => [...cell.matchAll(/`(\w+)`/g)].map(([, name]) => name)));
  const used = code.match(/\b(?:index|blob|double)\d+\b/g) ?? [];
  return used.filter((name) => !known.has(name)).map((name) => `there is no column ${name}`);
}

/** The faults of settings: each line has to be a variable, or a line of wrangler.toml, which may be commented out there. */
function configuration(code) {
  const lines = read("wrangler.toml").split("\n").map((line) => line.replace(/^# /, "").split(" #")[0].trim());
  const known = settings();
  return code.split("\n").map((line) => line.split(" #")[0].trim()).filter(Boolean).filter((line) => !lines.includes(line) && !known.has(/^(\w+) = /.exec(line)?.[1])).map((line) => `wrangler.toml has nothing like ${line}`);
}
