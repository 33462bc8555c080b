// @ts-check
import { initials, instantiate, isMirror, play, show, slot } from "./dom.js";
import { text } from "./strings.js";
import { announce } from "./toast.js";

const AUDIBLE = 0.02;

/** One person on the stage. */
export class Tile {
  element = instantiate("tile");
  #own;
  #video = /** @type {HTMLVideoElement} */ (this.element.querySelector("video"));

  /** @param {{ own?: boolean, retry?: () => void, details?: () => void }} [options] */
  constructor({ own = false, retry, details } = {}) {
    this.#own = own;
    this.element.classList.toggle("own", own);
    this.#video.muted = own; // nobody wants to hear themselves
    if (retry) slot(this.element, "retry").addEventListener("click", retry);
    if (details) slot(this.element, "link-chip").addEventListener("click", details);
  }

  /**
   * @param {object} person
   * @param {string} person.name
   * @param {string} person.label
   * @param {MediaStream} person.stream
   * @param {{ audio: boolean, video: boolean }} person.media
   * @param {boolean} person.hand
   * @param {import("../signalbox.js").Peer["state"]} person.state
   * @param {string} [person.failure] what to say when it failed
   */
  render({ name, label, stream, media, hand, state, failure = "tile.failed" }) {
    const { element } = this;
    play(this.#video, stream);
    this.#video.classList.toggle("mirrored", this.#own && isMirror(stream));
    element.dataset.state = state;
    element.toggleAttribute("data-muted", !media.audio);
    element.toggleAttribute("data-hand", hand);
    element.toggleAttribute("data-camera-off", !media.video || !stream.getVideoTracks().length);
    slot(element, "initials").textContent = initials(name);
    show(slot(element, "name"), label);
    slot(element, "name").title = label;
    const trouble = state === "connected" ? null : text(state === "failed" ? failure : `tile.${state}`);
    slot(element, "state").hidden = !trouble;
    if (show(slot(element, "state-text"), trouble) && trouble && state !== "connecting") announce(`${label}: ${trouble}`);
    slot(element, "retry").hidden = state !== "failed";
  }

  /** @param {number} level */
  sound(level) {
    this.element.toggleAttribute("data-speaking", level > AUDIBLE);
  }

  /** Plays on another loudspeaker. @param {string} speaker a device id */
  speakTo(speaker) {
    if ("setSinkId" in this.#video && this.#video.sinkId !== speaker) this.#video.setSinkId(speaker).catch(() => {}); // it is gone; the system's plays
  }

  remove() {
    this.#video.srcObject = null;
    this.element.remove();
  }
}
