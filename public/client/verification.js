// @ts-check
import { toBase64 } from "./bytes.js";
import { Emitter } from "./emitter.js";
import { parse } from "./protocol.js";
/** @import { Verdict, VerificationOptions } from "./types.js" */

const LONGEST = 64; // of a nonce or a session, in characters
const MOST_UNSENT = 65_536; // bytes; a peer that asks and does not read gets no more answers

/**
 * Verifies who is at the other end of one link, by an exchange of Greeting and Proof. A new exchange begins when the link
 * gets other certificates.
 *
 * @extends {Emitter<{ verdict: [verdict: Verdict, session: string] }>}
 */
export class Verification extends Emitter {
  #channel;
  #key;
  #ids;
  #session;
  #fingerprints;
  #nonce = newNonce();
  /** Of the peer. @type {{ nonce: string, session: string } | null} */
  #theirs = null;
  /** The fingerprints that the last verdict was about. @type {string | null} */
  #checkedEnds = null;

  /** @param {VerificationOptions} options */
  constructor({ channel, key, ids, session, fingerprints }) {
    super();
    this.#channel = channel;
    this.#key = key;
    this.#ids = ids;
    this.#session = session;
    this.#fingerprints = fingerprints;
    channel.addEventListener("open", () => this.#greet());
    channel.addEventListener("message", ({ data }) => void this.#receive(parse(data)));
  }

  /** The descriptions changed, perhaps with other certificates. */
  async check() {
    if (this.#checkedEnds === null || this.#checkedEnds === (await this.#fingerprints()).join()) return;
    this.#checkedEnds = null;
    this.emit("verdict", "unverified", "");
    this.#begin();
  }

  /** Begins an exchange. */
  #begin() {
    this.#nonce = newNonce();
    this.#theirs = null;
    this.#greet();
  }

  #greet() {
    this.#send({ nonce: this.#nonce, session: this.#session, keyed: this.#key !== null });
  }

  /** @param {Record<string, unknown>} message */
  async #receive({ nonce, session, keyed, proof }) {
    if (!this.#key || typeof nonce !== "string" || nonce.length > LONGEST) return;
    if (typeof proof === "string") {
      if (nonce === this.#nonce && this.#theirs && this.#checkedEnds === null) await this.#setVerdict(proof, this.#theirs);
    } else if (keyed && typeof session === "string" && session.length <= LONGEST && nonce !== this.#theirs?.nonce) {
      if (this.#theirs) this.#begin(); // the peer began an exchange
      this.#checkedEnds = null;
      this.#theirs = { nonce, session };
      const made = await this.#key.prove(await this.#facts(0, this.#theirs));
      this.#send({ proof: made, nonce });
    }
  }

  /**
   * @param {string} proof
   * @param {{ nonce: string, session: string }} theirs
   */
  async #setVerdict(proof, theirs) {
    this.#checkedEnds = (await this.#fingerprints()).join();
    // A peer with our nonce returns our own proof to us.
    const isTheirs = theirs.nonce !== this.#nonce;
    const isProven = isTheirs && (await this.#key?.proves(proof, await this.#facts(1, theirs)));
    if (theirs === this.#theirs) this.emit("verdict", isProven ? "verified" : "mismatch", theirs.session);
  }

  /**
   * @param {0 | 1} maker ourselves or the peer
   * @param {{ nonce: string, session: string }} theirs
   */
  async #facts(maker, theirs) {
    const [own, other] = await this.#fingerprints();
    const sides = [
      [this.#ids[0], this.#nonce, this.#session, own],
      [this.#ids[1], theirs.nonce, theirs.session, other],
    ];
    return [...sides[maker], ...sides[1 - maker]];
  }

  /** @param {object} message */
  #send(message) {
    if (this.#channel.readyState === "open" && this.#channel.bufferedAmount < MOST_UNSENT) this.#channel.send(JSON.stringify(message));
  }
}

function newNonce() {
  return toBase64(crypto.getRandomValues(new Uint8Array(16)));
}
