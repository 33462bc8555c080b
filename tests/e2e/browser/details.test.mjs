// Smaller features of the module and the page. Each test sets up only what it needs.

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { startServer } from "../support.mjs";
import { watchConnections } from "./descriptions.mjs";
import { startProxy } from "./proxy.mjs";
import { launch, openPage } from "./support.mjs";

let server;
let withoutRecovery;
let browser;
let rooms = 0;
before(async () => {
  server = await startServer();
  withoutRecovery = await startServer({ vars: { RECOVERY_MS: "0" } });
  browser = await launch();
});
after(async () => {
  await browser.close();
  await server.stop();
  await withoutRecovery.stop();
});
afterEach(() => Promise.all(browser.contexts().map((context) => context.close())));

/** Opens a page that joins a room with the module: `window.room`. `window.peer` is the first peer. */
async function come(room, name, { media = {}, at = server, prepare = () => {} } = {}) {
  const page = await openPage(browser, `${at.url}/icon.svg`); // the origin without the scripts of the page
  await prepare(page);
  await page.evaluate(async ({ room, name, media }) => {
    const { join } = await import("/signalbox.js");
    window.room = await join(room, { name, media });
    window.room.on("peer", (peer) => (window.peer ??= peer));
  }, { room, name, media });
  return page;
}

/** Ada and Bob, who are connected. */
async function two(options) {
  const room = `details-${(rooms += 1)}`;
  const pages = [await come(room, "Ada", options), await come(room, "Bob", options)];
  for (const page of pages) await page.waitForFunction(() => window.peer?.state === "connected");
  return pages;
}

test("a link in a message ends where the address ends, not where the sentence ends", async () => {
  const page = await openPage(browser, server.url);
  const links = (words) => page.evaluate(async (words) => {
    const { withLinks } = await import("/page/links.js");
    return withLinks(words).filter((node) => node instanceof HTMLAnchorElement).map(({ textContent }) => textContent);
  }, words);
  assert.deepEqual(await links("see https://a.example/x, or (https://b.example/y)."), ["https://a.example/x", "https://b.example/y"]);
  assert.deepEqual(await links("https://a.example/wiki/Pipe_(Unix) and (https://a.example/wiki/Pipe_(Unix))!"), Array(2).fill("https://a.example/wiki/Pipe_(Unix)"));
  assert.deepEqual(await links("https://a.example/x[1] https://a.example/x]?"), ["https://a.example/x[1]", "https://a.example/x"]);
});

test("a pasted link leads into its room, with its key; one to another site does not", async () => {
  const page = await openPage(browser, server.url);
  const field = page.locator('[data-input="room"]');
  await field.fill("https://elsewhere.example/r/pasted");
  await field.press("Enter");
  await page.locator('[data-slot="room-problem"]').waitFor();
  await field.fill(` ${server.url}/r/pasted#k=AAAAAAAAAAAAAAAAAAAAAA `);
  await field.press("Enter");
  await page.waitForURL(`${server.url}/r/pasted#k=AAAAAAAAAAAAAAAAAAAAAA`);
  await page.locator('[data-form="join"]').waitFor();
});

test("the page says that it could not be loaded when its texts are missing", async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.route("**/strings/*.json", (route) => route.abort());
  await page.goto(server.url);
  await page.getByText("This page could not be loaded.").waitFor();
});

test("a join that is aborted before it begins asks for no device", async () => {
  const page = await openPage(browser, `${server.url}/icon.svg`);
  const [reason, asked] = await page.evaluate(async () => {
    let asked = 0;
    navigator.mediaDevices.getUserMedia = async () => (asked += 1);
    const { join } = await import("/signalbox.js");
    const reason = await join("aborted", { media: { audio: true }, signal: AbortSignal.abort("no longer") }).catch((reason) => reason);
    return [reason, asked];
  });
  assert.deepEqual([reason, asked], ["no longer", 0]);
});

test("the module reports that the system refused to share a screen, and not that the user cancelled it", async () => {
  const page = await openPage(browser, `${server.url}/icon.svg`);
  const codes = await page.evaluate(async () => {
    const { LocalMedia } = await import("/signalbox.js");
    const codes = [];
    for (const message of ["Permission denied by system", "Permission denied by user"]) {
      navigator.mediaDevices.getDisplayMedia = () => Promise.reject(new DOMException(message, "NotAllowedError"));
      const media = new LocalMedia();
      await media.setScreen(true);
      codes.push(media.problems.screen?.code ?? null);
    }
    return codes;
  });
  assert.deepEqual(codes, ["denied-by-system", null]);
});

test("the user's own picture is mirrored, unless the camera faces away", async () => {
  for (const [facing, isMirrored] of [["user", true], ["environment", false]]) {
    const page = await openPage(browser, server.url);
    await page.addInitScript((facingMode) => {
      const { getSettings } = MediaStreamTrack.prototype;
      MediaStreamTrack.prototype.getSettings = function () {
        return { ...getSettings.call(this), facingMode };
      };
    }, facing);
    await page.goto(`${server.url}/r/mirror-${facing}`);
    await page.locator('[data-slot="preview"]:not([hidden])').waitFor();
    const mirrored = (selector) => page.locator(selector).evaluate((video) => video.classList.contains("mirrored"));
    assert.equal(await mirrored('[data-slot="preview"]'), isMirrored);
    await page.getByRole("button", { name: "Join", exact: true }).click();
    await page.locator(".tile.own:not([data-camera-off])").waitFor();
    assert.equal(await mirrored(".tile.own video"), isMirrored);
  }
});

test("a user's hand is still raised after a reconnect without recovery", async (t) => {
  const path = await startProxy(withoutRecovery);
  t.after(() => path.stop());
  const ada = await come("hand", "Ada", { at: withoutRecovery });
  const bob = await come("hand", "Bob", { at: path });
  const id = await bob.evaluate(async () => {
    await window.room.update({ handRaised: true });
    return window.room.self.id;
  });
  path.cut();
  path.mend();
  await ada.waitForFunction((former) => [...window.room.peers.values()].some((peer) => peer.id !== former && peer.handRaised), id);
  await bob.waitForFunction(() => window.room.self.handRaised);
});

test("a user who returns to a page that the browser kept is told that the room was left", async () => {
  const ada = await come("kept", "Ada");
  const code = await ada.evaluate(() => new Promise((closed) => {
    window.room.on("closed", ({ code }) => closed(code));
    dispatchEvent(new PageTransitionEvent("pagehide", { persisted: true }));
    dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true }));
  }));
  assert.equal(code, "left");
});

test("a join that waits for the host is rejected when the user leaves the page", async () => {
  const ada = await come("kept-waiting", "Ada");
  await ada.evaluate(() => window.room.host.lock(true));
  const bob = await openPage(browser, `${server.url}/icon.svg`);
  const code = await bob.evaluate(async () => {
    const { join } = await import("/signalbox.js");
    const onWaiting = () => dispatchEvent(new PageTransitionEvent("pagehide", { persisted: true }));
    return join("kept-waiting", { onWaiting }).catch(({ code }) => code);
  });
  assert.equal(code, "left");
});

test("when a peer offers forty files at once, sixteen wait for the user, and the others are refused", async () => {
  const [ada, bob] = await two();
  await bob.evaluate(() => {
    window.files = [];
    window.room.on("file", (file) => window.files.push(file));
  });
  await ada.evaluate(async () => {
    window.channels = Array.from({ length: 40 }, () => window.peer.createChannel("file", { protocol: "signalbox-file" }));
    await Promise.all(window.channels.map((channel) => new Promise((done) => {
      for (const event of ["open", "close"]) channel.addEventListener(event, done);
    })));
    for (const channel of window.channels) if (channel.readyState === "open") channel.send(JSON.stringify({ name: "a", size: 1, type: "" }));
  });
  await ada.waitForFunction(() => window.channels.filter(({ readyState }) => readyState === "closed").length === 24);
  await bob.waitForFunction(() => window.files.length === 16);
  await bob.evaluate(() => window.files[0].refuse()); // that makes room for another
  await ada.waitForFunction(() => window.channels.filter(({ readyState }) => readyState === "closed").length === 25);
  await ada.evaluate(() => void window.peer.sendFile(new File(["x"], "one more")));
  await bob.waitForFunction(() => window.files.length === 17);
});

test("the sender does not choose the type of a received file", async () => {
  const [ada, bob] = await two();
  const received = bob.evaluate(() => new Promise((done) => {
    window.room.on("file", (file) => {
      file.on("change", () => file.state === "done" && done([file.type, file.blob.type]));
      file.accept();
    });
  }));
  await ada.evaluate(() => void window.peer.sendFile(new File(["<script>1</script>"], "a.html", { type: "text/html" })));
  assert.deepEqual(await received, ["text/html", ""]);
});

for (const [what, breaks, expected] of [
  ["is written where the receiver says, and is not kept in memory", false, { state: "done", code: null, blob: null, text: "words", theirs: "done" }],
  ["that cannot be saved has failed, and is cancelled for the sender", true, { state: "failed", code: "not-saved", blob: null, text: "", theirs: "cancelled" }],
]) {
  test(`a received file ${what}`, async () => {
    const [ada, bob] = await two();
    const received = bob.evaluate((breaks) => new Promise((done) => {
      let text = "";
      const sink = new WritableStream({
        write(chunk) {
          if (breaks) throw new Error("the disk is full");
          text += new TextDecoder().decode(chunk);
        },
      });
      window.room.on("file", (file) => {
        file.on("change", () => {
          const { state, error, blob } = file;
          if (state !== "moving") done({ state, code: error?.code ?? null, blob, text });
        });
        file.accept(sink);
      });
    }), breaks);
    const theirs = await ada.evaluate(() => new Promise((done) => {
      const file = window.peer.sendFile(new File(["words"], "a.txt"));
      file.on("change", () => ["offered", "moving"].includes(file.state) || done(file.state));
    }));
    assert.deepEqual({ ...(await received), theirs }, expected);
  });
}

test("camera and screen together have the bitrate limit of the camera alone", async () => {
  const [ada] = await two({ media: { video: true }, prepare: watchConnections });
  const rates = () => ada.evaluate(() => window.connections[0].getSenders().filter(({ track }) => track?.kind === "video").map((sender) => sender.getParameters().encodings[0]?.maxBitrate));
  const becomes = (expected) => ada.waitForFunction((expected) => {
    const senders = window.connections[0].getSenders().filter(({ track }) => track?.kind === "video");
    return senders.map((sender) => sender.getParameters().encodings[0]?.maxBitrate).join() === expected.join();
  }, expected);
  const [alone] = await rates();
  assert.ok(alone > 0);
  await ada.evaluate(async () => {
    const canvas = document.createElementNS("http://www.w3.org/1999/xhtml", "canvas");
    canvas.getContext("2d").fillRect(0, 0, 1, 1);
    navigator.mediaDevices.getDisplayMedia = async () => canvas.captureStream(5);
    await window.room.media.setScreen(true);
  });
  await becomes([alone / 2, alone / 2]);
  await ada.evaluate(() => window.room.media.setScreen(false));
  await becomes([alone]);
});
