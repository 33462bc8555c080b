// @ts-check
import { Emitter } from "../client/emitter.js";

/** @import { State } from "./state.js" */

/**
 * The only owner of the page's state. Whatever changes it, the views are told once per turn.
 * @extends {Emitter<{ change: [state: Readonly<State>] }>}
 */
export class Store extends Emitter {
  #state;
  #scheduled = false;

  /** @param {State} state */
  constructor(state) {
    super();
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
      this.emit("change", this.#state);
    });
  }
}
