// @ts-check
import { io } from "../vendor/socket.io.esm.min.js";
import { Emitter } from "./emitter.js";
import { Outbox } from "./outbox.js";
import { EVENTS, parse, SignalboxError } from "./protocol.js";

const REPLY_WITHIN = 5_000; // of a request, or of what else was heard; beyond it the connection is taken for dead
const CHECKED_WITHIN = 3_000; // the same where there is reason to doubt the connection
const REPLY_AT_LATEST = 15_000; // of a request, whatever else is heard
const HELD_UP = 1_000;
const CONNECT_WITHIN = 10_000; // an attempt; then comes the next
const RATE_LIMIT_PAUSE = 1_000;
const MUCH = 100;

/**
 * The socket to one room. It survives its connection: what was relayed and not yet acknowledged is
 * sent again after a recovery. Receivers tolerate a repeated offer, answer or candidate.
 *
 * A path can die without a word, and the heartbeat takes two minutes to notice. So a reply that is overdue ends the
 * connection, and the socket makes another; unless something else comes, and the path is only slow. `check` asks for a
 * reply where there is reason to doubt.
 *
 * @extends {Emitter<{
 *   open: [recovered: boolean],
 *   down: [],
 *   closed: [error: SignalboxError],
 *   event: [name: string, payload: any],
 * }>}
 */
export class Signaling extends Emitter {
  #socket;
  /** By receiver. @type {Map<string, Outbox>} */
  #outboxes = new Map();
  /** How often that was too much. Who goes on gets put out, and is not told that this was why. */
  #excess = 0;
  #isChecking = false;
  /** When something last came from the room. */
  #heard = 0;
  /** Why there has been no connection yet. */
  failure = new SignalboxError("unreachable", "The server does not answer.");

  /**
   * @param {string} server
   * @param {string} room
   * @param {string} [token] says who we are, where the deployment asks for one
   */
  constructor(server, room, token) {
    super();
    const socket = io(new URL(server).origin, {
      path: `/r/${encodeURIComponent(room)}/socket.io`,
      transports: ["websocket", "polling"],
      tryAllTransports: true, // polling where WebSockets are blocked
      forceNew: true,
      timeout: CONNECT_WITHIN,
      auth: token ? { token } : {},
    });
    this.#socket = socket;
    /** @type {(code: string, message: string, retryAfterMs?: number) => void} */
    const close = (code, message, retryAfterMs) => {
      socket.disconnect();
      this.emit("closed", new SignalboxError(code, message, retryAfterMs));
    };
    socket.on("connect", () => {
      this.#excess = 0;
      if (socket.recovered) for (const outbox of this.#outboxes.values()) outbox.resume();
      else this.#forgetSignals(); // those peers knew another id; a join follows
      this.emit("open", socket.recovered);
    });
    socket.on("disconnect", (reason) => {
      if (socket.active) this.emit("down");
      else if (reason === "io server disconnect" && this.#excess > MUCH) close("rate-limited", "The room put us out for sending too much.");
      else if (reason === "io server disconnect") close("kicked", "The host put us out.");
    });
    socket.on("connect_error", (error) => {
      const { data, description: status, context } = /** @type {any} */ (error);
      const body = parse(context?.responseText);
      if (status === 403) close("origin-not-allowed", "The deployment's ALLOWED_ORIGINS does not name this page.");
      else if (status === 400 && !("code" in body)) close("bad-room", String(body.message)); // what is Engine.IO's has a code
      else if (!socket.active) close(data?.code ?? "denied", error.message, data?.retryAfterMs);
      else if (status === 429) this.failure = new SignalboxError("rate-limited", "Too many connections from this address.");
      // else it is the network; the client tries again by itself
    });
    socket.io.on("packet", () => (this.#heard = Date.now()));
    socket.onAny((name, payload) => this.emit("event", name, payload));
  }

  get connected() {
    return this.#socket.connected;
  }

  /** As whom we send; none while not connected. */
  get id() {
    return this.#socket.id ?? "";
  }

  /**
   * Emits and resolves with the reply.
   * @template [T=any]
   * @param {string} event
   * @param {object} payload
   * @param {(reply: any) => T} [accept] runs before the next packet is handled, unlike what awaits this
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
   * Sends to a peer, at least once as long as the session lives, and in order.
   * @param {string} event
   * @param {{ to: string }} payload
   */
  relay(event, payload) {
    const { to } = payload;
    let outbox = this.#outboxes.get(to);
    if (!outbox) {
      for (const [id, { isEmpty }] of this.#outboxes) if (isEmpty) this.#outboxes.delete(id); // their receivers may be gone
      outbox = new Outbox((message, acknowledge) => this.#transmit(message, acknowledge));
      this.#outboxes.set(to, outbox);
    }
    outbox.push([event, payload]);
  }

  /**
   * Sends what is of no use later, and may be lost.
   * @param {string} event
   * @param {object} payload
   */
  whisper(event, payload) {
    this.#socket.volatile.emit(event, payload);
  }

  /**
   * Finds out whether the connection is what it seems. Without one, it is tried again at once.
   * @param {{ renew?: boolean }} [options] renew: an attempt that is under way is on a network that is no more
   */
  check({ renew = false } = {}) {
    if (!this.#socket.active || this.#isChecking) return;
    if (this.#socket.connected) {
      this.#isChecking = true;
      this.#emit(EVENTS.CHAT_HISTORY, { limit: 0 }, () => (this.#isChecking = false), CHECKED_WITHIN); // any reply will do
    } else if (renew) {
      this.#reconnect();
    }
  }

  /**
   * @param {import("./outbox.js").Message} message
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
   * @param {object} payload
   * @param {(reply: any) => void} follow gets the reply, or null where the connection was lost before it
   * @param {number} [within] of it, or of what else was heard
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
        // A timer that is late itself says that this page was held up: the reply may have come meanwhile. Once is
        // enough to take it in; on a busy machine every timer is late.
        if (now - due > HELD_UP && !wasHeldUp) {
          wasHeldUp = true;
          wait(HELD_UP);
        } else if (rest > 0) wait(rest);
        else this.#drop();
      }, delay);
    };
    wait(within);
    // With a timeout, the client also tells that the connection was lost.
    this.#socket.timeout(2 * REPLY_AT_LATEST).emit(event, payload, (/** @type {Error | null} */ error, /** @type {any} */ reply) => {
      clearTimeout(timer);
      if (reply?.error?.code === "rate-limited") this.#excess += 1;
      follow(error ? null : reply ?? {});
    });
  }

  /** Ends a connection that is dead, and makes a new one at once: this is no server that has to be spared. */
  #drop() {
    const { engine } = this.#socket.io;
    if (!this.#socket.connected) return; // it was lost; that is why there is no reply
    engine.writeBuffer = []; // else it would wait until they are sent
    engine.close();
    this.#reconnect();
  }

  /** Tries now, and not after the pause that follows a failure. */
  #reconnect() {
    this.#socket.disconnect().connect();
  }

  #forgetSignals() {
    for (const outbox of this.#outboxes.values()) outbox.clear();
    this.#outboxes.clear();
  }

  /** Leaves at once: others need not wait for the recovery grace. */
  close() {
    this.#forgetSignals();
    if (this.#socket.connected) this.#socket.emit(EVENTS.ROOM_LEAVE);
    this.#socket.disconnect();
  }
}
