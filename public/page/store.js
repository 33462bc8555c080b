// @ts-check
import { Emitter } from "../client/emitter.js";

/**
 * @typedef {"home" | "prejoin" | "call" | "ended"} View
 * @typedef {"chat" | "people"} Tab
 *
 * @typedef {object} Line one line of the chat: a message, or an event in the room
 * @property {string} key
 * @property {import("../signalbox.js").Message} [message]
 * @property {[key: string, values?: Record<string, string>]} [event] its text
 *
 * @typedef {object} State
 * @property {View} view
 * @property {string | null} room
 * @property {string} name
 * @property {{ audio: boolean, video: boolean }} wanted what is switched on before there is media
 * @property {import("../signalbox.js").LocalMedia | null} media
 * @property {boolean} asking the browser is asking for permission
 * @property {boolean} joining
 * @property {boolean} waiting the room is locked, and its host has been asked
 * @property {boolean} passworded the room has a password
 * @property {string | null} problem why the last join failed: an error code
 * @property {import("../signalbox.js").Room | null} call
 * @property {readonly import("../signalbox.js").Peer[]} peers
 * @property {readonly Line[]} lines
 * @property {Tab | null} panel which part of the panel is open
 * @property {number} unread
 * @property {string | null} mutedBy who asks us to mute ourselves
 * @property {ReadonlySet<object>} dismissed problems the user has seen enough of
 * @property {readonly MediaDeviceInfo[]} devices
 * @property {string} speaker a device id; empty for the system's
 * @property {boolean} shortcuts
 * @property {string | null} endedBy an error code, or null when we left
 */

/**
 * The only owner of the page's state. Whatever changes it, the views are told once per turn.
 * @extends {Emitter<{ change: [state: Readonly<State>] }>}
 */
export class Store extends Emitter {
  #state;
  #scheduled = false;

  /** @param {State} state */
  constructor(state) {
    super();
    this.#state = state;
  }

  /** @returns {Readonly<State>} */
  get state() {
    return this.#state;
  }

  /** @param {Partial<State>} [changes] none where something inside a room or its media changed */
  set(changes = {}) {
    this.#state = { ...this.#state, ...changes };
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      this.emit("change", this.#state);
    });
  }
}
