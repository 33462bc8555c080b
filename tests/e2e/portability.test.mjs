// Checks that the scripts are portable to three systems. The tests run on one system, so they search the text of the scripts.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { inRoot } from "../../scripts/task.mjs";

/** Patterns of code that does not work on every system. Each must find its example `wrong`, and must not find `right`. */
const rules = [
  {
    why: "on Windows this is a script, or has another name: use npm(), wrangler(), pinnedNode or a package's own file",
    pattern: /\b(?:spawn|spawnSync|execFile|fork|run|mustRun|ask|works|command)\(\s*(?:\{[^}]*\},\s*)?"(?:npm|npx|node|wrangler|tsc|esbuild|python3?)"/,
    wrong: 'await mustRun("npm", ["ci"])',
    right: 'await npm(["ci"])',
    except: /isWindows \?.*: mustRun\("npm"/, // npm() itself
  },
  {
    why: "on Windows a URL's path is not a file's path: use fileURLToPath",
    pattern: /new URL\([^)]*\)\.pathname|import\.meta\.url\.(?:slice|replace)/,
    wrong: 'readFileSync(new URL("a.txt", import.meta.url).pathname)',
    right: 'readFileSync(fileURLToPath(new URL("a.txt", import.meta.url)))',
  },
  {
    why: "on Windows a semicolon divides PATH: use delimiter",
    pattern: /PATH[^\n]*(?:\}:\$|join\(":"\)|split\(":"\))/,
    wrong: "const env = { PATH: `${folder}:${process.env.PATH}` }",
    right: "const env = { PATH: [folder, process.env.PATH].join(delimiter) }",
  },
  {
    why: "on Windows a program ends with .exe: use executable()",
    pattern: /(?:"|`|\/)bin\/(?:python|node|wasm-bindgen)\b(?!-)|"(?:debug|release)", (?:name|"[\w-]+")\)(?!\))/,
    wrong: 'inRoot("target", "debug", "signalbox-bindgen")',
    right: 'executable(inRoot("target", "debug", "signalbox-bindgen"))',
  },
  {
    why: "on Windows a path has backslashes: use sep, join or relative",
    pattern: /\$\{root\}\/|root \+ "\/"/,
    wrong: "path.replace(`${root}/`, '')",
    right: "path.replace(root + sep, '')",
  },
  {
    why: "each shell has its own syntax",
    pattern: /shell: true|\bexec(?:Sync)?\(["'`]/,
    wrong: 'exec("rm -rf x")',
    right: 'rmSync("x", { recursive: true })',
    except: /isWindows \? mustRun\(\["npm"/,
  },
  {
    why: "on Windows a signal ends a child before it has tidied up: close its channel",
    pattern: /\.kill\(/,
    wrong: 'server.kill("SIGTERM")',
    right: "server.disconnect()",
    except: /process\.kill\(process\.pid/,
  },
];

/** The lines of a text that break a rule. */
const offences = (text, { pattern, except }) => text.split("\n").filter((line) => pattern.test(line) && !except?.test(line));

for (const rule of rules) {
  test(`no script has a portability error: ${rule.wrong}`, () => {
    assert.deepEqual(offences(rule.wrong, rule), [rule.wrong]);
    assert.deepEqual(offences(rule.right, rule), []);
    for (const folder of ["scripts", "npm"]) {
      for (const file of readdirSync(inRoot(folder)).filter((name) => name.endsWith(".mjs"))) {
        const found = offences(readFileSync(inRoot(folder, file), "utf8"), rule);
        assert.deepEqual(found, [], `${folder}/${file}: ${rule.why}`);
      }
    }
  });
}

const scripts = (path) => Object.entries(JSON.parse(readFileSync(inRoot(path), "utf8")).scripts);
const words = String.raw`(?: -{0,2}[\w.=:-]+)*`; // no quotes, variables or operators: each shell has its own

test("each npm script is one program that exists on every system, with plain arguments", () => {
  const here = new RegExp(String.raw`^node scripts/[\w-]+\.mjs${words}$`);
  for (const bad of ["exec node scripts/start.mjs", "PORT=1 node scripts/start.mjs", "node scripts/a.mjs && node scripts/b.mjs", "node scripts/a.mjs '*'"]) {
    assert.doesNotMatch(bad, here);
  }
  for (const [name, script] of scripts("package.json")) assert.match(script, here, name);
  for (const [name, script] of scripts("template/package.json")) assert.match(script, new RegExp(`^signalbox${words}$`), name);
});
