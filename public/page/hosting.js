// @ts-check
import { askForPassword, confirmed } from "./dialogs.js";
import { shownName, text } from "./strings.js";
import { toast } from "./toast.js";

/** The host's actions, with their questions and notices. */
export class Hosting {
  #store;
  #session;

  /**
   * @param {Store} store
   * @param {Session} session
   */
  constructor(store, session) {
    this.#store = store;
    this.#session = session;
  }

  /** @param {Person} person */
  kick({ id, name }) {
    return this.#ask("confirm.kick", (host) => host.kick({ id }), name);
  }

  /** @param {Person} person */
  transfer({ id, name }) {
    return this.#ask("confirm.transfer", (host) => host.transfer({ id }), name);
  }

  /** @param {Person} person */
  async mute({ id, name }) {
    if (await this.#session.asHost((host) => host.requestMute({ id }))) toast(text("people.asked", { name: shownName(name) }));
  }

  async muteAll() {
    if (await this.#session.asHost((host) => host.requestMuteAll())) toast(text("people.all-asked"));
  }

  /** @param {Knock} knock */
  admit(knock) {
    return this.#session.asHost((host) => host.admit(knock));
  }

  /** @param {Knock} knock */
  deny(knock) {
    return this.#session.asHost((host) => host.deny(knock));
  }

  lock() {
    return this.#session.asHost((host) => host.lock(!this.#store.state.call?.info.locked));
  }

  clear() {
    return this.#ask("confirm.clear", (host) => host.clear());
  }

  /**
   * Acts if the host confirms it.
   * @param {string} question
   * @param {(host: Host) => Promise<void>} act
   * @param {string} [name] of the person
   */
  async #ask(question, act, name = "") {
    if (await confirmed(question, shownName(name))) await this.#session.asHost(act);
  }

  async password() {
    const password = await askForPassword(this.#store.state.call?.info.password ?? false);
    if (password === undefined) return;
    if (await this.#session.asHost((host) => host.setPassword(password))) toast(text(password === null ? "secret.was-removed" : "secret.was-set"));
  }
}
