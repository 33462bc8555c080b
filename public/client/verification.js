// @ts-check
import { Emitter } from "./emitter.js";
import { parse } from "./protocol.js";
import { uniqueId } from "./unique.js";
/** @import { Verdict, VerificationOptions } from "./types.js" */

const LONGEST = 64; // of a nonce or a session, in characters
const MOST_UNSENT = 65_536; // bytes; a peer that asks and does not read gets no more answers

/** Verifies one link, as Greeting describes it. @extends {Emitter<{ verdict: [verdict: Verdict, session: string] }>} */
export class Verification extends Emitter {
  #options;
  #nonce = uniqueId();
  /** Of the peer. @type {{ nonce: string, session: string } | null} */
  #theirs = null;
  /** The fingerprints that the last verdict was about. @type {string | null} */
  #checkedEnds = null;

  /** @param {VerificationOptions} options */
  constructor(options) {
    super();
    this.#options = options;
    options.channel.addEventListener("open", () => this.#greet());
    options.channel.addEventListener("message", ({ data }) => void this.#receive(parse(data)));
  }

  /** Begins again if new descriptions have other certificates. */
  async check() {
    if (this.#checkedEnds === null || this.#checkedEnds === (await this.#options.fingerprints()).join()) return;
    this.#checkedEnds = null;
    this.emit("verdict", "unverified", "");
    this.#begin();
  }

  /** Begins an exchange. */
  #begin() {
    this.#nonce = uniqueId();
    this.#theirs = null;
    this.#greet();
  }

  #greet() {
    const { session, key } = this.#options;
    this.#send({ nonce: this.#nonce, session, keyed: key !== null });
  }

  /** @param {Record<string, unknown>} message */
  async #receive({ nonce, session, keyed, proof }) {
    const { key } = this.#options;
    if (!key || typeof nonce !== "string" || nonce.length > LONGEST) return;
    if (typeof proof === "string") {
      if (nonce === this.#nonce && this.#theirs && this.#checkedEnds === null) await this.#setVerdict(proof, this.#theirs);
    } else if (keyed && typeof session === "string" && session.length <= LONGEST && nonce !== this.#theirs?.nonce) {
      if (this.#theirs) this.#begin(); // the peer began an exchange
      this.#checkedEnds = null;
      this.#theirs = { nonce, session };
      const made = await key.prove(await this.#facts(0, this.#theirs));
      this.#send({ proof: made, nonce });
    }
  }

  /**
   * @param {string} proof
   * @param {{ nonce: string, session: string }} theirs
   */
  async #setVerdict(proof, theirs) {
    this.#checkedEnds = (await this.#options.fingerprints()).join();
    // A peer that copies our nonce may return our proof.
    const isTheirs = theirs.nonce !== this.#nonce;
    const isProven = isTheirs && (await this.#options.key?.proves(proof, await this.#facts(1, theirs)));
    if (theirs === this.#theirs) this.emit("verdict", isProven ? "verified" : "mismatch", theirs.session);
  }

  /**
   * @param {0 | 1} maker ourselves or the peer
   * @param {{ nonce: string, session: string }} theirs
   */
  async #facts(maker, theirs) {
    const { ids, session, fingerprints } = this.#options;
    const [own, other] = await fingerprints();
    const sides = [
      [ids[0], this.#nonce, session, own],
      [ids[1], theirs.nonce, theirs.session, other],
    ];
    return [...sides[maker], ...sides[1 - maker]];
  }

  /** @param {object} message */
  #send(message) {
    const { channel } = this.#options;
    if (channel.readyState === "open" && channel.bufferedAmount < MOST_UNSENT) channel.send(JSON.stringify(message));
  }
}
