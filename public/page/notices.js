// @ts-check
import { button, instantiate, List, slot } from "./dom.js";
import { deviceProblems } from "./problems.js";
import { shownName, text } from "./strings.js";
import { announce } from "./toast.js";
/** @import { Hosting, Notice, Person, Session, State, Store } from "./state.js" */

const KNOCKS = 3; // the others are in the list of people
const VERIFIED_WITHIN = 3_000; // ms

/** The notices over a call, with their buttons. */
export class Notices {
  #session;
  #hosting;
  /** When each link was connected. @type {WeakMap<object, number>} */
  #linked = new WeakMap();

  /**
   * @param {HTMLElement} root
   * @param {Store} store
   * @param {Session} session
   * @param {Hosting} hosting
   */
  constructor(root, store, session, hosting) {
    this.#session = session;
    this.#hosting = hosting;
    /** @type {List<Notice>} */
    const list = new List(root, ({ key }) => key, ({ words, actions }) => {
      const element = instantiate("notice");
      slot(element, "notice-text").textContent = words;
      element.lastElementChild?.append(...actions.map(({ label, run }) => button(label, run)));
      announce(words);
      return element;
    });
    store.watch(["call", "media", "mutedBy", "dismissed", "people"], (state) => list.render(this.#notices(state)));
  }

  /**
   * @param {Readonly<State>} state
   * @returns {Notice[]}
   */
  #notices({ call, media, mutedBy, dismissed, people }) {
    if (!call) return [];
    const dismiss = (/** @type {() => void} */ run) => ({ label: text("action.dismiss"), run });
    /** @type {Notice[]} */
    const notices = call.knocks.slice(0, KNOCKS).map((knock) => ({
      key: knock.id,
      words: text("knock.notice", { name: shownName(knock.name) }),
      actions: [
        { label: text("knock.deny"), run: () => void this.#hosting.deny(knock) },
        { label: text("knock.admit"), run: () => void this.#hosting.admit(knock) },
      ],
    }));
    for (const { id, name, verified, peer } of people.filter((person) => this.#isStranger(person))) {
      const words = text(`trust.ask.${verified}`, { name: shownName(name) });
      notices.push({ key: `${id} ${verified}`, words, actions: [{ label: text("trust.go-on"), run: () => peer.trust() }] });
    }
    if (!call.canPlayAudio) {
      notices.push({ key: "silent", words: text("call.silent"), actions: [{ label: text("call.hear"), run: () => this.#session.hear() }] });
    }
    if (mutedBy !== null) {
      const mute = { label: text("call.mute-now"), run: () => void this.#session.toggle("audio") };
      notices.push({ key: "mute", words: text("call.mute-request", { name: mutedBy }), actions: [dismiss(() => this.#session.stayUnmuted()), mute] });
    }
    if (media?.screen) {
      const stop = { label: text("call.stop-sharing"), run: () => void this.#session.share() };
      notices.push({ key: media.screen, words: text("call.sharing"), actions: [stop] });
    }
    for (const { key, words, action } of deviceProblems(media, this.#session)) {
      if (!dismissed.has(key)) notices.push({ key, words, actions: [dismiss(() => this.#session.dismiss(key)), action] });
    }
    return notices;
  }

  /** Whether a peer is still not verified after this time. @param {Person} person */
  #isStranger({ peer, withheld, state, verified }) {
    if (!withheld || state !== "connected") {
      this.#linked.delete(peer);
      return false;
    }
    const since = this.#linked.get(peer) ?? Date.now();
    this.#linked.set(peer, since);
    return verified === "mismatch" || Date.now() - since >= VERIFIED_WITHIN;
  }
}
