// The bare object with gathered sends: while it is busy it collects frames, and sends them socket by socket when it is
// idle. Signalbox does the same, so this shows the most that the platform allows.

import { Room as Bare } from "./bare.mjs";

export { default } from "./bare.mjs";

export class Room extends Bare {
  #frames = new Map(); // by socket, in order
  #busy = false;

  send(socket, frame) {
    if (!this.#busy) {
      this.#busy = true;
      setTimeout(() => this.#rest());
      socket.send(frame);
      return;
    }
    const frames = this.#frames.get(socket);
    if (frames) frames.push(frame);
    else this.#frames.set(socket, [frame]);
  }

  #rest() {
    if (this.#frames.size === 0) {
      this.#busy = false;
      return;
    }
    for (const [socket, frames] of this.#frames) for (const frame of frames) socket.send(frame);
    this.#frames.clear();
    setTimeout(() => this.#rest());
  }
}
