// @ts-check

const MOST_PROVEN = 1_000;
const LONGEST_NAME = 64;

/**
 * What a sealed message says of itself, and what the server cannot change.
 * @typedef {object} Sealed
 * @property {string} text
 * @property {string} name
 * @property {number} ts by the sender's clock
 * @property {string} session the sender's stay in the room
 * @property {string} mid
 */

/**
 * Seals the chat's messages and opens them. The server stores and passes on ciphertext; it could keep an old one and show
 * it as new, under another name, or a private one as one to everybody. So the name, the time and the session of the
 * sender, and the receiver of a private message, are sealed with the text. A session is proven once its owner has shown it
 * on a verified link.
 */
export class ChatSeal {
  #key;
  #session;
  /** @type {Set<string>} */
  #proven = new Set();

  /**
   * @param {import("./key.js").RoomKey} key
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
    const facts = JSON.stringify([name, ts, this.#session, to]); // in a line of its own
    const { sealed, iv } = await this.#key.seal(`${facts}\n${text}`, [from, mid]);
    return { message: sealed, mid, enc: { mid, iv } };
  }

  /**
   * Null where the key is another, or something was altered.
   * @param {import("./protocol.js").ChatRecord} record
   * @returns {Promise<Sealed | null>}
   */
  async open({ message, from, to, enc }) {
    const { mid = "", iv = "" } = enc ?? {};
    const opened = await this.#key.open({ sealed: message, iv }, [from, mid]);
    if (opened === null) return null;
    try {
      const end = opened.indexOf("\n");
      const [name, ts, session, receiver = null] = JSON.parse(opened.slice(0, end));
      if (!Number.isSafeInteger(ts) || receiver !== (to ?? null)) return null;
      return { text: opened.slice(end + 1), name: String(name).slice(0, LONGEST_NAME), ts, session: String(session), mid };
    } catch {
      return null; // sealed by something else
    }
  }
}
