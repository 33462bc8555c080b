// @ts-check

/** What is shown of a call before there is one. */
export const noCall = { call: null, people: [], lines: [], typists: [], receiver: null, joining: false, waiting: false, chosen: null, pinned: null, speaking: null, unread: 0, mutedBy: null };

/** Holds the page's State: see that type. */
export class Store {
  #state;
  /** @type {Partial<State>} */
  #rendered = {};
  /** @type {{ parts: (keyof State)[], render: (state: Readonly<State>) => void }[]} */
  #views = [];
  #scheduled = false;

  /** @param {State} state */
  constructor(state) {
    this.#state = state;
  }

  /** @returns {Readonly<State>} */
  get state() {
    return this.#state;
  }

  /**
   * Calls `render` once after a turn in which one of these parts of the state, or the language, changed.
   * @param {(keyof State)[]} parts
   * @param {(state: Readonly<State>) => void} render
   */
  watch(parts, render) {
    this.#views.push({ parts: ["language", ...parts], render });
  }

  /** @param {Partial<State>} changes */
  set(changes) {
    this.#state = { ...this.#state, ...changes };
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      const former = this.#rendered;
      const state = this.#state;
      this.#rendered = state;
      for (const { parts, render } of this.#views) if (parts.some((part) => former[part] !== state[part])) render(state);
    });
  }
}
