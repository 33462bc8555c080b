// @ts-check
import { utf8 } from "./bytes.js";
import { parse, SignalboxError } from "./protocol.js";
import { uniqueId } from "./unique.js";

/** Marks the data channels that carry the messages of `room.channel(name)`. */
export const DATA_PROTOCOL = "signalbox-data";

export const MOST_NAMES = 64; // of channels, for one peer
export const LONGEST_NAME = 64; // in characters
export const LONGEST = 262_144; // bytes of a message: every browser takes it
const ENOUGH = 1_048_576; // bytes without acknowledgement: then `send` waits
const MOST = 8_388_608; // bytes: then `send` rejects
const PROGRESS_WITHIN = 20_000; // ms without acknowledgement; then the queue is dropped
const REOPEN_AFTER = 1_000; // ms
const MOST_HELD = 64; // messages that nobody listens to yet
const MOST_HELD_BYTES = 1_048_576;
const LONGEST_STREAM = 64; // characters of a stream's id

/** @typedef {string | ArrayBuffer} Frame a text is JSON */

/**
 * The messages between us and one peer, by channel name. Each arrives once and in order, over any number of
 * connections. StreamHeader describes the exchange.
 */
export class PeerData {
  #create;
  #deliver;
  /** @type {Map<string, Outgoing>} */
  #outgoing = new Map();
  /** @type {Map<string, { stream: string, received: number }>} */
  #incoming = new Map();
  /** The peer's open data channels. @type {Set<RTCDataChannel>} */
  #channels = new Set();
  /** Messages without a listener, the oldest first. @type {{ name: string, frame: Frame }[]} */
  #held = [];

  /**
   * @param {(name: string) => RTCDataChannel | null} create a channel on the current connection; null if nothing may be sent now
   * @param {(name: string, value: unknown) => boolean} deliver says whether anybody listened
   */
  constructor(create, deliver) {
    this.#create = create;
    this.#deliver = deliver;
  }

  /**
   * Resolves when the next message may follow. Rejects when too much waits.
   * @param {string} name
   * @param {Frame} frame
   */
  send(name, frame) {
    let outgoing = this.#outgoing.get(name);
    if (!outgoing) this.#outgoing.set(name, (outgoing = new Outgoing(() => this.#create(name))));
    return outgoing.send(frame);
  }

  open() {
    for (const outgoing of this.#outgoing.values()) outgoing.open();
  }

  /** The connection was lost, or may not be used now. */
  suspend() {
    for (const channel of this.#channels) channel.close();
    this.#channels.clear();
    for (const outgoing of this.#outgoing.values()) outgoing.suspend();
  }

  clear() {
    this.suspend();
    for (const outgoing of this.#outgoing.values()) outgoing.clear();
    this.#outgoing.clear();
  }

  /** Delivers what waited for a listener. @param {string} name */
  release(name) {
    const due = this.#held.filter((held) => held.name === name);
    this.#held = this.#held.filter((held) => held.name !== name);
    for (const held of due) if (!this.#deliver(name, valueOf(held.frame))) this.#held.push(held);
  }

  /** @param {RTCDataChannel} channel */
  take(channel) {
    const { label: name } = channel;
    const isKnown = this.#incoming.has(name);
    if (name.length > LONGEST_NAME || this.#channels.size >= MOST_NAMES || (!isKnown && this.#incoming.size >= MOST_NAMES)) {
      channel.close();
      return;
    }
    channel.binaryType = "arraybuffer";
    this.#channels.add(channel);
    channel.addEventListener("close", () => this.#channels.delete(channel));
    let number = 0;
    /** @type {{ stream: string, received: number } | null} */
    let state = null;
    channel.addEventListener("message", ({ data }) => {
      if (!this.#channels.has(channel)) return; // closed by us
      if (state === null) {
        const { stream, first } = parse(data);
        if (typeof stream !== "string" || stream.length > LONGEST_STREAM || !Number.isSafeInteger(first)) {
          channel.close();
          return;
        }
        number = Number(first) - 1;
        const known = this.#incoming.get(name);
        state = known?.stream === stream ? known : { stream, received: number };
        this.#incoming.set(name, state);
        return;
      }
      number += 1;
      if (number > state.received) {
        state.received = number;
        this.#receive(name, data);
      }
      if (channel.bufferedAmount > ENOUGH) channel.close(); // the peer sends, and does not read
      else if (channel.readyState === "open") channel.send(String(state.received));
    });
  }

  /**
   * @param {string} name
   * @param {Frame} frame
   */
  #receive(name, frame) {
    if (sizeOf(frame) > LONGEST) return;
    const value = valueOf(frame);
    if (value === undefined || this.#deliver(name, value)) return;
    this.#held.push({ name, frame });
    const bytes = () => this.#held.reduce((sum, held) => sum + sizeOf(held.frame), 0);
    while (this.#held.length > MOST_HELD || bytes() > MOST_HELD_BYTES) this.#held.shift();
  }
}

/** Our messages under one name. */
class Outgoing {
  #create;
  #stream = uniqueId();
  /** The number of the queue's first message. */
  #first = 1;
  /** Not acknowledged. @type {Frame[]} */
  #queue = [];
  #bytes = 0;
  /** @type {RTCDataChannel | null} */
  #channel = null;
  /** @type {PromiseWithResolvers<void> | null} */
  #waiting = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #stallTimer;
  /** The peer acknowledged nothing while messages waited. */
  #isStalled = false;

  /** @param {() => RTCDataChannel | null} create */
  constructor(create) {
    this.#create = create;
  }

  /** @param {Frame} frame */
  async send(frame) {
    if (this.#bytes > MOST) {
      throw new SignalboxError("buffer-full", "Too much waits to be sent: wait until send resolves before the next message.");
    }
    this.#queue.push(frame);
    this.#bytes += sizeOf(frame);
    if (this.#channel?.readyState === "open") this.#transmit(frame);
    else this.open();
    if (this.#bytes <= ENOUGH) return;
    if (this.#isStalled) {
      this.clear();
      return;
    }
    if (!this.#waiting) this.#startStallTimer();
    this.#waiting ??= Promise.withResolvers();
    await this.#waiting.promise;
  }

  /** A peer that acknowledges nothing must not delay the others. */
  #startStallTimer() {
    clearTimeout(this.#stallTimer);
    this.#stallTimer = setTimeout(() => {
      this.#isStalled = true;
      this.clear();
    }, PROGRESS_WITHIN);
  }

  open() {
    if (this.#channel || this.#queue.length === 0) return;
    const channel = this.#create();
    if (!channel) return;
    this.#channel = channel;
    channel.addEventListener("open", () => {
      if (channel !== this.#channel) return;
      channel.send(JSON.stringify({ stream: this.#stream, first: this.#first }));
      for (const frame of this.#queue) this.#transmit(frame);
    });
    channel.addEventListener("message", ({ data }) => {
      if (channel === this.#channel) this.#acknowledged(Number(data));
    });
    channel.addEventListener("close", () => {
      if (channel !== this.#channel) return;
      this.#channel = null; // the peer cannot take it now
      setTimeout(() => this.open(), REOPEN_AFTER);
    });
  }

  suspend() {
    this.#channel?.close();
    this.#channel = null;
  }

  /** Gives up the messages without acknowledgement. */
  clear() {
    this.suspend();
    this.#stream = uniqueId();
    this.#first = 1;
    this.#queue = [];
    this.#bytes = 0;
    this.#proceed();
  }

  /** @param {Frame} frame */
  #transmit(frame) {
    this.#channel?.send(/** @type {any} */ (frame));
  }

  /** @param {number} last number of the last message that the peer has */
  #acknowledged(last) {
    const done = this.#queue.splice(0, Math.max(0, last - this.#first + 1) || 0);
    if (done.length === 0) return;
    this.#isStalled = false;
    this.#first += done.length;
    for (const frame of done) this.#bytes -= sizeOf(frame);
    if (this.#bytes <= ENOUGH) this.#proceed();
    else if (this.#waiting) this.#startStallTimer();
  }

  #proceed() {
    clearTimeout(this.#stallTimer);
    this.#waiting?.resolve();
    this.#waiting = null;
  }
}

/** In bytes. @param {Frame} frame */
export function sizeOf(frame) {
  return typeof frame === "string" ? utf8(frame).length : frame.byteLength;
}

/** Undefined if a text is not JSON. @param {Frame} frame */
function valueOf(frame) {
  if (typeof frame !== "string") return frame;
  try {
    return JSON.parse(frame);
  } catch {
    return undefined;
  }
}
