// Tests the npm package for a user who has Node.js and not Rust. The package is unpacked from its tarball into a new folder.
// Prints how long each part took.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, delimiter, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { digest } from "../../npm/project.mjs";
import { madeFiles, pack, tarball } from "../../scripts/package.mjs";
import { inRoot, root } from "../../scripts/task.mjs";
import { example } from "./documents.mjs";
import { connect, freePort, http, once, payload } from "./support.mjs";

const { version } = JSON.parse(readFileSync(inRoot("package.json"), "utf8"));

/** The environment of a user who has Node.js and not Rust. It also lacks the repository's tools. */
const environment = (() => {
  const ours = (name, value) => /^(npm_|INIT_CWD|CARGO|RUST|NODE_)/.test(name) || value === undefined;
  const rest = Object.entries(process.env).filter(([name, value]) => !ours(name, value));
  const hasRust = (folder) => ["cargo", "rustc", "rustup"].some((name) => existsSync(join(folder, name)));
  const path = process.env.PATH.split(delimiter).filter((folder) => !hasRust(folder) && !folder.startsWith(root));
  return { ...Object.fromEntries(rest), PATH: path.join(delimiter) };
})();

/** A running program: `printed(pattern)` waits for its output, `end` resolves to `{code, output}`. */
function start(folder, env, command, ...args) {
  const child = spawn(command, args, { cwd: folder, env: { ...environment, ...env }, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text) => {
      output += text;
      child.emit("printed");
    });
  }
  const end = new Promise((resolve, reject) => child.on("error", reject).on("close", (code) => resolve({ code, output })));
  const printed = (pattern) =>
    new Promise((resolve, reject) => {
      const look = () => pattern.test(output) && resolve(output);
      child.on("printed", look);
      end.then(() => reject(new Error(`it ended without ${pattern}: ${output}`)), reject);
      look();
    });
  return { child, end, printed };
}

const run = (folder, ...words) => start(folder, {}, ...words).end;

/** Runs a program that must succeed; returns its output. */
async function succeed(folder, ...words) {
  const { code, output } = await run(folder, ...words);
  assert.equal(code, 0, `${words.join(" ")}: ${output}`);
  return output;
}

async function timed(what, work) {
  const begin = performance.now();
  const result = await work();
  console.log(`${what}: ${((performance.now() - begin) / 1000).toFixed(1)} s`);
  return result;
}

const place = realpathSync(mkdtempSync(join(tmpdir(), "signalbox-package-")));
const project = join(place, "My Room");
const command = join(place, "tool/node_modules/signalbox/npm/signalbox.mjs");
const signalbox = (folder, ...args) => run(folder, "node", command, ...args);
after(() => rmSync(place, { recursive: true, force: true }));

before(async () => {
  await timed("npm pack", pack);
  // As with npx: the package below node_modules, and a package.json that says where it comes from.
  const unpacked = join(place, "tool/node_modules/signalbox");
  mkdirSync(unpacked, { recursive: true });
  copyFileSync(tarball, join(place, basename(tarball)));
  await succeed(unpacked, "tar", "-xzf", join(place, basename(tarball)), "--strip-components=1");
  writeFileSync(join(place, "tool/package.json"), JSON.stringify({ dependencies: { signalbox: `file:../${basename(tarball)}` } }));
});

test("these tests cannot find cargo or rustc", async () => {
  for (const name of ["cargo", "rustc"]) await assert.rejects(run(place, name, "--version"), { code: "ENOENT" });
});

test("the generated files of the template are up to date with npm run package", () => {
  for (const [path, text] of madeFiles()) {
    assert.equal(readFileSync(inRoot(path), "utf8"), text, `${path} differs from what npm run package generates: run npm run package`);
  }
});

test("an error is one line that says what to do", async () => {
  mkdirSync(join(place, "full/inner"), { recursive: true });
  for (const [args, message] of [
    [["start"], /^error: there is no wrangler\.toml in .*: run this in a folder that signalbox init made$/m],
    [["deploy"], /^error: there is no wrangler\.toml in /m],
    [["upgrade"], /^error: there is no wrangler\.toml in /m],
    [["init"], /^error: signalbox init takes the name of a folder: signalbox init my-room$/m],
    [["init", "full"], /^error: .*full is not empty: name a folder that does not exist yet$/m],
    [["init", "a", "b"], /^error: signalbox init: it takes one folder, not 2\. See signalbox --help$/m],
    [["upgrade", "--all"], /^error: signalbox upgrade: Unknown option '--all'\. See signalbox --help$/m],
    [["strat"], /^error: there is no command strat\. The commands are:$/m],
  ]) {
    const { code, output } = await signalbox(place, ...args);
    assert.match(output, message);
    assert.equal(code, 1, args.join(" "));
  }
});

test("help needs no project", async () => {
  for (const args of [[], ["help"], ["--help"], ["init", "--help"], ["start", "--help"], ["upgrade", "--help"], ["build", "--help"]]) {
    const { code, output } = await signalbox(place, ...args);
    assert.equal(code, 0, output);
    for (const name of ["init DIR", "start", "deploy", "upgrade", "token"]) assert.ok(output.includes(`signalbox ${name}`), output);
  }
  for (const args of [["token"], ["token", "--help"], ["token", "make", "--help"]]) {
    const { code, output } = await signalbox(place, ...args);
    assert.equal(code, 0, output);
    assert.match(output, /^signalbox token make ROOM \[options\] .*\n(.*\n)+ {2}--for TIME /);
  }
  const { output } = await signalbox(place, "deploy", "--help"); // there is no wrangler yet
  assert.match(output, /^error: wrangler is not installed: run npm install in the project's folder$/m);
});

test("a token is made in any folder, if the environment has the secret", async () => {
  const { code, output } = await start(place, { TOKEN_SECRET: "s".repeat(32) }, "node", command, "token", "make", "standup").end;
  assert.equal(code, 0, output);
  assert.match(output, /^[\w-]+\.[\w-]+\.[\w-]+\n$/);
  const without = await signalbox(place, "token", "make", "standup");
  assert.equal(without.output, `error: there is no TOKEN_SECRET: put it into the environment or ${join(place, ".dev.vars")}\n`);
});

describe("a project", () => {
  let server; // `npm start`
  let port;
  before(async () => {
    await timed("signalbox init", async () => {
      const { code, output } = await signalbox(place, "init", "My Room");
      assert.equal(code, 0, output);
    });
    const early = await signalbox(project, "start", "--port", String(await freePort()));
    assert.match(early.output, /^error: wrangler is not installed: run npm install in the project's folder$/m);
    await timed("npm install", () => succeed(project, "npm", "install", "--no-audit", "--no-fund"));
    port = await freePort();
    server = start(project, { PORT: String(port) }, "npm", "start");
    await timed("npm start", () => server.printed(/Signalbox is ready on/));
    Object.assign(server, { url: `http://127.0.0.1:${port}`, closers: new Set() });
  });
  after(async () => {
    for (const close of server?.closers ?? []) close();
    try {
      process.kill(-server.child.pid, "SIGKILL"); // if the last test did not stop it
    } catch (error) {
      if (error.code !== "ESRCH") throw error;
    }
  });

  test("has the name of its folder and the package that made it", () => {
    const { name, dependencies } = JSON.parse(readFileSync(join(project, "package.json"), "utf8"));
    assert.equal(name, "my-room");
    const { node, wrangler } = JSON.parse(readFileSync(inRoot("package.json"), "utf8")).devDependencies;
    assert.deepEqual(dependencies, { node, signalbox: `file:${join(place, basename(tarball))}`, wrangler });
    assert.match(readFileSync(join(project, "wrangler.toml"), "utf8"), /^name = "my-room"$/m);
    for (const file of [".gitignore", ".dev.vars.example", "README.md"]) assert.ok(existsSync(join(project, file)), file);
  });

  test("relays a call between two stock clients", async () => {
    await timed("the first call", async () => {
      const [ada, bob] = [await connect(server, { room: "call" }), await connect(server, { room: "call" })];
      for (const [from, to, event, value] of [
        [ada, bob, "offer", { type: "offer", sdp: "o" }],
        [bob, ada, "answer", { type: "answer", sdp: "a" }],
        [ada, bob, "candidate", { candidate: "c", sdpMid: "0", sdpMLineIndex: 0 }],
      ]) {
        const heard = once(to, event);
        from.emit(event, value);
        assert.deepEqual(payload(await heard)[0], value);
      }
    });
  });

  test("serves the package's page and module, and its own page", async () => {
    const page = readFileSync(inRoot("public/index.html"), "utf8");
    for (const path of ["/", "/r/standup"]) assert.equal((await http(server, path)).body, page, path);
    const module = await http(server, "/signalbox.js");
    assert.equal(module.headers["access-control-allow-origin"], "*");
    assert.equal((await http(server, "/call")).body, readFileSync(join(project, "public/call.html"), "utf8"));
    assert.match((await http(server, "/call.js")).body, /^\/\/ A call/);
  });

  test("notices new, changed and deleted files and rules of its own while it runs", async () => {
    const becomes = async (path, isRight) => {
      for (;;) {
        const taken = new Promise((resolve) => server.child.once("printed", resolve)); // the server prints a line after each change
        const answer = await http(server, path).catch((error) => ({ error, headers: {} })); // it may be restarting
        if (isRight(answer)) return;
        await taken;
      }
    };
    const file = join(project, "public/mine.txt");
    writeFileSync(file, "first");
    await becomes("/mine.txt", ({ body }) => body === "first");
    writeFileSync(file, "second");
    await becomes("/mine.txt", ({ body }) => body === "second");
    writeFileSync(join(project, "public/_headers"), `/mine.txt\n  X-Mine: yes\n\n${example("frames")}`);
    await becomes("/mine.txt", ({ headers }) => headers["x-mine"] === "yes");
    const { headers } = await http(server, "/mine.txt");
    assert.equal(headers["content-security-policy"], "frame-ancestors https://www.example.com");
    assert.equal(headers["x-content-type-options"], "nosniff", "the package's rules hold, too");
    writeFileSync(join(project, "public/index.html"), "<!doctype html>my own");
    await becomes("/", ({ body }) => body === "<!doctype html>my own");
    for (const name of ["index.html", "mine.txt", "_headers"]) rmSync(join(project, "public", name));
    await becomes("/mine.txt", ({ status }) => status === 404);
    await becomes("/", ({ body }) => body?.includes("<title>Signalbox"));
  });

  test("a restart with an invalid setting prints one line, and the next change starts the server again", async () => {
    const [settings, rules] = [".dev.vars", "public/_headers"].map((name) => join(project, name));
    writeFileSync(settings, "MAX_PEERS=many\n");
    writeFileSync(rules, "/mine.txt\n  X-Mine: yes\n"); // rules take effect with a restart
    await server.printed(/^error: .*MAX_PEERS.*$/m);
    rmSync(settings);
    rmSync(rules);
    await server.printed(/^error: .*MAX_PEERS[^]*changes in public\/ are served/m);
    assert.equal((await http(server, "/healthz")).status, 200);
  });

  test("makes and checks tokens with the secret of its .dev.vars", async () => {
    writeFileSync(join(project, ".dev.vars"), `TOKEN_SECRET="${"s".repeat(32)}"\n`);
    const made = (await succeed(project, "npx", "signalbox", "token", "make", "standup", "--name", "Ada")).trim();
    assert.match(await succeed(project, "npx", "signalbox", "token", "check", made), /^valid: for the room standup, name "Ada"/);
    const { code, output } = await run(project, "npx", "signalbox", "token", "check", made, "--room", "other");
    rmSync(join(project, ".dev.vars"));
    assert.equal(code, 1);
    assert.match(output, /^refused: it is for another room$/m);
  });

  test("ends with npm, and frees its port", async () => {
    server.child.kill("SIGTERM");
    await server.end;
    const { printed, end, child } = start(project, {}, "npm", "start", "--", "--port", String(port));
    await printed(/Signalbox is ready on/);
    const taken = await run(project, "npm", "start", "--", "--port", String(port));
    assert.match(taken.output, new RegExp(`error: port ${port} is in use: stop what uses it, or choose another`));
    child.kill("SIGTERM");
    await end;
  });

  test("is ready for a deploy", async () => {
    rmSync(join(project, ".signalbox"), { recursive: true });
    const output = await timed("npm run deploy -- --dry-run", () => succeed(project, "npm", "run", "deploy", "--", "--dry-run"));
    assert.match(output, /Total Upload: /);
    assert.match(output, /env\.ROOM \(Room\)/);
    assert.match(output, /--dry-run: exiting now/);
  });

  test("shows the options of a deploy in any of its folders", async () => {
    const output = await succeed(join(project, "public"), "npx", "signalbox", "deploy", "--help");
    assert.match(output, /^wrangler deploy /m);
    assert.match(output, /^ +--dry-run /m);
  });

  test("names an invalid setting before it serves anything", async () => {
    const config = join(project, "wrangler.toml");
    const text = readFileSync(config, "utf8");
    writeFileSync(config, text.replace('ALLOWED_ORIGINS = "same"', 'ALLOWED_ORIGINS = "example.com"'));
    const { code, output } = await run(project, "npm", "start", "--", "--port", String(await freePort()));
    writeFileSync(config, text);
    assert.match(output, /^error: .*ALLOWED_ORIGINS in wrangler\.toml has to be/m);
    assert.notEqual(code, 0);
  });

  test("is bundled with the client module by esbuild, and its types are found", async () => {
    const entry = join(project, "entry.ts");
    writeFileSync(entry, [
      'import { createKey, join, SignalboxError, type Room } from "signalbox";',
      'import type { ClientToServerEvents, ServerToClientEvents } from "signalbox/contract";',
      'const server = "https://calls.example";',
      "export const enter = (): Promise<Room> => join(\"standup\", { server, name: \"Ada\" });",
      'export const events: [keyof ClientToServerEvents, keyof ServerToClientEvents] = ["room:join", "peer:joined"];',
      "// @ts-expect-error: there is no such event",
      'export const none: keyof ClientToServerEvents = "room:jion";',
      "export { createKey, SignalboxError };",
    ].join("\n"));
    const page = join(project, "page.mjs");
    writeFileSync(page, example("bundled-module"));
    await build({ entryPoints: [page], bundle: true, format: "esm", write: false, logLevel: "silent" });
    writeFileSync(join(project, "types.ts"), `${example("contract-types")}export type All = [ClientToServerEvents, ServerToClientEvents];\n`);
    for (const format of ["esm", "iife"]) {
      const outfile = join(project, `bundle.${format}.mjs`);
      const { metafile } = await build({ entryPoints: [entry], bundle: true, format, globalName: "bundle", outfile, metafile: true, logLevel: "silent" });
      for (const { imports } of Object.values(metafile.outputs)) assert.deepEqual(imports, [], "all of the module is in the bundle");
      const bundle = format === "esm" ? await import(pathToFileURL(outfile)) : new Function(`${readFileSync(outfile, "utf8")}; return bundle`)();
      assert.match(bundle.createKey(), /^[\w-]{22}$/);
      await assert.rejects(bundle.enter(), { code: "unsupported-browser" }); // Node.js has no WebRTC
    }
    const tsc = inRoot("node_modules/typescript/bin/tsc");
    const flags = ["--noEmit", "--strict", "--target", "es2024", "--module", "esnext", "--moduleResolution", "bundler", "--lib", "es2024,dom"];
    await succeed(project, "node", tsc, ...flags, entry, join(project, "types.ts"));
  });

  test("is upgraded: unchanged files are replaced, and changed files are listed", async () => {
    const path = (...names) => join(project, ...names);
    const text = (...names) => readFileSync(path(...names), "utf8");
    const record = JSON.parse(text("signalbox.json"));
    const before = Object.fromEntries(Object.keys(record.files).map((file) => [file, text(file)]));
    const again = await succeed(project, "npx", "signalbox", "upgrade");
    assert.match(again, new RegExp(`This project is at the template of ${version}\\.`));
    for (const [file, was] of Object.entries(before)) assert.equal(text(file), was, file);

    // A project from the template of an earlier version, in which a page, the settings and a script differ. It has one
    // file that the template no longer has, and lacks a file that is new.
    const old = { ...record, template: "0.0.9" };
    const earlier = (file, content) => {
      writeFileSync(path(file), content);
      old.files[file] = digest(file, content);
    };
    earlier("public/call.js", "// earlier\n");
    earlier("public/call.css", "/* earlier */\n");
    writeFileSync(path("public/call.css"), "/* mine */\n");
    earlier("wrangler.toml", 'name = "my-room"\r\nmain = "earlier.js"\r\n'); // as git may write it on Windows
    earlier("gone.txt", "earlier\n");
    const manifest = { ...JSON.parse(before["package.json"]), scripts: { start: "earlier" } };
    const pinned = manifest.dependencies;
    earlier("package.json", JSON.stringify({ ...manifest, dependencies: { ...pinned, wrangler: "4.0.0" } }));
    const mine = { devDependencies: { mine: "1.0.0" }, dependencies: { ...pinned, wrangler: "4.0.0", mine: "1.0.0" } };
    writeFileSync(path("package.json"), JSON.stringify({ ...manifest, ...mine }));
    rmSync(path("README.md"));
    delete old.files["README.md"];
    writeFileSync(path("signalbox.json"), JSON.stringify(old));

    const output = await succeed(project, "npx", "signalbox", "upgrade");
    assert.match(output, /^The template has changed since 0\.0\.9:$/m);
    for (const file of ["public/call.js", "wrangler.toml"]) {
      assert.match(output, new RegExp(`^${file}: updated$`, "m"));
      assert.equal(text(file), before[file], file);
    }
    assert.match(output, /^package\.json: updated; run npm install$/m);
    const { scripts, dependencies, devDependencies } = JSON.parse(text("package.json"));
    assert.deepEqual(scripts, JSON.parse(before["package.json"]).scripts);
    assert.deepEqual(dependencies, { ...pinned, mine: "1.0.0" });
    assert.deepEqual(devDependencies, mine.devDependencies);
    assert.match(output, /^README\.md: new$/m);
    assert.equal(text("README.md"), before["README.md"]);
    assert.match(output, /^gone\.txt: no longer part of the template/m);
    assert.match(output, /^public\/call\.css: you changed it, so it is kept/m);
    assert.equal(text("public/call.css"), "/* mine */\n");
    assert.equal(text(".signalbox/template/public/call.css"), before["public/call.css"]);
    assert.match(output, /^## /m, "what CHANGELOG.md says");
    assert.equal(JSON.parse(text("signalbox.json")).template, version);
    const quiet = await succeed(project, "npx", "signalbox", "upgrade");
    assert.doesNotMatch(quiet, /The template has changed|call\.css/);
  });
});
