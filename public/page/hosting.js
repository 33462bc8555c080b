// @ts-check
import { askForPassword, confirmed } from "./dialogs.js";
import { shownName, text } from "./strings.js";
import { toast } from "./toast.js";
/** @import { Host, Knock, Person, Session, Store } from "./state.js" */

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
    return this.#ask("confirm.kick", text("people.kick"), (host) => host.kick({ id }), name);
  }

  /** @param {Person} person */
  transfer({ id, name }) {
    return this.#ask("confirm.transfer", text("people.transfer"), (host) => host.transfer({ id }), name);
  }

  /** @param {Person} person */
  async mute({ id, name }) {
    if (await this.#session.asHost((host) => host.mute({ id }))) toast(text("people.asked", { name: shownName(name) }));
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
    return this.#ask("confirm.clear", text("confirm.clear-yes"), (host) => host.clear());
  }

  /**
   * Acts if the host confirms it.
   * @param {string} question
   * @param {string} yes
   * @param {(host: Host) => Promise<void>} act
   * @param {string} [name] of the person
   */
  async #ask(question, yes, act, name = "") {
    const title = text(question, { name: shownName(name) });
    if (await confirmed({ title, details: text(`${question}-text`), yes })) await this.#session.asHost(act);
  }

  async password() {
    const password = await askForPassword(this.#store.state.call?.info.password ?? false);
    if (password === undefined) return;
    if (await this.#session.asHost((host) => host.setPassword(password))) toast(text(password === null ? "secret.was-removed" : "secret.was-set"));
  }
}
