// Files that go directly from page to page. The environment variable LARGE_FILE sets the size of the file that is saved
// to the disk, in bytes.

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, test } from "node:test";
import { ask, connect, startServer } from "../support.mjs";
import { enter, joinRoom, launch, mesh, openChat, openPage, sees, tile } from "./support.mjs";

const largeFile = Number(process.env.LARGE_FILE ?? 30_000_000);
const MOST_MEMORY = 200_000_000; // bytes of a page that receives a file of any size

let server;
let browser;
let rooms = 0;
const folder = mkdtempSync(join(tmpdir(), "signalbox-files-"));
before(async () => {
  server = await startServer();
  browser = await launch();
});
after(async () => {
  await browser.close();
  await server.stop();
  rmSync(folder, { recursive: true });
});
afterEach(() => Promise.all(browser.contexts().map((context) => context.close())));

/** Ada and Bob, with the chat open. */
async function two() {
  const pages = await mesh(browser, server, `file-${(rooms += 1)}`, 2, { microphones: false });
  for (const page of pages) await openChat(page);
  return pages;
}

const attach = (page, path) => page.locator('[data-input="files"]').setInputFiles(path);
const card = (page, name) => page.locator(".file").filter({ hasText: name });
const press = (page, name, button) => card(page, name).getByRole("button", { name: button }).click();
const says = (page, name, words) => card(page, name).getByText(words).waitFor();

/** A large file that takes no space on the disk. */
function huge(name, size = 400_000_000) {
  const path = join(folder, name);
  writeFileSync(path, "");
  truncateSync(path, size);
  return path;
}

test("20 MB arrive unchanged, and both sides see the progress", async () => {
  const [ada, bob] = await two();
  const name = "设计稿 <b>final</b>.bin";
  const sent = randomBytes(20_000_000);
  writeFileSync(join(folder, "big.bin"), sent);
  await ada.locator('[data-input="files"]').setInputFiles({ name, mimeType: "application/octet-stream", buffer: sent });
  await says(ada, name, "Waiting for Bob to accept");
  await says(bob, name, "Ada offers this file");
  await card(bob, name).getByText("20 MB").waitFor();
  for (const page of [ada, bob]) {
    await card(page, name).getByRole("progressbar", { includeHidden: true }).evaluate((bar) => {
      window.progress = [];
      new MutationObserver(() => window.progress.push(bar.value)).observe(bar, { attributeFilter: ["value"] });
    });
  }
  await press(bob, name, "Accept");
  await says(bob, name, "Complete and checked: Ada");
  await says(ada, name, "Complete and checked: Bob");
  for (const page of [ada, bob]) {
    const progress = await page.evaluate(() => window.progress);
    assert.ok(progress.length > 10, `${progress.length} steps`);
    assert.deepEqual(progress, progress.toSorted((a, b) => a - b));
    assert.equal(progress.at(-1), 1);
  }
  const saving = bob.waitForEvent("download");
  await card(bob, name).getByText("Save").click();
  const saved = readFileSync(await (await saving).path());
  const digest = (bytes) => createHash("sha256").update(bytes).digest("hex");
  assert.equal(digest(saved), digest(sent));
  for (const page of [ada, bob]) assert.deepEqual(page.errors, []);
});

test("an empty file is sent", async () => {
  const [ada, bob] = await two();
  await ada.locator('[data-input="files"]').setInputFiles({ name: "empty.txt", mimeType: "text/plain", buffer: Buffer.alloc(0) });
  await press(bob, "empty.txt", "Accept");
  await says(bob, "empty.txt", "Complete and checked");
  await says(ada, "empty.txt", "Complete and checked");
});

test("a picture is shown to its sender and its receiver, stays when the chat is cleared, and is freed when the user leaves; an SVG is not shown", async () => {
  const [ada, bob] = await two();
  const pixel = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==", "base64");
  const files = [["kept.png", "image/png", pixel], ["drawn.svg", "image/svg+xml", Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>')]];
  for (const [name, mimeType, buffer] of files) {
    await bob.locator('[data-input="files"]').setInputFiles({ name, mimeType, buffer });
    await press(ada, name, "Accept");
    await says(ada, name, "Complete and checked: Bob");
    await says(bob, name, "Complete and checked: Ada");
  }
  for (const page of [ada, bob]) {
    const picture = await card(page, "kept.png").getByRole("img", { name: "kept.png" }).elementHandle();
    await page.waitForFunction((image) => image.naturalWidth === 1, picture);
    assert.equal(await card(page, "drawn.svg").getByRole("img").count(), 0);
  }
  await card(ada, "kept.png").evaluate((element) => (element.dataset.same = "yes"));
  const address = await card(ada, "kept.png").locator('[data-slot="save"]').getAttribute("href");
  await ada.evaluate(() => {
    const { revokeObjectURL } = URL;
    window.freed = [];
    URL.revokeObjectURL = (address) => {
      window.freed.push(address);
      revokeObjectURL.call(URL, address);
    };
  });
  await ada.setViewportSize({ width: 1280, height: 800 });
  await ada.getByRole("button", { name: "More" }).click();
  await ada.getByRole("button", { name: "Clear chat…" }).click();
  await ada.getByRole("dialog").getByRole("button", { name: "Clear" }).click();
  await ada.getByText("The host cleared the chat").first().waitFor();
  assert.equal(await ada.locator('.file[data-same="yes"]').count(), 1);
  assert.deepEqual(await ada.evaluate(() => window.freed), []);
  await ada.getByRole("button", { name: "Leave" }).click();
  await ada.getByRole("button", { name: "Rejoin" }).waitFor();
  await ada.waitForFunction((address) => window.freed.includes(address), address);
  for (const page of [ada, bob]) assert.deepEqual(page.errors, []);
});

test("a file too large for memory is saved to the disk, and a browser that cannot do so says so before the transfer", async () => {
  const room = `file-${(rooms += 1)}`;
  const pages = [];
  for (const [name, canPick] of [["Ada", true], ["Bob", true], ["Cleo", false]]) {
    const page = await openPage(browser, server.url);
    await page.addInitScript((canPick) => {
      // The browser's own dialog cannot be used here; the file is a real one.
      const pick = async () => (await navigator.storage.getDirectory()).getFileHandle("picked", { create: true });
      window.showSaveFilePicker = canPick ? pick : undefined;
      localStorage.audio = "off"; // sound takes most of the processor
    }, canPick);
    await page.goto(`${server.url}/r/${room}`);
    await enter(page, name);
    await openChat(page);
    pages.push(page);
  }
  const [ada, bob, cleo] = pages;
  await sees(ada, "Bob", "Cleo");
  await attach(ada, huge("huge.bin", 600_000_000));
  await says(cleo, "huge.bin", "It is too large for this browser");
  assert.equal(await card(cleo, "huge.bin").getByRole("button", { name: "Accept" }).count(), 0);
  await press(cleo, "huge.bin", "Refuse");
  await press(bob, "huge.bin", "Accept");
  await card(bob, "huge.bin").getByRole("progressbar").and(bob.locator("[value]:not([value='0'])")).waitFor();
  await press(bob, "huge.bin", "Cancel");
  await says(bob, "huge.bin", "Cancelled");
});

/** A user of the module in a room, with an input for files. */
async function moduleUser(room) {
  const page = await openPage(browser, server.url);
  await page.evaluate(async (room) => {
    const { join } = await import("/signalbox.js");
    document.body.innerHTML = '<input type="file">';
    window.room = await join(room);
    window.peer = new Promise((resolve) => window.room.on("peer", (peer) => {
      const look = () => peer.state === "connected" && resolve(peer);
      peer.on("change", look);
      look();
    }));
  }, room);
  return page;
}

/** Sends the page's file to its only peer; resolves with the state in which it ends. */
const send = (page, path) => page.locator("input").setInputFiles(path).then(() => page.evaluate(async () => {
  const file = (await window.peer).sendFile(document.querySelector("input").files[0]);
  return new Promise((end) => file.on("change", () => /done|failed|cancelled/.test(file.state) && end(file.state)));
}));

/** The private memory of the renderer that uses most, in bytes. */
async function memory(devtools) {
  const { processInfo } = await devtools.send("SystemInfo.getProcessInfo");
  const sizes = processInfo.filter(({ type }) => type === "renderer").map(({ id }) => {
    const status = readFileSync(`/proc/${id}/smaps_rollup`, "utf8");
    return [...status.matchAll(/^Private_(?:Clean|Dirty): +(\d+) kB$/gm)].reduce((sum, [, size]) => sum + Number(size) * 1_024, 0);
  });
  return Math.max(...sizes);
}

test("a file that is received into a file on the disk takes little memory, whatever its size", { skip: process.platform !== "linux" && "it reads /proc", timeout: 1_800_000 }, async (t) => {
  const room = `large-${(rooms += 1)}`;
  const [ada, bob] = [await moduleUser(room), await moduleUser(room)];
  const received = bob.evaluate(async () => {
    const directory = await navigator.storage.getDirectory();
    const handle = await directory.getFileHandle("received", { create: true });
    const file = await new Promise((offered) => window.room.on("file", offered));
    file.accept(await handle.createWritable());
    await new Promise((end) => file.on("change", () => /done|failed|cancelled/.test(file.state) && end()));
    const { size } = await handle.getFile();
    await directory.removeEntry("received");
    return { state: file.state, size, blob: file.blob };
  });
  const devtools = await browser.newBrowserCDPSession();
  let most = await memory(devtools);
  const sent = send(ada, huge("large.bin", largeFile));
  let isDone = false;
  const done = Promise.all([sent, received]).finally(() => (isDone = true));
  while (!isDone) {
    await Promise.race([done, ada.evaluate(() => new Promise((later) => setTimeout(later, 200)))]);
    most = Math.max(most, await memory(devtools));
  }
  assert.deepEqual(await done, ["done", { state: "done", size: largeFile, blob: null }]);
  t.diagnostic(`${largeFile} bytes; a page took ${Math.round(most / 1e6)} MB at most`);
  assert.ok(most < MOST_MEMORY, `${most} bytes`);
});

test("a sender waits for a receiver whose disk is slower than the link", async () => {
  const room = `slow-${(rooms += 1)}`;
  const [ada, bob] = [await moduleUser(room), await moduleUser(room)];
  const received = bob.evaluate(async () => {
    const file = await new Promise((offered) => window.room.on("file", offered));
    let arrived = 0;
    let stored = 0;
    let most = 0;
    file.channel.addEventListener("message", ({ data }) => (arrived += data.byteLength ?? 0));
    file.accept(new WritableStream({
      async write(bytes) {
        await new Promise((later) => setTimeout(later, 4));
        most = Math.max(most, arrived - stored);
        stored += bytes.byteLength;
      },
    }));
    await new Promise((end) => file.on("change", () => /done|failed|cancelled/.test(file.state) && end()));
    return { state: file.state, stored, most };
  });
  const sent = send(ada, huge("slow.bin", 40_000_000));
  const { state, stored, most } = await received;
  assert.deepEqual([state, stored, await sent], ["done", 40_000_000, "done"]);
  assert.ok(most < 10_000_000, `${most} bytes waited for the disk`);
});

test("a file that was not saved or was cancelled makes no more progress", async () => {
  const room = `ended-${(rooms += 1)}`;
  const [ada, bob] = [await moduleUser(room), await moduleUser(room)];
  for (const state of ["failed", "cancelled"]) {
    const ended = bob.evaluate(async (state) => {
      const file = await new Promise((offered) => window.room.once("file", offered));
      const seen = [];
      file.on("change", () => seen.push([file.state, file.transferred]));
      const closed = new Promise((close) => file.channel.addEventListener("close", close));
      file.accept(new WritableStream({
        write() {
          if (state === "failed") throw new Error("the disk is full");
          file.cancel();
        },
      }));
      await closed;
      return seen;
    }, state);
    const sent = send(ada, huge(`${state}.bin`, 200_000));
    assert.deepEqual(await ended, [["moving", 0], [state, 0]]);
    assert.equal(await sent, "cancelled");
  }
});

test("the receiver refuses an offer, or the sender cancels it", async () => {
  const [ada, bob] = await two();
  for (const name of ["one.bin", "two.bin"]) await attach(ada, huge(name));
  await press(bob, "one.bin", "Refuse");
  await says(ada, "one.bin", "Bob refused it");
  await press(ada, "two.bin", "Cancel");
  await says(bob, "two.bin", "Cancelled");
  assert.equal(await card(bob, "two.bin").getByRole("button").count(), 0);
});

test("files are pasted and dropped, and the page asks before the user leaves during a transfer", async () => {
  const [ada, bob] = await two();
  const give = (selector, type, name) => ada.locator(selector).evaluate((element, { type, name }) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File(["content"], name));
    const Kind = type === "paste" ? ClipboardEvent : DragEvent;
    element.dispatchEvent(new Kind(type, { bubbles: true, cancelable: true, clipboardData: transfer, dataTransfer: transfer }));
  }, { type, name });
  await give('[data-input="message"]', "paste", "pasted.txt");
  await give(".stage", "drop", "dropped.txt");
  for (const name of ["pasted.txt", "dropped.txt"]) {
    await press(bob, name, "Accept");
    await says(ada, name, "Complete and checked: Bob");
  }

  await attach(ada, huge("long.bin"));
  await press(bob, "long.bin", "Accept");
  await card(ada, "long.bin").getByRole("progressbar").waitFor();
  await ada.getByRole("button", { name: "Close panel" }).click(); // the panel covers the call's controls
  const question = ada.getByRole("dialog", { name: "Leave while a file is on its way?" });
  await ada.getByRole("button", { name: "Leave", exact: true }).click();
  await question.getByRole("button", { name: "Cancel" }).click();
  const closing = new Promise((resolve) => ada.once("dialog", (dialog) => dialog.dismiss().then(() => resolve(dialog.type()))));
  await ada.close({ runBeforeUnload: true });
  assert.equal(await closing, "beforeunload");
  await ada.locator('[data-view="call"]').waitFor();
  await ada.evaluate(() => {
    history.pushState(null, "", location.href);
    history.back();
  });
  await question.getByRole("button", { name: "Leave" }).click();
  await ada.getByRole("heading", { name: "Ready to join?" }).waitFor();
  await says(bob, "long.bin", "The connection was lost");
});

for (const canceller of ["sender", "receiver"]) {
  test(`the ${canceller} cancels the transfer of a file`, async () => {
    const [ada, bob] = await two();
    await attach(ada, huge("long.bin"));
    await press(bob, "long.bin", "Accept");
    const page = canceller === "sender" ? ada : bob;
    await card(page, "long.bin").getByRole("progressbar").and(page.locator("[value]:not([value='0'])")).waitFor();
    await press(page, "long.bin", "Cancel");
    for (const each of [ada, bob]) await says(each, "long.bin", "Cancelled");
    // The link is as good as before.
    await bob.locator('[data-input="files"]').setInputFiles({ name: "next.txt", mimeType: "text/plain", buffer: Buffer.from("next") });
    await press(ada, "next.txt", "Accept");
    await says(bob, "next.txt", "Complete and checked: Ada");
  });
}

test("a file fails when its receiver or its sender disconnects", async () => {
  const [ada, bob, cleo] = await mesh(browser, server, `file-${(rooms += 1)}`, 3, { microphones: false });
  for (const page of [ada, bob, cleo]) await openChat(page);
  await attach(ada, huge("long.bin"));
  await press(bob, "long.bin", "Accept");
  await press(cleo, "long.bin", "Accept");
  await ada.getByText("On its way to Cleo").waitFor();
  await ada.locator(".file").filter({ hasText: "On its way to Bob" }).evaluate((element) => (element.id = "to-bob"));
  await bob.close();
  await ada.locator("#to-bob").getByText("The connection was lost").waitFor();
  await ada.close();
  await says(cleo, "long.bin", "The connection was lost");
  assert.equal(await card(cleo, "long.bin").getByText("Save").isVisible(), false);
});

test("a file that differs from the offer is not kept", async () => {
  const [ada, bob] = await two();
  await ada.evaluate(() => {
    const { send } = RTCDataChannel.prototype;
    RTCDataChannel.prototype.send = function (data) {
      if (data instanceof ArrayBuffer) new Uint8Array(data)[0] ^= 1;
      send.call(this, data);
    };
  });
  await ada.locator('[data-input="files"]').setInputFiles({ name: "spoilt.txt", mimeType: "text/plain", buffer: Buffer.from("as it was") });
  await press(bob, "spoilt.txt", "Accept");
  await says(bob, "spoilt.txt", "What arrived is not what was offered");
  await says(ada, "spoilt.txt", "Cancelled");
  assert.equal(await card(bob, "spoilt.txt").getByText("Save").isVisible(), false);
});

test("the other peers get a file although one peer is not connected yet", async () => {
  const room = `file-${(rooms += 1)}`;
  const ada = await joinRoom(browser, server, room, "Ada");
  const mute = await connect(server, { room }); // offers no connection
  await ask(mute, "room:join", { name: "Mute" });
  await tile(ada, "Mute").waitFor();
  const bob = await joinRoom(browser, server, room, "Bob");
  await sees(ada, "Bob");
  await openChat(bob);
  await openChat(ada);
  await ada.locator('[data-input="files"]').setInputFiles({ name: "note.txt", mimeType: "text/plain", buffer: Buffer.from("note") });
  await ada.locator(".toast").getByText("Not everyone is connected to you yet.").waitFor();
  await press(bob, "note.txt", "Accept");
  await says(ada, "note.txt", "Complete and checked: Bob");
  assert.deepEqual(ada.errors, []);
  mute.disconnect();
});

test("a user who is alone is told that nobody can receive a file", async () => {
  const [ada] = await mesh(browser, server, `file-${(rooms += 1)}`, 1);
  await openChat(ada);
  await attach(ada, huge("lonely.bin"));
  await ada.getByText("Nobody else is here to receive a file yet.").first().waitFor();
});
