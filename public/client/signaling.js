// @ts-check
import { io } from "../vendor/socket.io.esm.min.js";
import { Emitter } from "./emitter.js";
import { Outbox } from "./outbox.js";
import { EVENTS, parse, SignalboxError } from "./protocol.js";
/** @import { Message } from "./outbox.js" */
/** @import { ErrorCode, SignalingEvents } from "./types.js" */

const REPLY_WITHIN = 5_000; // after the request or the last packet; then the connection counts as dead
const CHECKED_WITHIN = 3_000; // the same while the connection is in doubt
const REPLY_AT_LATEST = 15_000; // after a request
const HELD_UP = 1_000;
const CONNECT_WITHIN = 10_000; // for one attempt; then the next attempt begins
const RATE_LIMIT_PAUSE = 1_000;
const MUCH = 100;

/** The socket to one room; SignalingEvents describes it. @extends {Emitter<SignalingEvents>} */
export class Signaling extends Emitter {
  #socket;
  /** By receiver. @type {Map<string, Outbox>} */
  #outboxes = new Map();
  /** `rate-limited` refusals. After too many, the room disconnects us without a reason. */
  #excess = 0;
  #isChecking = false;
  /** The time of the last packet. */
  #heard = 0;
  failure;

  /**
   * @param {string} server
   * @param {string} room
   * @param {string} [token] proves our identity, if the deployment asks
   */
  constructor(server, room, token) {
    super();
    const { origin } = new URL(server);
    /** @type {(code: ErrorCode, message: string, retryAfterMs?: number) => SignalboxError} */
    const refusal = (code, message, retryAfterMs) => new SignalboxError(code, `${origin}: ${message}`, retryAfterMs);
    this.failure = refusal("unreachable", "The server does not answer.");
    const socket = io(origin, {
      path: `/r/${encodeURIComponent(room)}/socket.io`,
      transports: ["websocket", "polling"],
      tryAllTransports: true, // polling where WebSockets are blocked
      forceNew: true,
      timeout: CONNECT_WITHIN,
      auth: { token },
    });
    this.#socket = socket;
    const close = (/** @type {SignalboxError} */ error) => {
      socket.disconnect();
      this.emit("closed", error);
    };
    socket.on("connect", () => {
      this.#excess = 0;
      if (socket.recovered) for (const outbox of this.#outboxes.values()) outbox.resume();
      else this.#forgetSignals(); // the peers knew us by the old id; a join follows
      this.emit("open", socket.recovered);
    });
    socket.on("disconnect", (reason) => {
      if (socket.active) this.emit("down");
      else if (reason === "io server disconnect" && this.#excess > MUCH) close(new SignalboxError("rate-limited", "The room removed us: we sent too much."));
      else if (reason === "io server disconnect") close(new SignalboxError("kicked", "The host removed us."));
    });
    socket.on("connect_error", (error) => {
      const { data, description: status, context } = /** @type {any} */ (error);
      const body = parse(context?.responseText);
      if (status === 403) close(refusal("origin-not-allowed", `ALLOWED_ORIGINS does not name this page, ${location.origin}.`));
      else if (status === 400 && !("code" in body)) close(refusal("bad-room", String(body.message))); // errors of Engine.IO have a code
      else if (!socket.active) close(refusal(data?.code ?? "denied", error.message, data?.retryAfterMs));
      else if (status === 429) this.failure = refusal("rate-limited", "Too many connections from this address.");
      // else it is the network; the client tries again by itself
    });
    socket.io.on("packet", () => (this.#heard = Date.now()));
    socket.onAny((name, ...args) => this.emit("event", name, ...args));
  }

  get connected() {
    return this.#socket.connected;
  }

  get id() {
    return this.#socket.id ?? "";
  }

  /**
   * Emits and resolves with the reply.
   * @template [T=any]
   * @param {string} event
   * @param {unknown} payload
   * @param {(reply: any) => T} [accept] runs before the next packet is handled
   * @returns {Promise<T>}
   */
  request(event, payload, accept = (reply) => reply) {
    return new Promise((resolve, reject) => {
      if (!this.#socket.connected) {
        reject(new SignalboxError("unreachable", "The room cannot be reached at the moment."));
        return;
      }
      this.#emit(event, payload, (reply) => {
        if (!reply) {
          reject(new SignalboxError("unreachable", `The room did not answer ${event}.`));
        } else if (!reply.ok) {
          const { code = "internal", message = `The room refused ${event}.`, retryAfterMs } = reply.error ?? {};
          reject(new SignalboxError(code, message, retryAfterMs));
        } else {
          try {
            resolve(accept(reply));
          } catch (cause) {
            reject(cause);
          }
        }
      });
    });
  }

  /**
   * Sends to a peer, at least once, in order.
   * @param {string} event
   * @param {{ to: string }} payload
   */
  relay(event, payload) {
    const { to } = payload;
    let outbox = this.#outboxes.get(to);
    if (!outbox) {
      for (const [id, { isEmpty }] of this.#outboxes) if (isEmpty) this.#outboxes.delete(id);
      outbox = new Outbox((message, acknowledge) => this.#transmit(message, acknowledge));
      this.#outboxes.set(to, outbox);
    }
    outbox.push([event, payload]);
  }

  /**
   * Sends an event that may be lost.
   * @param {string} event
   * @param {object} payload
   */
  whisper(event, payload) {
    this.#socket.volatile.emit(event, payload);
  }

  /**
   * Checks whether the connection still works.
   * @param {{ renew?: boolean }} [options] renew: the present attempt to connect uses a network that is gone
   */
  check({ renew = false } = {}) {
    if (!this.#socket.active || this.#isChecking) return;
    if (this.#socket.connected) {
      this.#isChecking = true;
      this.#emit(EVENTS.CHAT_HISTORY, { limit: 0 }, () => (this.#isChecking = false), CHECKED_WITHIN);
    } else if (renew) {
      this.#reconnect();
    }
  }

  /**
   * @param {Message} message
   * @param {(retryAfterMs?: number) => void} acknowledge
   */
  #transmit([event, payload], acknowledge) {
    if (!this.#socket.connected) return; // sent with the next connection
    this.#emit(event, payload, (reply) => {
      const { code, retryAfterMs = RATE_LIMIT_PAUSE } = reply?.error ?? {};
      if (code === "rate-limited") acknowledge(retryAfterMs);
      else if (reply) acknowledge();
    });
  }

  /**
   * @param {string} event
   * @param {unknown} payload
   * @param {(reply: any) => void} follow gets null if the connection was lost before the reply
   * @param {number} [within]
   */
  #emit(event, payload, follow, within = REPLY_WITHIN) {
    const sent = Date.now();
    let wasHeldUp = false;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;
    const wait = (/** @type {number} */ delay) => {
      const due = Date.now() + delay;
      timer = setTimeout(() => {
        const now = Date.now();
        const rest = Math.min(sent + REPLY_AT_LATEST, Math.max(sent, this.#heard) + within) - now;
        // If the timer itself is late, this page was blocked, and the reply may have come: one more wait. Only one, for on
        // a busy machine every timer is late.
        if (now - due > HELD_UP && !wasHeldUp) {
          wasHeldUp = true;
          wait(HELD_UP);
        } else if (rest > 0) wait(rest);
        else this.#drop();
      }, delay);
    };
    wait(within);
    // With a timeout, socket.io-client calls this also when the connection is lost.
    this.#socket.timeout(2 * REPLY_AT_LATEST).emit(event, payload, (/** @type {Error | null} */ error, /** @type {any} */ reply) => {
      clearTimeout(timer);
      if (reply?.error?.code === "rate-limited") this.#excess += 1;
      follow(error ? null : reply ?? {});
    });
  }

  /** Replaces a dead connection at once. */
  #drop() {
    const { engine } = this.#socket.io;
    if (!this.#socket.connected) return;
    engine.writeBuffer = []; // else `close` would wait until they are sent
    engine.close();
    this.#reconnect();
  }

  /** Connects without the pause after a failure. */
  #reconnect() {
    this.#socket.disconnect().connect();
  }

  #forgetSignals() {
    for (const outbox of this.#outboxes.values()) outbox.clear();
    this.#outboxes.clear();
  }

  close() {
    this.#forgetSignals();
    if (this.#socket.connected) this.#socket.emit(EVENTS.ROOM_LEAVE);
    this.#socket.disconnect();
  }
}
