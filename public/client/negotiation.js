// @ts-check
import { Candidates } from "./candidates.js";
import { Emitter } from "./emitter.js";
import { EVENTS } from "./protocol.js";
import { fingerprints } from "./sdp.js";
/** @import { Candidate, Described, NegotiationEvents, NegotiationOptions } from "./types.js" */

const TRIES = 3; // failures in a row
const RETRY = 500; // ms; longer with each failure

/** Perfect negotiation over one RTCPeerConnection; NegotiationEvents describes it. @extends {Emitter<NegotiationEvents>} */
export class Negotiation extends Emitter {
  #pc;
  #polite;
  #send;
  #join;
  #candidates;
  #round = 0;
  /** The round of the peer's last offer. */
  #seen = 0;
  /** Our answer to it. @type {Described | null} */
  #answer = null;
  /** We ignored an offer that collided with ours, and ours is not answered yet. */
  #ignoring = false;
  #failures = 0;
  /** @type {Promise<void>} */
  #queue = Promise.resolve();

  /** @param {NegotiationOptions} options */
  constructor({ pc, polite, send, join }) {
    super();
    this.#pc = pc;
    this.#polite = polite;
    this.#send = send;
    this.#join = join;
    this.#candidates = new Candidates(pc);
    pc.addEventListener("negotiationneeded", () => this.#next(() => this.#offer()));
    pc.addEventListener("icecandidate", ({ candidate }) => {
      this.#next(async () => send(EVENTS.CANDIDATE, { candidate: candidate?.toJSON() ?? null })); // after its description
    });
  }

  /** Resolves when the steps so far are done. */
  get settled() {
    return this.#queue;
  }

  /** @param {Described} described */
  describe(described) {
    if (described.description.type === "offer") this.#next(() => this.#takeOffer(described));
    else this.#next(() => this.#takeAnswer(described), () => this.#offer());
  }

  /** @param {Candidate} candidate */
  addCandidate(candidate) {
    this.#next(() => this.#candidates.add(candidate));
  }

  /** Restarts ICE. */
  restart() {
    this.#next(async () => {
      this.#repeat();
      if (this.#pc.remoteDescription) this.#pc.restartIce();
    });
  }

  /** Sends again what the peer may have missed. */
  repeat() {
    this.#next(async () => this.#repeat());
  }

  async #offer() {
    const pc = this.#pc;
    if (pc.signalingState !== "stable") return; // the browser repeats the event later
    await pc.setLocalDescription();
    this.#round += 1;
    this.#sendOffer();
  }

  /** @param {Described} described */
  async #takeOffer({ description, round }) {
    const pc = this.#pc;
    const isOpen = pc.signalingState === "have-local-offer";
    if (round !== undefined && round <= this.#seen) {
      if (round < this.#seen) return;
      if (this.#answer) return this.#sendAnswer();
      if (!this.#ignoring) return; // the peer rolled it back, and answered ours
    }
    if (this.#isReplaced({ description, round })) return;
    if (isOpen && !this.#polite()) {
      this.#handled(round, null);
      return;
    }
    const isFirst = pc.remoteDescription === null;
    await pc.setRemoteDescription(description); // rolls our own offer back if there is one
    if (isFirst) await this.#join();
    await pc.setLocalDescription();
    this.#handled(round, { description: /** @type {RTCSessionDescription} */ (pc.localDescription), round });
    this.#sendAnswer();
    await this.#agreed();
  }

  /** @param {Described} described */
  async #takeAnswer({ description, round = this.#round }) {
    if (this.#pc.signalingState !== "have-local-offer" || round !== this.#round) return; // repeated, or to another offer
    if (this.#isReplaced({ description, round })) return;
    await this.#pc.setRemoteDescription(description);
    this.#ignoring = false;
    await this.#agreed();
  }

  /** Whether the peer made a new connection. @param {Described} described */
  #isReplaced(described) {
    const known = this.#pc.currentRemoteDescription;
    const isReplaced = known !== null && fingerprints(known) !== fingerprints(described.description);
    if (isReplaced) this.emit("replaced", described);
    return isReplaced;
  }

  /**
   * @param {number | undefined} round
   * @param {Described | null} answer
   */
  #handled(round, answer) {
    if (round !== undefined) this.#seen = round;
    this.#answer = answer;
    this.#ignoring = answer === null;
  }

  async #agreed() {
    this.#failures = 0;
    await this.#candidates.described();
    this.emit("agreed");
  }

  /** Sends the answer first: our offer is newer. */
  #repeat() {
    if (this.#answer) this.#sendAnswer();
    if (this.#pc.signalingState === "have-local-offer") this.#sendOffer();
  }

  #sendOffer() {
    this.#send(EVENTS.OFFER, { description: this.#pc.localDescription, round: this.#round });
  }

  #sendAnswer() {
    this.#send(EVENTS.ANSWER, { ...this.#answer });
  }

  /**
   * @param {() => Promise<void>} step
   * @param {() => Promise<void>} [again] what to do if it fails
   */
  #next(step, again = step) {
    this.#queue = this.#queue.then(async () => {
      if (this.#isClosed()) return;
      try {
        await step();
      } catch (error) {
        if (!this.#isClosed()) await this.#undo(error, again);
      }
    });
  }

  /**
   * @param {unknown} error
   * @param {() => Promise<void>} again
   */
  async #undo(error, again) {
    const pc = this.#pc;
    console.warn("signalbox: negotiation failed:", error);
    try {
      if (pc.signalingState === "have-local-offer") await pc.setLocalDescription({ type: "rollback" });
      else if (pc.signalingState === "have-remote-offer") await pc.setRemoteDescription({ type: "rollback" });
    } catch (cause) {
      console.warn("signalbox: rollback failed:", cause);
    }
    this.#failures += 1;
    if (this.#failures === TRIES) this.emit("broken");
    else setTimeout(() => this.#next(again), RETRY * this.#failures);
  }

  #isClosed() {
    return this.#pc.signalingState === "closed";
  }
}
