// @ts-check
import { button, instantiate, reconcile, slot } from "./dom.js";
import { deviceProblems } from "./problems.js";
import { shownName, text } from "./strings.js";
import { announce } from "./toast.js";

const KNOCKS = 3; // the others are in the list of people
const VERIFIED_WITHIN = 3_000; // a link takes a moment

/**
 * @typedef {object} Notice
 * @property {unknown} key
 * @property {string} words
 * @property {import("./problems.js").Action[]} actions the last is the main one
 */

/** What asks for the user's attention in a call, each with what can be done about it. */
export class Notices {
  #root;
  #session;
  #hosting;
  /** @type {Map<unknown, HTMLElement>} */
  #elements = new Map();
  /** Since when there is a link to them. @type {WeakMap<import("../signalbox.js").Peer, number>} */
  #linked = new WeakMap();

  /**
   * @param {HTMLElement} root
   * @param {import("./session.js").Session} session
   * @param {import("./hosting.js").Hosting} hosting
   */
  constructor(root, session, hosting) {
    this.#root = root;
    this.#session = session;
    this.#hosting = hosting;
  }

  /** @param {Readonly<import("./state.js").State>} state */
  render(state) {
    const notices = state.call ? this.#notices(state) : [];
    reconcile(this.#root, notices, this.#elements, ({ key }) => key, ({ words, actions }) => {
      const element = instantiate("notice");
      slot(element, "notice-text").textContent = words;
      element.lastElementChild?.append(...actions.map(({ label, run }) => button(label, run)));
      announce(words);
      return element;
    });
  }

  /**
   * @param {Readonly<import("./state.js").State>} state
   * @returns {Notice[]}
   */
  #notices({ call, media, mutedBy, dismissed, peers }) {
    const dismiss = (/** @type {() => void} */ run) => ({ label: text("action.dismiss"), run });
    /** @type {Notice[]} */
    const notices = (call?.knocks ?? []).slice(0, KNOCKS).map((knock) => ({
      key: knock.id,
      words: text("knock.notice", { name: shownName(knock.name) }),
      actions: [
        { label: text("knock.deny"), run: () => void this.#hosting.deny(knock) },
        { label: text("knock.admit"), run: () => void this.#hosting.admit(knock) },
      ],
    }));
    for (const peer of peers.filter((peer) => this.#isStranger(peer))) {
      const words = text(`trust.ask.${peer.verified}`, { name: shownName(peer.name) });
      notices.push({ key: `${peer.id} ${peer.verified}`, words, actions: [{ label: text("trust.go-on"), run: () => peer.trust() }] });
    }
    if (call && !call.canPlayAudio) {
      notices.push({ key: "silent", words: text("call.silent"), actions: [{ label: text("call.hear"), run: () => void call.startAudio() }] });
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

  /** Whether somebody had the time to be verified, and is not. @param {import("../signalbox.js").Peer} peer */
  #isStranger(peer) {
    if (!peer.withheld || peer.state !== "connected") {
      this.#linked.delete(peer);
      return false;
    }
    const since = this.#linked.get(peer) ?? Date.now();
    this.#linked.set(peer, since);
    return peer.verified === "mismatch" || Date.now() - since >= VERIFIED_WITHIN;
  }
}
