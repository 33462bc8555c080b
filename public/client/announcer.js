// @ts-check
import { KINDS } from "./media.js";
import { EVENTS, unhurried } from "./protocol.js";
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
    const { self, isConnected, request } = this.#options;
    try {
      await unhurried(async () => {
        const media = this.flags;
        if (!isConnected() || KINDS.every((kind) => media[kind] === self().media[kind])) return;
        await request(EVENTS.PEER_UPDATE, { media });
        self().media = media;
      });
    } catch (cause) {
      const error = /** @type {SignalboxError} */ (cause);
      if (error.code === "room-full") await this.#withdraw(error); // else we are offline: the next connection announces it
    }
  }

  /** @param {SignalboxError} error */
  async #withdraw(error) {
    const { media, refused } = this.#options;
    await Promise.all([media.setAudio(false), media.setVideo(false), media.setScreen(false)]);
    refused(error);
  }
}
