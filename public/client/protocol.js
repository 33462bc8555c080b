// @ts-check
/** @import { ErrorCode, PeerInfo } from "./types.js" */

/**
 * The contract with the room: event names and payloads.
 * One name per line; a native test compares them with the server's.
 */
export const EVENTS = {
  ROOM_JOIN: "room:join",
  ROOM_LEAVE: "room:leave",
  ROOM_STATE: "room:state",
  ROOM_ADMITTED: "room:admitted",
  ROOM_DENIED: "room:denied",
  ROOM_ERROR: "room:error",
  ROOM_CLOSED: "room:closed",
  PEER_JOINED: "peer:joined",
  PEER_LEFT: "peer:left",
  PEER_AWAY: "peer:away",
  PEER_BACK: "peer:back",
  PEER_UPDATE: "peer:update",
  PEER_UPDATED: "peer:updated",
  OFFER: "offer",
  ANSWER: "answer",
  CANDIDATE: "candidate",
  SIGNAL: "signal",
  CHAT_MESSAGE: "chat-message",
  CHAT_HISTORY: "chat:history",
  CHAT_TYPING: "chat:typing",
  HOST_KICK: "host:kick",
  HOST_MUTE: "host:mute",
  HOST_TRANSFER: "host:transfer",
  HOST_ADMIT: "host:admit",
  HOST_DENY: "host:deny",
  HOST_LOCK: "host:lock",
  HOST_PASSWORD: "host:password",
  HOST_CLEAR: "host:clear",
  HOST_KNOCK: "host:knock",
  HOST_MUTE_REQUEST: "host:mute-request",
  ICE_GET: "ice:get",
};

/** What the room says of a user, under the names of the module. @type {(record: any) => PeerInfo} */
export const named = ({ n: joinOrder, hand: handRaised, ...rest }) => ({ ...rest, joinOrder, handRaised });

/** An empty object if the text is not JSON. @param {unknown} text @returns {Record<string, unknown>} */
export function parse(text) {
  try {
    return Object(JSON.parse(String(text)));
  } catch {
    return {};
  }
}

/**
 * Repeats an action while the room refuses it with `rate-limited`.
 * @template T
 * @param {() => Promise<T>} act
 * @returns {Promise<T>}
 */
export async function unhurried(act) {
  for (;;) {
    try {
      return await act();
    } catch (cause) {
      const { code, retryAfterMs = 1_000 } = /** @type {SignalboxError} */ (cause);
      if (code !== "rate-limited") throw cause;
      await new Promise((resolve) => setTimeout(resolve, retryAfterMs));
    }
  }
}

export class SignalboxError extends Error {
  /**
   * @param {ErrorCode} code
   * @param {string} message
   * @param {number} [retryAfterMs]
   */
  constructor(code, message, retryAfterMs) {
    super(message);
    this.name = "SignalboxError";
    this.code = code;
    this.retryAfterMs = retryAfterMs;
  }
}
