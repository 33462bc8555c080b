// The interop matrix: each stock client on each transport, against the echoes of tests/conformance.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { conformanceCrate } from "../../scripts/build.mjs";
import { startServer } from "../e2e/support.mjs";
import { runCell } from "./cell.mjs";
import { peers, transports } from "./peers.mjs";

const concurrency = 4; // the clients mostly wait
const timeout = 120_000; // ms, for a cell, which normally takes about one second

// The interval is short, because python-socketio's blocking client needs pings: sometimes it cannot send its last packet.
// Then the next ping ends its pending poll, and the ping timeout ends the session.
const vars = { PING_INTERVAL_MS: "500", PING_TIMEOUT_MS: "10000" };

let server;
before(async () => {
  server = await startServer({ crate: conformanceCrate, vars });
});
after(async () => {
  await server.stop();
  printTable();
});

/** The results, by peer and transport. */
const cells = new Map();

describe("interop", { concurrency }, () => {
  for (const peer of peers) {
    for (const transport of transports) {
      test(`${peer.name}: ${transport}`, { timeout }, async () => {
        const verdicts = await runCell(server, peer, transport);
        const failed = verdicts.filter(([, error]) => error);
        const names = failed.map(([step]) => step).join(", ");
        const passed = `${verdicts.length - failed.length}/${verdicts.length}`;
        cells.set(`${peer.name}: ${transport}`, names ? `${passed}, not ${names}` : passed);
        assert.equal(failed.length, 0, failed.map(([step, error]) => `${step}: ${error.message}`).join("\n"));
      });
    }
  }
});

/** One row per peer, one column per transport: how many steps passed, and which failed. */
function printTable() {
  const rows = peers.map(({ name }) => [
    name,
    ...transports.map((transport) => cells.get(`${name}: ${transport}`) ?? "did not run to its end"),
  ]);
  const table = [["peer", ...transports], ...rows];
  const widths = table[0].map((_, column) => Math.max(...table.map((row) => row[column].length)));
  for (const row of table) console.log(row.map((cell, column) => cell.padEnd(widths[column])).join("  ").trimEnd());
}
