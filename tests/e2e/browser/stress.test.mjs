// Random rounds: users change their media, restart ICE and lose their connection to the room, several at the same time, and
// signals are late or arrive twice. After each round both ends of every link have to agree.
//
// The environment variables PAIR_ROUNDS and GROUP_ROUNDS set the numbers of rounds, SEED sets the random choices.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { startServer } from "../support.mjs";
import { descriptions, disagreement, watchConnections } from "./descriptions.mjs";
import { launch, openPage, otherSite, people } from "./support.mjs";
import { seeded, unreliable } from "./unreliable.mjs";

const seed = Number(process.env.SEED ?? 1);
const pairRounds = Number(process.env.PAIR_ROUNDS ?? 8);
const groupRounds = Number(process.env.GROUP_ROUNDS ?? 4);
// Rounds in one room. The next rounds use a new room, because only the first shared screen of a connection adds a media
// section to the description.
const roundsTogether = 4;
const timeoutMs = 25_000; // until both ends agree. It is less than the 30 s of a recovery timer, so a round that waits for such a timer fails
const spread = 150; // ms within which a round's actions begin

let servers;
let site;
let browser;
before(async () => {
  servers = {
    withRecovery: await startServer({ vars: { ALLOWED_ORIGINS: "*" } }),
    withoutRecovery: await startServer({ vars: { ALLOWED_ORIGINS: "*", RECOVERY_MS: "0" } }),
  };
  site = await otherSite(servers.withRecovery, "");
  browser = await launch();
});
after(async () => {
  await browser.close();
  site.close();
  for (const server of Object.values(servers)) await server.stop();
});

/** A user in a room, with a path of their own. They have no devices: what is sent makes no difference here. */
async function person(server, room, name, random) {
  const page = await openPage(browser, site.url);
  await watchConnections(page);
  const path = await unreliable(page, random);
  await page.evaluate(async ({ origin, room, name }) => {
    const canvas = document.createElement("canvas");
    canvas.getContext("2d").fillRect(0, 0, 1, 1);
    navigator.mediaDevices.getDisplayMedia = async () => canvas.captureStream(1);
    const { join } = await import(`${origin}/signalbox.js`);
    window.room = await join(room, { name });
  }, { origin: server.url, room, name });
  return { page, path };
}

const actions = {
  screen: ({ page }) => page.evaluate(() => window.room.media.setScreen(!window.room.media.screen)),
  restart: ({ page }) => page.evaluate(() => void dispatchEvent(new Event("online"))),
  cut: ({ path }) => path.cut(),
  repeat: ({ path }) => path.repeat(),
};

/** The state of a user's links, to see what went wrong. */
const state = ({ page }) => page.evaluate(() => [
  ...[...window.room.peers.values()].map(({ name, state, away }) => `${name} ${state}${away ? " away" : ""}`),
  ...window.connections
    .filter(({ signalingState }) => signalingState !== "closed")
    .map((pc) => [pc.signalingState, pc.connectionState, pc.remoteDescription ? "answered" : "unanswered"].join(" ")),
].join(", "));

/** What is wrong, or null: all are linked to all, both ends agree, and all see each screen. */
async function fault(everyone) {
  if (!everyone.every(({ path }) => path.idle())) return "signals are under way";
  const seen = await Promise.all(everyone.map(({ page }) => page.evaluate(() => ({
    state: window.room.state,
    own: window.room.media.screen !== null,
    others: [...window.room.peers.values()].map(({ name, screen, state }) => ({ name, state, screen: screen !== null })),
  }))));
  for (const [index, { state, others }] of seen.entries()) {
    if (state !== "connected") return `person ${index} is ${state}`;
    const unlinked = others.find(({ state }) => state !== "connected");
    if (unlinked) return `to person ${index}, ${unlinked.name} is ${unlinked.state}`;
  }
  const disagreed = disagreement(await Promise.all(everyone.map(({ page }) => descriptions(page))));
  if (disagreed) return disagreed;
  for (const [index, { own }] of seen.entries()) {
    for (const [viewer, { others }] of seen.entries()) {
      const shown = others.find(({ name }) => name === people[index]);
      if (viewer !== index && shown?.screen !== own) return `person ${viewer} ${own ? "does not see" : "sees"} the screen of ${people[index]}`;
    }
  }
  return null;
}

/** Resolves to null once two checks in a row find no fault, or after a timeout to the fault that is left. */
async function settle(everyone) {
  const deadline = performance.now() + timeoutMs;
  for (let calm = 0; ; ) {
    const found = await fault(everyone);
    calm = found ? 0 : calm + 1;
    if (calm === 2) return null;
    if (performance.now() > deadline) return found;
    await pause(200);
  }
}

/** Plays `total` rounds with `count` people. A seeded generator chooses what they do in each round. */
async function rounds(t, count, total) {
  const faults = [];
  for (let first = 1; first <= total; first += roundsTogether) {
    const own = seed * 1_000_003 + count * 10_007 + first * 101;
    const random = seeded(own); // for the plan and the server, so that the same seed makes the same rounds
    const kind = random() < 0.5 ? "withRecovery" : "withoutRecovery";
    const everyone = [];
    for (const [index, name] of people.slice(0, count).entries()) {
      everyone.push(await person(servers[kind], `stress-${count}-${first}`, name, seeded(own + index + 1)));
    }
    let found = await settle(everyone);
    if (found) faults.push(`before round ${first}, ${kind}: ${found}`, ...(await Promise.all(everyone.map(state))));
    for (let round = first; !found && round < first + roundsTogether && round <= total; round += 1) {
      const plan = [];
      for (const [index, who] of everyone.entries()) {
        for (const action of Object.keys(actions)) {
          if (random() < 0.4) plan.push({ index, who, action, at: Math.round(random() * spread) });
        }
      }
      await Promise.all(plan.map(async ({ who, action, at }) => {
        await pause(at);
        await actions[action](who);
      }));
      found = await settle(everyone);
      const done = plan.toSorted((one, other) => one.at - other.at).map(({ index, action, at }) => `${people[index]} ${action} at ${at}`);
      if (found) faults.push(`round ${round}, ${kind}: ${found}; ${done.join(", ")}`, ...(await Promise.all(everyone.map(state))));
    }
    await Promise.all(everyone.map(({ page }) => page.context().close()));
  }
  const failed = faults.filter((fault) => /^(before )?round/.test(fault));
  t.diagnostic(`seed ${seed}: ${failed.length} of ${total} rounds of ${count} people without agreement`);
  assert.deepEqual(faults, []);
}

test("two people agree after every random round", { timeout: 3_600_000 }, (t) => rounds(t, 2, pairRounds));

test("four people agree after every random round", { timeout: 3_600_000 }, (t) => rounds(t, 4, groupRounds));
