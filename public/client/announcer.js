// @ts-check
import { KINDS } from "./media.js";
import { EVENTS } from "./protocol.js";
/** @import { AnnouncerOptions, SignalboxError } from "./types.js" */

/** Tells the room which media we send, one change after the other. */
export class Announcer {
  #options;
  /** @type {Promise<void>} */
  #queue = Promise.resolve();

  /** @param {AnnouncerOptions} options */
  constructor(options) {
    this.#options = options;
  }

  get flags() {
    const { audio, video, screen } = this.#options.media;
    return { audio, video, screen: screen !== null };
  }

  announce() {
    this.#queue = this.#queue.then(() => this.#announce());
  }

  async #announce() {
    const media = this.flags;
    const { self, isConnected, request } = this.#options;
    const { media: told } = self();
    if (!isConnected() || KINDS.every((kind) => media[kind] === told[kind])) return;
    try {
      await request(EVENTS.PEER_UPDATE, { media });
      self().media = media;
    } catch (cause) {
      const { code, retryAfterMs = 1_000 } = /** @type {SignalboxError} */ (cause);
      if (code === "room-full") await this.#withdraw(/** @type {SignalboxError} */ (cause));
      if (code !== "rate-limited") return; // unreachable: told with the next connection
      await new Promise((resolve) => setTimeout(resolve, retryAfterMs));
      await this.#announce();
    }
  }

  /** @param {SignalboxError} error */
  async #withdraw(error) {
    const { media, refused } = this.#options;
    await Promise.all([media.setAudio(false), media.setVideo(false), media.setScreen(false)]);
    refused(error);
  }
}
