// Shared by the conformance tests: the echoes of tests/conformance, and raw sessions with them.

import assert from "node:assert/strict";
import { conformanceCrate } from "../../scripts/build.mjs";
import * as support from "./support.mjs";

/** T-2, in milliseconds: the settings of tests/conformance, which its handshake shows. */
export const pingInterval = 300;
export const pingTimeout = 200;

/** The echoes as they are built. Their heartbeats are so fast that a slow machine loses sessions. */
export const startEchoes = () => support.startServer({ crate: conformanceCrate });

/** The same with very slow heartbeats, for all tests that are not about heartbeats. */
export const startCalmEchoes = () =>
  support.startServer({ crate: conformanceCrate, vars: { PING_INTERVAL_MS: "25000", PING_TIMEOUT_MS: "20000" } });

/** T-5: the URL of an echo, `engine.io` or `socket.io`. */
export const url = (echo, query) => `/${echo}/?${new URLSearchParams({ EIO: "4", ...query })}`;

/** A WebSocket session, after its open packet. */
export async function openWebSocket(server, echo) {
  const socket = await support.webSocket(server, url(echo, { transport: "websocket" }));
  assert.match(await socket.next(), /^0\{/);
  return socket;
}

/** A polling session: `get` and `post` resolve to `[status, body]`. */
export async function openPolling(server, echo) {
  const session = await support.openPolling(server, (query) => url(echo, query));
  const short = ({ status, body }) => [status, body];
  return {
    ...session,
    get: async () => short(await session.get()),
    post: async (body) => short(await session.post(body)),
  };
}

/** The answer to a request of a session that has ended. */
export const unknownSid = [400, '{"code":1,"message":"Session ID unknown"}'];
/** The answer to an HTTP request of a session that has upgraded. */
export const badRequest = [400, '{"code":3,"message":"Bad request"}'];
/** The answer to a POST that is accepted. */
export const ok = [200, "ok"];

/** A session's next poll gets a close packet or is refused; the one after that is refused. */
export async function assertEnds(session) {
  const [status, body] = await session.get();
  if (status === 200) assert.match(body, /(^|\x1e)1$/);
  else assert.deepEqual([status, body], unknownSid);
  assert.deepEqual(await session.get(), unknownSid);
}

/**
 * Runs a scenario for which the protocol allows only `limit` milliseconds. `scenario` calls `begin(since)` at the start
 * of that time. If it fails after the limit, the machine was too slow, and it runs again. Resolves to the number of
 * repetitions.
 */
export async function within(limit, scenario) {
  for (let repeats = 0; ; repeats++) {
    let start = Infinity;
    try {
      await scenario((since = performance.now()) => (start = since));
      return repeats;
    } catch (error) {
      if (performance.now() - start < limit || repeats === 50) throw error;
    }
  }
}
