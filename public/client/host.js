// @ts-check
import { EVENTS, unhurried } from "./protocol.js";
/** @import { Knock } from "./types.js" */

/**
 * The host's actions. The room refuses them to everyone else.
 *
 * @typedef {{ id: string }} Someone a peer, or somebody who knocks
 */
export class Host {
  /** @type {readonly Knock[]} */
  knocks = [];

  #request;
  #peers;
  #changed;

  /**
   * @param {(event: string, payload: object) => Promise<unknown>} request
   * @param {ReadonlyMap<string, Someone>} peers
   * @param {() => void} changed
   */
  constructor(request, peers, changed) {
    this.#request = request;
    this.#peers = peers;
    this.#changed = changed;
  }

  /** @param {Someone} peer */
  async kick({ id }) {
    await this.#request(EVENTS.HOST_KICK, { id });
  }

  /** @param {Someone} peer */
  async requestMute({ id }) {
    await this.#request(EVENTS.HOST_MUTE, { id });
  }

  requestMuteAll() {
    return each(this.#peers.values(), ({ id }) => this.#request(EVENTS.HOST_MUTE, { id }));
  }

  /** @param {Someone} peer */
  async transfer({ id }) {
    await this.#request(EVENTS.HOST_TRANSFER, { id });
  }

  /** @param {Someone} knock */
  admit({ id }) {
    return this.#answer(EVENTS.HOST_ADMIT, id);
  }

  admitAll() {
    return each(this.knocks, (knock) => this.admit(knock));
  }

  /** @param {Someone} knock */
  deny({ id }) {
    return this.#answer(EVENTS.HOST_DENY, id);
  }

  /** @param {boolean} on */
  async lock(on) {
    await this.#request(EVENTS.HOST_LOCK, { on });
  }

  /** @param {string | null} password */
  async setPassword(password) {
    await this.#request(EVENTS.HOST_PASSWORD, { password });
  }

  async clear() {
    await this.#request(EVENTS.HOST_CLEAR, {});
  }

  /**
   * Somebody knocks, perhaps again.
   * @param {{ id: string, name: string | null }} knock
   */
  knocked({ id, name }) {
    const knock = { id, name: name ?? "" };
    this.knocks = [...this.knocks.filter((other) => other.id !== id), knock];
    return knock;
  }

  /** Forgets one knock, or all. @param {string} [id] */
  forget(id) {
    this.knocks = id === undefined ? [] : this.knocks.filter((knock) => knock.id !== id);
  }

  /**
   * @param {string} event
   * @param {string} id
   */
  async #answer(event, id) {
    this.forget(id); // even if the room then refuses
    this.#changed();
    await this.#request(event, { id });
  }
}

/**
 * Skips people who have left.
 * @param {Iterable<Someone>} people
 * @param {(someone: Someone) => Promise<unknown>} act
 */
async function each(people, act) {
  for (const someone of people) {
    await unhurried(() => act(someone)).catch((error) => {
      if (error.code !== "unknown-peer") throw error;
    });
  }
}
