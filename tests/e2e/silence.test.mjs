// How the client module notices that nothing arrives over a connection, from made-up statistics of a browser.

import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { watchSilence } from "../../public/client/silence.js";

let connection;
let told;
let end;
let report;
beforeEach(() => {
  mock.timers.enable({ apis: ["setInterval"] });
  connection = { isAgreed: true, stats: async () => report, refresh: () => told.push("refresh") };
  told = [];
  end = watchSilence(connection, () => told.push("doubt"), (isSilent) => told.push(isSilent ? "silent" : "heard"));
});
afterEach(() => {
  end();
  mock.timers.reset();
});

/**
 * What the watcher tells at a look at `pairs`, of which the browser uses `selected`: [bytes received, answered checks] each.
 * Firefox does not count the requests of the peer. `packets` are those of a received track.
 */
async function look(selected, pairs, { requestsReceived = 1, packets } = {}) {
  report = new Map([["transport", { id: "transport", type: "transport", selectedCandidatePairId: selected }]]);
  for (const [id, [bytesReceived, responsesReceived]] of Object.entries(pairs)) {
    report.set(id, { id, type: "candidate-pair", bytesReceived, responsesReceived, requestsReceived });
  }
  if (packets) report.set("track", { id: "track", type: "inbound-rtp", packetsReceived: packets });
  mock.timers.tick(1_000);
  await turn();
  return told.splice(0).join();
}

async function fallSilent(pairs) {
  const all = [];
  for (let count = 0; count < 5; count += 1) all.push(await look("one", pairs));
  assert.deepEqual(all, ["", "", "", "doubt", "silent"]);
}

test("silence is told from the fourth look without new data, and a doubt one look before", async () => {
  await fallSilent({ one: [900, 5] });
  assert.equal(await look("one", { one: [900, 5] }), "silent");
  assert.equal(await look("one", { one: [901, 5] }), "heard");
  await fallSilent({ one: [902, 5] });
});

test("answered checks of the path show that it works, with no data at all", async () => {
  for (let answers = 1; answers < 9; answers += 1) assert.equal(await look("one", { one: [0, answers] }), "");
});

test("a pair that the browser drops is no sign of data", async () => {
  await fallSilent({ one: [900, 5], two: [100, 1] });
  assert.equal(await look("one", { one: [900, 5] }), "silent");
});

test("before the peer agrees, its answers to checks of a new pair are no sign of data, and its data are", async () => {
  await fallSilent({ one: [900, 5] });
  connection.isAgreed = false; // ICE restarts
  assert.equal(await look("two", { one: [900, 5], two: [0, 1] }), "silent");
  assert.equal(await look("two", { one: [900, 5], two: [0, 2] }), "silent");
  assert.equal(await look("two", { one: [900, 5], two: [50, 2] }), "heard");
});

test("once the peer agrees, answered checks of the new path are a sign, and the pictures begin anew", async () => {
  await fallSilent({ one: [0, 5] });
  connection.isAgreed = false;
  assert.equal(await look("two", { one: [0, 5], two: [0, 1] }), "silent");
  connection.isAgreed = true;
  assert.equal(await look("two", { one: [0, 5], two: [0, 2] }), "refresh,heard");
  assert.equal(await look("two", { one: [0, 5], two: [0, 3] }), "");
});

test("a restart that the peer has not answered does not hide that the former path works again", async () => {
  await fallSilent({ one: [0, 5] });
  connection.isAgreed = false;
  assert.equal(await look("two", { one: [0, 6], two: [0, 0] }), "heard");
});

test("a connection is heard although an offer is unanswered at the first look", async () => {
  connection.isAgreed = false;
  for (let answers = 1; answers < 9; answers += 1) assert.equal(await look("one", { one: [0, answers] }), "");
});

test("a browser that does not count answered checks is not watched", async () => {
  for (let count = 0; count < 9; count += 1) assert.equal(await look("one", { one: [900, undefined] }), "");
});

test("Firefox, which checks a path seldom, is given more time, unless media arrived", async () => {
  const looks = async (count, media) => {
    const all = [];
    for (let number = 0; number < count; number += 1) all.push(await look("one", { one: [900, 5] }, { requestsReceived: null, packets: media }));
    return all;
  };
  assert.deepEqual(await looks(8), ["", "", "", "", "", "", "doubt", "silent"]);
  assert.equal(await look("one", { one: [901, 5] }, { requestsReceived: null, packets: 10 }), "heard");
  assert.deepEqual((await looks(4, 10)), ["", "", "doubt", "silent"]);
});
