// Calls over a real TURN server, with credentials that the room gave.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { dirname } from "node:path";
import { after, test } from "node:test";
import { promisify } from "node:util";
import { coturnPath } from "../../../scripts/setup.mjs";
import { example } from "../documents.mjs";
import { metrics } from "../points.mjs";
import { ask, connect, startServer } from "../support.mjs";
import { password, startCoturn } from "./coturn.mjs";
import { agreement } from "./descriptions.mjs";
import { path as pathOf } from "./path.mjs";
import { moving, relayed as join, seen, state } from "./relayed.mjs";
import { setUp } from "./setup.mjs";
import { enter, openPage, sees, tile } from "./support.mjs";

const secret = "north";
const coturn = await startCoturn({ secret });
after(() => coturn.stop());
const fixture = await setUp({ metrics, vars: { ...coturn.vars, ALLOWED_ORIGINS: "*" } });
const { server, site, browser } = fixture;

const relayed = (room, name, options) => join(fixture, room, name, options);

/** The path to a page's peer. */
const path = (page) => pathOf(page, () => [...window.room.peers.values()][0].stats());

/** Which candidates a page gathers with these servers alone, and which errors it gets. */
const gather = (page, iceServers) => page.evaluate(async (iceServers) => {
  const pc = new RTCPeerConnection({ iceServers, iceTransportPolicy: "relay" });
  const candidates = new Set();
  const errors = new Set();
  pc.onicecandidateerror = ({ errorCode }) => errors.add(errorCode);
  const complete = new Promise((resolve) => {
    pc.onicecandidate = ({ candidate }) => (candidate?.candidate ? candidates.add(candidate.type) : candidate ?? resolve());
  });
  pc.createDataChannel("data");
  await pc.setLocalDescription();
  await complete;
  pc.close();
  return { candidates: [...candidates], errors: [...errors] };
}, iceServers);

/** The relay that a room gives to its peers. */
async function relayOf(server, room) {
  const { ice } = await ask(await connect(server, { room }), "room:join", {});
  return ice.iceServers.find(({ credential }) => credential);
}

test("two peers with iceTransportPolicy \"relay\" see and hear each other over the relay, and report that they do", async () => {
  const ada = await relayed("relay", "Ada", { reportOutcomes: true });
  const bob = await relayed("relay", "Bob");
  for (const page of [ada, bob]) {
    await seen(page);
    await moving(page);
    assert.equal(await page.evaluate(() => window.room.hasTurn), true);
    assert.deepEqual(await path(page), { type: "relay", over: "udp" });
    await page.waitForFunction(async () => {
      const [peer] = window.room.peers.values();
      const stats = [...(await peer.stats()).values()];
      return stats.some(({ type, kind, totalAudioEnergy }) => type === "inbound-rtp" && kind === "audio" && totalAudioEnergy > 0);
    });
  }
  const heard = bob.evaluate(() => new Promise((resolve) => {
    const [peer] = window.room.peers.values();
    peer.on("channel", (channel) => channel.addEventListener("message", ({ data }) => resolve(data)));
  }));
  await ada.evaluate(() => {
    const [peer] = window.room.peers.values();
    const channel = peer.createChannel("data");
    channel.addEventListener("open", () => channel.send("over the relay"));
  });
  assert.equal(await heard, "over the relay");
  await server.logged(/point.*"outcome","relay","relayed"/);
});

test("while the relay does not answer, the peers are reconnecting; an ICE restart connects them when the relay answers again", async () => {
  const ada = await relayed("frozen", "Ada");
  const bob = await relayed("frozen", "Bob");
  for (const page of [ada, bob]) await seen(page);
  const former = await agreement([ada, bob]);
  for (const page of [ada, bob]) {
    await page.evaluate(() => {
      const { restartIce } = RTCPeerConnection.prototype;
      window.restarts = new Promise((resolve) => {
        RTCPeerConnection.prototype.restartIce = function () {
          restartIce.call(this);
          resolve();
        };
      });
    });
  }
  coturn.freeze();
  try {
    for (const page of [ada, bob]) await state(page, "reconnecting");
    await Promise.race([ada, bob].map((page) => page.evaluate(() => window.restarts)));
  } finally {
    coturn.thaw();
  }
  for (const page of [ada, bob]) await state(page, "connected");
  await agreement([ada, bob], former); // until the restart is done, the earlier path may carry media
  for (const page of [ada, bob]) {
    await state(page, "connected");
    await moving(page);
    assert.deepEqual(await path(page), { type: "relay", over: "udp" });
  }
});

test("the page shows that signaling and media are lost, and they come back without a reload", async () => {
  const pages = [];
  for (const name of ["Ada", "Bob"]) {
    const page = await openPage(browser, server.url);
    await page.addInitScript(() => {
      const Native = RTCPeerConnection;
      window.RTCPeerConnection = class extends Native {
        constructor(configuration) {
          super({ ...configuration, iceTransportPolicy: "relay" }); // the test can interrupt only the relay
        }
      };
    });
    await page.goto(`${server.url}/r/cut`);
    await enter(page, name);
    pages.push(page);
  }
  const [ada, bob] = pages;
  await sees(ada, "Bob");
  await sees(bob, "Ada");
  for (const page of pages) await page.evaluate(() => (window.loaded = true));
  coturn.freeze();
  await bob.context().setOffline(true);
  try {
    await bob.getByText("Reconnecting… your call continues").waitFor();
    for (const [page, other] of [[ada, "Bob"], [bob, "Ada"]]) {
      await tile(page, other).and(page.locator('[data-state="reconnecting"]')).getByText("Reconnecting…").waitFor();
    }
  } finally {
    coturn.thaw();
    await bob.context().setOffline(false);
  }
  for (const [page, other] of [[ada, "Bob"], [bob, "Ada"]]) {
    await tile(page, other).and(page.locator('[data-state="connected"]')).waitFor();
    await sees(page, other);
    assert.equal(await page.evaluate(() => window.loaded), true);
    assert.equal(await page.locator(".tile:not(.own)").count(), 1);
  }
});

test("credentials are renewed before they expire, and the call continues over the relay with the new ones", async () => {
  const ada = await relayed("renewed", "Ada");
  const bob = await relayed("renewed", "Bob");
  for (const page of [ada, bob]) await seen(page);
  const restarted = ada.evaluate(() => new Promise((resolve) => {
    const set = RTCPeerConnection.prototype.setConfiguration;
    RTCPeerConnection.prototype.setConfiguration = function (configuration) {
      set.call(this, configuration);
      const renewed = configuration.iceServers.find(({ credential }) => credential).username;
      this.addEventListener("icecandidate", ({ candidate }) => candidate?.usernameFragment && resolve(renewed));
    };
  }));
  const [before] = await ada.evaluate(() => {
    const later = Date.now() + 45 * 60_000;
    const now = Date.now();
    Date.now = () => later;
    return [now];
  });
  const [expiry, room, id] = (await restarted).split(":");
  assert.ok(Number(expiry) >= Math.floor(before / 1000) + 3600, expiry);
  assert.deepEqual([room, id], ["renewed", await ada.evaluate(() => window.room.self.id)]);
  for (const page of [ada, bob]) {
    await state(page, "connected");
    await moving(page);
    assert.deepEqual(await path(page), { type: "relay", over: "udp" });
  }
});

test("coturn accepts the credentials from a room with any name, and no others", async () => {
  const page = await openPage(browser, site.url);
  for (const room of ["credentials", "会议室-ю"]) {
    assert.deepEqual(await gather(page, [await relayOf(server, room)]), { candidates: ["relay"], errors: [] }, room);
  }
  const relay = await relayOf(server, "credentials");
  const [expiry, ...rest] = relay.username.split(":");
  const other = (expiry) => [expiry, ...rest].join(":");
  const refused = { candidates: [], errors: [401] };
  const later = other(Number(expiry) + 3600);
  assert.deepEqual(await gather(page, [{ ...relay, username: later }]), refused, "a later expiry than the signed one");
  const past = other(Math.floor(Date.now() / 1000) - 60);
  const expired = { ...relay, username: past, credential: password(secret, past) };
  assert.deepEqual(await gather(page, [expired]), refused, "expired credentials");
});

test("a TURN_SECRET that is not coturn's gives no relay", async () => {
  const wrong = await startServer({ vars: { ...coturn.vars, TURN_SECRET: "south" } });
  try {
    const page = await openPage(browser, site.url);
    assert.deepEqual(await gather(page, [await relayOf(wrong, "wrong")]), { candidates: [], errors: [401] });
  } finally {
    await wrong.stop();
  }
});

test("the commands of the documentation check the relay over UDP, TCP and TLS", async () => {
  const checked = await startCoturn({ secret, tls: true });
  try {
    const program = `${dirname(coturnPath())}/turnutils_uclient`; // the same package has both
    const check = async (command, key) => {
      const [, ...words] = command.split(" #")[0].replace("turn.example.com", "127.0.0.1").replace('"$TURN_SECRET"', key).trim().split(/\s+/);
      const isTls = words.includes("443");
      const port = isTls ? [] : ["-p", checked.port];
      const run = promisify(execFile)(program, [...port, ...words.map((word) => (word === "443" ? checked.tlsPort : word))].map(String));
      return run.then(({ stdout }) => stdout, ({ stdout }) => stdout);
    };
    const commands = example("coturn-check").trim().split("\n");
    const printed = await Promise.all(commands.map((command) => check(command, secret)));
    assert.equal(printed.length, 3);
    for (const output of printed) assert.match(output, /Total lost packets 0 /);
    assert.match(await check(commands[0], "south"), /Cannot complete Allocation/);
  } finally {
    await checked.stop();
  }
});
