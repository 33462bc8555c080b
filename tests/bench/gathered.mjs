// The bare object with gathered sends: it sends a first frame at once, and collects the frames that follow until a
// timer fires. Then it sends those, one socket after the other. Signalbox sends in the same way, so this is about the
// most that Signalbox can reach on the platform.

import { Room as Bare } from "./bare.mjs";

export { default } from "./bare.mjs";

export class Room extends Bare {
  #frames = new Map(); // by socket, in order
  #busy = false;

  send(socket, frame) {
    if (!this.#busy) {
      this.#busy = true;
      setTimeout(() => this.#flush());
      socket.send(frame);
      return;
    }
    const frames = this.#frames.get(socket);
    if (frames) frames.push(frame);
    else this.#frames.set(socket, [frame]);
  }

  #flush() {
    if (this.#frames.size === 0) {
      this.#busy = false;
      return;
    }
    for (const [socket, frames] of this.#frames) for (const frame of frames) socket.send(frame);
    this.#frames.clear();
    setTimeout(() => this.#flush());
  }
}
