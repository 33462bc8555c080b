// @ts-check
import { instantiate, play, show, slot } from "./dom.js";
import { initials, text } from "./strings.js";
import { announce } from "./toast.js";

const AUDIBLE = 0.02;
const SMOOTHING = 8; // levels

/** One person on the stage. */
export class Tile {
  element = instantiate("tile");
  /** Over about a second. */
  loudness = 0;
  video = /** @type {HTMLVideoElement} */ (this.element.querySelector("video"));

  /** @param {{ own?: boolean, retry?: () => void, details?: () => void, choose?: () => void }} [options] */
  constructor({ own = false, retry, details, choose } = {}) {
    this.element.classList.toggle("own", own);
    this.video.muted = own; // nobody wants to hear themselves
    if (retry) slot(this.element, "retry").addEventListener("click", retry);
    if (details) slot(this.element, "link-chip").addEventListener("click", details);
    slot(this.element, "actions").addEventListener("click", () => choose?.());
    slot(this.element, "actions").hidden = !choose;
  }

  /** @param {TileState} person */
  render({ name, label, stream, hasPicture, isMirrored = false, isMuted, handRaised, state, failure = "tile.failed", volume = 1 }) {
    const { element, video } = this;
    play(video, stream);
    video.volume = volume;
    video.classList.toggle("mirrored", isMirrored);
    element.dataset.state = state;
    element.toggleAttribute("data-muted", isMuted);
    element.toggleAttribute("data-hand", handRaised);
    element.toggleAttribute("data-camera-off", !hasPicture);
    slot(element, "initials").textContent = initials(name);
    show(slot(element, "name"), label);
    slot(element, "name").title = label;
    slot(element, "actions").setAttribute("aria-label", text("people.actions", { name }));
    const trouble = state === "connected" ? null : text(state === "failed" ? failure : `tile.${state}`);
    slot(element, "state").hidden = !trouble;
    if (show(slot(element, "state-text"), trouble) && trouble && state !== "connecting") announce(`${label}: ${trouble}`);
    slot(element, "retry").hidden = state !== "failed";
  }

  /** @param {number} level */
  sound(level) {
    this.loudness += (level - this.loudness) / SMOOTHING;
    this.element.toggleAttribute("data-speaking", level > AUDIBLE);
  }

  /** @param {string} speaker a device id */
  speakTo(speaker) {
    if ("setSinkId" in this.video && this.video.sinkId !== speaker) this.video.setSinkId(speaker).catch(() => {}); // a missing device: the default plays
  }

  /** @param {Element} place */
  moveTo(place) {
    if (this.element.parentElement !== place) place.append(this.element);
  }

  remove() {
    this.video.srcObject = null;
    this.element.remove();
  }
}
