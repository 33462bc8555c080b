// @ts-check

const SHOWN_FOR = 4_000;

/** Short notices, and the one region from which screen readers read what happens. */
export class Toast {
  #element;
  #announcer;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {HTMLElement} element
   * @param {HTMLElement} announcer
   */
  constructor(element, announcer) {
    this.#element = element;
    this.#announcer = announcer;
  }

  /** @param {string} words */
  show(words) {
    clearTimeout(this.#timer);
    this.#element.textContent = words;
    this.#timer = setTimeout(() => this.#element.textContent = "", SHOWN_FOR);
    this.announce(words);
  }

  /** Says what is shown elsewhere. @param {string} words */
  announce(words) {
    this.#announcer.textContent = words;
  }
}
