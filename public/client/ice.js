// @ts-check
/** @import { IceAnswer } from "./types.js" */

const BEAT = 5_000;
const RENEW_AT = 0.75; // of their lifetime
const RETRY = 30_000;

/** The ICE servers of a room. Their credentials expire, so fresh ones are requested in time. */
export class Ice {
  #own;
  /** @type {RTCIceServer[]} */
  #servers = [];
  #get;
  #due = Infinity;
  #beat;

  /**
   * @param {RTCIceServer[] | undefined} own the application's, in place of those of the room
   * @param {() => Promise<IceAnswer>} get
   * @param {() => void} renewed
   */
  constructor(own, get, renewed) {
    this.#own = own;
    this.#get = get;
    this.#beat = setInterval(async () => {
      if (Date.now() >= this.#due && (await this.refresh())) renewed();
    }, BEAT);
  }

  get servers() {
    return this.#own ?? this.#servers;
  }

  /** @param {IceAnswer} ice */
  take({ iceServers, ttl }) {
    this.#servers = iceServers;
    this.#due = Date.now() + ttl * 1000 * RENEW_AT;
  }

  /** Whether fresh servers came. */
  async refresh() {
    if (this.#own) return false;
    this.#due = Date.now() + RETRY;
    try {
      this.take(await this.#get());
      return true;
    } catch (error) {
      console.warn("signalbox: no fresh ICE servers, so the present ones stay:", error);
      return false;
    }
  }

  close() {
    clearInterval(this.#beat);
  }
}
