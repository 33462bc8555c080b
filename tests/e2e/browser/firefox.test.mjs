// Firefox and Chromium in one room. The environment variable MESH_ROUNDS sets the number of rounds of the mesh test.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { inRoot } from "../../../scripts/task.mjs";
import { startKillable } from "../support.mjs";
import { agreement, watchConnections } from "./descriptions.mjs";
import { enterRoom, passesFile, reads, seesAll, seesScreen, trusts, writes } from "./engines.mjs";
import { launchFirefox } from "./firefox.mjs";
import { launch, openPage } from "./support.mjs";

const axe = readFileSync(inRoot("node_modules/axe-core/axe.min.js"), "utf8");
const sharedTab = "A tab to share";
const meshRounds = Number(process.env.MESH_ROUNDS ?? 1);

let server;
let chromium;
let firefox;
const folder = mkdtempSync(join(tmpdir(), "signalbox-firefox-"));
before(async () => {
  server = await startKillable();
  [chromium, firefox] = await Promise.all([launch({ sharedTab }), launchFirefox()]);
});
after(async () => {
  await Promise.all([chromium.close(), firefox.close()]);
  await server.stop();
  rmSync(folder, { recursive: true });
});

const inChromium = (url) => openPage(chromium, url, { viewport: { width: 900, height: 700 }, permissions: ["camera", "microphone"] });
const inFirefox = (url) => firefox.open(url);

/** Lets users join one after the other, and waits until each sees all others. `arrivals` has a function per user that opens the page. */
async function meet(room, arrivals) {
  const people = [];
  for (const [name, open] of Object.entries(arrivals)) {
    const page = await open(`${server.url}/r/${room}#k=a-key-for-this-room`);
    await enterRoom(page, name);
    people.push({ name, page });
  }
  for (const { name, page } of people) {
    const others = people.map((other) => other.name).filter((other) => other !== name);
    await seesAll(page, ...others);
    for (const other of others) await trusts(page, other);
  }
  return people.map(({ page }) => page);
}

const leave = (pages) => Promise.all(pages.map((page) => (page.context ? page.context().close() : page.close())));

/** Asserts that axe finds nothing wrong with what the page shows. */
async function isAccessible(page, screen) {
  await page.evaluate(axe);
  const violations = await page.evaluate(async () => {
    const { violations } = await window.axe.run(document, { resultTypes: ["violations"] });
    return violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html }) => html.slice(0, 200)).join(" | ")}`);
  });
  assert.deepEqual(violations, [], screen);
}

test("Firefox calls Chromium: video, audio, verification, chat, files and screens both ways; nothing is lost when the server is killed", async () => {
  const [ada, bob] = await meet("firefox-calls", { Ada: inChromium, Bob: inFirefox });
  await writes(ada, "hello, Firefox");
  await reads(bob, "hello, Firefox");
  await writes(bob, "hello, Chromium");
  await reads(ada, "hello, Chromium");

  for (const [from, to, name] of [[ada, bob, "from-ada.txt"], [bob, ada, "from-bob.txt"]]) {
    const path = join(folder, name);
    writeFileSync(path, "x".repeat(300_000));
    await passesFile(from, to, path, name);
  }

  const tab = await ada.context().newPage();
  await tab.setContent(`<title>${sharedTab}</title><h1>Slides</h1>`);
  await ada.bringToFront();
  await ada.click('.bar [data-toggle="screen"]');
  await seesScreen(bob, "Ada");
  await bob.click('.bar [data-toggle="screen"]');
  await seesScreen(ada, "Bob");
  await seesAll(ada, "Bob");
  await seesAll(bob, "Ada");
  await isAccessible(bob, "a call");

  const isReconnecting = (shown) => (page) => page.waitForFunction((shown) => document.querySelector('[data-slot="reconnecting"]').hidden !== shown, shown);
  await server.kill();
  await Promise.all([ada, bob].map(isReconnecting(true)));
  await writes(bob, "into the void");
  await server.start();
  await Promise.all([ada, bob].map(isReconnecting(false)));
  await reads(ada, "into the void");
  await seesAll(ada, "Bob");
  await seesAll(bob, "Ada");
  for (const page of [ada, bob]) assert.equal(await page.evaluate(() => document.querySelectorAll(".tile:not(.own, .screen-tile)").length), 1);
  await leave([ada, bob]);
});

test("Chromium calls Firefox", async () => {
  const pages = await meet("chromium-calls", { Ada: inFirefox, Bob: inChromium });
  for (const page of pages) assert.deepEqual(page.errors, []);
  await leave(pages);
});

test("two users in Firefox and two in Chromium join at once, and each pair has video, audio, data and a verified link", { timeout: 1_200_000 }, async (t) => {
  const pages = [];
  for (const open of [inChromium, inFirefox, inChromium, inFirefox]) {
    const page = await open(server.url);
    await watchConnections(page);
    await page.evaluate(async () => {
      const { join, LocalMedia } = await import("/signalbox.js");
      const media = new LocalMedia();
      await media.start({ audio: true, video: true });
      window.enter = async (room, name) => {
        window.room = await join(room, { name, media, key: "a-key-for-this-room" });
        window.heard = new Set();
        window.room.channel("hello").on("message", (hello, { name }) => window.heard.add(name));
        window.room.on("peer", ({ stream }) => document.body.append(Object.assign(document.createElement("video"), { autoplay: true, muted: true, srcObject: stream })));
      };
      // The first thing that is still missing, or null.
      window.missing = async (count) => {
        const peers = [...window.room.peers.values()];
        if (peers.length < count) return `${peers.length} peers`;
        for (const peer of peers) {
          if (peer.state !== "connected" || peer.verified !== "verified") return `${peer.name} is ${peer.state}, ${peer.verified}`;
          if (!window.heard.has(peer.name)) return `data of ${peer.name}`;
          const incoming = [...(await peer.stats()).values()].filter(({ type }) => type === "inbound-rtp");
          for (const [kind, progress] of [["audio", "packetsReceived"], ["video", "framesDecoded"]]) {
            if (!incoming.some((entry) => entry.kind === kind && entry[progress] > 2)) return `${kind} of ${peer.name}`;
          }
        }
        return null;
      };
    });
    pages.push(page);
  }
  for (let round = 1; round <= meshRounds; round += 1) {
    const begin = performance.now();
    await Promise.all(pages.map((page, index) => page.evaluate(([room, name]) => window.enter(room, name), [`mesh-${round}`, `person ${index}`])));
    for (const page of pages) await page.waitForFunction((count) => window.room.peers.size === count, 3);
    await Promise.all(pages.map((page) => page.evaluate(() => window.room.channel("hello").send("hello"))));
    await Promise.all(pages.map(async (page, index) => {
      await page.waitForFunction(async (count) => (await window.missing(count)) === null, 3).catch(async () => {
        assert.equal(await page.evaluate((count) => window.missing(count), 3), null, `person ${index}`);
      });
    }));
    await agreement(pages);
    await Promise.all(pages.map((page) => page.evaluate(() => {
      window.room.leave();
      document.querySelectorAll("video").forEach((video) => video.remove());
    })));
    t.diagnostic(`round ${round}: all met after ${((performance.now() - begin) / 1_000).toFixed(1)} s`);
  }
  await leave(pages);
});

test("axe finds nothing wrong with the page in Firefox before a call", async () => {
  const page = await inFirefox(server.url);
  await page.waitForFunction(() => !document.querySelector('[data-view="home"]').hidden);
  await isAccessible(page, "home");
  await page.close();
  const room = await inFirefox(`${server.url}/r/accessible`);
  await room.waitForFunction(() => !document.querySelector('[data-view="prejoin"]').hidden);
  await isAccessible(room, "before joining");
  await room.close();
});
