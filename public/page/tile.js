// @ts-check
import { initials, instantiate, play, show, slot } from "./dom.js";
import { text } from "./strings.js";

const AUDIBLE = 0.02;

/** One person on the stage. */
export class Tile {
  element = instantiate("tile");
  #video = /** @type {HTMLVideoElement} */ (this.element.querySelector("video"));

  /** @param {{ own?: boolean, retry?: () => void }} [options] */
  constructor({ own = false, retry } = {}) {
    this.element.classList.toggle("own", own);
    this.#video.classList.toggle("mirrored", own);
    this.#video.muted = own; // nobody wants to hear themselves
    this.element.querySelector(".muted")?.setAttribute("aria-label", text("call.muted"));
    const button = slot(this.element, "retry");
    button.textContent = text("tile.retry");
    if (retry) button.addEventListener("click", retry);
  }

  /**
   * @param {object} person
   * @param {string} person.name
   * @param {string} person.label
   * @param {MediaStream} person.stream
   * @param {{ audio: boolean, video: boolean }} person.media
   * @param {import("../signalbox.js").Peer["state"]} person.state
   */
  render({ name, label, stream, media, state }) {
    const { element } = this;
    play(this.#video, stream);
    element.dataset.state = state;
    element.toggleAttribute("data-muted", !media.audio);
    element.toggleAttribute("data-camera-off", !media.video || !stream.getVideoTracks().length);
    slot(element, "initials").textContent = initials(name);
    show(slot(element, "name"), label);
    slot(element, "name").title = label;
    slot(element, "state").hidden = state === "connected";
    show(slot(element, "state-text"), state === "connected" ? null : text(`tile.${state}`));
    slot(element, "retry").hidden = state !== "failed";
  }

  /** @param {number} level */
  sound(level) {
    this.element.toggleAttribute("data-speaking", level > AUDIBLE);
  }

  remove() {
    this.#video.srcObject = null;
    this.element.remove();
  }
}
