// One cell of the matrix: a client program, in its own process, on one transport, with a verdict on each of its steps.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { url } from "../e2e/conformance.mjs";
import { webSocket } from "../e2e/support.mjs";
import { task } from "./peers.mjs";
import { startTap } from "./tap.mjs";

const deadline = 60_000; // ms, for the process, which normally takes about one second

/**
 * Runs the client of `peer`, a row of peers.mjs, against `server`. Resolves to the verdicts: `[step, error]`, without
 * an error if the step passed.
 */
export async function runCell(server, peer, transport) {
  const tap = await startTap(server);
  const [command, ...args] = peer.command(JSON.stringify({ ...task, url: tap.url, path: `/${peer.echo}/`, transport }));
  const child = spawn(command, args, { signal: AbortSignal.timeout(deadline), killSignal: "SIGKILL" });
  let errors = "";
  child.stderr.setEncoding("utf8").on("data", (text) => (errors += text));
  const ended = new Promise((resolve) => {
    child.on("error", (error) => (errors += error.message)); // for example at the deadline
    child.on("close", (code, signal) => resolve(code ?? signal));
  });

  const verdicts = [];
  const judge = async (step, check) => {
    try {
      await check();
      verdicts.push([step]);
    } catch (error) {
      verdicts.push([step, error]);
    }
  };
  try {
    const expected = Object.entries(peer.steps(transport));
    const [last] = expected.at(-1);
    const saw = new Map();
    let connected; // the number of requests until the client was connected
    for await (const line of createInterface({ input: child.stdout })) {
      const report = JSON.parse(line);
      saw.set(report.step, report.saw);
      connected ??= tap.requests.length;
      if (report.step === last) break;
    }
    for (const [step, what] of expected) {
      await judge(step, () => {
        assert.ok(saw.has(step), `the client did not reach this step\n${errors.slice(-2000)}`);
        assert.deepEqual(saw.get(step), what);
      });
    }
    await judge("transport", () => assertTransport(transport, tap, connected));
    await judge("end", async () => {
      await assertEnded(server, peer, tap.sessions);
      assert.ok(child.exitCode === null && child.signalCode === null, "the session ended only because the process ended");
    });
    await judge("exit", async () => {
      child.stdin.end();
      assert.equal(await ended, 0, errors.slice(-2000));
    });
  } finally {
    child.stdin.end();
    await ended;
    await tap.stop();
  }
  return verdicts;
}

/** Checks the transports on the wire. */
function assertTransport(transport, { requests, sessions }, connected) {
  const used = (some) => [...new Set(some.map((request) => request.transport))];
  if (transport !== "upgrade") return assert.deepEqual(used(requests), [transport]);
  const handshakes = requests.filter(({ sid }) => !sid);
  assert.deepEqual(used(handshakes), ["polling"]);
  const [first] = sessions;
  const ofSession = ({ sid }) => sid === first;
  assert.ok(used(requests.filter(ofSession)).includes("websocket"), "the client requested no upgrade");
  assert.deepEqual(requests.slice(connected).filter(ofSession), [], "the client continued to poll");
}

/** Waits until the server has closed the sessions: no WebSocket can join them any more. */
async function assertEnded(server, { echo, revision = "4" }, sessions) {
  assert.ok(sessions.size > 0, "no session was seen");
  for (const sid of sessions) {
    for (;;) {
      const joined = await webSocket(server, url(echo, { EIO: revision, transport: "websocket", sid })).catch((refusal) => refusal);
      if (joined instanceof Error) {
        assert.deepEqual([joined.status, joined.body], [400, "Session ID unknown"]);
        break;
      }
      await joined.closed; // it ends with the session, or before it (U-6, U-7, E-15)
    }
  }
}
