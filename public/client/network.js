// @ts-check

const BEAT = 5_000;
const ASLEEP = 30_000; // a longer gap between two beats is a sleep

/**
 * Watches for events that may break the paths of a device: `changed` when the network is back or another one, or the
 * device woke up; `doubtful` when the paths may still work.
 * @param {{ changed: () => void, doubtful: () => void }} listeners
 * @returns {() => void} stops it
 */
export function watchNetwork({ changed, doubtful }) {
  /** Not in every browser. @type {(EventTarget & { type?: string }) | undefined} */
  const connection = /** @type {any} */ (navigator).connection;
  let type = connection?.type;
  const follow = () => {
    const isOther = connection?.type !== type;
    type = connection?.type;
    if (isOther) changed();
    else doubtful();
  };
  let last = Date.now();
  const heart = setInterval(() => {
    const now = Date.now();
    if (now - last > ASLEEP) changed();
    last = now;
  }, BEAT);
  addEventListener("online", changed);
  connection?.addEventListener("change", follow);
  return () => {
    clearInterval(heart);
    removeEventListener("online", changed);
    connection?.removeEventListener("change", follow);
  };
}
