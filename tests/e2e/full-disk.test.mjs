// The disk of the server is full, so storage refuses a commit: nothing that was not stored is acknowledged, the runtime ends
// the object and its connections, and the room serves again, with all that it acknowledged, when there is space. Needs the
// right to mount a file system.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmdirSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { ask, connect, once, startKillable } from "./support.mjs";

/** The folder of a small disk of its own, or why there can be none. */
function smallDisk() {
  const folder = mkdtempSync(join(tmpdir(), "signalbox-disk-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=2m", "signalbox", folder], { stdio: "pipe" });
    return { folder };
  } catch (error) {
    rmdirSync(folder);
    return { obstacle: `cannot mount a file system: ${error.message.split("\n")[0]}` };
  }
}

/** Writes a file until the disk is full. */
function fill(path) {
  const file = openSync(path, "w");
  try {
    for (;;) writeSync(file, Buffer.alloc(4096));
  } catch (error) {
    if (error.code !== "ENOSPC") throw error;
  } finally {
    closeSync(file);
  }
}

const { folder, obstacle } = smallDisk();
describe("a room on a full disk", { skip: obstacle ?? false }, () => {
  after(() => {
    execFileSync("umount", [folder]);
    rmdirSync(folder);
  });

  test("acknowledges nothing that it could not store, and serves again when there is space", async (t) => {
    const server = await startKillable({ storage: join(folder, "rooms"), vars: { CHAT_HISTORY: "1000" } });
    t.after(() => server.stop());
    const reconnecting = { reconnection: true, reconnectionDelay: 20, reconnectionDelayMax: 100 };
    const sender = await connect(server, { ...reconnecting, transports: ["websocket"] });
    const acknowledged = [];
    const send = async (text) => {
      const answer = await ask(sender, "chat-message", text);
      assert.equal(answer.ok, true);
      acknowledged.push(text);
    };
    for (let n = 0; n < 5; n++) await send(`before ${n}`);

    const ballast = join(folder, "ballast");
    fill(ballast);
    const lost = once(sender, "disconnect").then(() => true);
    // A few more fit into what SQLite has already taken of the disk.
    for (let n = 0; ; n++) {
      assert.ok(n < 500, "storage takes everything");
      const text = `${n} ${"x".repeat(3_900)}`;
      const answer = new Promise((resolve) => sender.emit("chat-message", text, resolve));
      const stored = await Promise.race([answer, lost.then(() => undefined)]);
      if (!stored) break;
      acknowledged.push(text);
    }

    const back = once(sender, "connect");
    rmSync(ballast);
    if (!sender.connected) await back;
    await send("after");
    const kept = [];
    for (let before; ; before = kept[0].seq) {
      const { messages, more } = await ask(sender, "chat:history", { before, limit: 100 });
      kept.unshift(...messages.map(({ message, seq }) => ({ message, seq })));
      if (!more) break;
    }
    const texts = kept.map(({ message }) => message);
    assert.deepEqual(texts.filter((text) => acknowledged.includes(text)), acknowledged);
  });
});
