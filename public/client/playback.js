// @ts-check

/** Whether the sound of the peers plays. Browsers may refuse that silently until a click: so each element is asked to play. */
export class Playback {
  #isOurs;
  #changed;
  /** @type {Set<HTMLMediaElement>} */
  #refused = new Set();

  /**
   * @param {(stream: MediaProvider | null) => boolean} isOurs
   * @param {() => void} changed
   */
  constructor(isOurs, changed) {
    this.#isOurs = isOurs;
    this.#changed = changed;
    document.addEventListener("canplay", this.#ready, { capture: true });
    document.addEventListener("playing", this.#plays, { capture: true });
  }

  get isAllowed() {
    return ![...this.#refused].some((element) => element.isConnected && this.#isOurs(element.srcObject));
  }

  async start() {
    await Promise.all([...this.#refused].map((element) => this.#play(element)));
  }

  close() {
    document.removeEventListener("canplay", this.#ready, { capture: true });
    document.removeEventListener("playing", this.#plays, { capture: true });
    this.#refused.clear();
  }

  /** @param {Event} event */
  #ready = ({ target }) => {
    if (!(target instanceof HTMLMediaElement) || !this.#isOurs(target.srcObject)) return;
    if (target.autoplay && target.paused && !target.muted) void this.#play(target);
  };

  /** @param {Event} event */
  #plays = ({ target }) => {
    if (this.#refused.delete(/** @type {HTMLMediaElement} */ (target))) this.#changed();
  };

  /** @param {HTMLMediaElement} element */
  async #play(element) {
    try {
      await element.play();
    } catch (error) {
      const isRefused = /** @type {Error} */ (error).name === "NotAllowedError";
      if (isRefused) this.#refused.add(element);
      else this.#refused.delete(element); // it shows something else by now
      this.#changed();
    }
  }
}
