// A signaling connection that delays, repeats and loses frames at random. The same seed makes the same choices.

import { setTimeout as after } from "node:timers/promises";

/** A generator of numbers from 0 to 1 (mulberry32). */
export function seeded(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Frames that the client sends again when it does not know whether they arrived. */
const isSignal = (frame) => /^42\d+\["(offer|answer|candidate)"/.test(frame);

/**
 * Sits between a page and its room. Every frame takes up to `delay` ms, and frames keep their order. `cut` closes the
 * connection and loses the frames that are on their way, so that the client recovers. `repeat` sends the last few signals
 * again, in their order, as a client does after a recovery.
 */
export async function unreliable(page, random, { delay = 40 } = {}) {
  let current = null;
  let underWay = 0;
  await page.routeWebSocket(/socket\.io/, (socket) => {
    const room = socket.connectToServer();
    const connection = { open: true, recent: [] };
    const direction = (send) => {
      let last = Promise.resolve();
      return (frame) => {
        const arrival = after(random() * delay);
        underWay += 1;
        last = Promise.all([last, arrival]).then(() => {
          underWay -= 1;
          if (connection.open) send(frame);
        });
      };
    };
    const toPage = direction((frame) => socket.send(frame));
    const toRoom = direction((frame) => room.send(frame));
    room.onMessage(toPage);
    socket.onMessage((frame) => {
      if (isSignal(frame)) connection.recent = [...connection.recent.slice(-2), frame];
      toRoom(frame);
    });
    socket.onClose(() => {
      connection.open = false;
      void room.close({ code: 4000 });
    });
    room.onClose(() => {
      connection.open = false;
      void socket.close({ code: 4000 });
    });
    connection.cut = () => {
      connection.open = false;
      void socket.close({ code: 4000 });
      void room.close({ code: 4000 });
    };
    connection.repeat = () => connection.recent.forEach(toRoom);
    current = connection;
  });
  return {
    cut: () => current.open && current.cut(),
    repeat: () => current.open && current.repeat(),
    idle: () => underWay === 0,
  };
}
