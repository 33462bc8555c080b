// @ts-check
/** @import { Quality } from "./types.js" */

const MEASURE_EVERY = 3_000; // ms

/** Types of candidates, the most direct first. */
const PATHS = /** @type {const} */ (["host", "srflx", "prflx", "relay"]);

/**
 * @param {{ stats(): Promise<RTCStatsReport> }} connection
 * @param {(quality: Quality | null) => void} report
 * @returns {() => void} ends it
 */
export function watchQuality(connection, report) {
  const meter = new QualityMeter();
  const measuring = setInterval(async () => report(meter.measure(await connection.stats())), MEASURE_EVERY);
  return () => clearInterval(measuring);
}

/** Compares the counters of successive reports. */
class QualityMeter {
  /** @type {number[]} */
  #last = [];

  /**
   * Null until there are a path and two reports.
   * @param {RTCStatsReport} report
   * @returns {Quality | null}
   */
  measure(report) {
    const stats = /** @type {any[]} */ ([...report.values()]);
    const of = (/** @type {string} */ type) => stats.filter((entry) => entry.type === type);
    const pair = selectedPair(report);
    if (!pair) return null;
    const incoming = of("inbound-rtp");
    const sum = (/** @type {string} */ name) => incoming.reduce((total, entry) => total + (entry[name] ?? 0), 0);
    const counters = [pair.timestamp, pair.bytesReceived, pair.bytesSent, sum("packetsReceived"), sum("packetsLost")];
    const last = this.#last;
    this.#last = counters;
    const [time, bytesIn, bytesOut, received, lost] = counters.map((count, index) => Math.max(0, count - (last[index] ?? count)));
    if (time === 0) return null;
    const ends = [report.get(pair.localCandidateId), report.get(pair.remoteCandidateId)];
    const path = PATHS[Math.max(...ends.map((candidate) => PATHS.indexOf(candidate?.candidateType)), 0)];
    const [picture = {}] = incoming.filter(({ kind }) => kind === "video").sort((one, other) => (other.frameWidth ?? 0) - (one.frameWidth ?? 0));
    const rtt = pair.currentRoundTripTime === undefined ? null : Math.round(pair.currentRoundTripTime * 1_000);
    const loss = lost / Math.max(1, lost + received);
    const lossOut = Math.max(0, ...of("remote-inbound-rtp").map(({ fractionLost = 0 }) => fractionLost));
    return {
      level: levelOf(rtt ?? 0, Math.max(loss, lossOut)),
      path,
      protocol: ends[0]?.protocol ?? "",
      rtt,
      loss,
      lossOut,
      bitrate: Math.round((bytesIn * 8_000) / time),
      bitrateOut: Math.round((bytesOut * 8_000) / time),
      width: picture.frameWidth ?? 0,
      height: picture.frameHeight ?? 0,
      framesPerSecond: picture.framesPerSecond ?? 0,
    };
  }
}

/**
 * @param {number} rtt
 * @param {number} loss
 */
function levelOf(rtt, loss) {
  if (rtt > 500 || loss > 0.08) return "poor";
  return rtt > 200 || loss > 0.02 ? "fair" : "good";
}

/** @param {RTCStatsReport} report */
export function selectedPair(report) {
  const stats = [...report.values()];
  const transport = stats.find(({ selectedCandidatePairId }) => selectedCandidatePairId);
  return transport ? report.get(transport.selectedCandidatePairId) : stats.find(({ selected }) => selected); // Firefox marks the pair
}
