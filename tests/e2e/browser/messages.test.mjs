// Messages between the users of an application: channels from peer to peer, messages through the room, encrypted and private chat.

import assert from "node:assert/strict";
import { test } from "node:test";
import { RoomKey } from "../../../public/client/key.js";
import { ask, connect, once } from "../support.mjs";
import { watchConnections } from "./descriptions.mjs";
import { connected, joinAs, keepOwnChannels, moduleUser } from "./module-user.mjs";
import { setUp } from "./setup.mjs";
import { hears, joinRoom, openChat, say, tile } from "./support.mjs";

const fixture = await setUp();
let rooms = 0;

/** People in a room of their own, all linked to all. */
async function people(...names) {
  const room = `messages-${(rooms += 1)}`;
  const pages = [];
  for (const name of names) {
    const page = await moduleUser(fixture, async (page) => {
      await watchConnections(page);
      await keepOwnChannels(page);
    });
    await joinAs(page, room, name);
    pages.push(page);
  }
  for (const page of pages) await connected(page, names.length - 1);
  return Object.assign(pages, { room });
}

/** Keeps the messages of a channel, with the sender's name: `window.heard`. Bytes become arrays of numbers. */
const listen = (page, channel) => page.evaluate((channel) => {
  window.heard = [];
  window.room.channel(channel).on("message", (value, { name }) => window.heard.push([name, value instanceof ArrayBuffer ? [...new Uint8Array(value)] : value]));
}, channel);

const heard = async (page, count) => {
  await page.waitForFunction((count) => window.heard.length >= count, count);
  return page.evaluate(() => window.heard);
};

test("a channel carries text, values and bytes, to all or to some, also to a listener that is added later", async () => {
  const [ada, bob, cleo] = await people("Ada", "Bob", "Cleo");
  await listen(bob, "talk");
  await ada.evaluate(async () => {
    const channel = window.room.channel("talk");
    const peer = (wanted) => [...window.room.peers.values()].find(({ name }) => name === wanted);
    await channel.send("你好");
    await channel.send({ x: [1, null] });
    await channel.send("for Bob", { to: peer("Bob") });
    await channel.send("for Cleo", { to: [peer("Cleo")] });
    const memory = new Uint8Array([9, 1, 2, 9]);
    await channel.send(memory.subarray(1, 3));
    memory.fill(0); // it was copied
    await channel.send(new ArrayBuffer(2));
  });
  assert.deepEqual(await heard(bob, 5), [["Ada", "你好"], ["Ada", { x: [1, null] }], ["Ada", "for Bob"], ["Ada", [1, 2]], ["Ada", [0, 0]]]);
  const first = await cleo.evaluate(() => new Promise((hear) => window.room.channel("talk").once("message", hear)));
  assert.equal(first, "你好");
  await listen(cleo, "talk"); // gets the others, which waited
  assert.deepEqual(await heard(cleo, 4), [["Ada", { x: [1, null] }], ["Ada", "for Cleo"], ["Ada", [1, 2]], ["Ada", [0, 0]]]);
  const codes = await ada.evaluate(async () => {
    const channel = window.room.channel("talk");
    const tries = [channel.send("x".repeat(262_143)), channel.send(undefined), channel.send(new ArrayBuffer(262_144))];
    return (await Promise.allSettled(tries)).map(({ status, reason }) => reason?.code ?? reason?.name ?? status);
  });
  assert.deepEqual(codes, ["too-large", "TypeError", "fulfilled"]);
  // A character is three bytes here, and what waits for a listener takes a megabyte at most.
  await cleo.evaluate(() => {
    const { send } = RTCDataChannel.prototype;
    window.haveArrived = new Promise((arrived) => (RTCDataChannel.prototype.send = function (data) {
      if (this.label === "long" && data === "5") arrived(); // the acknowledgement of the fifth message
      send.call(this, data);
    }));
  });
  await ada.evaluate(async () => {
    for (let number = 1; number <= 5; number += 1) void window.room.channel("long").send(number + "字".repeat(80_000));
  });
  await cleo.evaluate(() => window.haveArrived);
  await listen(cleo, "long");
  assert.deepEqual((await heard(cleo, 4)).map(([, text]) => text.slice(0, 2)), ["2字", "3字", "4字", "5字"]);
});

test("an application that awaits send does not fill the browser's buffer, and messages keep their order", async () => {
  const [ada, bob] = await people("Ada", "Bob");
  await bob.evaluate(() => {
    window.heard = [];
    window.room.channel("bulk").on("message", (bytes) => window.heard.push(new Uint32Array(bytes)[0]));
  });
  const most = await ada.evaluate(async () => {
    let most = 0;
    const { prototype } = RTCDataChannel;
    const { send } = prototype;
    prototype.send = function (data) {
      send.call(this, data);
      most = Math.max(most, this.bufferedAmount);
    };
    for (let number = 0; number < 100; number += 1) await window.room.channel("bulk").send(new Uint32Array(50_000).fill(number));
    return most;
  });
  assert.deepEqual(await heard(bob, 100), Array.from({ length: 100 }, (_, number) => number));
  assert.ok(most < 2_000_000, `${most} bytes were buffered`);
});

test("a channel outlives the connection: messages that are sent while a new connection is made arrive once and in order", async () => {
  const [ada, bob] = await people("Ada", "Bob");
  for (const page of [ada, bob]) await listen(page, "count");
  const count = (page, rounds) => page.evaluate(async (rounds) => {
    const made = window.connections.length;
    window.sent ??= 0;
    do {
      await window.room.channel("count").send((window.sent += 1));
      await new Promise((done) => setTimeout(done, 5));
    } while (window.sent < rounds || window.connections.length === made);
    return window.sent;
  }, rounds);
  // Three failures in a row: the negotiation broke down, and the link makes another connection.
  await bob.evaluate(() => {
    const { prototype } = RTCPeerConnection;
    const { setLocalDescription } = prototype;
    let failures = 3;
    prototype.setLocalDescription = function (...args) {
      return failures-- > 0 ? Promise.reject(new Error("refused by the test")) : setLocalDescription.apply(this, args);
    };
    dispatchEvent(new Event("online"));
  });
  const [fromAda, fromBob] = await Promise.all([count(ada, 100), count(bob, 100)]);
  await Promise.all([heard(ada, fromBob), heard(bob, fromAda)]);
  for (const page of [ada, bob]) await connected(page, 1);
  await ada.evaluate(() => window.room.channel("count").send("the last"));
  await bob.waitForFunction(() => window.heard.at(-1)[1] === "the last");
  const numbers = (last) => Array.from({ length: last }, (_, index) => index + 1);
  assert.deepEqual((await ada.evaluate(() => window.heard)).map(([, value]) => value), numbers(fromBob));
  assert.deepEqual((await bob.evaluate(() => window.heard)).map(([, value]) => value), [...numbers(fromAda), "the last"]);
});

test("channels beyond the limit, and channels with an invalid first message, are closed", async () => {
  const [ada, bob] = await people("Ada", "Bob");
  const states = await bob.evaluate(async () => {
    const [peer] = window.room.peers.values();
    const open = (label, hello) => new Promise((resolve) => {
      const channel = peer.createChannel(label, { protocol: "signalbox-data" });
      channel.onopen = () => [hello, "1"].forEach((frame) => channel.send(frame));
      channel.onclose = () => resolve("closed");
      channel.onmessage = ({ data }) => resolve(data);
    });
    const good = JSON.stringify({ stream: "s", first: 1 });
    const malformed = await Promise.all(["{}", "[", JSON.stringify({ stream: "s".repeat(65), first: 1 }), JSON.stringify({ stream: "s", first: "1" })].map((hello) => open("bad", hello)));
    const longName = await open("n".repeat(65), good);
    const many = await Promise.all(Array.from({ length: 70 }, (_, number) => open(`channel ${number}`, good)));
    return { malformed, longName, taken: many.filter((state) => state === "1").length, refused: many.filter((state) => state === "closed").length };
  });
  assert.deepEqual(states, { malformed: Array(4).fill("closed"), longName: "closed", taken: 64, refused: 6 });
  assert.deepEqual(ada.errors, []);
});

test("a message of the application goes through the room, to all or to one", async () => {
  const [ada, bob, cleo] = await people("Ada", "Bob", "Cleo");
  for (const page of [bob, cleo]) {
    await page.evaluate(() => {
      window.once = [];
      window.room.once("message", (data) => window.once.push(data));
      window.room.once("peer", ({ name }) => window.once.push(name)); // two peers are here already
      const removed = () => window.once.push("removed");
      window.room.on("message", removed);
      window.room.once("message", removed);
      window.once.push(window.room.off("message", removed), window.room.off("message", removed));
      window.heard = [];
      window.room.on("message", (data, { name }) => window.heard.push([name, data instanceof ArrayBuffer ? [...new Uint8Array(data)] : data]));
    });
  }
  await ada.evaluate(async () => {
    const [bob] = window.room.peers.values();
    await window.room.send({ kind: "wave" });
    await window.room.send("for Bob", { to: bob });
    await window.room.send(new Uint8Array([1, 2]).buffer);
  });
  assert.deepEqual(await heard(bob, 3), [["Ada", { kind: "wave" }], ["Ada", "for Bob"], ["Ada", [1, 2]]]);
  assert.deepEqual(await heard(cleo, 2), [["Ada", { kind: "wave" }], ["Ada", [1, 2]]]);
  for (const page of [bob, cleo]) assert.deepEqual(await page.evaluate(() => window.once), ["Ada", true, false, { kind: "wave" }]);
  const code = await ada.evaluate(() => window.room.send("x", { to: { id: "nobody" } }).catch(({ code }) => code));
  assert.equal(code, "unknown-peer");
});

for (const key of [undefined, "shared-secret"]) {
  test(`a private message reaches one peer alone, and is marked as private${key ? ", encrypted" : ""}`, async () => {
    const room = `private-${(rooms += 1)}`;
    const bob = await joinRoom(fixture.browser, fixture.server, room, "Bob", { key });
    const [ada, cleo] = [await moduleUser(fixture), await moduleUser(fixture)];
    await joinAs(ada, room, "Ada", { key });
    await joinAs(cleo, room, "Cleo", { key });
    const sent = await ada.evaluate(async () => {
      const bob = [...window.room.peers.values()].find(({ name }) => name === "Bob");
      const settled = new Promise((settle) => window.room.chat.on("change", ({ state, to }) => state === "sent" && settle({ state, isForBob: to === bob.id })));
      window.room.chat.send("psst", { to: bob });
      return settled;
    });
    assert.deepEqual(sent, { state: "sent", isForBob: true });
    await ada.evaluate(() => window.room.chat.send("for all"));
    await hears(bob, "for all");
    await bob.locator(".message").filter({ hasText: "psst" }).getByText("Only to you").waitFor({ state: "attached" });
    assert.equal(await bob.getByText("Only to you").count(), 1);
    await cleo.waitForFunction(() => window.room.chat.messages.length > 0);
    assert.deepEqual(await cleo.evaluate(() => window.room.chat.messages.map(({ text, to }) => [text, to])), [["for all", null]]);

    // Bob chooses who gets his messages: in the list beside the input, or in the menu of a user's tile.
    const receiver = bob.getByRole("combobox", { name: "Who gets the message" });
    const note = (words, noted) => bob.locator(".message").filter({ hasText: words }).getByText(noted).waitFor({ state: "attached" });
    const isRead = (page, words) => page.waitForFunction((words) => window.room.chat.messages.some(({ text }) => text === words), words);
    await openChat(bob);
    await receiver.selectOption({ label: "Only to Ada" });
    await say(bob, "for Ada");
    await isRead(ada, "for Ada");
    await note("for Ada", "Only to Ada");
    await tile(bob, "Cleo").getByRole("button", { name: "Actions for Cleo" }).click();
    await bob.getByRole("button", { name: "Write privately" }).click();
    await say(bob, "for Cleo");
    await isRead(cleo, "for Cleo");
    await note("for Cleo", "Only to Cleo");
    await receiver.selectOption({ label: "To everyone" });
    await say(bob, "for both");
    for (const page of [ada, cleo]) await isRead(page, "for both");
    assert.equal(await bob.locator(".message").filter({ hasText: "for both" }).getByText("Only to").count(), 0);
    await receiver.selectOption({ label: "Only to Ada" });
    await ada.evaluate(() => window.room.leave());
    await tile(bob, "Ada").waitFor({ state: "detached" });
    await say(bob, "too late"); // to nobody, and not to all
    await note("too late", "They are no longer here");
    await receiver.selectOption({ label: "To everyone" });
    await say(bob, "the last");
    await isRead(cleo, "the last");
    assert.deepEqual(await cleo.evaluate(() => window.room.chat.messages.map(({ text }) => text)), ["for all", "for Cleo", "for both", "the last"]);
    assert.deepEqual(await ada.evaluate(() => window.room.chat.messages.map(({ text }) => text)), ["psst", "for all", "for Ada", "for both"]);
    assert.deepEqual(bob.errors, []);
  });
}

/** Replaces each chat message to the page by those that `alter(record)` returns. */
const forging = (alter) => (page) => page.routeWebSocket(/socket\.io/, (socket) => {
  const room = socket.connectToServer();
  room.onMessage((frame) => {
    const [event, record, ...rest] = /^42\[/.test(frame) ? JSON.parse(frame.slice(2)) : [];
    if (event !== "chat-message") return socket.send(frame);
    for (const altered of alter(record)) socket.send(`42${JSON.stringify([event, altered, ...rest])}`);
  });
});

test("an encrypted message that the server altered or took from another room is unreadable; a forged name or time is not shown", async () => {
  const [key, room] = ["shared-secret", `forged-${(rooms += 1)}`];
  const elsewhere = await moduleUser(fixture);
  const listener = await connect(fixture.server, { room: `${room}-other` });
  await joinAs(elsewhere, `${room}-other`, "Ada", { key });
  const said = once(listener, "chat-message");
  await elsewhere.evaluate(() => window.room.chat.send("in another room"));
  const [other] = await said;

  const flip = (text) => (text.startsWith("A") ? "B" : "A") + text.slice(1);
  const bob = await moduleUser(fixture, forging((record) => {
    let copies = 0;
    const copy = (changes) => ({ ...record, id: `${record.id}-${(copies += 1)}`, ...changes });
    return [
      copy({ from: "somebody-else" }),
      copy({ message: flip(record.message) }),
      copy({ enc: { ...record.enc, iv: flip(record.enc.iv) } }),
      copy({ enc: { ...record.enc, mid: "another" } }),
      copy({ to: "somebody" }),
      copy({ message: other.message, enc: other.enc }),
      copy({ message: other.message, enc: other.enc, from: other.from }),
      ...[{}, [], "x", 7, { mid: {}, iv: {} }, { mid: null, iv: null }].map((enc) => copy({ enc })),
      copy({ name: "Carol (boss)", ts: record.ts + 3_600_000 }), // this one is readable, and is shown with the name and time that its sender encrypted
      copy({}), // a repetition, which is not shown
    ];
  }));
  const ada = await moduleUser(fixture);
  await joinAs(ada, room, "Ada", { key });
  await joinAs(bob, room, "Bob", { key });
  await connected(ada, 1);
  await bob.waitForFunction(() => [...window.room.peers.values()][0].verified === "verified");
  const ts = await ada.evaluate(() => window.room.chat.send("pay ten").ts);
  await ada.evaluate(() => window.room.chat.send("that is all"));
  await bob.waitForFunction(() => window.room.chat.messages.some(({ text }) => text === "that is all"));
  const taken = await bob.evaluate(() => window.room.chat.messages.map(({ text, name, ts, encryption, proven }) => ({ text, name, ts, encryption, proven })));
  const [opened, ...more] = taken.filter(({ encryption }) => encryption !== "unreadable");
  assert.deepEqual(opened, { text: "pay ten", name: "Ada", ts, encryption: "end-to-end", proven: true });
  assert.deepEqual(more.map(({ text }) => text), ["that is all"]);
  const unreadable = taken.filter(({ encryption }) => encryption === "unreadable");
  assert.equal(unreadable.length, 2 * 13);
  assert.ok(unreadable.every(({ text, proven }) => text === "" && !proven));
  assert.deepEqual(bob.errors, []);
});

test("an encrypted message of an invalid form does not stop the chat, and a message is not proven if its sender has no verified link", async () => {
  const [key, room] = ["shared-secret", `odd-${(rooms += 1)}`];
  const bob = await moduleUser(fixture);
  await joinAs(bob, room, "Bob", { key });
  const member = await connect(fixture.server, { room });
  await ask(member, "room:join", { name: "Mallory" });
  const roomKey = await RoomKey.of(key, room);
  const say = async (plain, mid) => {
    const { sealed, iv } = await roomKey.seal(plain, [member.id, mid]);
    await ask(member, "chat-message", { message: sealed, enc: { mid, iv } });
  };
  const facts = (...values) => `${JSON.stringify(values)}\ntext`;
  await say("no facts", "1");
  await say(facts(), "2");
  await say("7\ntext", "3");
  await say(facts("Mallory", 8.65e15, "session", null), "4"); // later than a Date can be
  await say(facts("Mallory", "now", "session", null), "5");
  for (const mid of [7, null, ["x"], { toString: 1 }]) await say(facts("Mallory", 1, "session", null), mid);
  await say(facts("Mallory".repeat(100), 1, "session", null), "6");
  await ask(member, "chat-message", "in the clear");
  await bob.waitForFunction(() => window.room.chat.messages.at(-1)?.text === "in the clear");
  const taken = await bob.evaluate(() => window.room.chat.messages.map(({ text, name, encryption, proven }) => [text, name.length, encryption, proven]));
  assert.deepEqual(taken, [
    ...Array(9).fill(["", "Mallory".length, "unreadable", false]),
    ["text", 64, "end-to-end", false],
    ["in the clear", "Mallory".length, "none", false],
  ]);
  assert.deepEqual(bob.errors, []);
});

test("a peer that sends garbage on every data channel disturbs nobody", async () => {
  const [ada, bob, cleo] = await people("Ada", "Bob", "Cleo");
  await ada.evaluate(() => window.room.channel("talk")); // nobody listens yet
  await bob.evaluate(async () => {
    const ada = [...window.room.peers.values()].find(({ name }) => name === "Ada");
    const garbage = ["", "null", "[]", "7", "{", '{"nonce":1}', '{"nonce":"x","session":"y","keyed":true,"proof":"z"}', '{"stream":null}', '{"name":"a","size":-1,"type":""}', '{"stored":"x","received":true,"accept":1,"cancel":0}', "\u0000".repeat(60_000), new Uint8Array(60_000)];
    for (const protocol of ["", "signalbox-data", "signalbox-file"]) {
      for (const first of garbage) {
        const channel = ada.createChannel("garbage", { protocol });
        await new Promise((open) => channel.addEventListener("open", open));
        for (const frame of [first, ...garbage]) if (channel.readyState === "open") channel.send(frame);
      }
    }
    // The link's own channel has a number that both sides know.
    const [own] = window.ownChannels;
    for (const frame of garbage) own.send(frame);
  });
  await listen(ada, "talk");
  await cleo.evaluate(() => window.room.channel("talk").send("good morning"));
  await bob.evaluate(() => window.room.channel("talk").send("good morning"));
  assert.deepEqual((await heard(ada, 2)).sort(), [["Bob", "good morning"], ["Cleo", "good morning"]]);
  assert.deepEqual(await ada.evaluate(() => [...window.room.peers.values()].map(({ state, verified }) => `${state} ${verified}`)), Array(2).fill("connected unverified"));
  assert.deepEqual(ada.errors, []);
});

test("the application loads older messages page by page", async () => {
  const [ada] = await people("Ada");
  await ada.evaluate(async () => {
    const { chat } = window.room;
    const sent = new Promise((all) => chat.on("change", () => chat.messages.filter(({ state }) => state === "sent").length === 50 && all()));
    for (let number = 0; number < 50; number += 1) chat.send(`${number} ${"x".repeat(3_900)}`);
    await sent;
  });
  const bob = await moduleUser(fixture);
  await joinAs(bob, `messages-${rooms}`, "Bob");
  const read = await bob.evaluate(async () => {
    const { chat } = window.room;
    const atFirst = chat.messages.length;
    const one = await chat.loadEarlier(5);
    const rest = await chat.loadEarlier(100);
    const end = await chat.loadEarlier();
    const numbers = chat.messages.map(({ text }) => Number.parseInt(text, 10));
    return { isPart: atFirst < 45, five: one.messages.length, more: [one.more, rest.more, end.more], none: end.messages.length, numbers, earlier: chat.messages.every(({ earlier }) => earlier) };
  });
  assert.deepEqual(read, { isPart: true, five: 5, more: [true, false, false], none: 0, numbers: Array.from({ length: 50 }, (_, number) => number), earlier: true });
});

test("the host admits all waiting users at once, and asks all to mute", async () => {
  const [host] = await people("Ada");
  const room = `messages-${rooms}`;
  await host.evaluate(() => window.room.host.lock(true));
  const names = ["Bob", "Cleo", "Dan"];
  const waiting = await Promise.all(names.map(() => moduleUser(fixture)));
  const joining = waiting.map((page, index) => joinAs(page, room, names[index]));
  await host.waitForFunction(() => window.room.knocks.length === 3);
  await host.evaluate(() => window.room.host.admitAll());
  await Promise.all(joining);
  assert.deepEqual(await host.evaluate(() => [window.room.knocks.length, window.room.info.locked, [...window.room.peers.values()].map(({ name }) => name).sort()]), [0, true, names]);
  const asked = waiting.map((page) => page.evaluate(() => new Promise((done) => window.room.on("muteRequest", ({ name }) => done(name)))));
  await host.evaluate(() => window.room.host.requestMuteAll());
  assert.deepEqual(await Promise.all(asked), ["Ada", "Ada", "Ada"]);
});

test("an application's own ICE servers replace those of the deployment", async () => {
  const page = await moduleUser(fixture, watchConnections);
  const [ada] = await people("Ada");
  const iceServers = [{ urls: ["stun:127.0.0.1:9"] }];
  await joinAs(page, `messages-${rooms}`, "Bob", { rtcConfig: { iceServers, iceCandidatePoolSize: 1 } });
  await connected(ada, 1);
  const { iceServers: used, iceCandidatePoolSize, bundlePolicy } = await page.evaluate(() => window.connections[0].getConfiguration());
  assert.deepEqual([used.flatMap(({ urls }) => urls), iceCandidatePoolSize, bundlePolicy], [["stun:127.0.0.1:9"], 1, "max-bundle"]);
});
