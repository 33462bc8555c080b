// @ts-check
import { selectedPair } from "./quality.js";

const LOOK_EVERY = 1_000; // ms
const LOOKS = 4; // in a row without new data; browsers send a check in less time

/**
 * Detects sooner than the browser that nothing arrives any more, and that data arrive again. Without media, the answers to
 * the browser's checks still arrive. A browser that does not count them is not watched.
 * @param {{ stats(): Promise<RTCStatsReport> }} connection
 * @param {(isSilent: boolean) => void} tell
 * @returns {() => void} ends it
 */
export function watchSilence(connection, tell) {
  let bytes = 0;
  /** By pair: the count of another pair would mislead. @type {Map<string, number>} */
  let answers = new Map();
  let looks = 0;
  const looking = setInterval(async () => {
    const report = await connection.stats();
    const pairs = [...report.values()].filter(({ type }) => type === "candidate-pair");
    const selected = selectedPair(report);
    if (selected?.responsesReceived === undefined) return;
    const now = pairs.reduce((sum, pair) => sum + (pair.bytesReceived ?? 0), 0);
    const isHeard = now !== bytes || selected.responsesReceived !== answers.get(selected.id);
    bytes = now;
    answers = new Map(pairs.map(({ id, responsesReceived }) => [id, responsesReceived]));
    if (isHeard && looks >= LOOKS) tell(false);
    looks = isHeard ? 0 : looks + 1;
    if (looks === LOOKS) tell(true);
  }, LOOK_EVERY);
  return () => clearInterval(looking);
}
