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
  /** @type {Counters | null} */
  #last = null;

  /**
   * Null until there are a path and two reports.
   * @param {RTCStatsReport} report
   * @returns {Quality | null}
   */
  measure(report) {
    const stats = /** @type {any[]} */ ([...report.values()]);
    const of = (/** @type {string} */ type) => stats.filter((entry) => entry.type === type);
    const pair = selectedPair(report, stats);
    if (!pair) return null;
    const incoming = of("inbound-rtp");
    const counters = {
      time: pair.timestamp,
      bytesIn: pair.bytesReceived,
      bytesOut: pair.bytesSent,
      received: sum(incoming, "packetsReceived"),
      lost: sum(incoming, "packetsLost"),
    };
    const last = this.#last;
    this.#last = counters;
    if (!last || last.time >= counters.time) return null;
    const since = (/** @type {keyof Counters} */ name) => Math.max(0, counters[name] - last[name]);
    const perSecond = (/** @type {"bytesIn" | "bytesOut"} */ name) => Math.round((since(name) * 8_000) / since("time"));
    const ends = [report.get(pair.localCandidateId), report.get(pair.remoteCandidateId)];
    const path = PATHS[Math.max(...ends.map((candidate) => PATHS.indexOf(candidate?.candidateType)), 0)];
    const picture = incoming.filter(({ kind }) => kind === "video").reduce(larger, {});
    const rtt = pair.currentRoundTripTime === undefined ? null : Math.round(pair.currentRoundTripTime * 1_000);
    const loss = since("lost") / Math.max(1, since("lost") + since("received"));
    const lossOut = Math.max(0, ...of("remote-inbound-rtp").map(({ fractionLost = 0 }) => fractionLost));
    return {
      level: levelOf(rtt ?? 0, Math.max(loss, lossOut)),
      path,
      protocol: ends[0]?.protocol ?? "",
      rtt,
      loss,
      lossOut,
      bitrate: perSecond("bytesIn"),
      bitrateOut: perSecond("bytesOut"),
      width: picture.frameWidth ?? 0,
      height: picture.frameHeight ?? 0,
      framesPerSecond: picture.framesPerSecond ?? 0,
    };
  }
}

/** @typedef {{ time: number, bytesIn: number, bytesOut: number, received: number, lost: number }} Counters */

/**
 * @param {number} rtt
 * @param {number} loss
 */
function levelOf(rtt, loss) {
  if (rtt > 500 || loss > 0.08) return "poor";
  return rtt > 200 || loss > 0.02 ? "fair" : "good";
}

/**
 * @param {RTCStatsReport} report
 * @param {any[]} stats
 */
export function selectedPair(report, stats) {
  const transport = stats.find(({ type, selectedCandidatePairId }) => type === "transport" && selectedCandidatePairId);
  // Firefox marks the pair instead.
  return transport ? report.get(transport.selectedCandidatePairId) : stats.find(({ type, selected }) => type === "candidate-pair" && selected);
}

/**
 * @param {any[]} entries
 * @param {string} name
 */
function sum(entries, name) {
  return entries.reduce((total, entry) => total + (entry[name] ?? 0), 0);
}

/**
 * @param {any} one
 * @param {any} other
 */
function larger(one, other) {
  return (other.frameWidth ?? 0) > (one.frameWidth ?? 0) ? other : one;
}
