// @ts-check

/** Keeps the screen of the device on during a call. The browser ends that whenever the page is hidden. @param {Store} store */
export function keepAwake(store) {
  /** @type {Promise<WakeLockSentinel | null | undefined>} */
  let lock = Promise.resolve(null);
  const next = async () => {
    const held = await lock; // a call may end while its lock is requested
    if (store.state.view !== "call") return void held?.release();
    if (document.hidden || (held && !held.released)) return held;
    return navigator.wakeLock?.request("screen").catch(() => null); // refused, to save the battery
  };
  const update = () => (lock = next());
  store.watch(["view"], update);
  document.addEventListener("visibilitychange", update);
}
