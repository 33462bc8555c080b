// @ts-check
import { initials, play, show, slot } from "./dom.js";
import { newRoom, parseRoom } from "./route.js";
import { errorText, shownName, text } from "./strings.js";

/** The start page: a new room, or one by its name. */
export class Home {
  /**
   * @param {HTMLElement} root
   * @param {import("./session.js").Session} session
   */
  constructor(root, session) {
    const problem = slot(root, "room-problem");
    /** @type {HTMLInputElement} */
    const room = slot(root, "room", "input");
    slot(root, "start", "form").addEventListener("submit", (event) => {
      event.preventDefault();
      session.open(newRoom());
    });
    slot(root, "enter", "form").addEventListener("submit", (event) => {
      event.preventDefault();
      const name = parseRoom(room.value);
      room.setAttribute("aria-invalid", String(!name));
      show(problem, name ? null : text("home.bad-room"));
      if (name) session.open(name);
      else room.focus();
    });
    room.addEventListener("input", () => {
      room.removeAttribute("aria-invalid");
      show(problem, null);
    });
  }
}

/** Before a call: how one looks and sounds, under which name. */
export class Prejoin {
  #root;
  /** @type {HTMLVideoElement} */
  #video;
  /** @type {SVGRectElement} */
  #meter;

  /**
   * @param {HTMLElement} root
   * @param {import("./session.js").Session} session
   */
  constructor(root, session) {
    this.#root = root;
    this.#video = slot(root, "preview");
    this.#meter = slot(root, "meter");
    slot(root, "join", "form").addEventListener("submit", (event) => {
      event.preventDefault();
      void session.join();
    });
    slot(root, "chat-only", "action").addEventListener("click", () => void session.join({ chatOnly: true }));
    slot(root, "preview", "action").addEventListener("click", () => void session.preview());
  }

  /** @param {Readonly<import("./store.js").State>} state */
  render({ room, name, wanted, media, asking, joining, problem }) {
    const root = this.#root;
    show(slot(root, "room"), room);
    play(this.#video, media?.stream ?? null);
    this.#video.hidden = !media?.video;
    slot(root, "preview-initials").textContent = initials(shownName(name));
    const unasked = !media && (wanted.audio || wanted.video);
    show(slot(root, "preview-note"), text(unasked || asking ? "prejoin.ask" : "prejoin.camera-off"));
    slot(root, "preview", "action").hidden = !unasked;
    const problems = media ? /** @type {const} */ (["audio", "video"]).flatMap((kind) => deviceProblem(media, kind)) : [];
    slot(root, "device-problems").replaceChildren(...problems.map((words) => {
      const line = document.createElement("p");
      line.textContent = words;
      return line;
    }));
    show(slot(root, "join-problem"), problem && errorText(problem));
    /** @type {HTMLButtonElement} */
    const join = slot(root, "join");
    join.textContent = text(joining ? "prejoin.joining" : "prejoin.join");
    join.setAttribute("aria-disabled", String(joining)); // it keeps the focus, unlike `disabled`
  }

  /** @param {number} level 0 to 1 */
  meter(level) {
    const height = Math.round(level * 24);
    this.#meter.setAttribute("height", String(height));
    this.#meter.setAttribute("y", String(24 - height));
  }
}

/** After a call. */
export class Ended {
  #root;

  /**
   * @param {HTMLElement} root
   * @param {import("./session.js").Session} session
   */
  constructor(root, session) {
    this.#root = root;
    slot(root, "rejoin", "action").addEventListener("click", () => session.route());
  }

  /** @param {Readonly<import("./store.js").State>} state */
  render({ endedBy }) {
    show(slot(this.#root, "ended-title"), text(endedBy ? "ended.closed" : "ended.left"));
    show(slot(this.#root, "ended-text"), endedBy ? errorText(endedBy) : text("ended.left-text"));
  }
}

/**
 * @param {import("../signalbox.js").LocalMedia} media
 * @param {"audio" | "video"} kind
 */
export function deviceProblem(media, kind) {
  const problem = media.problems[kind];
  return problem ? [text(`device.${problem.code}`, { device: text(`device.${kind}`) })] : [];
}
