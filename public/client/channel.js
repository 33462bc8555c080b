// @ts-check
import { Emitter } from "./emitter.js";
import { LONGEST, LONGEST_NAME, MOST_NAMES, sizeOf } from "./peer-data.js";
import { SignalboxError } from "./protocol.js";
/** @import { ChannelEvents, Peer } from "./types.js" */

/** A named channel: it carries messages between the peers, directly over their links. @extends {Emitter<ChannelEvents>} */
export class Channel extends Emitter {
  #peers;

  /**
   * @param {string} name
   * @param {ReadonlyMap<string, Peer>} peers
   */
  constructor(name, peers) {
    super();
    this.name = name;
    this.#peers = peers;
  }

  /**
   * @param {unknown} value
   * @param {{ to?: Peer | readonly Peer[] }} [options]
   */
  async send(value, { to = [...this.#peers.values()] } = {}) {
    const frame = frameOf(value);
    await Promise.all([to].flat().map((peer) => peer.sendData(this.name, frame)));
  }

  /**
   * The first listener also gets the earlier messages.
   * @override
   */
  added() {
    for (const peer of this.#peers.values()) peer.releaseData(this.name);
  }
}

/** The channels of a room, by name. */
export class Channels {
  #peers;
  /** @type {Map<string, Channel>} */
  #channels = new Map();

  /** @param {ReadonlyMap<string, Peer>} peers */
  constructor(peers) {
    this.#peers = peers;
  }

  /** @param {string} name */
  get(name) {
    const known = this.#channels.get(name);
    if (known) return known;
    if (typeof name !== "string" || name.length > LONGEST_NAME) throw new TypeError(`The name of a channel is a text of at most ${LONGEST_NAME} characters.`);
    if (this.#channels.size >= MOST_NAMES) throw new RangeError(`A room has at most ${MOST_NAMES} channels.`);
    const channel = new Channel(name, this.#peers);
    this.#channels.set(name, channel);
    return channel;
  }

  /**
   * @param {string} name
   * @param {unknown} value
   * @param {Peer} from
   */
  deliver(name, value, from) {
    return this.#channels.get(name)?.emit("message", value, from) ?? false;
  }
}

/** @param {unknown} value @returns {import("./peer-data.js").Frame} */
function frameOf(value) {
  const frame = value instanceof ArrayBuffer ? value.slice() : ArrayBuffer.isView(value) ? bytesOf(value) : JSON.stringify(value);
  if (frame === undefined) throw new TypeError("A message is a value that JSON can carry, an ArrayBuffer or a view of one.");
  const size = sizeOf(frame);
  if (size > LONGEST) throw new SignalboxError("too-large", `A message has at most ${LONGEST} bytes, this one has ${size}: send it as a file or in parts.`);
  return frame;
}

/** A copy: the application may use its memory again. @param {ArrayBufferView} view */
function bytesOf({ buffer, byteOffset, byteLength }) {
  return /** @type {ArrayBuffer} */ (new Uint8Array(buffer, byteOffset, byteLength).slice().buffer);
}
