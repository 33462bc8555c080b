// @ts-check

/**
 * Typed events with plain arguments.
 * @template {Record<keyof Events, any[]>} Events
 */
export class Emitter {
  /** By event: each listener, and what calls it. @type {Map<keyof Events, Map<Function, Function>>} */
  #listeners = new Map();

  /**
   * @template {keyof Events} Name
   * @param {Name} name
   * @param {(...args: Events[Name]) => void} listener
   * @param {(...args: any) => void} [call] calls the listener
   * @returns {() => void} removes the listener
   */
  on(name, listener, call = listener) {
    const listeners = this.#listeners.get(name) ?? new Map();
    this.#listeners.set(name, listeners.set(listener, call));
    this.added(name, call);
    return () => void this.off(name, listener);
  }

  /**
   * @template {keyof Events} Name
   * @param {Name} name
   * @param {(...args: Events[Name]) => void} listener
   */
  once(name, listener) {
    return this.on(name, listener, (/** @type {Events[Name]} */ ...args) => {
      if (this.off(name, listener)) listener(...args);
    });
  }

  /**
   * @template {keyof Events} Name
   * @param {Name} name
   * @param {(...args: Events[Name]) => void} listener
   */
  off(name, listener) {
    return this.#listeners.get(name)?.delete(listener) ?? false;
  }

  /**
   * Says whether there was a listener.
   * @template {keyof Events} Name
   * @param {Name} name
   * @param {Events[Name]} args
   */
  emit(name, ...args) {
    const calls = [...(this.#listeners.get(name)?.values() ?? [])];
    for (const call of calls) {
      try {
        call(...args);
      } catch (error) {
        reportError(error); // the other listeners still run
      }
    }
    return calls.length > 0;
  }

  /**
   * Gives a new listener the earlier events, in a subclass that keeps them.
   * @param {keyof Events} _name
   * @param {(...args: any) => void} _call
   */
  added(_name, _call) {}
}
