// A key in the link: peers are verified, an intercepting server is detected, and nobody else reads the chat.

import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, before, test } from "node:test";
import { ask, connect, once, startKillable } from "../support.mjs";
import { intercept } from "./interceptor.mjs";
import { enter, hears, launch, openChat, openPage, say, sees, tile } from "./support.mjs";

let server;
let browser;
before(async () => {
  server = await startKillable();
  browser = await launch();
});
after(async () => {
  await browser.close();
  await server.stop();
});
afterEach(() => Promise.all(browser.contexts().map((context) => context.close())));

const goOn = (page) => page.getByRole("button", { name: "Go on anyway" }).click();

/** Whether the page has audio or video of this user to play. */
const shows = (page, name) => tile(page, name).locator("video").evaluate(({ srcObject }) => srcObject.getTracks().length > 0);

/** Whether the page sends audio or video to any peer. */
const sends = (page) => page.evaluate(() => window.connections.some((pc) => pc.getSenders().some(({ track }) => track)));

const MISMATCH = "Not verified: wrong key, or intercepted";
const trust = (page, name, verdict) => page.locator(`.tile[data-trust="${verdict}"]`).filter({ hasText: name }).waitFor();

/** Ada's page, after she started a new room and joined it. */
async function start() {
  const ada = await openPage(browser, server.url);
  await ada.getByRole("button", { name: "Start a room" }).click();
  await ada.getByText("This link carries a key").waitFor();
  await enter(ada, "Ada");
  return ada;
}

/** The page of a user who joined by this link. `prepare` runs before the page is loaded. */
async function come(link, name, prepare = () => {}) {
  const page = await openPage(browser, server.url);
  await page.addInitScript(() => {
    window.connections = [];
    window.RTCPeerConnection = class extends RTCPeerConnection {
      constructor(...args) {
        super(...args);
        window.connections.push(this);
      }
    };
  });
  await prepare(page);
  await page.goto(link);
  await enter(page, name);
  return page;
}

/** Whether these bytes are in anything that the server keeps. */
function stored(text) {
  const search = (folder) => readdirSync(folder).some((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? search(path) : readFileSync(path).includes(text);
  });
  return search(server.storage);
}

test("users with the whole link are verified, and only they read the chat", async () => {
  const ada = await start();
  const { hash, pathname } = new URL(ada.url());
  assert.match(hash, /^#k=[\w-]{22}$/);
  await ada.locator(".alone-card .link").getByText(hash).waitFor();
  const bob = await come(ada.url(), "Bob");
  await trust(ada, "Bob", "verified");
  await trust(bob, "Ada", "verified");
  await ada.getByRole("button", { name: "Link to Bob: verified" }).click();
  await ada.getByText("Verified. Bob has this room’s key").waitFor();
  await ada.keyboard.press("Escape");

  const secret = "谁也读不到 the words that nobody else reads";
  await say(ada, secret);
  await hears(bob, secret);
  const longest = "密".repeat(4_000);
  await say(bob, longest);
  await hears(ada, longest);
  await ada.getByText("Encrypted end to end", { exact: true }).waitFor();

  const room = decodeURIComponent(pathname.split("/").pop());
  const stranger = await connect(server, { room });
  const { history } = await ask(stranger, "room:join", { name: "Stranger" });
  assert.deepEqual(history.map(({ message }) => message.includes("nobody")), [false, false]);
  const plain = "said in the clear by a client without key";
  await ask(stranger, "chat-message", { message: plain, mid: "1" });
  await ada.locator(".message").filter({ hasText: plain }).getByText("Not encrypted").waitFor();
  assert.equal(await ada.locator(".plain-note:visible").count(), 1);

  const cleo = await come(ada.url(), "Cleo");
  await hears(cleo, secret);
  await hears(cleo, "↑ Before you joined");

  assert.ok(stored(plain), "what is not encrypted is found in the storage");
  for (const text of [secret, "nobody else reads", longest.slice(0, 10), hash.slice(3)]) assert.ok(!stored(text), text);
  for (const page of [ada, bob, cleo]) {
    assert.ok(!page.requests.some((url) => url.includes(hash.slice(3))), "the key is in no request");
    assert.deepEqual(page.errors, []);
  }
  stranger.disconnect();
});

test("a proof that arrives before the browser exposes the answer is not a mismatch", async () => {
  const ada = await start();
  const bob = await come(ada.url(), "Bob", (page) => page.addInitScript(() => {
    const { createDataChannel, setRemoteDescription } = RTCPeerConnection.prototype;
    const { get } = Object.getOwnPropertyDescriptor(RTCPeerConnection.prototype, "remoteDescription");
    const early = new WeakMap(); // for each connection, a promise that resolves after a proof has arrived
    const hidden = new WeakSet();
    RTCPeerConnection.prototype.createDataChannel = function (...args) {
      const channel = createDataChannel.apply(this, args);
      early.set(this, new Promise((resolve) => channel.addEventListener("message", ({ data }) => data.includes("proof") && setTimeout(resolve))));
      return channel;
    };
    RTCPeerConnection.prototype.setRemoteDescription = async function (description) {
      if (description.type === "answer") hidden.add(this);
      await setRemoteDescription.call(this, description);
      if (hidden.has(this)) await early.get(this);
      hidden.delete(this);
    };
    Object.defineProperty(RTCPeerConnection.prototype, "remoteDescription", {
      get() {
        return hidden.has(this) ? null : get.call(this);
      },
    });
  }));
  await trust(ada, "Bob", "verified");
  await trust(bob, "Ada", "verified");
});

test("a user with the link but without its key is not verified, and reads nothing", async () => {
  const ada = await start();
  await say(ada, "before Bob came");
  const bob = await come(ada.url().split("#")[0], "Bob");
  await ada.locator(".notice").getByText("Bob has not shown that they have this room’s key.").waitFor();
  await trust(ada, "Bob", "unverified");
  assert.equal(await shows(ada, "Bob"), false);
  await goOn(ada);
  await sees(ada, "Bob");
  await sees(bob, "Ada"); // Bob has no key, and verifies nobody
  await ada.getByRole("button", { name: "Link to Bob: not verified" }).click();
  await ada.getByText("Send them the whole link").waitFor();
  await ada.keyboard.press("Escape");
  await openChat(bob);
  await bob.getByText("This message cannot be read").waitFor();
  await say(bob, "in the clear");
  await ada.locator(".message").filter({ hasText: "in the clear" }).getByText("Not encrypted").waitFor();
});

test("a peer with another key is a mismatch", async () => {
  const ada = await start();
  const bob = await come(`${ada.url().split("#")[0]}#k=AAAAAAAAAAAAAAAAAAAAAA`, "Bob");
  for (const [page, other] of [[ada, "Bob"], [bob, "Ada"]]) {
    await trust(page, other, "mismatch");
    await tile(page, other).getByText(MISMATCH, { exact: true }).waitFor();
    await hears(page, `Warning: the connection to ${other} is not what it should be.`, { exact: false });
    assert.equal(await shows(page, other), false);
  }
  assert.equal(await sends(bob), false);
  for (const page of [ada, bob]) await goOn(page);
  await sees(ada, "Bob");
  await sees(bob, "Ada");
});

for (const [what, options] of Object.entries({ "forwards all messages": {}, "returns the messages of each side to that side": { reflect: true } })) {
  test(`a server that intercepts the connection, and ${what}, is detected`, async () => {
    const ada = await start();
    const bob = await come(ada.url(), "Bob", (page) => intercept(browser, server, page, options));
    for (const [page, other] of [[ada, "Bob"], [bob, "Ada"]]) {
      await trust(page, other, "mismatch");
      await tile(page, other).getByText(MISMATCH, { exact: true }).waitFor();
      assert.equal(await shows(page, other), false);
    }
    assert.equal(await sends(bob), false, "the server gets nothing to listen to");
    // The interception works: without the key nobody would notice.
    for (const page of [ada, bob]) await goOn(page);
    await sees(ada, "Bob");
    await sees(bob, "Ada");
  });
}

test("a message that the server attributes to another sender, alters or repeats is not accepted", async () => {
  const ada = await start();
  const room = decodeURIComponent(new URL(ada.url()).pathname.split("/").pop());
  const forger = await connect(server, { room });
  const sent = once(forger, "chat-message");
  await say(ada, "pay ten");
  const [{ message, enc }] = await sent;
  await ask(forger, "chat-message", { message, enc, mid: "forged" });
  await openChat(ada);
  await ada.getByText("This message cannot be read").waitFor();
  assert.equal(await ada.getByText("pay ten").count(), 1);

  // The server itself could say that Ada sent it again.
  const bob = await come(ada.url(), "Bob", (page) => page.routeWebSocket(/socket\.io/, (socket) => {
    const upstream = socket.connectToServer();
    upstream.onMessage((frame) => {
      socket.send(frame);
      const [event, record, ...rest] = /^42\[/.test(frame) ? JSON.parse(frame.slice(2)) : [];
      if (event === "chat-message") socket.send(`42${JSON.stringify([event, { ...record, id: "again", seq: record.seq + 1 }, ...rest])}`);
    });
  }));
  await say(ada, "pay twenty");
  await say(ada, "that is all");
  await hears(bob, "that is all");
  assert.equal(await bob.getByText("pay twenty").count(), 1);
  forger.disconnect();
});

test("an old message that the server sends as new under another name is shown with its own name and time, as not verified", async () => {
  const ada = await start();
  await say(ada, "pay ten");
  const time = ada.locator(".message time").first();
  await ada.waitForFunction(() => !document.querySelector('[data-delivery="pending"]'));
  const written = await time.getAttribute("datetime");
  await ada.getByRole("button", { name: "Leave" }).click();
  await ada.getByRole("button", { name: "Rejoin" }).click();
  await enter(ada); // another session

  // The server withholds the message from Bob. It sends it as a new message when Ada says something.
  let old;
  const bob = await come(ada.url(), "Bob", (page) => page.routeWebSocket(/socket\.io/, (socket) => {
    const upstream = socket.connectToServer();
    upstream.onMessage((frame) => {
      const [, head, json] = /^(4[23]\d*)(\[.*)$/s.exec(frame) ?? [];
      const content = json ? JSON.parse(json) : [];
      if (content[0]?.history?.length) {
        [old] = content[0].history.splice(0);
        return socket.send(`${head}${JSON.stringify(content)}`);
      }
      socket.send(frame);
      if (content[0] !== "chat-message" || !old) return;
      const [event, { seq, ts }, ...rest] = content;
      const forged = { ...old, id: "again", seq: seq + 1, ts, name: "Carol (boss)" };
      old = null;
      socket.send(`42${JSON.stringify([event, forged, ...rest])}`);
    });
  }));
  await trust(bob, "Ada", "verified");
  await say(ada, "something new");
  await hears(bob, "pay ten");
  const forged = bob.locator(".message").filter({ hasText: "pay ten" });
  assert.equal(await bob.getByText("Carol").count(), 0);
  assert.equal(await forged.locator("time").getAttribute("datetime"), written);
  await forged.getByText("Sender and time are not verified").waitFor();
  const fresh = bob.locator(".message").filter({ hasText: "something new" });
  await fresh.waitFor();
  assert.equal(await fresh.locator(".plain-note:visible").count(), 0);
});

test("a link whose certificates change is verified again", async () => {
  const page = await openPage(browser, `${server.url}/icon.svg`);
  const verdicts = await page.evaluate(async () => {
    const { RoomKey, createKey } = await import("/client/key.js");
    const { Verification } = await import("/client/verification.js");
    const key = await RoomKey.of(createKey(), "room");
    const [one, other] = [new RTCPeerConnection(), new RTCPeerConnection()];
    one.onicecandidate = ({ candidate }) => other.addIceCandidate(candidate);
    other.onicecandidate = ({ candidate }) => one.addIceCandidate(candidate);
    const options = { negotiated: true, id: 1 };
    const channels = [one.createDataChannel("", options), other.createDataChannel("", options)];
    let seen = [["certificate 1", "certificate 2"], ["certificate 2", "certificate 1"]];
    const sides = channels.map((channel, index) => new Verification({
      channel,
      key,
      ids: index ? ["b", "a"] : ["a", "b"],
      session: `session ${index}`,
      fingerprints: async () => seen[index],
    }));
    const heard = [[], []];
    const next = (side) => new Promise((resolve) => {
      const off = sides[side].on("verdict", (...verdict) => {
        off();
        heard[side].push(verdict);
        resolve();
      });
    });
    const both = () => Promise.all([next(0), next(1)]);
    let done = both();
    await one.setLocalDescription();
    await other.setRemoteDescription(one.localDescription);
    await other.setLocalDescription();
    await one.setRemoteDescription(other.localDescription);
    await done;
    await Promise.all(sides.map((side) => side.check())); // nothing changed
    // The same change on both sides; one of them notices it first.
    seen = [["certificate 1", "certificate 3"], ["certificate 3", "certificate 1"]];
    done = next(0);
    const checked = sides[0].check();
    await done;
    done = both();
    await checked;
    await done;
    // A change that the other side does not see.
    seen = [["certificate 1", "certificate 4"], ["certificate 3", "certificate 1"]];
    done = next(0);
    void sides[0].check();
    await done;
    done = both();
    await done;
    return heard;
  });
  assert.deepEqual(verdicts, [
    [["verified", "session 1"], ["unverified", ""], ["verified", "session 1"], ["unverified", ""], ["mismatch", "session 1"]],
    [["verified", "session 0"], ["verified", "session 0"], ["mismatch", "session 0"]],
  ]);
});

test("files and channels of a peer that is not verified wait, with the messages on them", async () => {
  const site = await openPage(browser, `${server.url}/icon.svg`);
  const told = await site.evaluate(async () => {
    const { join, createKey } = await import("/signalbox.js");
    const rooms = [];
    for (const name of ["Ada", "Bob"]) rooms.push(await join("withheld", { name, key: createKey(), requireVerified: true }));
    // Ada's room has the peer Bob, and Bob's room has the peer Ada.
    const [toBob, toAda] = await Promise.all(rooms.map((room) => new Promise((resolve) => room.on("peer", resolve))));
    const judged = (peer) => new Promise((resolve) => {
      const look = () => peer.verified === "mismatch" && peer.state === "connected" && resolve();
      peer.on("change", look);
      look();
    });
    await Promise.all([judged(toBob), judged(toAda)]);
    const told = [];
    for (const send of [() => toBob.createChannel("early"), () => toBob.sendFile(new Blob(["early"]))]) {
      try {
        send();
      } catch ({ code }) {
        told.push(code);
      }
    }
    // Ada trusts Bob first. Bob gets what she sends only when he trusts her, too.
    toBob.trust();
    const offered = new Promise((resolve) => rooms[1].on("file", ({ name }) => resolve(told.push(`file ${name}`))));
    const heard = new Promise((resolve) => toAda.on("channel", (channel) => channel.addEventListener("message", ({ data }) => {
      told.push(`${channel.label}: ${data}`);
      if (data === "two") resolve();
    })));
    const channel = toBob.createChannel("held");
    toBob.sendFile(new File(["content"], "held.txt"));
    await new Promise((open) => channel.addEventListener("open", open));
    channel.send("one");
    channel.send("two");
    const flood = toBob.createChannel("flood");
    await new Promise((open) => flood.addEventListener("open", open));
    for (let count = 0; count < 5; count += 1) flood.send(new ArrayBuffer(240_000));
    await new Promise((close) => flood.addEventListener("close", close));
    told.push("more than a megabyte is refused");
    told.push(`withheld ${toAda.withheld}`);
    toAda.trust();
    await Promise.all([heard, offered]);
    for (const room of rooms) room.leave();
    return told;
  });
  assert.deepEqual(told.slice(0, 4), ["not-verified", "not-verified", "more than a megabyte is refused", "withheld true"]);
  assert.deepEqual(told.slice(4).sort(), ["file held.txt", "held: one", "held: two"]);
});
