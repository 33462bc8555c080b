// @ts-check
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

/** The object that a JSON text is, or an empty one. @param {unknown} text @returns {Record<string, unknown>} */
export function parse(text) {
  try {
    return Object(JSON.parse(String(text)));
  } catch {
    return {};
  }
}

/**
 * Does something again as long as the room refuses it as too much.
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

/** A refusal by the room, by the browser or by the network; `code` says which, `message` says why. */
export class SignalboxError extends Error {
  /**
   * @param {string} code
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

/**
 * @typedef {{ audio: boolean, video: boolean, screen: boolean }} MediaFlags
 *
 * @typedef {object} PeerInfo
 * @property {string} id
 * @property {number} n join ordinal
 * @property {string | null} name
 * @property {boolean} host
 * @property {MediaFlags} media
 * @property {boolean} hand
 * @property {boolean} away
 * @property {number} joinedAt
 *
 * @typedef {object} RoomInfo
 * @property {string} name
 * @property {boolean} locked
 * @property {boolean} password whether one is asked for
 * @property {number} capacity
 * @property {number} count
 *
 * @typedef {object} ChatRecord
 * @property {string} message
 * @property {string} id
 * @property {number} seq
 * @property {number} ts
 * @property {string} from
 * @property {string | null} name
 * @property {string} [to] the id of the only receiver, where it is private
 * @property {{ mid: string, iv: string }} [enc] there when `message` is encrypted
 *
 * @typedef {object} Ice
 * @property {RTCIceServer[]} iceServers
 * @property {number} ttl
 *
 * @typedef {object} Snapshot what a join is answered with
 * @property {PeerInfo} self
 * @property {PeerInfo[]} peers
 * @property {RoomInfo} room
 * @property {ChatRecord[]} history
 * @property {Ice} ice
 * @property {Record<string, unknown>} limits
 * @property {string} rejoin lets this peer in again, past lock and password, on any socket
 *
 * @typedef {object} Signal an offer, an answer or a candidate as it arrives
 * @property {string} from
 * @property {RTCSessionDescriptionInit} [description]
 * @property {RTCIceCandidateInit | null} [candidate]
 * @property {string} [cid] names one connection between two peers
 * @property {number} [round] numbers a sender's offers; an answer has that of its offer
 */
