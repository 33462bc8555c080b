// @ts-check
/** @import { State } from "./state.js" */

/** The only owner of the page's state. Whatever changes it, `render` is called once per turn. */
export class Store {
  /** @type {(state: Readonly<State>) => void} */
  render = () => {};

  #state;
  #scheduled = false;

  /** @param {State} state */
  constructor(state) {
    this.#state = state;
  }

  /** @returns {Readonly<State>} */
  get state() {
    return this.#state;
  }

  /** @param {Partial<State>} [changes] none where something inside a room or its media changed */
  set(changes = {}) {
    this.#state = { ...this.#state, ...changes };
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      this.render(this.#state);
    });
  }
}
