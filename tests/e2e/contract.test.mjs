// The events of a published tutorial, and the other shapes in which pages send them, with the stock client.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { example } from "./documents.mjs";
import { ask, connect, once, payload, startKillable, startServer } from "./support.mjs";

let server;
before(async () => {
  server = await startServer();
});
after(() => server.stop());

const offer = { type: "offer", sdp: "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\n" };
const answer = { type: "answer", sdp: "v=0\r\n" };
const init = { candidate: "candidate:1 1 udp 1 127.0.0.1 9 typ host", sdpMid: "0", sdpMLineIndex: 0 };

let rooms = 0;
/** Sockets in a room of their own. */
async function people(count) {
  const room = `contract-${rooms++}`;
  return Promise.all(Array.from({ length: count }, () => connect(server, { room })));
}

/** What `to` gets when `from` emits. */
async function relayed(from, to, sent, ...args) {
  const heard = once(to, sent);
  from.emit(sent, ...args);
  return heard;
}

test("join: all sockets with an alias get user-joined and user-left, the new one too", async () => {
  const [ada, grace, tourist] = await people(3);
  const surprises = [];
  tourist.onAny((event) => surprises.push(event));
  const own = once(ada, "user-joined");
  ada.emit("join", "ada");
  assert.deepEqual(payload(await own), ["ada"]);
  const both = Promise.all([once(ada, "user-joined"), once(grace, "user-joined")]);
  grace.emit("join", "grace");
  assert.deepEqual((await both).map(payload), [["grace"], ["grace"]]);
  const left = once(ada, "user-left");
  grace.disconnect();
  assert.deepEqual(payload(await left), ["grace"]);
  assert.equal((await ask(tourist, "chat:history", {})).ok, true);
  assert.deepEqual(surprises, []);
});

for (const target of ["remotePeerId", "remoteUserId", "targetPeerId", "targetUserId"]) {
  test(`offer, answer, candidate with ${target}: only the target gets the bare value`, async () => {
    const [ada, grace, third] = await people(3);
    const surprises = [];
    third.onAny((event) => surprises.push(event));
    for (const [event, value] of [["offer", offer], ["answer", answer], ["candidate", init]]) {
      const [got, meta] = await relayed(ada, grace, event, { [event]: value, [target]: grace.id });
      assert.deepEqual(got, value);
      assert.equal(meta.from, ada.id);
      assert.equal(meta.to, grace.id);
    }
    assert.equal((await ask(third, "chat:history", {})).ok, true);
    assert.deepEqual(surprises, []);
  });
}

test("meta: from, to, room, ts, seq, cid, polite, name", async () => {
  const [ada, grace] = await people(2);
  await ask(ada, "room:join", { name: "Ada" });
  await ask(grace, "room:join", { name: "Grace" });
  const [, first] = await relayed(ada, grace, "offer", { to: grace.id, description: offer, cid: "c1" });
  const { ts, seq, ...rest } = first;
  const room = `contract-${rooms - 1}`;
  assert.deepEqual(rest, { from: ada.id, to: grace.id, room, cid: "c1", polite: true, name: "Ada" });
  assert.ok(Math.abs(Date.now() - ts) < 60_000);
  const [, second] = await relayed(grace, ada, "answer", { to: ada.id, description: answer });
  assert.equal(second.polite, false, "the earlier of two is impolite");
  assert.ok(second.seq > seq);
  assert.equal(second.cid, null);
});

test("chat-message: {message, id, seq, ts, from, name} to all, including the sender", async () => {
  const [ada, grace] = await people(2);
  await ask(ada, "room:join", { name: "Ada" });
  const text = "你好 👋🏽 <b>&amp;</b> \u0000 \"quoted\" \n";
  const both = Promise.all([once(ada, "chat-message"), once(grace, "chat-message")]);
  const { ok, ...receipt } = await ask(ada, "chat-message", text);
  assert.equal(ok, true);
  for (const args of await both) {
    assert.deepEqual(payload(args), [{ message: text, ...receipt, from: ada.id, name: "Ada" }]);
  }
});

test("broadcast: a bare description or candidate goes to all others unchanged", async () => {
  const [ada, grace, third] = await people(3);
  for (const [event, value] of [["offer", offer], ["candidate", init], ["candidate", null]]) {
    // Nobody has answered the offer, so the candidates also go to all others.
    const both = Promise.all([once(grace, event), once(third, event)]);
    ada.emit(event, value);
    for (const [got, meta] of await both) {
      assert.deepEqual(got, value);
      assert.equal(meta.from, ada.id);
      assert.equal(meta.to, null);
    }
  }
});

for (const target of ["to", "target", "targetId", "id", "peerId", "userId", "receiver", "socketId"]) {
  test(`wrapped with ${target}: the target gets the object with its sender`, async () => {
    const [ada, grace] = await people(2);
    for (const field of ["offer", "sdp", "description"]) {
      const sent = { [target]: grace.id, [field]: offer, extra: [1, { deep: true }] };
      const [got] = await relayed(ada, grace, "offer", sent);
      assert.deepEqual(got, { ...sent, from: ada.id });
    }
    const sent = { [target]: grace.id, candidate: init };
    assert.deepEqual((await relayed(ada, grace, "candidate", sent))[0], { ...sent, from: ada.id });
  });
}

test("wrapped: a claimed sender is overwritten with the true one", async () => {
  const [ada, grace, third] = await people(3);
  for (const field of ["from", "caller", "sender", "fromId"]) {
    const sent = { to: grace.id, offer, [field]: third.id };
    const [got] = await relayed(ada, grace, "offer", sent);
    assert.deepEqual(got, { ...sent, [field]: ada.id, from: ada.id });
  }
});

test("id first: offer(id, description) arrives as offer(fromId, description)", async () => {
  const [ada, grace] = await people(2);
  for (const [event, value] of [["offer", offer], ["answer", answer], ["candidate", init], ["candidate", null]]) {
    const [from, got] = await relayed(ada, grace, event, grace.id, value);
    assert.deepEqual([from, got], [ada.id, value]);
  }
});

test("room last: offer(description, room) is relayed if it names this room", async () => {
  const [ada, grace] = await people(2);
  const room = `contract-${rooms - 1}`;
  assert.deepEqual((await relayed(ada, grace, "offer", offer, room))[0], offer);
  const refused = once(ada, "room:error");
  ada.emit("offer", offer, "elsewhere");
  const [error] = await refused;
  assert.equal(error.code, "unsupported");
  assert.equal(error.event, "offer");
  assert.match(error.message, /\/r\/elsewhere\/socket\.io\//);
});

for (const event of ["ice-candidate", "ice"]) {
  test(`${event} arrives under its own name`, async () => {
    const [ada, grace] = await people(2);
    assert.deepEqual((await relayed(ada, grace, event, { candidate: init, remotePeerId: grace.id }))[0], init);
    const sent = { to: grace.id, candidate: init };
    assert.deepEqual((await relayed(ada, grace, event, sent))[0], { ...sent, from: ada.id });
  });
}

test("target: an alias stands for its peer", async () => {
  const [ada, grace, third] = await people(3);
  await ask(grace, "join", "grace");
  await ask(third, "join", "third");
  assert.deepEqual((await relayed(ada, grace, "offer", { offer, remoteUserId: "grace" }))[0], offer);
  assert.equal((await relayed(ada, grace, "offer", { to: "grace", offer }))[0].from, ada.id);
  const { error } = await ask(third, "join", "grace");
  assert.equal(error.code, "id-taken");
});

test("target: an answer without a target goes to the peer that sent the offer, and so do candidates after it", async () => {
  const [ada, grace, third] = await people(3);
  const surprises = [];
  third.onAny((event) => surprises.push(event));
  await relayed(ada, grace, "offer", { offer, remotePeerId: grace.id });
  assert.deepEqual((await relayed(grace, ada, "answer", { answer }))[0], answer);
  assert.deepEqual((await relayed(grace, ada, "candidate", { candidate: init }))[0], init);
  assert.deepEqual((await relayed(ada, grace, "candidate", { candidate: init }))[0], init);
  assert.equal((await ask(third, "chat:history", {})).ok, true);
  assert.deepEqual(surprises, []);
});

test("target: a signal without a target goes to the only other socket", async () => {
  const [ada, grace] = await people(2);
  const [got, meta] = await relayed(ada, grace, "offer", { offer });
  assert.deepEqual([got, meta.to], [offer, grace.id]);
});

test("an unknown target gives unknown-peer to its sender only", async () => {
  const [ada, grace] = await people(2);
  const surprises = [];
  grace.onAny((event) => surprises.push(event));
  for (const args of [[{ offer, remotePeerId: "nobody" }], [{ to: "nobody", offer }], ["nobody", offer]]) {
    const refused = once(ada, "room:error");
    ada.emit("offer", ...args);
    const [error] = await refused;
    assert.deepEqual([error.code, error.event], ["unknown-peer", "offer"]);
    const ack = await ask(ada, "offer", ...args);
    assert.deepEqual([ack.ok, ack.error.code], [false, "unknown-peer"]);
  }
  assert.equal((await ask(grace, "chat:history", {})).ok, true);
  assert.deepEqual(surprises, []);
});

test("sender: a false sender in an argument is replaced by the true one; a description without a sender is unchanged", async () => {
  const [ada, grace, third] = await people(3);
  const claimed = { ...offer, from: third.id, callerID: third.id };
  const stated = { ...offer, from: ada.id, callerID: ada.id };
  const data = { data: [1], from: third.id };
  for (const [event, args, expected] of [
    ["signal", [{ signal: data, remotePeerId: grace.id }], [{ ...data, from: ada.id }]],
    ["offer", [{ offer: claimed, remotePeerId: grace.id }], [stated]],
    ["offer", [grace.id, claimed], [ada.id, stated]],
    ["offer", [claimed, grace.id], [stated]],
    ["offer", [offer, grace.id], [offer]],
  ]) {
    const got = await relayed(ada, grace, event, ...args);
    assert.deepEqual(got.slice(0, expected.length), expected);
    assert.equal(got[expected.length].from, ada.id);
  }
  const both = Promise.all([once(grace, "offer"), once(third, "offer")]);
  ada.emit("offer", claimed);
  for (const [got] of await both) assert.deepEqual(got, stated);
});

test("target: it is found in a field of another name and in a later argument, and no other client gets the signal", async () => {
  const [ada, grace, third] = await people(3);
  const surprises = [];
  third.onAny((event) => surprises.push(event));
  await ask(grace, "join", "grace");
  for (const target of [grace.id, "grace"]) {
    for (const name of ["targetSocketId", "userToCall", "callee_id", "recipientId", "buddy"]) {
      const sent = { [name]: target, offer };
      assert.deepEqual((await relayed(ada, grace, "offer", sent))[0], { ...sent, from: ada.id });
    }
    assert.deepEqual((await relayed(ada, grace, "offer", offer, target))[0], offer);
  }
  assert.equal((await ask(ada, "offer", { targetSocketId: "nobody", offer })).error.code, "unknown-peer");
  assert.equal((await ask(third, "chat:history", {})).ok, true);
  assert.deepEqual(surprises, []);
});

test("room: an event that names another room in any form is refused with the URL of that room, and reaches no client", async () => {
  const [ada, grace] = await people(2);
  const room = `contract-${rooms - 1}`;
  const surprises = [];
  grace.onAny((event) => surprises.push(event));
  for (const [event, ...args] of [
    ["offer", { roomId: "elsewhere", offer }],
    ["offer", { to: grace.id, room: "elsewhere", offer }],
    ["offer", grace.id, { ...offer, room_id: "elsewhere" }],
    ["candidate", init, "elsewhere"],
    ["chat-message", { message: "hi", room: "elsewhere" }],
    ["room:join", { name: "Ada", roomName: "elsewhere" }],
  ]) {
    const { error } = await ask(ada, event, ...args);
    assert.equal(error.code, "unsupported");
    assert.match(error.message, /\/r\/elsewhere\/socket\.io\//);
  }
  assert.equal((await ask(grace, "chat:history", {})).ok, true);
  assert.deepEqual(surprises, []);
  assert.deepEqual((await relayed(ada, grace, "offer", { roomId: room, offer }))[0], { roomId: room, offer, from: ada.id });
  assert.deepEqual((await relayed(ada, grace, "offer", room, offer))[0], offer);
});

test("binary is allowed in signals only", async () => {
  const [ada, grace] = await people(2);
  const bytes = Buffer.from("bytes");
  const { error } = await ask(ada, "chat-message", { message: "hi", enc: bytes });
  assert.equal(error.code, "bad-payload");
  const [{ data }] = await relayed(ada, grace, "signal", { to: grace.id, data: bytes });
  assert.deepEqual(Buffer.from(data), bytes);
});

test("join: an id cannot be an alias", async () => {
  const [ada, grace, third] = await people(3);
  const left = grace.id;
  grace.disconnect();
  for (const id of [ada.id, left]) assert.equal((await ask(third, "join", id)).error.code, "id-taken");
});

test("join: after the server was killed, a reloaded page gets its alias", async (t) => {
  const killable = await startKillable();
  t.after(() => killable.stop());
  const options = { room: "killed", transports: ["websocket"] };
  const ada = await connect(killable, options);
  assert.equal((await ask(ada, "join", "ada")).ok, true);
  await killable.kill();
  await killable.start();
  const again = await connect(killable, options);
  assert.deepEqual(await ask(again, "join", "ada"), { ok: true });
});

test("null and empty candidates are relayed", async () => {
  const [ada, grace] = await people(2);
  const end = { candidate: "", sdpMid: "0", sdpMLineIndex: 0 };
  for (const value of [null, end]) {
    assert.deepEqual((await relayed(ada, grace, "candidate", { candidate: value, remotePeerId: grace.id }))[0], value);
    const sent = { to: grace.id, candidate: value };
    assert.deepEqual((await relayed(ada, grace, "candidate", sent))[0], { ...sent, from: ada.id });
  }
});

test("a session description of 60 KB arrives byte-identical", async () => {
  const [ada, grace] = await people(2);
  const line = "a=candidate:842163049 1 udp 1677729535 203.0.113.7 46154 typ srflx 漢字 👍 \\ \" /\r\n";
  const sdp = line.repeat(Math.floor(60_000 / Buffer.byteLength(line)));
  for (const transports of [["websocket"], ["polling"]]) {
    const room = `contract-${rooms - 1}`;
    const sender = await connect(server, { room, transports });
    const [got] = await relayed(sender, grace, "offer", { offer: { type: "offer", sdp }, remotePeerId: grace.id });
    assert.equal(got.sdp, sdp);
  }
  const { error } = await ask(ada, "offer", { to: grace.id, description: { type: "offer", sdp: "x".repeat(65_537) } });
  assert.equal(error.code, "too-large");
});

test("presence: room:join returns the peers, the others get peer:joined, peer:updated, peer:left", async () => {
  const [ada, grace] = await people(2);
  const first = await ask(ada, "room:join", { name: "Ada", media: { audio: true, video: true } });
  assert.equal(first.ok, true);
  const media = { audio: true, video: true, screen: false };
  const { joinedAt, ...self } = first.self;
  assert.deepEqual(self, { id: ada.id, n: 1, name: "Ada", host: true, media, hand: false, away: false });
  assert.ok(joinedAt > 0);
  assert.deepEqual(first.peers, []);
  assert.deepEqual(first.history, []);
  const room = `contract-${rooms - 1}`;
  assert.deepEqual(first.room, { name: room, locked: false, password: false, capacity: 8, count: 1 });
  assert.ok(first.ice.iceServers.length > 0 && first.ice.ttl > 0);
  assert.equal(first.limits.description, 65_536);
  const joined = once(ada, "peer:joined");
  const second = await ask(grace, "room:join", { name: "Grace" });
  assert.deepEqual(second.peers, [first.self]);
  assert.deepEqual((await joined)[0], second.self);
  const updated = once(ada, "peer:updated");
  assert.equal((await ask(grace, "peer:update", { hand: true, name: "Grace H." })).ok, true);
  assert.deepEqual((await updated)[0], { id: grace.id, hand: true, name: "Grace H." });
  const [left, state] = [once(grace, "peer:left"), once(grace, "room:state")];
  assert.equal((await ask(ada, "room:leave")).ok, true);
  assert.deepEqual((await left)[0], { id: ada.id, reason: "left" });
  assert.deepEqual((await state)[0], { host: grace.id });
});

test("own events: the example of the document works, and the error for another name says what to use", async () => {
  const [ada, bob] = await people(2);
  const printed = [];
  const run = (socket) => new Function("socket", "console", example("own-events"))(socket, { log: (...words) => printed.push(words) });
  const heard = once(bob, "signal");
  for (const socket of [bob, ada]) run(socket);
  await heard;
  assert.deepEqual(printed.at(-1), [ada.id, { reaction: "wave" }]);
  const { error } = await ask(ada, "reaction", "wave");
  assert.equal(error.code, "unsupported");
  assert.match(error.message, /`signal`.*dialect/);
});
