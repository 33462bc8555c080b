// @ts-check
import { button, instantiate, List, slot } from "./dom.js";
import { deviceProblems } from "./problems.js";
import { shownName, text } from "./strings.js";
import { announce } from "./toast.js";

const KNOCKS = 3; // the others are in the list of people
const VERIFIED_WITHIN = 3_000; // ms

/** When each link was connected. @type {WeakMap<object, number>} */
const linked = new WeakMap();

/**
 * Shows the notices over a call, with their buttons.
 * @param {HTMLElement} root
 * @param {Store} store
 * @param {Session} session
 * @param {Hosting} hosting
 */
export function watchNotices(root, store, session, hosting) {
  /** @type {List<Notice>} */
  const list = new List(root, ({ key }) => key, ({ words, actions }) => {
    const element = instantiate("notice");
    slot(element, "notice-text").textContent = words;
    element.lastElementChild?.append(...actions.map(({ label, run }) => button(label, run)));
    announce(words);
    return element;
  });
  store.watch(["call", "media", "mutedBy", "dismissed", "people"], (state) => list.render(notices(state, session, hosting)));
}

/**
 * @param {Readonly<State>} state
 * @param {Session} session
 * @param {Hosting} hosting
 * @returns {Notice[]}
 */
function notices({ call, media, mutedBy, dismissed, people }, session, hosting) {
  if (!call) return [];
  const dismiss = (/** @type {() => void} */ run) => ({ label: text("action.dismiss"), run });
  /** @type {Notice[]} */
  const notices = call.knocks.slice(0, KNOCKS).map((knock) => ({
    key: knock.id,
    words: text("knock.notice", { name: shownName(knock.name) }),
    actions: [
      { label: text("knock.deny"), run: () => void hosting.deny(knock) },
      { label: text("knock.admit"), run: () => void hosting.admit(knock) },
    ],
  }));
  for (const { id, name, verified, peer } of people.filter(isUnverified)) {
    const words = text(`trust.ask.${verified}`, { name: shownName(name) });
    notices.push({ key: `${id} ${verified}`, words, actions: [{ label: text("trust.go-on"), run: () => peer.trust() }] });
  }
  if (!call.canPlayAudio) {
    notices.push({ key: "silent", words: text("call.silent"), actions: [{ label: text("call.hear"), run: () => session.hear() }] });
  }
  if (mutedBy !== null) {
    const mute = { label: text("call.mute-now"), run: () => void session.toggle("audio") };
    notices.push({ key: "mute", words: text("call.mute-request", { name: mutedBy }), actions: [dismiss(() => session.stayUnmuted()), mute] });
  }
  if (media?.screen) {
    const stop = { label: text("call.stop-sharing"), run: () => void session.share() };
    notices.push({ key: media.screen, words: text("call.sharing"), actions: [stop] });
  }
  for (const { key, words, action } of deviceProblems(media, session)) {
    if (!dismissed.has(key)) notices.push({ key, words, actions: [dismiss(() => session.dismiss(key)), action] });
  }
  return notices;
}

/** Whether a peer stays unverified too long. @param {Person} person */
function isUnverified({ peer, withheld, state, verified }) {
  if (!withheld || state !== "connected") {
    linked.delete(peer);
    return false;
  }
  const since = linked.get(peer) ?? Date.now();
  linked.set(peer, since);
  return verified === "mismatch" || Date.now() - since >= VERIFIED_WITHIN;
}
