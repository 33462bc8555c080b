// @ts-check
import { selectedPair } from "./quality.js";
/** @import { WatchSilence } from "./types.js" */

const LOOK_EVERY = 1_000; // ms
const MOST = 4; // looks in a row without new data
const MOST_UNCHECKED = 7; // Firefox counts no requests, and checks only every four to six seconds

/** @type {WatchSilence} */
export function watchSilence(connection, doubt, tell) {
  /** The last report. By entry: a sum of counts would fall when the browser drops a pair. @type {ReadonlyMap<string, any>} */
  let former = new Map();
  /** The pair that we used when both ends last agreed. The peer answers checks of others, too. */
  let path = "";
  let looks = 0;
  let most = MOST;
  const hasMore = (/** @type {any} */ entry, /** @type {string} */ count) => entry[count] > (former.get(entry.id)?.[count] ?? 0);
  const looking = setInterval(async () => {
    const report = await connection.stats();
    const entries = [...report.values()];
    const selected = selectedPair(report);
    if (selected?.responsesReceived === undefined) return;
    if (path && connection.isAgreed && path !== selected.id) connection.refresh();
    if (!path || connection.isAgreed) path = selected.id;
    const isHeard = entries.some((entry) => hasMore(entry, "bytesReceived") || (entry.id === path && hasMore(entry, "responsesReceived")));
    const isMedia = entries.some((entry) => entry.type === "inbound-rtp" && hasMore(entry, "packetsReceived"));
    former = report;
    if (isHeard && looks >= most) tell(false);
    if (isHeard) most = isMedia || selected.requestsReceived ? MOST : MOST_UNCHECKED;
    looks = isHeard ? 0 : looks + 1;
    if (looks === most - 1) doubt();
    if (looks >= most) tell(true);
  }, LOOK_EVERY);
  return () => clearInterval(looking);
}
