// @ts-check
import { Connection } from "./connection.js";
import { Emitter } from "./emitter.js";
import { watchQuality } from "./quality.js";
import { watchSilence } from "./silence.js";
import { uniqueId } from "./unique.js";
/** @import { Described, LinkEvents, LinkState, Mesh, Peer, Quality, Verdict } from "./types.js" */

const DISCONNECTED_FOR = 3_000; // then ICE restarts
const FRESH = 5_000; // so long after a restart, ICE restarts only if the network changed
const CONNECT_WITHIN = 30_000; // the first attempt; each later one gets longer
const REACHED_WITHIN = 20_000; // then the peer is shown as failed, while the attempts go on
const FAILURES_PER_CONNECTION = 3; // then a new connection
const FAILURES_IN_ALL = 6; // then the attempts end
const EARLY_CANDIDATES = 64;
const FORMER_CONNECTIONS = 16;
const REBUILD_AFTER = 1_000; // where negotiation broke down; twice as long each time
const REBUILD_LATEST = 60_000;

/** The link to one peer; LinkState describes it. @extends {Emitter<LinkEvents>} */
export class Link extends Emitter {
  /** @type {LinkState} */
  state = "connecting";
  /** @type {Verdict} */
  verified = "unverified";
  /** @type {Quality | null} */
  quality = null;
  /** The verdict that the user accepted. @type {Verdict} */
  #accepted = "verified";
  /** The peer uses a stock client. */
  isPlain = false;

  #other;
  #mesh;
  /** @type {Connection | null} */
  #connection = null;
  /** The `cid` of earlier connections, whose late signals are ignored. @type {string[]} */
  #former = [];
  /** @type {{ candidate: RTCIceCandidateInit | null, cid?: string }[]} */
  #early = [];
  #failures = 0;
  #isSilent = false;
  /** The time of the last restart. */
  #restarted = 0;
  #rebuilt = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #reach;

  /**
   * @param {Peer} other
   * @param {Mesh} mesh
   */
  constructor(other, mesh) {
    super();
    this.#other = other;
    this.#mesh = mesh;
    this.#startTimeout();
    this.#startReachTimeout();
  }

  get connection() {
    return this.#connection;
  }

  get cid() {
    return this.#connection?.cid;
  }

  /** Only what verification needs is exchanged. */
  get isWithheld() {
    return this.#mesh.requireVerified && this.verified !== "verified" && this.verified !== this.#accepted;
  }

  /** Accepts the present verdict, and no other. */
  trust() {
    this.#accepted = this.verified;
    this.update();
    this.emit("change");
  }

  retry() {
    if (this.state !== "failed") return;
    this.#failures = 0;
    this.#setState("connecting");
    this.connect();
  }

  connect() {
    this.#open(uniqueId()).start();
  }

  /** Tells the peer our new id. */
  reintroduce() {
    this.#failures = 0;
    if (this.#connection?.state === "connected") this.#connection.restart();
    else this.connect();
  }

  /**
   * @param {Partial<Described>} described
   * @param {string} [cid] a stock client gives none
   */
  describe({ description, round }, cid = this.cid) {
    if (!description) return;
    this.isPlain = round === undefined;
    if (description.type === "offer" && (!this.#connection || cid !== this.cid)) {
      if (cid !== undefined && this.#former.includes(cid)) return;
      // If both open a connection at once, the impolite side's stays.
      if (this.#connection?.unanswered && !this.#isPolite()) return;
      this.#open(cid ?? uniqueId());
    } else if (cid !== this.cid) {
      return; // an answer for an earlier connection
    }
    this.#connection?.describe({ description, round: Number.isSafeInteger(round) ? round : undefined });
  }

  /**
   * @param {RTCIceCandidateInit | null} candidate
   * @param {string} [cid]
   */
  addCandidate(candidate, cid = this.cid) {
    if (this.#connection && this.cid === cid) this.#connection.addCandidate(candidate);
    else if (cid !== undefined && this.#former.includes(cid)) return;
    else if (this.#early.push({ candidate, cid }) > EARLY_CANDIDATES) this.#early.shift();
  }

  /** The signaling is back. The signals of a fresh restart arrive only now. */
  resume() {
    if (this.state !== "connected" && !this.#isFresh()) this.recover();
  }

  /** Attempts begin anew, as after a change of the network. */
  recover() {
    this.#failures = 0;
    if (this.state === "failed") this.#setState("reconnecting");
    this.#restart();
  }

  update() {
    this.#connection?.update();
  }

  limit() {
    this.#connection?.limit(this.#mesh.cap);
  }

  renew() {
    void this.#connection?.renew(this.#mesh.ice.servers);
  }

  /** Sends again what the peer may have missed. */
  repeat() {
    this.#connection?.repeat();
  }

  close() {
    clearTimeout(this.#timer);
    clearTimeout(this.#reach);
    this.#connection?.close();
    this.#connection = null;
    this.state = "closed";
  }

  #isPolite() {
    return this.#mesh.self.joinOrder > this.#other.joinOrder;
  }

  /** @param {string} cid */
  #open(cid) {
    if (this.#connection) {
      this.#connection.close();
      this.#former = [...this.#former, this.#connection.cid].slice(-FORMER_CONNECTIONS);
    }
    this.#setVerdict("unverified");
    this.quality = null;
    const { ice, rtcConfig, media, key, session, self } = this.#mesh;
    const connection = new Connection({
      cid,
      rtcConfig: { ...rtcConfig, iceServers: ice.servers },
      media,
      isWithheld: () => this.isWithheld,
      key,
      session,
      ids: [self.id, this.#other.id],
      polite: () => this.#isPolite(),
      send: (event, payload) => this.#mesh.relay(event, { to: this.#other.id, ...payload }),
    });
    this.#connection = connection;
    this.emit("renewed");
    this.#watch(connection);
    connection.limit(this.#mesh.cap);
    for (const early of this.#early.splice(0)) this.addCandidate(early.candidate, early.cid ?? cid);
    this.#startTimeout();
    return connection;
  }

  /** @param {Connection} connection */
  #watch(connection) {
    /** Ignores events of a replaced connection. @type {<T extends any[]>(follow: (...told: T) => void) => (...told: T) => void} */
    const current = (follow) => (...told) => {
      if (connection === this.#connection) follow(...told);
    };
    connection.on("track", (track) => this.emit("track", track, connection));
    connection.on("screen", (track) => this.emit("screen", track));
    connection.on("channel", (channel) => this.emit("channel", channel, connection));
    connection.on("verdict", current((verdict, session) => {
      if (verdict === "verified") this.#mesh.proven(session);
      this.#setVerdict(verdict);
    }));
    connection.on("state", current((state) => this.#follow(state)));
    connection.on("broken", current(() => this.#rebuild(connection)));
    connection.on("replaced", current((described) => this.#replace(described)));
    connection.on("closed", watchQuality(connection, current((quality) => {
      this.quality = quality;
      this.emit("quality");
    })));
    connection.on("closed", watchSilence(connection, this.#mesh.doubt, current((isSilent) => this.#followSilence(isSilent))));
  }

  /** The peer made a new connection without a new `cid`, as stock clients do. @param {Described} described */
  #replace(described) {
    if (described.description.type === "offer") this.#open(this.cid ?? uniqueId()).describe(described);
    else this.connect();
  }

  /** Negotiation failed. @param {Connection} connection */
  #rebuild(connection) {
    const delay = Math.min(REBUILD_LATEST, REBUILD_AFTER * 2 ** this.#rebuilt);
    this.#rebuilt += 1;
    setTimeout(() => {
      if (connection === this.#connection) this.connect();
    }, delay);
  }

  /** @param {Verdict} verdict */
  #setVerdict(verdict) {
    if (this.verified === verdict) return;
    this.verified = verdict;
    this.update();
    this.emit("change");
  }

  /** @param {RTCPeerConnectionState} state */
  #follow(state) {
    if (state === "connected") {
      clearTimeout(this.#timer);
      this.#failures = 0;
      this.#isSilent = false;
      if (this.state !== "connecting") this.#connection?.refresh();
      this.#setState("connected");
      this.emit("connected");
    } else if (state === "disconnected") {
      if (this.#isSilent) return;
      this.#mesh.doubt();
      if (this.state === "connected") this.#setState("reconnecting");
      this.#setTimer(DISCONNECTED_FOR, () => this.#restart());
    } else if (state === "failed" || state === "closed") {
      void this.#fail();
    } else {
      this.#startTimeout();
    }
  }

  /** @param {boolean} isSilent */
  #followSilence(isSilent) {
    if (this.#connection?.state !== "connected") return; // the browser has noticed
    if (!isSilent) {
      this.#follow("connected");
    } else if (this.state === "connected") {
      this.#isSilent = true;
      this.#setState("reconnecting");
      if (this.#isFresh()) this.#startTimeout();
      else this.#restart();
    }
  }

  async #fail() {
    if (this.#connection?.state === "connected" && !this.#isSilent) return;
    const isPossible = !this.#other.away && this.#mesh.online(); // else this is no attempt
    if (isPossible) this.#failures += 1;
    this.#startTimeout();
    if (this.state === "connected") this.#setState("reconnecting");
    if (!isPossible) return;
    if (this.#failures >= FAILURES_IN_ALL) {
      clearTimeout(this.#timer);
      this.#setState("failed");
    } else if (this.#failures % FAILURES_PER_CONNECTION === 0) {
      this.connect();
    } else {
      const connection = this.#connection;
      await this.#mesh.ice.refresh();
      if (connection === this.#connection) this.#restart(this.#mesh.ice.servers);
    }
  }

  /** @param {RTCIceServer[]} [iceServers] */
  #restart(iceServers) {
    this.#restarted = Date.now();
    this.#connection?.restart(iceServers);
    this.#startTimeout();
  }

  #isFresh() {
    return Date.now() - this.#restarted < FRESH;
  }

  /** Limits the time of an attempt. Each gets longer: frequent attempts would slow down a slow network further. */
  #startTimeout() {
    this.#setTimer(CONNECT_WITHIN * (this.#failures + 1), () => this.#fail());
  }

  /**
   * @param {number} delay
   * @param {() => void} action
   */
  #setTimer(delay, action) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(action, delay);
  }

  /** @param {LinkState} state */
  #setState(state) {
    if (this.state === state) return;
    this.state = state;
    this.#startReachTimeout();
    this.emit("change");
  }

  #startReachTimeout() {
    clearTimeout(this.#reach);
    if (this.state === "connected" || this.state === "failed") return;
    this.#reach = setTimeout(() => this.#setState("failed"), REACHED_WITHIN);
  }
}
