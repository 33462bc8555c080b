// @ts-check

const SHOWN_FOR = 4_000;

/** Short notices, read out by screen readers: the page's one live region. */
export class Toast {
  #element;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @param {HTMLElement} element */
  constructor(element) {
    this.#element = element;
  }

  /** @param {string} words */
  show(words) {
    clearTimeout(this.#timer);
    this.#element.textContent = words;
    this.#timer = setTimeout(() => this.#element.textContent = "", SHOWN_FOR);
  }
}
