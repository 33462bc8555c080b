// `npm run dialect`: the checker's output and exit code.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

const script = fileURLToPath(new URL("../../scripts/dialect.mjs", import.meta.url));
let folder;
before(() => {
  folder = mkdtempSync(join(tmpdir(), "dialect-"));
});
after(() => rmSync(folder, { recursive: true }));

/** Runs the command in the folder, as npm does. */
function dialect(...words) {
  const child = spawn(process.execPath, [script, ...words], { env: { ...process.env, INIT_CWD: folder } });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text) => (output += text));
  return new Promise((resolve, reject) => child.on("error", reject).on("close", (code) => resolve({ code, output })));
}

const write = (name, value) => writeFileSync(join(folder, name), JSON.stringify(value));

test("a valid table is accepted, and its transcript passes", async () => {
  write("good.json", { on: { hello: [{ emit: "hello", args: ["$id"] }] } });
  write("transcript.json", [{ connect: "ann" }, { by: "ann", emit: ["hello"], gets: { ann: [["hello", "$ann"]] } }]);
  const { code, output } = await dialect("check", "good.json");
  assert.equal(code, 0, output);
  assert.match(output, /good\.json is a dialect\nIn DIALECTS it takes \d+ bytes/);
  const played = await dialect("check", "good.json", "--transcript", "transcript.json");
  assert.equal(played.code, 0, played.output);
  assert.match(played.output, /went as written: 2 steps/);
});

test("each error of an invalid table is printed with its place", async () => {
  write("bad.json", { on: { call: [{ emit: "call", to: "$target" }, { jion: "$0" }] } });
  const { code, output } = await dialect("check", "bad.json");
  assert.equal(code, 1, output);
  assert.match(output, /bad\.json: on\.call\[0\]\.to: there is no \$target; did you mean \$0\.target\?/);
  assert.match(output, /bad\.json: on\.call\[1\]\.jion: an action has no "jion"; did you mean "join"\?/);
});

test("the step at which a transcript fails is printed", async () => {
  write("good.json", { on: { hello: [{ emit: "hello" }] } });
  write("wrong.json", [{ connect: "ann" }, { by: "ann", emit: ["hello"], gets: { ann: [["bye"]] } }]);
  const { code, output } = await dialect("check", "good.json", "--transcript", "wrong.json");
  assert.equal(code, 1, output);
  assert.match(output, /wrong\.json: step 2: ann got \[\["hello"\]\], expected \[\["bye"\]\]/);
});

test("a table that is too large for a variable is valid, and the output says that it is too large", async () => {
  write("large.json", { about: "x".repeat(6000), on: {} });
  const { code, output } = await dialect("check", "large.json");
  assert.equal(code, 0, output);
  assert.match(output, /larger than the 5000 bytes/);
});

test("tables in the form of DIALECTS are checked, in files of any name and in wrangler.toml", async () => {
  write("tables", { mine: { on: { hello: [{ emit: "hello" }] } }, yours: { on: {} } });
  const good = await dialect("check", "tables");
  assert.equal(good.code, 0, good.output);
  assert.match(good.output, /tables has 2 dialects/);
  write("tables", { mine: { on: { hello: [{ jion: "$0" }] } } });
  const bad = await dialect("check", "tables");
  assert.equal(bad.code, 1, bad.output);
  assert.match(bad.output, /tables: mine: on\.hello\[0\]\.jion: an action has no "jion"/);
  const config = (vars) => writeFileSync(join(folder, "wrangler.toml"), `name = "x"\n[vars]\n${vars}\n`);
  config(`DIALECTS = '{"mine": {"on": {"x": [{"join": "$oops"}]}}}'`);
  const variable = await dialect("check", "wrangler.toml");
  assert.equal(variable.code, 1, variable.output);
  assert.match(variable.output, /mine: on\.x\[0\]\.join: there is no \$oops/);
  write("transcript.json", []);
  write("tables", { mine: { on: {} } });
  for (const file of ["tables", "wrangler.toml"]) {
    const played = await dialect("check", file, "--transcript", "transcript.json");
    assert.equal(played.code, 1, played.output);
    assert.match(played.output, /gives each table a name: a transcript is for a file with one table/);
  }
  config("");
  assert.match((await dialect("check", "wrangler.toml")).output, /has no DIALECTS in \[vars\]/);
});

test("list prints the dialects, show prints one of them, and an unknown command is an error", async () => {
  const { output } = await dialect("list");
  assert.match(output, /^codelab +Google's codelab/m);
  const { code, output: shown } = await dialect("show", "codelab");
  assert.equal(code, 0);
  const { $schema, on } = JSON.parse(shown);
  assert.ok(on["create or join"]);
  assert.ok(JSON.parse(readFileSync(new URL($schema), "utf8")).definitions, "editors find the schema from anywhere");
  assert.equal((await dialect("show", "nothing")).code, 1);
  const unknown = await dialect("chekc");
  assert.equal(unknown.code, 1);
  assert.match(unknown.output, /usage: npm run dialect/);
});
