// @ts-check
import { Emitter } from "./emitter.js";
import { EVENTS, SignalboxError } from "./protocol.js";
import { uniqueId } from "./unique.js";
/** @import { ChatEvents, ChatRecord, ChatSeal, Message, PeerInfo, Signaling } from "./types.js" */

const WRITES_FOR = 6_000; // ms until typing notices end
const TELL_EVERY = 3_000; // ms

/** The room's chat; ChatEvents describes it. @extends {Emitter<ChatEvents>} */
export class Chat extends Emitter {
  /** @type {Message[]} */
  messages = [];

  #signaling;
  #self;
  /** @type {Map<string, ReturnType<typeof setTimeout>>} timers of the peers that are typing */
  #typists = new Map();
  /** When we last said that we are typing; 0 if we are not. */
  #told = 0;
  #seal;
  /** @type {Set<string>} every id we had in this room */
  #ownIds = new Set();
  /** @type {Set<string>} decrypted messages, by session and `mid`: the server could repeat them */
  #opened = new Set();
  /** The messages that are not proven yet, and their sessions. @type {Map<Message, string>} */
  #unproven = new Map();
  /** Decrypts messages in order. @type {Promise<unknown>} */
  #incoming = Promise.resolve();
  /** @type {Promise<unknown>} */
  #outgoing = Promise.resolve();

  /**
   * @param {Signaling} signaling
   * @param {() => PeerInfo} self
   * @param {ChatSeal | null} seal
   */
  constructor(signaling, self, seal) {
    super();
    this.#signaling = signaling;
    this.#self = self;
    this.#seal = seal;
  }

  get typists() {
    return [...this.#typists.keys()];
  }

  /** @param {boolean} on */
  typing(on) {
    const now = on ? Date.now() : 0;
    if (on ? now - this.#told < TELL_EVERY : this.#told === 0) return;
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

  /**
   * @param {string} text
   * @param {{ to?: { id: string } }} [options]
   */
  send(text, { to } = {}) {
    const { id, name } = this.#self();
    /** @type {Message} */
    const message = {
      mid: uniqueId(), id: null, seq: Infinity, from: id, name: name ?? "", text, ts: Date.now(), to: to?.id ?? null,
      own: true, earlier: false, encryption: this.#seal ? "end-to-end" : "none", proven: this.#seal !== null, state: "pending", error: null,
    };
    this.messages.push(message);
    this.emit("message", message);
    this.#told = 0; // this ends typing
    void this.#submit(message);
    return message;
  }

  /** @param {Message} message */
  retry(message) {
    message.state = "pending";
    message.error = null;
    this.emit("change", message);
    void this.#submit(message);
  }

  /**
   * Called after a join.
   * @param {string} ownId
   * @param {ChatRecord[]} history
   */
  joined(ownId, history) {
    const first = this.#ownIds.size === 0;
    this.#ownIds.add(ownId);
    for (const record of history) this.receive(record, first);
    this.resume();
    return this.#incoming;
  }

  /** @param {number} [limit] */
  async loadEarlier(limit) {
    const before = Math.min(...this.messages.map(({ seq }) => seq));
    const page = { limit, before: Number.isFinite(before) ? before : undefined };
    const { messages: records, more } = await this.#signaling.request(EVENTS.CHAT_HISTORY, page);
    /** @type {Message[]} */
    const messages = [];
    this.#next(async () => {
      for (const record of records) {
        const message = await this.#read(record, true);
        if (message) messages.push(message);
      }
      this.messages.unshift(...messages);
    });
    await this.#incoming;
    return { messages, more };
  }

  /** Sends again the messages without a reply. */
  resume() {
    this.#next(async () => {
      for (const message of this.messages) if (message.state === "pending") void this.#submit(message);
    });
  }

  /**
   * @param {ChatRecord} record
   * @param {boolean} [earlier]
   */
  receive(record, earlier = false) {
    this.typed({ id: record.from, on: false });
    this.#next(() => this.#take(record, earlier));
  }

  /** @param {() => Promise<void>} step */
  #next(step) {
    this.#incoming = this.#incoming.then(step).catch(reportError); // later steps still run
  }

  /**
   * @param {ChatRecord} record
   * @param {boolean} earlier
   */
  async #take(record, earlier) {
    const message = await this.#read(record, earlier);
    if (!message) return;
    this.messages.push(message);
    this.emit("message", message);
  }

  /**
   * Null if we have the message already.
   * @param {ChatRecord} record
   * @param {boolean} earlier
   */
  async #read(record, earlier) {
    const { id, seq, from, to = null, enc } = record;
    const sealed = enc ? (await this.#seal?.open(record)) ?? null : null;
    if (this.messages.some((known) => known.id === id)) return null;
    const own = this.#ownIds.has(from);
    // Our own messages come back in the order in which we sent them, often before their replies.
    const sent = own && this.messages.find((known) => known.own
      && (sealed ? known.mid === sealed.mid : known.id === null && known.encryption === "none" && known.text === record.message));
    if (sent) {
      this.#settle(sent, record);
      return null;
    }
    if (sealed) {
      const key = `${sealed.session} ${sealed.mid}`;
      if (this.#opened.has(key)) return null;
      this.#opened.add(key);
    }
    const { text, name, ts } = sealed ?? { text: enc ? "" : record.message, name: record.name ?? "", ts: record.ts };
    const encryption = sealed ? "end-to-end" : enc ? "unreadable" : "none";
    const proven = sealed !== null && (this.#seal?.isProven(sealed.session) ?? false);
    /** @type {Message} */
    const message = { mid: id, id, seq, from, name, text, ts, to, own, earlier, encryption, proven, state: "sent", error: null };
    if (sealed && !proven) this.#unproven.set(message, sealed.session);
    return message;
  }

  /** @param {string} session */
  proven(session) {
    this.#seal?.proven(session);
    for (const [message, of] of this.#unproven) {
      if (of !== session) continue;
      this.#unproven.delete(message);
      message.proven = true;
      this.emit("change", message);
    }
  }

  /** Forgets earlier messages. @param {number} seq */
  forget(seq) {
    this.#next(async () => {
      this.messages = this.messages.filter((message) => message.seq >= seq);
      for (const message of this.#unproven.keys()) if (message.seq < seq) this.#unproven.delete(message);
      this.emit("cleared");
    });
  }

  /** @param {Message} message */
  async #submit(message) {
    if (!this.#signaling.connected) return; // `resume` sends it
    const { id } = this.#signaling;
    const written = this.#outgoing.then(() => this.#seal?.seal(message, id) ?? { message: message.text, mid: message.mid });
    this.#outgoing = written;
    const payload = { ...(await written), to: message.to ?? undefined };
    if (this.#signaling.id !== id) return; // another connection: `resume` sends it
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
   * @param {{ id: string, seq: number, ts: number }} record
   */
  #settle(message, { id, seq, ts }) {
    if (message.id !== null) return;
    Object.assign(message, { id, seq, state: "sent", error: null });
    if (message.encryption === "none") message.ts = ts; // else the time is encrypted
    this.emit("change", message);
  }
}
