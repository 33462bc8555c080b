// @ts-check

const BEAT = 5_000;
const ASLEEP = 30_000; // a longer gap between beats means that the device slept

/** @type {import("./types.js").WatchNetwork} */
export function watchNetwork({ changed, doubtful }) {
  const { connection } = /** @type {any} */ (navigator); // undefined in some browsers
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
