// The server is killed repeatedly, at any moment under load: every acknowledged message is stored once and in order, and a
// client that is recovered has missed nothing. KILLS sets the number of kills; 50 take about four minutes.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { ask, connect, once, startKillable } from "./support.mjs";

const kills = Number(process.env.KILLS ?? 5);
const server = await startKillable({ vars: { CHAT_HISTORY: "10000", RECOVERY_MS: "120000" } });
after(() => server.stop());

const reconnecting = { reconnection: true, reconnectionDelay: 20, reconnectionDelayMax: 100 };

/** All messages that the room has stored, oldest first. */
async function history(socket) {
  const all = [];
  for (let before; ; before = all[0].seq) {
    const { messages, more } = await ask(socket, "chat:history", { before, limit: 200 });
    all.unshift(...messages);
    if (!more) return all;
  }
}

/**
 * Asserts that a listener heard all stored messages since the first one that it heard. If it reconnected without recovery,
 * those that were sent while it was away may be missing.
 */
function assertMissedNothing(kept, heard, connects) {
  const anew = connects.filter(({ recovered }) => !recovered);
  const gaps = anew.map(({ had }) => [heard[had - 1]?.seq ?? 0, heard[had]?.seq ?? Infinity]);
  const known = new Set(heard.map(({ seq }) => seq));
  const first = heard[0].seq;
  const missed = kept.filter(({ seq }) => seq >= first && !known.has(seq) && !gaps.some(([from, to]) => from < seq && seq < to));
  assert.deepEqual(missed, [], "a recovered listener has missed nothing");
}

test(`no acknowledged message is lost in ${kills} kills under load`, async () => {
  const transports = [undefined, ["websocket"], ["polling"]];
  const listeners = [];
  for (const transport of transports) {
    const socket = await connect(server, { ...reconnecting, transports: transport });
    const heard = [];
    const connects = []; // for each connect after a kill: whether the listener was recovered, and how many messages it had heard
    socket.on("chat-message", (message) => heard.push(message));
    socket.on("connect", () => connects.push({ recovered: socket.recovered, had: heard.length }));
    listeners.push({ socket, heard, connects });
  }
  const sender = await connect(server, { ...reconnecting, transports: ["websocket"] });
  const acknowledged = [];
  let sent = 0;
  let over = false;
  const send = () => {
    if (over || !sender.connected) return;
    const text = String((sent += 1));
    sender.emit("chat-message", { message: text, mid: text }, (answer) => {
      assert.equal(answer.ok, true);
      acknowledged.push(text);
      send();
    });
  };
  const begin = () => {
    for (let n = 0; n < 4; n += 1) send(); // this many messages are in flight at once
  };
  sender.on("connect", begin); // a lost connection calls no ack
  begin();
  for (let kill = 0; kill < kills; kill += 1) {
    const target = acknowledged.length + 3;
    while (acknowledged.length < target) await setTimeout(5);
    await setTimeout(Math.random() * 150); // the random moment is the point of this test
    const everyone = [sender, ...listeners.map(({ socket }) => socket)];
    const lost = Promise.all(everyone.map((socket) => once(socket, "disconnect")));
    const back = Promise.all(everyone.map((socket) => once(socket, "connect")));
    await server.kill();
    await lost;
    await server.start();
    await back;
  }
  over = true;
  await ask(sender, "chat-message", { message: "the last", mid: "the last" });
  acknowledged.push("the last");
  const kept = await history(sender);
  const texts = kept.map(({ message }) => message);
  assert.equal(new Set(texts).size, texts.length, "no message is stored twice");
  const missing = acknowledged.filter((text) => !texts.includes(text));
  assert.deepEqual(missing, [], "every acknowledged message is stored");
  const numbers = texts.slice(0, -1).map(Number);
  assert.deepEqual(numbers, numbers.toSorted((a, b) => a - b), "in the order in which they were sent");
  for (const { socket, heard, connects } of listeners) {
    await ask(socket, "chat:history", {});
    assert.equal(connects.length, kills);
    assertMissedNothing(kept, heard, connects);
    const ids = heard.map(({ id }) => id);
    assert.equal(new Set(ids).size, ids.length, "no listener gets a message twice");
    const order = heard.map(({ seq }) => seq);
    assert.deepEqual(order, order.toSorted((a, b) => a - b), "in order");
    assert.ok(heard.length > kills, "the listeners got messages");
  }
  const all = listeners.flatMap(({ connects }) => connects);
  const recovered = all.filter((connect) => connect.recovered).length;
  console.log(`${recovered} of ${all.length} times a listener was recovered`);
  assert.ok(recovered > all.length / 2, "most are recovered");
  console.log(`${kills} kills: ${acknowledged.length} of ${sent + 1} messages acknowledged, ${texts.length} kept`);
});
