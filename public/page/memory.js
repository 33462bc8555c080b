// @ts-check

/** Without storage the page forgets, and works. @param {() => Storage} storage */
const keeper = (storage) => ({
  /** @param {string} key */
  get(key) {
    try {
      return storage().getItem(key);
    } catch {
      return null;
    }
  },

  /** @param {string} key @param {string} value */
  set(key, value) {
    try {
      storage().setItem(key, value);
    } catch {
      // private mode or full storage
    }
  },
});

/** Between visits. */
export const memory = keeper(() => localStorage);

/** Until the tab is closed, reloads included. */
export const tabMemory = keeper(() => sessionStorage);
