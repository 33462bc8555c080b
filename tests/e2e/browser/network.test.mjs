// Calls over networks that fail: two browsers, each in a network of its own.

import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import { startServer } from "../support.mjs";
import { makeNetwork, obstacle, vars } from "./network.mjs";
import { path as pathOf } from "./path.mjs";
import { enter, launch, sees, tile } from "./support.mjs";

const MEDIA_BACK = 15_000; // ms: as docs/testing.md says
const MOST_PRETENDED = 6_000; // ms for which the page may say "connected" while no media arrives

describe("two browsers in networks of their own", { skip: obstacle() ?? false }, () => {
  let server;
  let network;
  let browsers;
  let rooms = 0;
  before(async () => {
    server = await startServer({ vars });
    network = await makeNetwork(server);
    browsers = await Promise.all([network.ada, network.bob].map((home) => launch({ executablePath: network.executablePath(home) })));
  });
  after(async () => {
    await Promise.all((browsers ?? []).map((browser) => browser.close()));
    await network?.remove();
    await server.stop();
  });
  afterEach(async () => {
    await Promise.all(browsers.flatMap((browser) => browser.contexts()).map((context) => context.close()));
    network.ada.mend();
    network.bob.mend();
  });

  /** Opens the page of the room before joining. The page records what `measure` needs. */
  async function open(browser, room) {
    const context = await browser.newContext({ viewport: { width: 400, height: 400 }, locale: "en-US" });
    const page = await context.newPage();
    page.setDefaultTimeout(60_000);
    await page.addInitScript(watch);
    await page.goto(`${network.url}/r/${room}`);
    return page;
  }

  /** Lets Ada join, and opens Bob's page up to the moment before he joins. */
  async function almost() {
    const room = `network-${(rooms += 1)}`;
    const [ada, bob] = await Promise.all(browsers.map((browser) => open(browser, room)));
    await enter(ada, "Ada");
    await bob.getByRole("textbox", { name: "Your name" }).fill("Bob");
    return [ada, bob];
  }

  async function call() {
    const pages = await almost();
    const [ada, bob] = pages;
    await enter(bob);
    await sees(ada, "Bob");
    await sees(bob, "Ada");
    return pages;
  }

  /**
   * Calls `act`, and measures how long it takes until video flows in both directions. Frames of the first `settle` ms do
   * not count, because they may have been sent before.
   */
  async function measure(t, pages, act, { settle = 1_000 } = {}) {
    const since = Date.now();
    await act();
    const times = [];
    for (const page of pages) {
      const again = await page.waitForFunction((from) => window.frameTimes.filter((time) => time > from)[4], since + settle, { polling: 100 });
      times.push((await again.jsonValue()) - since);
    }
    const pretended = Math.max(...(await Promise.all(pages.map((page) => page.evaluate(() => window.pretended)))));
    t.diagnostic(`media flowed in both directions after ${Math.max(...times)} ms; the page said "connected" while no data arrived for at most ${pretended} ms`);
    assert.ok(Math.max(...times) <= MEDIA_BACK, `${times} ms`);
    assert.ok(pretended <= MOST_PRETENDED, `${pretended} ms`);
    for (const [page, other] of [[pages[0], "Bob"], [pages[1], "Ada"]]) await tile(page, other).and(page.locator('[data-state="connected"]')).waitFor();
  }

  /** The path to the other page. */
  const path = (page) => pathOf(page, () => window.connections.findLast(({ connectionState }) => connectionState === "connected").getStats());

  test("a path that dies silently is replaced by another", async (t) => {
    const pages = await call();
    assert.notEqual((await path(pages[1])).type, "relay");
    await measure(t, pages, () => network.bob.loseFlows());
  });

  test("a peer whose address changes keeps the call", async (t) => {
    const pages = await call();
    await measure(t, pages, () => network.bob.changeAddress());
  });

  test("a call continues over TURN and TCP after UDP is blocked", async (t) => {
    const pages = await call();
    await measure(t, pages, () => network.bob.blockUdp());
    assert.deepEqual(await path(pages[1]), { type: "relay", over: "tcp" });
  });

  test("two users connect although one packet in five is lost", async (t) => {
    const pages = await almost();
    await measure(t, pages, async () => {
      network.bob.lose(20);
      await enter(pages[1]);
    }, { settle: 0 });
  });

  test("two users behind symmetric NATs connect over TURN", async (t) => {
    network.ada.translate();
    network.bob.translate();
    const pages = await almost();
    await measure(t, pages, () => enter(pages[1]), { settle: 0 });
    const ends = await Promise.all(pages.map(path));
    assert.ok(ends.some(({ type }) => type === "relay"), JSON.stringify(ends));
  });
});

/** Runs in the page. Records its connections, the times of the other user's frames, and for how long it said "connected" without data. */
function watch() {
  window.connections = [];
  window.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(...args) {
      super(...args);
      window.connections.push(this);
    }
  };
  window.frameTimes = [];
  window.pretended = 0;
  let followed;
  let last = Date.now(); // the last time at which data arrived or the page did not say "connected"
  const bytes = new Map(); // by pair: a pair that the browser drops takes its count with it
  const follow = (video) => video.requestVideoFrameCallback(() => {
    window.frameTimes.push(Date.now());
    if (video === followed) follow(video);
  });
  setInterval(async () => {
    const tile = document.querySelector(".tile:not(.own, .screen-tile)");
    const video = tile?.querySelector("video");
    if (video && video !== followed) follow((followed = video));
    const reports = await Promise.all(window.connections.map((pc) => pc.getStats()));
    let isHeard = false;
    reports.forEach((report, connection) => report.forEach(({ type, id, bytesReceived = 0 }) => {
      if (type !== "candidate-pair") return;
      const key = `${connection} ${id}`;
      isHeard ||= bytesReceived > (bytes.get(key) ?? 0);
      bytes.set(key, bytesReceived);
    }));
    if (isHeard || tile?.dataset.state !== "connected") last = Date.now();
    window.pretended = Math.max(window.pretended, Date.now() - last);
  }, 250);
}
