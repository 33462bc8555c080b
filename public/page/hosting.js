// @ts-check
import { askForPassword, confirmed } from "./dialogs.js";
import { errorText, shownName, text } from "./strings.js";
import { toast } from "./toast.js";

/**
 * @typedef {import("../signalbox.js").Peer} Peer
 * @typedef {import("../signalbox.js").Knock} Knock
 * @typedef {import("../signalbox.js").Host} Host
 */

/** What the host does, with the questions before and the words after. */
export class Hosting {
  #store;

  /** @param {import("./store.js").Store} store */
  constructor(store) {
    this.#store = store;
  }

  /** @param {Peer} peer */
  async kick(peer) {
    const title = text("confirm.kick", { name: shownName(peer.name) });
    if (!(await confirmed({ title, details: text("confirm.kick-text"), yes: text("people.kick") }))) return;
    await this.#do((host) => host.kick(peer));
  }

  /** @param {Peer} peer */
  async transfer(peer) {
    const title = text("confirm.transfer", { name: shownName(peer.name) });
    if (!(await confirmed({ title, details: text("confirm.transfer-text"), yes: text("people.transfer") }))) return;
    await this.#do((host) => host.transfer(peer));
  }

  /** @param {Peer} peer */
  mute(peer) {
    return this.#do((host) => host.mute(peer), text("people.asked", { name: shownName(peer.name) }));
  }

  /** @param {Knock} knock */
  admit(knock) {
    return this.#do((host) => host.admit(knock));
  }

  /** @param {Knock} knock */
  deny(knock) {
    return this.#do((host) => host.deny(knock));
  }

  lock() {
    return this.#do((host) => host.lock(!this.#store.state.call?.info.locked));
  }

  async clear() {
    if (!(await confirmed({ title: text("confirm.clear"), details: text("confirm.clear-text"), yes: text("confirm.clear-yes") }))) return;
    await this.#do((host) => host.clear());
  }

  async password() {
    const password = await askForPassword(this.#store.state.call?.info.password ?? false);
    if (password === undefined) return;
    await this.#do((host) => host.setPassword(password), text(password === null ? "secret.was-removed" : "secret.was-set"));
  }

  /**
   * @param {(host: Host) => Promise<void>} act
   * @param {string} [done]
   */
  async #do(act, done) {
    const { call } = this.#store.state;
    if (!call) return;
    try {
      await act(call.host);
      if (done) toast(done);
    } catch (error) {
      toast(errorText(/** @type {import("../signalbox.js").SignalboxError} */ (error).code));
    }
  }
}
