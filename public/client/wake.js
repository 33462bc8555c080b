// @ts-check

const BEAT = 5_000;
const ASLEEP = 30_000; // a longer gap between two beats is a sleep

/**
 * Calls back when the network is there again, or the device woke up.
 * @param {() => void} back
 * @returns {() => void} stops it
 */
export function onWake(back) {
  let last = Date.now();
  const heart = setInterval(() => {
    const now = Date.now();
    if (now - last > ASLEEP) back();
    last = now;
  }, BEAT);
  addEventListener("online", back);
  return () => {
    clearInterval(heart);
    removeEventListener("online", back);
  };
}
