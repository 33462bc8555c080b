// Two browsers negotiate a connection when signals arrive twice, late or early, and when a browser refuses a step.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { metrics, points } from "../points.mjs";
import { startServer } from "../support.mjs";
import { agreement, watchConnections } from "./descriptions.mjs";
import { caller, moves } from "./module-user.mjs";
import { setUp } from "./setup.mjs";
import { openPage } from "./support.mjs";

const fixture = await setUp({ metrics });
const { server, site, browser } = fixture;
const slow = await startServer({ vars: { ALLOWED_ORIGINS: "*", SIGNAL_RATE: "3/3" } });
after(() => slow.stop());
const withoutRecovery = await startServer({ vars: { ALLOWED_ORIGINS: "*", RECOVERY_MS: "0" } });
after(() => withoutRecovery.stop());
let rooms = 0;

/** A user in a room. `prepare` runs on the page before the user joins. */
const come = (room, name, prepare = () => {}, at = server) => caller({ ...fixture, server: at }, room, name, {
  async prepare(page) {
    await watchConnections(page);
    await prepare(page);
  },
});

/** Ada, then Bob, who makes the first offer; they agree, and see each other. */
async function two({ ada: prepareAda, bob: prepareBob, at } = {}) {
  const room = `negotiation-${(rooms += 1)}`;
  const ada = await come(room, "Ada", prepareAda, at);
  const bob = await come(room, "Bob", prepareBob, at);
  for (const page of [ada, bob]) await moves(page);
  await agreement([ada, bob]);
  return [ada, bob];
}

/** Changes the signals from the room: `change(event, payload)` returns the signals to deliver instead. `sent` gets the page's frames. */
const incoming = (change, sent = () => {}) => (page) => page.routeWebSocket(/socket\.io/, (socket) => {
  const room = socket.connectToServer();
  socket.onMessage((frame) => {
    sent(frame);
    room.send(frame);
  });
  room.onMessage((frame) => {
    const [, type, json] = /^(42)(\[.*)$/s.exec(frame) ?? [];
    const [event, payload, ...rest] = json ? JSON.parse(json) : [];
    if (!["offer", "answer", "candidate"].includes(event)) return socket.send(frame);
    for (const [name, changed] of change(event, payload)) socket.send(`${type}${JSON.stringify([name, changed, ...rest])}`);
  });
});

/** Records the page's calls that negotiate: `window.calls` has the method of each, and the type of its description. */
const recordCalls = (page) => page.evaluate(() => {
  window.calls = [];
  for (const name of ["setLocalDescription", "setRemoteDescription", "addIceCandidate"]) {
    const original = RTCPeerConnection.prototype[name];
    RTCPeerConnection.prototype[name] = async function (...args) {
      const call = [name, args[0]?.type].filter(Boolean).join(" ");
      window.calls.push(call);
      await original.apply(this, args).catch((error) => {
        window.calls.push(`${call} failed`);
        throw error;
      });
    };
  }
});

/** Makes the browser refuse calls of a method: the first `times` calls for which `only` returns true. `only` is the text of a function. */
const refuse = (method, times, only = "() => true") => (page) => page.evaluate(({ method, times, only }) => {
  const [holder, name] = method.split(".");
  const { prototype } = window[holder];
  const original = prototype[name];
  const applies = new Function(`return ${only}`)();
  window.refused = 0;
  prototype[name] = async function (...args) {
    if (window.refused < times && applies(this, ...args)) {
      window.refused += 1;
      throw new DOMException("refused by the test", "OperationError");
    }
    return original.apply(this, args);
  };
}, { method, times, only });

/** Runs in the page. A canvas takes the place of the screen that the page shares. */
function shareCanvas() {
  const canvas = document.createElement("canvas");
  canvas.getContext("2d").fillRect(0, 0, 1, 1);
  navigator.mediaDevices.getDisplayMedia = async () => canvas.captureStream(5);
}

test("an offer that arrives twice is applied once, and gets the same answer twice", async () => {
  const answers = [];
  const [ada] = await two({
    async ada(page) {
      await recordCalls(page);
      await incoming((event, payload) => (event === "offer" ? [[event, payload], [event, payload]] : [[event, payload]]))(page);
    },
    bob: incoming((event, payload) => {
      if (event === "answer") answers.push(JSON.stringify(payload));
      return [[event, payload]];
    }),
  });
  const offers = (await ada.evaluate(() => window.calls)).filter((call) => call === "setRemoteDescription offer");
  assert.equal(answers.length, 2 * offers.length);
  assert.equal(new Set(answers).size, offers.length);
});

test("an answer to another offer is dropped, and so is a repeated answer", async () => {
  let changed = 0;
  const [, bob] = await two({
    async bob(page) {
      await recordCalls(page);
      await incoming((event, payload) => {
        if (event !== "answer") return [[event, payload]];
        changed += 1;
        const other = { ...payload, round: payload.round + 1, description: { type: "answer", sdp: "v=0\r\n" } };
        return [[event, other], [event, payload], [event, payload]];
      })(page);
    },
  });
  const answers = (await bob.evaluate(() => window.calls)).filter((call) => call === "setRemoteDescription answer");
  assert.equal(answers.length, changed);
});

test("candidates that arrive before their description are buffered", async () => {
  let early = [];
  let description = null;
  const candidatesFirst = incoming((event, payload) => {
    if (event !== "candidate") {
      description ??= [event, payload];
      return description[1] === payload ? [] : [[event, payload]];
    }
    if (!description || !early) return [[event, payload]];
    early.push([event, payload]);
    if (payload.candidate !== null) return [];
    const all = [...early, description];
    early = null;
    return all;
  });
  const [, bob] = await two({
    async bob(page) {
      await recordCalls(page);
      await candidatesFirst(page);
    },
  });
  const calls = await bob.evaluate(() => window.calls);
  assert.ok(calls.includes("addIceCandidate"));
  assert.deepEqual(calls.filter((call) => /failed/.test(call)), []);
});

test("a peer that cannot be reached is shown and reported as failed, and is connected once it can be reached", async () => {
  let isBlocked = true;
  const room = `negotiation-${(rooms += 1)}`;
  await come(room, "Ada");
  const frames = [];
  const prepare = incoming((event, payload) => (event === "answer" && isBlocked ? [] : [[event, payload]]), (frame) => frames.push(frame));
  const bob = await caller(fixture, room, "Bob", { prepare, reportOutcomes: true, rtcConfig: { iceServers: [] } });
  const becomes = (state) => bob.waitForFunction((state) => [...window.room.peers.values()][0].state === state, state);
  await becomes("failed"); // after 20 seconds; the attempts end after ten minutes
  isBlocked = false;
  await becomes("connected");
  await server.logged(/point.*"direct"/);
  await bob.evaluate(() => window.room.leave());
  await server.logged(/point.*"ended"/);
  const outcomes = points(server).filter(({ blobs: [event] }) => event === "outcome");
  assert.deepEqual(outcomes.map(({ blobs: [, , outcome] }) => outcome), ["failed", "direct", "ended"], "Ada reports nothing");
  const [failed, direct, ended] = outcomes.map(({ doubles: [ms] }) => ms);
  assert.ok(direct >= failed && failed > 0 && ended >= 0, `${failed} ${direct} ${ended}`);
  assert.ok(frames.some((frame) => frame.includes("peer:outcome")));
  assert.ok(!frames.some((frame) => frame.includes("ice:get")), "Bob has ICE servers of his own");
});

test("two peers agree again after one of them lost its answer and its offer, and joined again under another id", async () => {
  let isLosing = false;
  const lost = [];
  /** Loses the answer and the offer that the page sends next, and then the connection. */
  const lossy = (page) => page.routeWebSocket(/socket\.io/, (socket) => {
    const room = socket.connectToServer();
    socket.onMessage((frame) => {
      const [, event] = /^42\d*\["(offer|answer|candidate)"/.exec(frame) ?? [];
      if (!isLosing || !event) return room.send(frame);
      lost.push(event);
      if (event === "answer") void page.evaluate(() => window.room.media.setScreen(true));
      if (event !== "offer") return;
      isLosing = false;
      void room.close({ code: 4000 });
      void socket.close({ code: 4000 });
    });
  });
  const [ada, bob] = await two({ bob: lossy, at: withoutRecovery });
  for (const page of [ada, bob]) await page.evaluate(shareCanvas);
  const id = await bob.evaluate(() => window.room.self.id);
  isLosing = true;
  await ada.evaluate(() => window.room.media.setScreen(true));
  await bob.waitForFunction((id) => window.room.self.id !== id, id);
  assert.deepEqual(lost.filter((event) => event !== "candidate"), ["answer", "offer"]);
  for (const page of [ada, bob]) await page.waitForFunction(() => [...window.room.peers.values()][0].screen !== null);
  await agreement([ada, bob]);
  for (const page of [ada, bob]) assert.deepEqual(page.errors, []);
});

test("signals keep their order under the room's rate limit", async () => {
  const sent = [];
  const received = [];
  const signal = (frame) => {
    const [, json] = /^42\d*(\["(?:offer|answer|candidate)".*)$/s.exec(frame) ?? [];
    const [event, { description, candidate, round }] = json ? JSON.parse(json) : [null, {}];
    return event && (description ? `${event} ${round}` : `${event} ${candidate?.candidate}`);
  };
  /** Records the signals from the page in `outgoing`, and those to it in `incoming`. */
  const watch = (outgoing, incoming) => (page) => page.routeWebSocket(/socket\.io/, (socket) => {
    const room = socket.connectToServer();
    const passOn = (to, list) => (frame) => {
      if (signal(frame)) list.push(signal(frame));
      to.send(frame);
    };
    room.onMessage(passOn(socket, incoming));
    socket.onMessage(passOn(room, outgoing));
  });
  await two({ at: slow, ada: watch([], received), bob: watch(sent, []) });
  const first = () => sent.filter((signal, index) => sent.indexOf(signal) === index);
  const isDone = () => first().at(-1) === "candidate undefined" && received.at(-1) === "candidate undefined"; // the text of the candidate null, which says that no more follow
  for (const deadline = performance.now() + 60_000; !isDone(); await pause(100)) {
    assert.ok(performance.now() < deadline, `the last of ${received.length} signals is ${received.at(-1)}`);
  }
  // A refused signal and all that follow it are sent again. So only the last arrival of each signal counts.
  const last = received.filter((signal, index) => received.lastIndexOf(signal) === index);
  assert.ok(sent.length > first().length, "nothing was refused");
  assert.deepEqual(last, first());
});

for (const [what, who, ...refusal] of [
  ["an offer of its own", "bob", "RTCPeerConnection.setLocalDescription", 1],
  ["the other's offer", "ada", "RTCPeerConnection.setRemoteDescription", 1],
  ["its answer", "ada", "RTCPeerConnection.setLocalDescription", 1],
  ["the other's answer", "bob", "RTCPeerConnection.setRemoteDescription", 1],
  ["the other's answer, until there is a new connection", "bob", "RTCPeerConnection.setRemoteDescription", 3, "(pc, { type }) => type === 'answer'"],
  ["its tracks at first", "ada", "RTCRtpSender.replaceTrack", 2],
  ["every limit of the bitrate", "ada", "RTCRtpSender.setParameters", Infinity],
]) {
  test(`two people see each other although a browser refuses ${what}`, async () => {
    const pages = await two({ [who]: refuse(...refusal) });
    const refused = await pages[who === "ada" ? 0 : 1].evaluate(() => window.refused);
    assert.ok(refused > 0, "nothing was refused");
    for (const page of pages) assert.deepEqual(page.errors, []);
  });
}

/** A page of stock socket.io-client, which knows nothing of `cid` and `round`. */
async function comePlain(room, name) {
  const page = await openPage(browser, site.url);
  await watchConnections(page);
  await page.evaluate(async ({ origin, room, name }) => {
    const { io } = await import(`${origin}/vendor/socket.io.esm.min.js`);
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: true });
    const socket = io(origin, { path: `/r/${room}/socket.io` });
    const links = new Map();
    const link = (to) => {
      const pc = new RTCPeerConnection();
      links.set(to, pc);
      for (const track of stream.getTracks()) pc.addTrack(track, stream);
      pc.ontrack = ({ track, streams: [stream] }) => {
        if (track.kind === "video") document.body.append(Object.assign(document.createElement("video"), { autoplay: true, muted: true, srcObject: stream }));
      };
      pc.onicecandidate = ({ candidate }) => socket.emit("candidate", { to, candidate });
      return pc;
    };
    window.offer = async (to, pc) => {
      await pc.setLocalDescription();
      socket.emit("offer", { to, description: pc.localDescription });
    };
    window.restart = () => links.forEach((pc, to) => {
      pc.restartIce();
      void window.offer(to, pc);
    });
    socket.on("offer", async ({ from, description }) => {
      const pc = links.get(from) ?? link(from);
      await pc.setRemoteDescription(description);
      await pc.setLocalDescription();
      socket.emit("answer", { to: from, description: pc.localDescription });
    });
    socket.on("answer", ({ from, description }) => links.get(from).setRemoteDescription(description));
    socket.on("candidate", ({ from, candidate }) => links.get(from).addIceCandidate(candidate));
    const { peers } = await socket.emitWithAck("room:join", { name });
    for (const { id } of peers) await window.offer(id, link(id));
  }, { origin: server.url, room, name });
  return page;
}

for (const [direction, first, second] of [["is called by", comePlain, come], ["calls", come, comePlain]]) {
  test(`a stock client ${direction} a user of the module, and both negotiate again`, async () => {
    const room = `plain-${(rooms += 1)}`;
    const pages = [await first(room, "Ada"), await second(room, "Bob")];
    for (const page of pages) await moves(page);
    const agreed = await agreement(pages);
    const [module, plain] = first === come ? pages : pages.toReversed();
    await module.evaluate(shareCanvas);
    await module.evaluate(() => window.room.media.setScreen(true));
    await plain.waitForFunction(() => document.querySelectorAll("video").length === 2);
    await plain.evaluate(() => window.restart());
    await agreement(pages, agreed);
    for (const page of pages) assert.deepEqual(page.errors, []);
  });
}
