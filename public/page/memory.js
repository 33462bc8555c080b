// @ts-check

/** Without storage the page works but forgets. @param {() => Storage} storage */
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

/** Lasts across visits. */
export const memory = keeper(() => localStorage);

/** Survives reloads; ends with the tab. */
export const tabMemory = keeper(() => sessionStorage);
