// The recipes of docs/recipes.md, bundled by esbuild with the npm package as it is packed.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { build } from "esbuild";
import { pack, tarball } from "../../../scripts/package.mjs";
import { inRoot } from "../../../scripts/task.mjs";
import { example } from "../documents.mjs";
import { setUp } from "./setup.mjs";
import { openPage } from "./support.mjs";

const API_TOKEN = "token-of-the-operator";
const { server, site, browser } = await setUp({ vars: { ALLOWED_ORIGINS: "*", API_TOKEN } });
const modules = mkdtempSync(join(tmpdir(), "signalbox-recipes-"));
after(() => rmSync(modules, { recursive: true }));

before(async () => {
  await pack();
  mkdirSync(join(modules, "signalbox"));
  const { status, stderr } = spawnSync("tar", ["-xzf", tarball, "--strip-components=1", "-C", join(modules, "signalbox")], { encoding: "utf8" });
  assert.equal(status, 0, stderr);
});

/** A script that sets `window.recipe` to the recipe, and then runs `rest`. */
async function bundle(name, rest = "") {
  const contents = `import * as recipe from "./${name}"; Object.assign(window, { recipe }); ${rest}`;
  const { outputFiles, metafile } = await build({
    stdin: { contents, resolveDir: inRoot("examples/recipes"), loader: "tsx" },
    bundle: true,
    format: "iife",
    write: false,
    metafile: true,
    logLevel: "silent",
    jsx: "automatic",
    define: { "process.env.NODE_ENV": '"development"' },
    nodePaths: [modules, inRoot("node_modules")],
  });
  return { code: outputFiles[0].text, inputs: Object.keys(metafile.inputs) };
}

/** A page of another site with the recipe. */
async function visit(name, rest) {
  const { code } = await bundle(name, rest);
  const page = await openPage(browser, site.url);
  await page.addScriptTag({ content: code });
  return page;
}

test("docs/recipes.md shows the files as they are", () => {
  const shown = {
    "canvas.ts": example("recipe-canvas"),
    "game.ts": example("recipe-game"),
    "interface.ts": example("recipe-interface"),
    "own-events.ts": example("recipe-own-events"),
    "plain.ts": example("recipe-plain"),
    "use-room.ts": example("recipe-use-room"),
  };
  const files = readdirSync(inRoot("examples/recipes")).sort().map((name) => [name, readFileSync(inRoot("examples/recipes", name), "utf8")]);
  assert.deepEqual(shown, Object.fromEntries(files));
});

test("a bundle of esbuild has the module of the package", async () => {
  const { inputs } = await bundle("game.ts");
  assert.ok(inputs.some((path) => path.endsWith("signalbox/public/signalbox.js")), inputs.join());
  assert.ok(!inputs.some((path) => path.startsWith("public/")), inputs.join());
});

test("two users play a game without a camera", async () => {
  const pages = [await visit("game.ts"), await visit("game.ts")];
  for (const [index, page] of pages.entries()) {
    await page.evaluate(async ([url, name]) => {
      window.moves = [];
      window.game = await window.recipe.play(url, name, (player, move) => window.moves.push([player, move]));
    }, [server.url, ["Ada", "Bob"][index]]);
  }
  const [ada, bob] = pages;
  await ada.waitForFunction(() => window.game.players().includes("Bob"));
  await ada.evaluate(() => window.game.move("e2", "e4"));
  await bob.waitForFunction(() => window.moves.length > 0);
  assert.deepEqual(await bob.evaluate(() => window.moves), [["Ada", { from: "e2", to: "e4" }]]);
  for (const page of pages) assert.deepEqual(page.errors, []);
});

test("the other users see a canvas, and then the canvas that replaces it", async () => {
  const ada = await visit("canvas.ts");
  await ada.evaluate(async (url) => {
    window.canvas = (colour) => {
      const canvas = Object.assign(document.createElement("canvas"), { width: 160, height: 120 });
      const context = canvas.getContext("2d");
      setInterval(() => Object.assign(context, { fillStyle: colour }).fillRect(0, 0, 160, 120), 100);
      return canvas;
    };
    window.room = await window.recipe.broadcast(url, window.canvas("red"));
  }, server.url);
  const bob = await visit("interface.ts", 'import { join } from "signalbox"; Object.assign(window, { join });');
  await bob.evaluate(async (url) => {
    const room = await window.join("studio", { server: url });
    room.on("peer", (peer) => document.body.append(Object.assign(document.createElement("video"), { autoplay: true, muted: true, srcObject: peer.stream })));
  }, server.url);
  const shows = (colour) => bob.waitForFunction(([r, g, b]) => {
    const video = document.querySelector("video");
    if (!video?.videoWidth) return false;
    const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d");
    canvas.drawImage(video, 0, 0, 1, 1);
    const seen = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b].every((value, index) => Math.abs(value - seen[index]) < 60);
  }, colour, { polling: 200 });
  await shows([255, 0, 0]);
  await ada.evaluate(() => window.recipe.change(window.room, window.canvas("blue")));
  await shows([0, 0, 255]);
  for (const page of [ada, bob]) assert.deepEqual(page.errors, []);
});

test("the user interface shows who joins, their state, and that they leave", async () => {
  const [ada, bob] = [await visit("interface.ts"), await visit("interface.ts")];
  await ada.evaluate((url) => window.recipe.enter(url, "Ada").then((room) => (window.room = room)), server.url);
  await bob.evaluate((url) => window.recipe.enter(url, "Bob").then((room) => (window.room = room)), server.url);
  await ada.getByText("Bob: connected").waitFor();
  await bob.evaluate(() => window.room.update({ handRaised: true }));
  await ada.getByText("Bob: connected, hand raised").waitFor();
  await ada.evaluate(() => window.room.host.setPassword("north"));
  await bob.evaluate(() => window.room.leave());
  await ada.locator("figure").waitFor({ state: "detached" });
  const cleo = await visit("interface.ts");
  assert.equal(await cleo.evaluate((url) => window.recipe.enter(url, "Cleo", "south"), server.url), "wrong password");
  for (const page of [ada, bob, cleo]) assert.deepEqual(page.errors, []);
});

test("a React component has the room, renders each change, and leaves the room when it unmounts", async () => {
  const component = `
    import { StrictMode } from "react";
    import { createRoot } from "react-dom/client";
    function Lounge({ url, name }) {
      const { room, error } = recipe.useRoom("react", { server: url, name });
      if (error) return <p>{error.message}</p>;
      return <p>{room ? [...room.peers.values()].map((peer) => peer.name + " " + peer.state).join() || "alone" : "joining"}</p>;
    }
    const root = createRoot(document.body.appendChild(document.createElement("main")));
    window.mount = (url, name) => root.render(<StrictMode><Lounge url={url} name={name} /></StrictMode>);
    window.unmount = () => root.unmount();`;
  const [ada, bob] = [await visit("use-room.ts", component), await visit("use-room.ts", component)];
  await ada.evaluate(([url, name]) => window.mount(url, name), [server.url, "Ada"]);
  await ada.getByText("alone").waitFor();
  await bob.evaluate(([url, name]) => window.mount(url, name), [server.url, "Bob"]);
  await ada.getByText("Bob connected").waitFor();
  await bob.getByText("Ada connected").waitFor();
  await bob.evaluate(() => window.unmount());
  await ada.getByText("alone").waitFor();
  for (const page of [ada, bob]) assert.deepEqual(page.errors, []);
});

test("an event with a name that the operator chose reaches a user of the module, and the room refuses such an event from a user", async () => {
  const page = await visit("own-events.ts", 'import { join } from "signalbox"; Object.assign(window, { join });');
  await page.evaluate(async ([server, code]) => {
    window.announced = new Promise((show) => window.recipe.listen(server, (...args) => show(args)).then((room) => (window.room = room)));
    await new (async () => {}).constructor("join", code)((room) => window.join(room, { server }));
  }, [server.url, example("own-events-of-the-module").replace("my-room", "hall")]);
  await page.waitForFunction(() => window.room);
  const printed = page.waitForEvent("console", { predicate: (message) => message.text() === "back in five minutes" });
  const answer = await fetch(`${server.url}/api/rooms/hall/emit`, {
    method: "POST",
    headers: { authorization: `Bearer ${API_TOKEN}`, "content-type": "application/json" },
    body: JSON.stringify({ event: "announcement", args: ["back in five minutes", true] }),
  });
  assert.deepEqual(await answer.json(), { ok: true, delivered: 2 });
  assert.deepEqual((await page.evaluate(() => window.announced)).slice(0, 2), ["back in five minutes", true]);
  await printed;
  const replies = await page.evaluate(async () => {
    const code = await window.room.request("announcement", "mine").catch(({ code }) => code);
    return [code, (await window.room.request("ice:get", {})).ttl > 0]; // of the contract, so the room knows it
  });
  assert.deepEqual(replies, ["unsupported", true]);
});

test("stock socket.io-client talks to a user of the module", async () => {
  const plain = await visit("plain.ts", 'import { join } from "signalbox"; Object.assign(window, { join });');
  const heard = await plain.evaluate(async (url) => {
    const room = await window.join("hallway", { server: url, name: "Ada" });
    const heardByAda = new Promise((hear) => room.chat.on("message", ({ name, text }) => hear(`${name}: ${text}`)));
    let hear;
    const heardByBob = new Promise((resolve) => (hear = resolve));
    const bob = await window.recipe.chat(url, "Bob", hear);
    const { ok } = await bob.say("good morning");
    const lines = [ok, bob.others(), await heardByAda, await heardByBob];
    bob.leave();
    room.leave();
    return lines;
  }, server.url);
  assert.deepEqual(heard, [true, ["Ada"], "Bob: good morning", "Bob: good morning"]);
});
