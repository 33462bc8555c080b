// Tests the Socket.IO clients of the matrix that speak revision 4, in a room with recovery. Their listeners are written
// as in each language's manual, and get the arguments that they expect. Clients whose listeners take exactly the
// documented arguments connect with `strict`.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { after, before, describe, test } from "node:test";
import { pythonPath, rustPeer } from "../../scripts/setup.mjs";
import { inRoot, pinnedNode } from "../../scripts/task.mjs";
import { connect, startServer } from "../e2e/support.mjs";
import { task, transports } from "./peers.mjs";

const timeout = 120_000; // ms, for one client

let server;
before(async () => {
  server = await startServer({ vars: { PING_INTERVAL_MS: "500", PING_TIMEOUT_MS: "10000" } });
});
after(() => server.stop());

const here = (file) => inRoot("tests/interop", file);
const versions = { "4.8.4": true, "4.7.5": true, "4.6.2": true, "4.5.4": false, "4.1.3": false, "4.0.0": false, "3.1.3": false, "3.0.0": false };
const ways = { "strict in the URL": { query: "/?strict=1" }, "strict in auth": { auth: { strict: true } } };

const clients = [
  ...Object.entries(versions).map(([version, recovers]) => ({
    name: `socket.io-client ${version}`,
    command: (task) => [pinnedNode, here("socketio_room.mjs"), task, `socket.io-client-${version}`],
    recovers, // since 4.6
  })),
  ...["sync", "async"].flatMap((kind) =>
    Object.entries(ways).map(([way, options]) => ({
      name: `python-socketio, ${kind}, ${way}`,
      command: (task) => [pythonPath, here("python_room.py"), task, kind],
      ...options,
    })),
  ),
  { name: "rust_socketio 0.6.0", command: (task) => [rustPeer("socketio_room"), task] },
];

describe("in a room", { concurrency: 4 }, () => {
  for (const { name, command, recovers = false, query = "", auth = null } of clients) {
    for (const transport of transports) {
      test(`${name}: ${transport}`, { timeout }, async () => {
        const room = `${name} ${transport}`.replaceAll(/[^\w.]+/g, "-");
        const partner = await connect(server, { room });
        const description = { type: "offer", sdp: task.text };
        partner.once("chat-message", () => partner.emit("offer", description));
        const answered = new Promise((resolve) => partner.once("answer", resolve));
        const own = { ...task, url: server.url, path: `/r/${room}/socket.io`, transport, recovers, query, auth };
        const [program, ...args] = command(JSON.stringify(own));
        const child = spawn(program, args, { signal: AbortSignal.timeout(timeout), killSignal: "SIGKILL" });
        let errors = "";
        child.on("error", (error) => (errors += error.message));
        child.stderr.setEncoding("utf8").on("data", (text) => (errors += text));
        const ended = new Promise((resolve) => child.on("close", resolve));
        const saw = {};
        for await (const line of createInterface({ input: child.stdout })) {
          const { step, saw: what } = JSON.parse(line);
          saw[step] = what;
          if (step === "answer") break;
        }
        const expected = { ack: true, chat: task.text, offer: description, answer: 1 };
        if (recovers) expected.recovered = true;
        assert.deepEqual(saw, expected, errors.slice(-2000));
        assert.deepEqual(await answered, { type: "answer", sdp: task.text });
        child.stdin.end();
        assert.equal(await ended, 0, errors.slice(-2000));
        partner.disconnect();
      });
    }
  }
});
