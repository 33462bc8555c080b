// @ts-check
import { Emitter } from "./emitter.js";
import { EVENTS, SignalboxError } from "./protocol.js";
import { uniqueId } from "./unique.js";

const WRITES_FOR = 6_000; // unless told again
const TELL_EVERY = 3_000;

/**
 * One message, as everybody in the room sees it. `state` moves from pending to sent or failed; only
 * our own messages are ever anything but sent.
 *
 * @typedef {object} Message
 * @property {string} mid our own key, stable from the moment of sending
 * @property {string | null} id the room's, once it has it
 * @property {number} seq its place in the room, likewise
 * @property {string} from
 * @property {string} name
 * @property {string} text empty where it is unreadable
 * @property {number} ts
 * @property {boolean} own
 * @property {boolean} earlier from before we joined
 * @property {"none" | "end-to-end" | "unreadable"} encryption unreadable: with another key, or altered
 * @property {"pending" | "sent" | "failed"} state
 * @property {SignalboxError | null} error
 */

/**
 * The room's chat, encrypted where there is a key. A message that the connection swallowed is sent
 * again under the same `mid`, which the room takes once.
 *
 * @extends {Emitter<{ message: [message: Message], change: [message: Message], cleared: [], typing: [] }>}
 */
export class Chat extends Emitter {
  /** @type {Message[]} */
  messages = [];

  #signaling;
  #self;
  /** @type {Map<string, ReturnType<typeof setTimeout>>} until when we take them to be writing */
  #typists = new Map();
  #typing = false;
  #told = 0;
  #key;
  /** @type {Set<string>} every id we had in this room */
  #ownIds = new Set();
  /** @type {Set<string>} what was opened, by sender and `mid`: the server could send it twice */
  #opened = new Set();
  /** Encryption takes its time; the order stays. @type {Promise<unknown>} */
  #incoming = Promise.resolve();
  /** @type {Promise<unknown>} */
  #outgoing = Promise.resolve();

  /**
   * @param {import("./signaling.js").Signaling} signaling
   * @param {() => import("./protocol.js").PeerInfo} self
   * @param {import("./key.js").RoomKey | null} key
   */
  constructor(signaling, self, key) {
    super();
    this.#signaling = signaling;
    this.#self = self;
    this.#key = key;
  }

  /** The ids of those who are writing. */
  get typists() {
    return [...this.#typists.keys()];
  }

  /** Tells the others that we are writing, or no longer. @param {boolean} on */
  typing(on) {
    const now = Date.now();
    if (on === this.#typing && (!on || now - this.#told < TELL_EVERY)) return;
    this.#typing = on;
    this.#told = now;
    this.#signaling.whisper(EVENTS.CHAT_TYPING, { on });
  }

  /** @param {{ id: string, on: boolean }} typist */
  typed({ id, on }) {
    clearTimeout(this.#typists.get(id));
    if (on) this.#typists.set(id, setTimeout(() => this.typed({ id, on: false }), WRITES_FOR));
    else if (!this.#typists.delete(id)) return;
    this.emit("typing");
  }

  /** @param {string} text */
  send(text) {
    const { id, name } = this.#self();
    /** @type {Message} */
    const message = {
      mid: uniqueId(), id: null, seq: Infinity, from: id, name: name ?? "", text, ts: Date.now(),
      own: true, earlier: false, encryption: this.#key ? "end-to-end" : "none", state: "pending", error: null,
    };
    this.messages.push(message);
    this.emit("message", message);
    this.#typing = false; // as the message says
    void this.#submit(message);
    return message;
  }

  /** @param {Message} message one that failed */
  retry(message) {
    message.state = "pending";
    message.error = null;
    this.emit("change", message);
    void this.#submit(message);
  }

  /**
   * After a join: what was said before it, and what is still to be said.
   * @param {string} ownId
   * @param {import("./protocol.js").ChatRecord[]} history
   */
  joined(ownId, history) {
    const first = this.#ownIds.size === 0;
    this.#ownIds.add(ownId);
    for (const record of history) this.receive(record, first);
    this.resume();
    return this.#incoming;
  }

  /** Sends again what no reply came for. */
  resume() {
    this.#next(async () => {
      for (const message of this.messages) if (message.state === "pending") void this.#submit(message);
    });
  }

  /**
   * @param {import("./protocol.js").ChatRecord} record
   * @param {boolean} [earlier]
   */
  receive(record, earlier = false) {
    this.typed({ id: record.from, on: false });
    this.#next(() => this.#take(record, earlier));
  }

  /** @param {() => Promise<void>} step */
  #next(step) {
    this.#incoming = this.#incoming.then(step);
  }

  /**
   * @param {import("./protocol.js").ChatRecord} record
   * @param {boolean} earlier
   */
  async #take(record, earlier) {
    const { id, seq, from, name, ts } = record;
    const { text, encryption, mid } = await this.#read(record);
    if (this.messages.some((known) => known.id === id)) return;
    const own = this.#ownIds.has(from);
    // Our own come back to us, often before the reply to them; they come in the order we sent them in.
    const sent = own && this.messages.find((known) => known.own
      && (mid ? known.mid === mid : known.id === null && known.encryption === encryption && known.text === text));
    if (sent) {
      this.#settle(sent, record);
      return;
    }
    if (mid) {
      const sealed = `${from} ${mid}`;
      if (this.#opened.has(sealed)) return;
      this.#opened.add(sealed);
    }
    /** @type {Message} */
    const message = { mid: id, id, seq, from, name: name ?? "", text, ts, own, earlier, encryption, state: "sent", error: null };
    this.messages.push(message);
    this.emit("message", message);
  }

  /** The host cleared what was said before. @param {number} seq */
  forget(seq) {
    this.#next(async () => {
      this.messages = this.messages.filter((message) => message.seq >= seq);
      this.emit("cleared");
    });
  }

  /**
   * `mid` only where the sender's is certain.
   * @param {import("./protocol.js").ChatRecord} record
   * @returns {Promise<Pick<Message, "text" | "encryption"> & { mid?: string }>}
   */
  async #read({ message, from, enc }) {
    if (!enc) return { text: message, encryption: "none" };
    const { mid, iv } = enc;
    const text = (await this.#key?.open({ sealed: message, iv }, [from, mid])) ?? null;
    return text === null ? { text: "", encryption: "unreadable" } : { text, encryption: "end-to-end", mid };
  }

  /** @param {Message} message */
  async #submit(message) {
    if (!this.#signaling.connected) return; // resumed with the connection
    const { id } = this.#signaling;
    const written = this.#outgoing.then(() => this.#write(message, id));
    this.#outgoing = written;
    const payload = await written;
    if (this.#signaling.id !== id) return; // likewise
    try {
      await this.#signaling.request(EVENTS.CHAT_MESSAGE, payload, (reply) => this.#settle(message, reply));
    } catch (cause) {
      const error = /** @type {SignalboxError} */ (cause);
      if (message.state !== "pending" || !this.#signaling.connected) return;
      message.state = "failed";
      message.error = error;
      this.emit("change", message);
    }
  }

  /**
   * @param {Message} message
   * @param {string} from
   */
  async #write({ mid, text }, from) {
    if (!this.#key) return { message: text, mid };
    const { sealed, iv } = await this.#key.seal(text, [from, mid]);
    return { message: sealed, mid, enc: { mid, iv } };
  }

  /**
   * @param {Message} message
   * @param {{ id: string, seq: number, ts: number }} record
   */
  #settle(message, { id, seq, ts }) {
    if (message.id !== null) return;
    Object.assign(message, { id, seq, ts, state: "sent", error: null });
    this.emit("change", message);
  }
}
