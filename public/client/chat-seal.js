// @ts-check
/** @import { ChatRecord, RoomKey, Sealed } from "./types.js" */

const MOST_PROVEN = 1_000;
const LONGEST_NAME = 64;
const LATEST = 8.64e15; // the latest Date

/** Encrypts and decrypts chat messages, as Sealed describes it. A verified link proves its peer's session. */
export class ChatSeal {
  #key;
  #session;
  /** @type {Set<string>} */
  #proven = new Set();

  /**
   * @param {RoomKey} key
   * @param {string} session our own
   */
  constructor(key, session) {
    this.#key = key;
    this.#session = session;
    this.#proven.add(session);
  }

  /** @param {string} session */
  proven(session) {
    if (this.#proven.size < MOST_PROVEN) this.#proven.add(session);
  }

  /** @param {string} session */
  isProven(session) {
    return this.#proven.has(session);
  }

  /**
   * @param {{ text: string, mid: string, name: string, ts: number, to: string | null }} message
   * @param {string} from our id
   */
  async seal({ text, mid, name, ts, to }, from) {
    const facts = JSON.stringify([name, ts, this.#session, to]); // the first line
    const { sealed, iv } = await this.#key.seal(`${facts}\n${text}`, [from, mid]);
    return { message: sealed, mid, enc: { mid, iv } };
  }

  /**
   * Null if the key is another, or the message was altered.
   * @param {ChatRecord} record
   * @returns {Promise<Sealed | null>}
   */
  async open({ message, from, to, enc }) {
    const { mid, iv } = Object(enc);
    const opened = await this.#key.open({ sealed: message, iv }, [from, mid]);
    if (opened === null || typeof mid !== "string") return null;
    try {
      const end = opened.indexOf("\n");
      const [name, ts, session, receiver = null] = JSON.parse(opened.slice(0, end));
      if (!Number.isSafeInteger(ts) || Math.abs(ts) > LATEST || receiver !== (to ?? null)) return null;
      return { text: opened.slice(end + 1), name: String(name).slice(0, LONGEST_NAME), ts, session: String(session), mid };
    } catch {
      return null; // not of this form
    }
  }
}
