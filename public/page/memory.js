// @ts-check

/** What the browser keeps between visits; without storage the page forgets, and works. */
export const memory = {
  /** @param {string} key */
  get(key) {
    try {
      return localStorage.getItem(key);
    } catch {
      return null;
    }
  },

  /** @param {string} key @param {string} value */
  set(key, value) {
    try {
      localStorage.setItem(key, value);
    } catch {
      // private mode or full storage
    }
  },
};
