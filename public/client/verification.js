// @ts-check
import { toBase64 } from "./bytes.js";
import { Emitter } from "./emitter.js";
import { parse } from "./protocol.js";

/**
 * Who is at the other end of one link. Each side shows with the key that both know which certificates
 * it sees at the two ends; a server that put its own in between would make them differ.
 *
 *   both: {nonce, keyed}       then, if both are keyed: {proof}
 *
 * The proof begins with its maker, so it cannot be returned to them, and has both nonces, so it cannot
 * be used again.
 *
 * @typedef {"verified" | "unverified" | "mismatch"} Verdict
 * @extends {Emitter<{ verdict: [verdict: Verdict] }>}
 */
export class Verification extends Emitter {
  #channel;
  #key;
  #ids;
  #fingerprints;
  #nonce = toBase64(crypto.getRandomValues(new Uint8Array(16)));
  /** @type {string | null} */
  #theirs = null;
  #settled = false;

  /**
   * @param {object} link
   * @param {RTCDataChannel} link.channel
   * @param {import("./key.js").RoomKey | null} link.key
   * @param {readonly [own: string, theirs: string]} link.ids
   * @param {() => Promise<readonly [own: string, theirs: string]>} link.fingerprints
   */
  constructor({ channel, key, ids, fingerprints }) {
    super();
    this.#channel = channel;
    this.#key = key;
    this.#ids = ids;
    this.#fingerprints = fingerprints;
    channel.addEventListener("open", () => channel.send(JSON.stringify({ nonce: this.#nonce, keyed: key !== null })));
    channel.addEventListener("message", ({ data }) => void this.#receive(data));
  }

  /** @param {unknown} data */
  async #receive(data) {
    const { nonce, keyed, proof } = parse(data); // of nothing, if the channel is somebody else's
    if (!this.#key || this.#settled) return;
    if (typeof nonce === "string" && keyed && this.#theirs === null) {
      this.#theirs = nonce;
      const made = await this.#key.prove(await this.#facts(0));
      if (this.#channel.readyState === "open") this.#channel.send(JSON.stringify({ proof: made }));
    } else if (typeof proof === "string") {
      this.#settled = true;
      // Our own nonce come back is our own proof to come back.
      const fresh = this.#theirs !== null && this.#theirs !== this.#nonce;
      this.emit("verdict", fresh && (await this.#key.proves(proof, await this.#facts(1))) ? "verified" : "mismatch");
    }
  }

  /** What a proof states, as its maker has it. @param {0 | 1} maker ourselves or the peer */
  async #facts(maker) {
    const [own, theirs] = await this.#fingerprints();
    const sides = [
      [this.#ids[0], this.#nonce, own],
      [this.#ids[1], this.#theirs, theirs],
    ];
    return [...sides[maker], ...sides[1 - maker]];
  }
}
