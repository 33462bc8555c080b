// @ts-check
import { fragments } from "./sdp.js";
/** @import { Candidate } from "./types.js" */

const MOST = 64;

/** A peer's candidates, in order. Each waits for its description: before that, the browser refuses it. */
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

  /** There is a new remote description. Candidates that still wait were for an abandoned offer. */
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
      // It may be for an offer that we ignored.
      console.warn("signalbox: the browser refused a candidate:", error);
    }
  }
}
