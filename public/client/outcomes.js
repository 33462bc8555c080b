// @ts-check
import { selectedPair } from "./quality.js";
/** @import { Room } from "./room.js" */

/** Reports to the room how the connections to its peers turn out: see docs/metrics.md. @param {Room} room */
export function reportOutcomes(room) {
  /** @type {(outcome: string, from: number, to: number) => void} */
  const report = (outcome, from, to) => {
    // A request that fails is not repeated: no call needs it, and older servers do not know the event.
    room.request("peer:outcome", { outcome, ms: Math.round(to - from) }).catch(() => {});
  };
  room.on("peer", (peer) => {
    const begun = performance.now();
    let connected = 0;
    let hasFailed = false;
    peer.on("change", async () => {
      if (connected) return;
      const now = performance.now();
      if (peer.state === "connected") {
        connected = now;
        const stats = await peer.stats();
        const pair = stats && selectedPair(stats);
        if (!pair) return; // it has ended meanwhile
        const isRelayed = [pair.localCandidateId, pair.remoteCandidateId].some((id) => stats.get(id)?.candidateType === "relay");
        report(isRelayed ? "relayed" : "direct", begun, now);
      } else if (peer.state === "failed" && !hasFailed) {
        hasFailed = true;
        report("failed", begun, now);
      }
    });
    peer.on("left", () => connected && report("ended", connected, performance.now()));
  });
}
