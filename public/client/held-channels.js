// @ts-check
import { sizeOf } from "./peer-data.js";

const MOST = 16; // channels
const MOST_MESSAGES = 64; // on each
const MOST_BYTES = 1_048_576; // on each

/** Holds the data channels of a peer, and what arrives on them, until it is verified. */
export class HeldChannels {
  /** @type {Map<RTCDataChannel, () => void>} */
  #held = new Map();

  /**
   * @param {RTCDataChannel} channel
   * @param {() => void} take what to do with it when it is released
   */
  hold(channel, take) {
    if (this.#held.size >= MOST) {
      channel.close();
      return;
    }
    channel.binaryType = "arraybuffer"; // browsers have other defaults
    /** @type {unknown[]} */
    const messages = [];
    let bytes = 0;
    const listener = (/** @type {MessageEvent} */ { data }) => {
      bytes += sizeOf(data);
      if (messages.push(data) <= MOST_MESSAGES && bytes <= MOST_BYTES) return;
      messages.length = 0;
      channel.close();
    };
    channel.addEventListener("message", listener);
    channel.addEventListener("close", () => this.#held.delete(channel));
    this.#held.set(channel, () => {
      channel.removeEventListener("message", listener);
      take();
      for (const data of messages) channel.dispatchEvent(new MessageEvent("message", { data }));
    });
  }

  release() {
    for (const [channel, take] of this.#held) {
      this.#held.delete(channel);
      take();
    }
  }
}
