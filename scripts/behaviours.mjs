// Compares docs/protocol.md and docs/bounds.md with the tests: each numbered row of the documents has a test, and each id
// of a test is in the documents. Also checks that each module that docs/protocol.md names exists.
//
// A test begins with the ids that it verifies: `/// P-7, E-8: why` directly above the attributes of a Rust test,
// "P-7, E-8: what" as the title of a Node test. An id in another place is a reference and does not count.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { inRoot } from "./task.mjs";

const documents = ["docs/protocol.md", "docs/bounds.md"];
const ids = String.raw`(?:[A-Z]-\d+(?:, )?)+`;
const row = /^\| ([A-Z]-\d+) \| (Not offered: )?(.*?) \|/gm;
const rustTest = /((?:^[ \t]*\/\/\/.*\n)+)((?:^[ \t]*#\[.*\n)+)^[ \t]*(?:async )?fn (\w+)/gm;
const rustHead = new RegExp(String.raw`^\s*/// (${ids})(?::|\n)`);
const nodeTest = new RegExp(String.raw`^[ \t]*test\(\s*(["'\`])(${ids}):(.*?)\1`, "gm");

const read = (file) => readFileSync(inRoot(file), "utf8");

function filesIn(folder, ending) {
  const names = readdirSync(inRoot(folder), { recursive: true }).sort();
  return names.filter((name) => name.endsWith(ending)).map((name) => `${folder}/${name}`);
}

/** The files whose tests run. A file with native tests runs only if main.rs names it. */
function testFiles() {
  const modules = [...read("tests/native/main.rs").matchAll(/^mod (\w+);/gm)].map(([, name]) => name);
  const native = filesIn("tests/native", ".rs").filter((file) => modules.includes(basename(file, ".rs")));
  return [...filesIn("src", ".rs"), ...native, ...filesIn("tests", ".test.mjs")];
}

/** The tests of a file that have ids: `{name, ids}` each. */
function testsOf(file) {
  const text = read(file);
  const found = file.endsWith(".rs")
    ? [...text.matchAll(rustTest)]
        .filter(([, , attributes]) => /#\[test\]/.test(attributes) && !/#\[ignore/.test(attributes))
        .map(([, comment, , name]) => ({ name, head: rustHead.exec(comment)?.[1] }))
    : [...text.matchAll(nodeTest)].map(([, , head, title]) => ({ name: title.trim(), head }));
  const headed = found.filter(({ head }) => head);
  return headed.map(({ name, head }) => ({ name: `${file}: ${name}`, ids: head.split(", ") }));
}

/** The paths in the column "module" of docs/protocol.md. Each is relative to src/ or to the repository. */
function modules() {
  const cells = [...read("docs/protocol.md").matchAll(/^\| [A-Z]-\d+ \|.*\| ([^|]*) \|$/gm)].map(([, cell]) => cell);
  return cells.flatMap((cell) => cell.match(/[\w./]*\{[^}]*\}\.rs|[\w./-]+\.rs/g) ?? []).flatMap((path) => {
    const [, before, names, after] = /^(.*)\{(.*)\}(.*)$/.exec(path) ?? [path, path];
    return names ? names.split(",").map((name) => before + name + after) : [path];
  });
}

/** Prints the problems; returns `{passed, failed}` as every check does. */
export function behaviours() {
  const text = documents.map(read).join("\n");
  const rows = [...text.matchAll(row)].map(([, id, mark, what]) => ({ id, text: what, offered: !mark }));
  const tests = testFiles().flatMap(testsOf);
  const tested = new Set(tests.flatMap(({ ids }) => ids));
  const known = new Map(rows.map((behaviour) => [behaviour.id, behaviour]));

  const failed = [];
  for (const behaviour of rows) {
    const { id, text, offered } = behaviour;
    if (known.get(id) !== behaviour) failed.push(`${id} occurs twice in the documents`);
    if (offered && !tested.has(id)) failed.push(`${id} has no test: ${text}`);
    if (!offered && text.length < 20) failed.push(`${id} is not offered, without a reason`);
  }
  for (const { name, ids } of tests) {
    for (const id of ids) {
      if (!known.has(id)) failed.push(`${id} is in no document, but ${name} names it`);
      else if (!known.get(id).offered) failed.push(`${id} is not offered, but ${name} names it`);
    }
  }

  for (const path of new Set(modules())) {
    if (!existsSync(inRoot("src", path)) && !existsSync(inRoot(path))) failed.push(`docs/protocol.md names ${path}, which does not exist`);
  }

  for (const { id, text } of rows.filter(({ offered }) => !offered)) console.log(`not offered: ${id}, ${text}`);
  for (const problem of failed) console.error(`error: ${problem}`);
  console.log(`${known.size} behaviours, ${tested.size} of them in ${tests.length} tests`);
  return { passed: failed.length === 0 ? 1 : 0, failed };
}
