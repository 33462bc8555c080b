// @ts-check
import { fragments } from "./sdp.js";

const MOST = 64;

/**
 * A peer's candidates, in the order in which they came. Each is given to the browser once there is a description that it
 * belongs to: before that, the browser would refuse it, and it would be lost.
 *
 * @typedef {RTCIceCandidateInit | null} Candidate null: there are no more
 */
export class Candidates {
  #pc;
  /** @type {Candidate[]} */
  #waiting = [];

  /** @param {RTCPeerConnection} pc */
  constructor(pc) {
    this.#pc = pc;
  }

  /** @param {Candidate} candidate */
  async add(candidate) {
    if (this.#waiting.push(candidate) > MOST) this.#waiting.shift();
    await this.#flush();
  }

  /** There is a new remote description. What still belongs to none was for an offer that was given up. */
  async described() {
    await this.#flush();
    this.#waiting = [];
  }

  async #flush() {
    const { remoteDescription } = this.#pc;
    if (!remoteDescription) return;
    const known = fragments(remoteDescription);
    /** @type {Candidate[]} */
    const early = [];
    for (const candidate of this.#waiting.splice(0)) {
      const fragment = candidate?.usernameFragment;
      const isEarly = fragment ? !known.has(fragment) : candidate === null && early.length > 0;
      if (isEarly) early.push(candidate);
      else await this.#give(candidate);
    }
    this.#waiting = early;
  }

  /** @param {Candidate} candidate */
  async #give(candidate) {
    try {
      await this.#pc.addIceCandidate(candidate ?? undefined);
    } catch (error) {
      // Without a fragment it may be for an offer that we ignored. The link can do without one candidate.
      console.warn("signalbox: the browser refused a candidate:", error);
    }
  }
}
