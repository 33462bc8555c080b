// @ts-check
/** @import { Store } from "./state.js" */

/** Keeps the screen of the device on during a call. The browser ends that whenever the page is hidden. @param {Store} store */
export function keepAwake(store) {
  /** @type {WakeLockSentinel | null} */
  let lock = null;
  const update = async () => {
    if (store.state.view !== "call") {
      await lock?.release();
      lock = null;
    } else if (!document.hidden && (!lock || lock.released)) {
      lock = await navigator.wakeLock?.request("screen").catch(() => null); // refused, to save the battery
    }
  };
  store.watch(["view"], update);
  document.addEventListener("visibilitychange", update);
}
