// Runs the pages and scripts of the documents as pages of another site. Only the address of the deployment is filled in.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { example } from "../documents.mjs";
import { startServer } from "../support.mjs";
import { launch, openPage, otherSite } from "./support.mjs";

let server;
let refusing; // a deployment that allows no other origin
let browser;
const sites = [];
before(async () => {
  [server, refusing] = await Promise.all([startServer({ vars: { ALLOWED_ORIGINS: "*" } }), startServer()]);
  browser = await launch();
});
after(async () => {
  await browser.close();
  for (const site of sites) site.close();
  await Promise.all([server.stop(), refusing.stop()]);
});

/** Opens `count` pages of another site. Each has this HTML, with the address of a deployment filled in. */
async function visit(count, html, deployment = server) {
  const site = await otherSite(deployment, html.replaceAll("https://<your deployment>", deployment.url));
  sites.push(site);
  const pages = [];
  while (pages.length < count) pages.push(await openPage(browser, site.url));
  return pages;
}

/** A page for a script that the documents show without a page. `room` replaces the script's room; `page` has the elements that the script needs. */
function pageOf(script, room, { imports = "join", page = "" } = {}) {
  const line = imports && `import { ${imports} } from "https://<your deployment>/signalbox.js";`;
  return `${page}<script type="module">${line}\n${script.replaceAll('"my-room"', `"${room}"`).replaceAll('"my-game"', `"${room}"`)}\nwindow.room = typeof room === "object" ? room : undefined;</script>`;
}

/** Waits until one of the page's videos plays. */
const moves = (page, index = 0) =>
  page.waitForFunction((at) => document.querySelectorAll("video")[at]?.getVideoPlaybackQuality().totalVideoFrames > 3, index);

const faults = (...pages) => pages.flatMap(({ errors }) => errors);

async function close(...pages) {
  for (const page of pages) await page.context().close();
}

test("two people call each other with the README's page", async () => {
  const [ada, bob] = await visit(2, example("call-for-two"));
  for (const page of [ada, bob]) await page.locator("button:enabled").waitFor();
  await ada.getByRole("button").click();
  for (const page of [ada, bob]) await moves(page);
  assert.deepEqual(faults(ada, bob), []);
  await close(ada, bob);
});

test("the README's page shows why it may not connect", async () => {
  const [page] = await visit(1, example("call-for-two"), refusing);
  await page.getByText("ALLOWED_ORIGINS").waitFor();
  await close(page);
});

test("the module's ten lines make a video room, with a stock client that joins after one user of the module and before another", async () => {
  const pages = await visit(1, example("module-in-ten-lines"));
  const plain = example("without-the-module").replace('"socket.io-client"', '"https://<your deployment>/vendor/socket.io.esm.min.js"');
  const [stock] = await visit(1, `<script type="module">${plain}</script>`);
  await moves(stock); // the video of the user who joined before it
  pages.push(...(await visit(1, example("module-in-ten-lines"))));
  await moves(stock, 1); // the video of the user who joined after it
  // The stock client sends no picture, so its video stays black.
  const someMoves = () => [...document.querySelectorAll("video")].some((video) => video.getVideoPlaybackQuality().totalVideoFrames > 3);
  for (const page of pages) await page.waitForFunction(someMoves);
  await pages[0].getByText("Ada: hello").waitFor();
  assert.deepEqual(faults(...pages, stock), []);
  await close(...pages, stock);
});

test("own interface: users join, call each other, and switch a camera off", async () => {
  const [ada, bob] = await visit(2, example("own-interface").replaceAll('"my-room"', '"own"'));
  await ada.getByPlaceholder("Your name").fill("Ada");
  await ada.getByRole("button", { name: "Join" }).click();
  await ada.getByText("connected, 1 here").waitFor();
  const [host] = await visit(1, pageOf('const room = await join("own", { name: "Cleo" });', "own"));
  await host.waitForFunction(() => window.room);
  await ada.getByText("Cleo, connected").waitFor();
  await bob.getByPlaceholder("Your name").fill("Bob");
  await bob.getByRole("button", { name: "Join" }).click();
  await bob.getByText("Ada, connected").waitFor();
  await ada.getByText("Bob, connected").waitFor();
  await bob.getByRole("button", { name: "Camera" }).click();
  await ada.getByText("connected, 3 here").waitFor();
  assert.deepEqual(faults(ada, bob, host), []);
  await close(ada, bob, host);
});

test("host and chat: a user who knocks is admitted and greeted", async () => {
  const [host] = await visit(1, pageOf(example("host-and-chat"), "hosted"));
  await host.waitForFunction(() => window.room?.info.locked);
  const [guest] = await visit(1, pageOf('const room = await join("hosted", { name: "Bob" });', "hosted"));
  await guest.waitForFunction(() => window.room?.chat.messages.some(({ text }) => text === "Hello Bob, just for you"));
  assert.deepEqual(faults(host, guest), []);
  await close(host, guest);
});

test("a page that reloads joins its locked room again with the rejoin secret that it kept", async () => {
  const [page] = await visit(1, pageOf(example("rejoin"), "kept"));
  await page.waitForFunction(() => window.room);
  const { id, kept } = await page.evaluate(async () => {
    await window.room.host.lock(true);
    return { id: window.room.self.id, kept: sessionStorage.getItem("rejoin my-room") };
  });
  assert.ok(kept);
  await page.reload();
  await page.waitForFunction((before) => window.room && window.room.self.id !== before, id);
  assert.deepEqual(faults(page), []);
  await close(page);
});

test("own tracks are shared, and a game's moves and messages arrive", async () => {
  const [sender] = await visit(1, pageOf(example("own-tracks"), "tracks", { page: "<canvas></canvas>" }));
  await sender.waitForFunction(() => window.room?.media.screen);
  const pages = [sender];
  for (const [name, script] of [["data", example("data")], ["messages", example("messages")]]) {
    const players = await visit(1, pageOf('const room = await join("my-game"); room.channel("moves").on("message", (move) => console.log("heard", move)); room.on("message", (data) => console.log("heard", data));', name));
    await players[0].waitForFunction(() => window.room);
    const heard = players[0].waitForEvent("console", { predicate: (message) => message.text().startsWith("heard") });
    players.push(...(await visit(1, pageOf(script, name))));
    await heard;
    pages.push(...players);
  }
  assert.deepEqual(faults(...pages), []);
  await close(...pages);
});

test("a connection uses the ICE servers that the application gives", async () => {
  const [page] = await visit(1, pageOf(example("own-ice-servers"), "ice"));
  await page.waitForFunction(() => window.room);
  const [other] = await visit(1, pageOf('const room = await join("ice");', "ice"));
  await other.waitForFunction(() => [...window.room?.peers.values() ?? []].some(({ state }) => state === "connected"));
  assert.deepEqual(faults(other), []);
  await close(page, other);
});

test("a file arrives, and a key verifies peers", async () => {
  const page = '<input type="file">';
  const [ada, bob] = await visit(2, pageOf(example("files"), "files", { page }));
  bob.on("dialog", (dialog) => dialog.accept());
  for (const one of [ada, bob]) await one.waitForFunction(() => [...window.room?.peers.values() ?? []].some(({ state }) => state === "connected"));
  const arrived = bob.waitForEvent("console", { predicate: (message) => message.text() === "what it says" });
  await ada.locator("input").setInputFiles({ name: "a.txt", mimeType: "text/plain", buffer: Buffer.from("what it says") });
  await arrived;

  const [cleo] = await visit(1, pageOf(example("key"), "keyed", { imports: "" }));
  await cleo.waitForFunction(() => window.room?.encrypted);
  const dan = await openPage(browser, cleo.url());
  for (const one of [cleo, dan]) await one.waitForFunction(() => [...window.room?.peers.values() ?? []].some(({ verified }) => verified === "verified"));
  assert.deepEqual(faults(ada, bob, cleo, dan), []);
  await close(ada, bob, cleo, dan);
});

test("a tutorial's page works with its dialect after one line is changed", async () => {
  for (const [name, text] of [["README", example("dialect-in-a-line")], ["guide", example("dialect-instead-of-a-server")]]) {
    const [page] = await visit(1, `<script src="https://<your deployment>/socket.io/socket.io.js"></script><script>${text} socket.on("created", (room) => (document.title = room)); socket.emit("create or join", "${name}");</script>`);
    await page.waitForFunction((room) => document.title === room, name);
    assert.deepEqual(faults(page), []);
    await close(page);
  }
});
