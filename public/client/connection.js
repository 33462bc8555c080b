// @ts-check
import { Emitter } from "./emitter.js";
import { Negotiation } from "./negotiation.js";
import { fingerprints, hasData } from "./sdp.js";
import { Senders } from "./senders.js";
import { Verification } from "./verification.js";

/** Both open it themselves; the browser counts up to such a number only for those who open a hundred. */
const LINK_CHANNEL = { negotiated: true, id: 200 };

/**
 * @typedef {object} ConnectionOptions
 * @property {string} cid
 * @property {RTCConfiguration} rtcConfig
 * @property {import("./media.js").LocalMedia} media
 * @property {() => boolean} isWithheld nothing of ours is sent
 * @property {() => boolean} polite
 * @property {import("./key.js").RoomKey | null} key
 * @property {readonly [own: string, theirs: string]} ids as both know them at the beginning
 * @property {string} session of our stay in the room
 * @property {(event: string, payload: object) => void} send
 */

/**
 * One RTCPeerConnection under one `cid`: its negotiation, what is sent over it, its verification.
 *
 * @extends {Emitter<{
 *   state: [state: RTCPeerConnectionState],
 *   track: [track: MediaStreamTrack],
 *   screen: [track: MediaStreamTrack],
 *   channel: [channel: RTCDataChannel],
 *   verdict: [verdict: import("./verification.js").Verdict, session: string],
 *   closed: [],
 *   replaced: [described: import("./negotiation.js").Described],
 *   broken: [],
 * }>} `replaced`, `broken`: see Negotiation
 */
export class Connection extends Emitter {
  #pc;
  #key;
  #ids;
  #session;
  #negotiation;
  #senders;
  /** @type {Verification | null} */
  #verification = null;

  /** @param {ConnectionOptions} options */
  constructor({ cid, rtcConfig, media, isWithheld, polite, key, ids, session, send }) {
    super();
    this.cid = cid;
    this.#key = key;
    this.#ids = ids;
    this.#session = session;
    const pc = new RTCPeerConnection({ ...rtcConfig, bundlePolicy: "max-bundle" }); // one path, one certificate
    this.#pc = pc;
    this.#senders = new Senders(pc, media, isWithheld);
    this.#negotiation = new Negotiation({ pc, polite, send: (event, payload) => send(event, { ...payload, cid }), join: () => this.#join() });
    this.#negotiation.on("agreed", () => {
      void this.#senders.update(); // caps need what was negotiated
      void this.#verification?.check();
    });
    this.#negotiation.on("replaced", (described) => this.emit("replaced", described));
    this.#negotiation.on("broken", () => this.emit("broken"));
    pc.addEventListener("connectionstatechange", () => this.emit("state", pc.connectionState));
    pc.addEventListener("track", ({ track, transceiver }) => {
      const isScreen = track.kind === "video" && transceiver !== this.#senders.transceiver("video");
      this.emit(isScreen ? "screen" : "track", track);
    });
    pc.addEventListener("datachannel", ({ channel }) => this.emit("channel", channel));
  }

  get state() {
    return this.#pc.connectionState;
  }

  /** No description has come from the peer yet. */
  get unanswered() {
    return this.#pc.remoteDescription === null;
  }

  /** Loudness of the peer's microphone as played, 0 to 1. */
  get level() {
    return this.#senders.transceiver("audio")?.receiver.getSynchronizationSources()[0]?.audioLevel ?? 0;
  }

  stats() {
    return this.#pc.getStats();
  }

  /** Makes the first offer, as the newcomer does. */
  start() {
    void this.#senders.open();
    this.#verify();
  }

  /** @param {import("./negotiation.js").Described} described */
  describe(described) {
    this.#negotiation.describe(described);
  }

  /** @param {import("./candidates.js").Candidate} candidate */
  addCandidate(candidate) {
    this.#negotiation.addCandidate(candidate);
  }

  /** There are other tracks to send. */
  update() {
    void this.#senders.update();
  }

  /** @param {import("./senders.js").Cap} cap */
  limit(cap) {
    void this.#senders.limit(cap);
  }

  /**
   * Looks for a path anew.
   * @param {RTCIceServer[]} [iceServers]
   */
  restart(iceServers) {
    if (iceServers) this.#use(iceServers);
    this.#negotiation.restart();
  }

  /** The peer has a new id: what was sent to the one before may be lost. */
  repeat() {
    this.#negotiation.repeat();
  }

  /**
   * Uses these servers from now on. A path over a relay ends with its credentials, so another is looked for.
   * @param {RTCIceServer[]} iceServers
   */
  async renew(iceServers) {
    this.#use(iceServers);
    if (await this.#isRelayed()) this.#negotiation.restart();
  }

  /** @param {RTCIceServer[]} iceServers */
  #use(iceServers) {
    if (this.#pc.signalingState === "closed") return;
    this.#pc.setConfiguration({ ...this.#pc.getConfiguration(), iceServers });
  }

  async #isRelayed() {
    const stats = await this.#pc.getStats();
    return [...stats.values()].some(({ type, nominated, localCandidateId }) =>
      type === "candidate-pair" && nominated && stats.get(localCandidateId)?.candidateType === "relay");
  }

  /**
   * @param {string} label
   * @param {RTCDataChannelInit} [options]
   */
  createChannel(label, options) {
    return this.#pc.createDataChannel(label, options);
  }

  /** The browser tells nobody, channels included. */
  close() {
    this.#pc.close();
    this.emit("closed");
  }

  /** Answers the first offer with what we send. */
  async #join() {
    await this.#senders.join();
    if (hasData(this.#pc.remoteDescription)) this.#verify(); // else it would take an offer of its own
  }

  #verify() {
    if (this.#verification) return; // the first offer is tried again
    const pc = this.#pc;
    this.#verification = new Verification({
      channel: pc.createDataChannel("signalbox", LINK_CHANNEL),
      key: this.#key,
      ids: this.#ids,
      session: this.#session,
      fingerprints: async () => {
        await this.#negotiation.settled; // a channel may open before the answer that it came of is there to read
        return [fingerprints(pc.localDescription), fingerprints(pc.remoteDescription)];
      },
    });
    this.#verification.on("verdict", (verdict, session) => this.emit("verdict", verdict, session));
  }
}
