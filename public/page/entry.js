// @ts-check
import { button, List, play, show, slot } from "./dom.js";
import { deviceProblems, joinAction } from "./problems.js";
import { parseLink, parseRoom } from "./route.js";
import { errorText, initials, shownName, text } from "./strings.js";

/**
 * Shows the start page: a new room, or one by its name.
 * @param {HTMLElement} root
 * @param {Store} store
 * @param {Session} session
 */
export function watchHome(root, store, session) {
  /** @type {HTMLInputElement} */
  const name = slot(root, "room", "input");
  const tell = (/** @type {string | null} */ problem) => {
    name.setAttribute("aria-invalid", String(problem !== null));
    show(slot(root, "room-problem"), problem && errorText(problem));
  };
  slot(root, "start", "form").addEventListener("submit", (event) => {
    event.preventDefault();
    session.start();
  });
  slot(root, "enter", "form").addEventListener("submit", (event) => {
    event.preventDefault();
    const { room, key } = parseLink(name.value) ?? { room: parseRoom(name.value), key: null };
    tell(room ? null : "bad-room");
    if (room) session.open(room, key ?? undefined);
    else name.focus();
  });
  name.addEventListener("input", () => tell(null));
  store.watch(["view", "problem"], ({ view, problem }) => tell(view === "home" ? problem : null)); // the other views show theirs
}

/** Before a call. */
export class Prejoin {
  #root;
  /** @type {HTMLVideoElement} */
  #video;
  /** @type {SVGRectElement} */
  #meter;
  #session;
  #notes;
  #action = () => {};

  /**
   * @param {HTMLElement} root
   * @param {Store} store
   * @param {Session} session
   */
  constructor(root, store, session) {
    this.#root = root;
    this.#session = session;
    this.#video = slot(root, "preview");
    this.#meter = slot(root, "meter");
    slot(root, "join", "form").addEventListener("submit", (event) => {
      event.preventDefault();
      void session.join({ password: this.#password.value });
    });
    /** @type {List<Problem>} */
    this.#notes = new List(slot(root, "device-problems"), ({ key }) => key, ({ words, action }) => {
      const note = document.createElement("div");
      note.append(Object.assign(document.createElement("p"), { textContent: words }), button(action.label, action.run));
      return note;
    });
    slot(root, "problem-action").addEventListener("click", () => this.#action());
    slot(root, "chat-only", "action").addEventListener("click", () => void session.join({ chatOnly: true, password: this.#password.value }));
    store.watch(["room", "key", "name", "wanted", "media", "asking", "joining", "waiting", "passworded"], (state) => this.#render(state));
    store.watch(["problem"], ({ problem }) => this.#tell(problem));
  }

  /** @param {Readonly<State>} state */
  #render({ room, key, name, wanted, media, asking, joining, waiting, passworded }) {
    const root = this.#root;
    const waited = !slot(root, "waiting").hidden;
    slot(root, "waiting").hidden = !waiting;
    slot(root, "join", "form").hidden = waiting;
    if (waiting && !waited) slot(root, "waiting").querySelector("h1")?.focus();
    show(slot(root, "room"), room);
    slot(root, "keyed").hidden = !key;
    play(this.#video, media?.stream ?? null);
    this.#video.hidden = !media?.video;
    this.#video.classList.toggle("mirrored", media?.isMirrored ?? true);
    slot(root, "preview-initials").textContent = initials(shownName(name));
    const unasked = !media && (wanted.audio || wanted.video);
    show(slot(root, "preview-note"), text(unasked || asking ? "prejoin.ask" : "prejoin.camera-off"));
    slot(root, "preview", "action").hidden = !unasked;
    this.#notes.render(deviceProblems(media, this.#session));
    slot(root, "password-field").hidden = !passworded;
    if (!passworded) this.#password.value = "";
    /** @type {HTMLButtonElement} */
    const join = slot(root, "join");
    join.textContent = text(joining ? "prejoin.joining" : "prejoin.join");
    join.setAttribute("aria-disabled", String(joining)); // it keeps the focus, unlike `disabled`
  }

  /** Shows the error of the last attempt. @param {string | null} problem */
  #tell(problem) {
    const root = this.#root;
    const action = problem === null ? null : joinAction(problem, this.#session);
    this.#action = action?.run ?? (() => {});
    show(slot(root, "problem-text"), problem && errorText(problem));
    show(slot(root, "problem-action"), action?.label ?? null);
    slot(root, "join-problem").hidden = problem === null;
    this.#password.setAttribute("aria-invalid", String(problem === "bad-password"));
    if (problem !== null && action === null) this.#password.select();
  }

  /** @returns {HTMLInputElement} */
  get #password() {
    return slot(this.#root, "password", "input");
  }

  /** @param {number} level 0 to 1 */
  meter(level) {
    const height = Math.round(level * 24);
    this.#meter.setAttribute("height", String(height));
    this.#meter.setAttribute("y", String(24 - height));
  }
}

/**
 * Shows what comes after a call.
 * @param {HTMLElement} root
 * @param {Store} store
 */
export function watchEnded(root, store) {
  store.watch(["endedBy", "reason"], ({ endedBy, reason }) => {
    const kicked = endedBy === "kicked";
    show(slot(root, "ended-title"), text(kicked ? "ended.kicked" : endedBy ? "ended.closed" : "ended.left"));
    show(slot(root, "ended-text"), endedBy ? `${errorText(endedBy)} ${reason}` : text("ended.left-text"));
    slot(root, "rejoin").hidden = kicked;
  });
}
