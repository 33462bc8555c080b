// @ts-check
import { Connection } from "./connection.js";
import { Emitter } from "./emitter.js";
import { FILE_PROTOCOL, IncomingFile, OutgoingFile } from "./file.js";
import { SignalboxError } from "./protocol.js";
import { QualityMeter } from "./quality.js";
import { uniqueId } from "./unique.js";

const DISCONNECTED_FOR = 3_000; // then ICE restarts
const CONNECT_WITHIN = 30_000; // beyond it an attempt has failed; each is given longer than the one before
const FAILURES_PER_CONNECTION = 3; // then a new connection
const FAILURES_IN_ALL = 6; // then it is the user's turn
const MEASURE_EVERY = 3_000;
const OPEN_OFFERS = 16; // files that wait for the user, from one peer
const EARLY_CANDIDATES = 64;

/**
 * What a peer needs of its room.
 * @typedef {object} Mesh
 * @property {import("./protocol.js").PeerInfo} self
 * @property {import("./ice.js").Ice} ice
 * @property {RTCIceTransportPolicy} [iceTransportPolicy]
 * @property {import("./media.js").LocalMedia} media
 * @property {import("./connection.js").Cap} cap
 * @property {import("./key.js").RoomKey | null} key
 * @property {() => boolean} online the signaling is up
 * @property {(event: string, payload: object) => void} relay
 */

/**
 * Somebody else in the room: who they are, and the link to them, which is rebuilt as often as needed.
 *
 *   connecting ──▶ connected ◀──▶ reconnecting ──six failures──▶ failed ──retry()──▶ connecting
 *
 * @typedef {"connecting" | "connected" | "reconnecting" | "failed"} LinkState
 * @extends {Emitter<{
 *   change: [],
 *   track: [track: MediaStreamTrack, stream: MediaStream],
 *   channel: [channel: RTCDataChannel],
 *   quality: [],
 *   file: [file: IncomingFile],
 *   left: [reason: string],
 * }>}
 */
export class Peer extends Emitter {
  /** The same object for life: fit for a video element's `srcObject`. */
  stream = new MediaStream();
  /** @type {LinkState} */
  state = "connecting";
  /** @type {import("./verification.js").Verdict} */
  verified = "unverified";
  /** @type {import("./quality.js").Quality | null} */
  quality = null;

  #screen = new MediaStream();

  #mesh;
  /** @type {Connection | null} */
  #connection = null;
  /** @type {{ candidate: RTCIceCandidateInit | null, cid?: string }[]} */
  #early = [];
  /** @type {Set<IncomingFile>} */
  #offers = new Set();
  #failures = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {import("./protocol.js").PeerInfo} info
   * @param {Mesh} mesh
   */
  constructor(info, mesh) {
    super();
    this.id = info.id;
    this.n = info.n;
    this.name = info.name ?? "";
    this.host = info.host;
    this.media = info.media;
    this.hand = info.hand;
    this.away = info.away;
    this.#mesh = mesh;
    this.#expect();
  }

  get cid() {
    return this.#connection?.cid;
  }

  get level() {
    return this.#connection?.level ?? 0;
  }

  /** What they show of their screen, or null. */
  get screen() {
    return this.media.screen && this.#screen.getTracks().length > 0 ? this.#screen : null;
  }

  /**
   * Tracks that are already there are told to a new listener, too.
   * @type {Emitter<{ change: [], track: [MediaStreamTrack, MediaStream], channel: [RTCDataChannel], quality: [], file: [IncomingFile], left: [string] }>["on"]}
   */
  on(name, listener) {
    const off = super.on(name, listener);
    if (name === "track") {
      for (const track of this.stream.getTracks()) /** @type {any} */ (listener)(track, this.stream);
    }
    return off;
  }

  async stats() {
    return (await this.#connection?.stats()) ?? null;
  }

  /**
   * A channel to this peer, who gets it as a "channel" event. It ends with the connection beneath.
   * @param {string} label
   * @param {RTCDataChannelInit} [options]
   */
  createChannel(label, options) {
    if (!this.#connection) throw new SignalboxError("not-connected", `No connection to ${this.name || this.id} yet: wait for its state to be connected.`);
    return this.#connection.createChannel(label, options);
  }

  /**
   * Offers a file. It ends with the connection beneath.
   * @param {Blob & { name?: string }} file
   */
  sendFile(file) {
    if (!isSecureContext) throw new SignalboxError("insecure-origin", "Files can be checked, hence sent, only on https or localhost.");
    const channel = this.createChannel("file", { protocol: FILE_PROTOCOL });
    const transfer = new OutgoingFile(this, channel, file);
    this.#connection?.on("closed", () => transfer.lose());
    return transfer;
  }

  /** Starts over after `failed`. */
  retry() {
    this.#failures = 0;
    this.#setState("connecting");
    this.connect();
  }

  /** A new connection, with our offer. */
  connect() {
    this.#open(uniqueId()).start();
  }

  /** Offers again on the connection we have: the peer knows us by a new id. */
  reintroduce() {
    if (this.#connection?.state === "connected") this.#connection.restart();
    else this.connect();
  }

  /**
   * @param {RTCSessionDescriptionInit} description
   * @param {string} [cid]
   */
  describe(description, cid = this.cid) {
    let connection = this.#connection;
    if (description.type === "offer" && (!connection || cid !== connection.cid)) {
      // Both may have opened a connection at once: the impolite side's stands.
      if (connection?.unanswered && !this.#polite()) return;
      cid ??= uniqueId(); // a plain client gives none
      connection = this.#open(cid);
    }
    if (!connection || cid !== connection.cid) return; // meant for a connection that is no more
    connection.describe(description);
    for (const early of this.#early.splice(0)) this.addCandidate(early.candidate, early.cid);
  }

  /**
   * @param {RTCIceCandidateInit | null} candidate
   * @param {string} [cid]
   */
  addCandidate(candidate, cid = this.cid) {
    if (this.#connection?.cid === cid && this.#connection) this.#connection.addCandidate(candidate);
    else if (this.#early.push({ candidate, cid }) > EARLY_CANDIDATES) this.#early.shift(); // its connection is no more
  }

  /** @param {Partial<import("./protocol.js").PeerInfo>} fields */
  update(fields) {
    const { name = this.name, host = this.host, media = this.media, hand = this.hand, away = this.away } = fields;
    Object.assign(this, { name: name ?? "", host, media: { ...this.media, ...media }, hand, away });
    this.emit("change");
  }

  /** @param {import("./media.js").Kind} kind */
  replace(kind) {
    this.#connection?.replace(kind);
  }

  limit() {
    this.#connection?.limit(this.#mesh.cap);
  }

  /** There are fresh ICE servers. */
  renew() {
    this.#connection?.renew(this.#mesh.ice.servers);
  }

  /** The network changed, the device woke up, or the signaling is back. */
  recover() {
    this.#failures = 0;
    this.#connection?.restart();
    this.#expect();
  }

  /**
   * The same person under a new id, on the link we have.
   * @param {Peer} newcomer
   */
  become(newcomer) {
    this.id = newcomer.id;
    this.n = newcomer.n;
    this.update(newcomer);
    this.#connection?.repeat();
  }

  /** @param {string} reason */
  close(reason) {
    clearTimeout(this.#timer);
    this.#connection?.close();
    this.#connection = null;
    this.emit("left", reason);
  }

  #polite() {
    return this.#mesh.self.n > this.n;
  }

  /** @param {string} cid */
  #open(cid) {
    this.#connection?.close();
    this.#judge("unverified");
    this.quality = null;
    const { ice, iceTransportPolicy, media, key, self } = this.#mesh;
    const connection = new Connection({
      cid,
      iceServers: ice.servers,
      iceTransportPolicy,
      media,
      key,
      ids: [self.id, this.id],
      polite: () => this.#polite(),
      send: (event, payload) => this.#mesh.relay(event, { to: this.id, ...payload }),
    });
    this.#connection = connection;
    this.#watch(connection);
    connection.limit(this.#mesh.cap);
    this.#expect();
    return connection;
  }

  /** @param {Connection} connection */
  #watch(connection) {
    connection.on("track", (track) => this.#addTrack(track));
    connection.on("screen", (track) => {
      for (const former of this.#screen.getTracks()) this.#screen.removeTrack(former);
      this.#screen.addTrack(track);
      this.emit("change");
    });
    connection.on("channel", (channel) => {
      if (channel.protocol === FILE_PROTOCOL) this.#expectFile(channel, connection);
      else this.emit("channel", channel);
    });
    const meter = new QualityMeter();
    const measuring = setInterval(async () => {
      const quality = meter.measure(await connection.stats());
      if (connection !== this.#connection) return;
      this.quality = quality;
      this.emit("quality");
    }, MEASURE_EVERY);
    connection.on("closed", () => clearInterval(measuring));
    connection.on("verdict", (verdict) => {
      if (connection === this.#connection) this.#judge(verdict);
    });
    connection.on("state", (state) => {
      if (connection === this.#connection) this.#follow(state);
    });
    connection.on("abandoned", () => {
      if (connection === this.#connection) this.connect();
    });
  }

  /**
   * @param {RTCDataChannel} channel
   * @param {Connection} connection
   */
  #expectFile(channel, connection) {
    if (!isSecureContext || this.#offers.size >= OPEN_OFFERS) {
      channel.close();
      return;
    }
    IncomingFile.await(this, channel, (file) => {
      this.#offers.add(file);
      file.on("change", () => file.state !== "offered" && this.#offers.delete(file));
      connection.on("closed", () => file.lose());
      this.emit("file", file);
    });
  }

  /** @param {import("./verification.js").Verdict} verdict */
  #judge(verdict) {
    if (this.verified === verdict) return;
    this.verified = verdict;
    this.emit("change");
  }

  /** @param {MediaStreamTrack} track */
  #addTrack(track) {
    for (const former of this.stream.getTracks()) if (former.kind === track.kind) this.stream.removeTrack(former);
    this.stream.addTrack(track);
    this.emit("track", track, this.stream);
  }

  /** @param {RTCPeerConnectionState} state */
  #follow(state) {
    if (state === "connected") {
      clearTimeout(this.#timer);
      this.#failures = 0;
      this.#setState("connected");
    } else if (state === "disconnected") {
      this.#setState("reconnecting");
      this.#arm(DISCONNECTED_FOR, () => {
        this.#connection?.restart();
        this.#expect();
      });
    } else if (state === "failed" || state === "closed") {
      void this.#fail();
    } else {
      this.#expect();
    }
  }

  async #fail() {
    if (this.#connection?.state === "connected") return;
    const possible = !this.away && this.#mesh.online(); // else nothing can be agreed now; it is no attempt
    if (possible) this.#failures += 1;
    this.#expect();
    if (this.state === "connected") this.#setState("reconnecting");
    if (!possible) return;
    if (this.#failures === FAILURES_IN_ALL) {
      clearTimeout(this.#timer);
      this.#setState("failed");
    } else if (this.#failures % FAILURES_PER_CONNECTION === 0) {
      this.connect();
    } else {
      const connection = this.#connection;
      await this.#mesh.ice.refresh();
      if (connection === this.#connection) connection?.restart(this.#mesh.ice.servers);
    }
  }

  /** An attempt begins. Where machine or network are slow, hasty ones would only add to it. */
  #expect() {
    this.#arm(CONNECT_WITHIN * (this.#failures + 1), () => this.#fail());
  }

  /**
   * @param {number} delay
   * @param {() => void} action
   */
  #arm(delay, action) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(action, delay);
  }

  /** @param {LinkState} state */
  #setState(state) {
    if (this.state === state) return;
    this.state = state;
    this.emit("change");
  }
}
