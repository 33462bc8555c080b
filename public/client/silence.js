// @ts-check
import { selectedPair } from "./quality.js";
/** @import { WatchSilence } from "./types.js" */

const LOOK_EVERY = 1_000; // ms
const DOUBTS = 3; // looks in a row without new data; browsers send a check in less time
const LOOKS = 4;

/** @type {WatchSilence} */
export function watchSilence(connection, doubt, tell) {
  /** The pairs of the last report: the browser drops pairs, so a sum would mislead. @type {Map<string, any>} */
  let former = new Map();
  /** The id of the pair that both ends use. The peer answers checks of others, too, and sends nothing there. */
  let path = "";
  let looks = 0;
  const hasMore = (/** @type {any} */ pair, /** @type {string} */ count) => pair[count] > (former.get(pair.id)?.[count] ?? 0);
  const looking = setInterval(async () => {
    const report = await connection.stats();
    const pairs = [...report.values()].filter(({ type }) => type === "candidate-pair");
    const selected = selectedPair(report);
    if (selected?.responsesReceived === undefined) return;
    if (connection.isAgreed) path = selected.id;
    const isHeard = pairs.some((pair) => hasMore(pair, "bytesReceived")) || (selected.id === path && hasMore(selected, "responsesReceived"));
    former = new Map(pairs.map((pair) => [pair.id, pair]));
    if (isHeard && looks >= LOOKS) tell(false);
    looks = isHeard ? 0 : looks + 1;
    if (looks === DOUBTS) doubt();
    if (looks === LOOKS) tell(true);
  }, LOOK_EVERY);
  return () => clearInterval(looking);
}
