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
  connection = { isAgreed: true, stats: async () => report };
  told = [];
  end = watchSilence(connection, () => told.push("doubt"), (isSilent) => told.push(isSilent ? "silent" : "heard"));
});
afterEach(() => {
  end();
  mock.timers.reset();
});

/** What the watcher tells at a look at `pairs`, of which the browser uses `selected`: [bytes received, answered checks] each. */
async function look(selected, pairs) {
  report = new Map([["transport", { id: "transport", type: "transport", selectedCandidatePairId: selected }]]);
  for (const [id, [bytesReceived, responsesReceived]] of Object.entries(pairs)) {
    report.set(id, { id, type: "candidate-pair", bytesReceived, responsesReceived });
  }
  mock.timers.tick(1_000);
  await turn();
  return told.splice(0).join();
}

async function fallSilent(pairs) {
  const all = [];
  for (let count = 0; count < 5; count += 1) all.push(await look("one", pairs));
  assert.deepEqual(all, ["", "", "", "doubt", "silent"]);
}

test("silence is told after four looks without new data, and a doubt one look before", async () => {
  await fallSilent({ one: [900, 5] });
  assert.equal(await look("one", { one: [901, 5] }), "heard");
  await fallSilent({ one: [902, 5] });
});

test("answered checks of the path show that it works, with no data at all", async () => {
  for (let answers = 1; answers < 9; answers += 1) assert.equal(await look("one", { one: [0, answers] }), "");
});

test("a pair that the browser drops is no sign of data", async () => {
  await fallSilent({ one: [900, 5], two: [100, 1] });
  assert.equal(await look("one", { one: [900, 5] }), "");
});

test("before the peer agrees, its answers to checks of a new pair are no sign of data, and its data are", async () => {
  await fallSilent({ one: [900, 5] });
  connection.isAgreed = false; // ICE restarts
  assert.equal(await look("two", { one: [900, 5], two: [0, 1] }), "");
  assert.equal(await look("two", { one: [900, 5], two: [0, 2] }), "");
  assert.equal(await look("two", { one: [900, 5], two: [50, 2] }), "heard");
});

test("once the peer agrees, answered checks of the new path are a sign", async () => {
  await fallSilent({ one: [0, 5] });
  connection.isAgreed = false;
  assert.equal(await look("two", { one: [0, 5], two: [0, 1] }), "");
  connection.isAgreed = true;
  assert.equal(await look("two", { one: [0, 5], two: [0, 2] }), "heard");
});

test("a restart that the peer has not answered does not hide that the former path works again", async () => {
  await fallSilent({ one: [0, 5] });
  connection.isAgreed = false;
  assert.equal(await look("one", { one: [0, 6], two: [0, 0] }), "heard");
});

test("a browser that does not count answered checks is not watched", async () => {
  for (let count = 0; count < 9; count += 1) assert.equal(await look("one", { one: [900, undefined] }), "");
});
