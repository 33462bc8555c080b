// @ts-check

/** @typedef {readonly [event: string, payload: object]} Message */

/** The signals for one peer: see SignalingEvents. */
export class Outbox {
  #transmit;
  /** @type {Message[]} */
  #messages = [];
  #underWay = 0;
  #isSlow = false;
  /** When it grows, acks of older sends are void. */
  #run = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #pause;

  /**
   * @param {(message: Message, acknowledge: (retryAfterMs?: number) => void) => void} transmit does nothing without a connection
   */
  constructor(transmit) {
    this.#transmit = transmit;
  }

  get isEmpty() {
    return this.#messages.length === 0;
  }

  /** @param {Message} message */
  push(message) {
    this.#messages.push(message);
    this.#pump();
  }

  /** Sends again the messages without acknowledgement. */
  resume() {
    clearTimeout(this.#pause);
    this.#pause = undefined;
    this.#run += 1;
    this.#underWay = 0;
    this.#pump();
  }

  clear() {
    clearTimeout(this.#pause);
    this.#run += 1;
    this.#messages = [];
  }

  #pump() {
    if (this.#pause) return;
    const most = this.#isSlow ? 1 : this.#messages.length;
    while (this.#underWay < Math.min(most, this.#messages.length)) this.#send(this.#messages[this.#underWay++]);
  }

  /** @param {Message} message */
  #send(message) {
    const run = this.#run;
    this.#transmit(message, (retryAfterMs) => {
      if (run !== this.#run) return;
      if (retryAfterMs === undefined) {
        this.#messages = this.#messages.filter((other) => other !== message);
        this.#underWay -= 1;
        this.#isSlow &&= this.#messages.length > 0;
        this.#pump();
      } else {
        this.#run += 1;
        this.#isSlow = true;
        this.#pause = setTimeout(() => this.resume(), retryAfterMs);
      }
    });
  }
}
