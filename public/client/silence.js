// @ts-check
import { selectedPair } from "./quality.js";

const LOOK_EVERY = 1_000; // ms
const LOOKS = 4; // in a row without new data; browsers send checks more often

/**
 * Detects sooner than the browser that nothing arrives any more, and that data arrive again. A link without media has the
 * answers to the browser's checks. A browser that does not count them is not watched.
 * @param {{ stats(): Promise<RTCStatsReport> }} connection
 * @param {(isSilent: boolean) => void} tell
 * @returns {() => void} ends it
 */
export function watchSilence(connection, tell) {
  let bytes = 0;
  /** By pair: the browser may change to another silent one. @type {Map<string, number>} */
  let answers = new Map();
  let looks = 0;
  const looking = setInterval(async () => {
    const report = await connection.stats();
    const stats = [...report.values()];
    const pairs = stats.filter(({ type }) => type === "candidate-pair");
    const selected = selectedPair(report, stats);
    if (selected?.responsesReceived === undefined) return;
    const now = pairs.reduce((sum, pair) => sum + (pair.bytesReceived ?? 0), 0);
    const isHeard = now !== bytes || selected.responsesReceived !== answers.get(selected.id);
    bytes = now;
    answers = new Map(pairs.map(({ id, responsesReceived }) => [id, responsesReceived]));
    const wasSilent = looks >= LOOKS;
    looks = isHeard ? 0 : looks + 1;
    const isSilent = looks >= LOOKS;
    if (isSilent !== wasSilent) tell(isSilent);
  }, LOOK_EVERY);
  return () => clearInterval(looking);
}
