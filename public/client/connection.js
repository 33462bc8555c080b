// @ts-check
import { Emitter } from "./emitter.js";
import { Negotiation } from "./negotiation.js";
import { selectedPair } from "./quality.js";
import { fingerprints, hasData } from "./sdp.js";
import { Senders } from "./senders.js";
import { Verification } from "./verification.js";
/** @import { Candidate, Cap, ConnectionEvents, ConnectionOptions, Described } from "./types.js" */

/** Both sides open it; no browser gives another channel such a high number. */
const LINK_CHANNEL = { negotiated: true, id: 200 };

/**
 * One RTCPeerConnection under one `cid`.
 *
 * @extends {Emitter<ConnectionEvents>}
 */
export class Connection extends Emitter {
  #pc;
  #ends;
  #negotiation;
  #senders;
  /** @type {Verification | null} */
  #verification = null;

  /** @param {ConnectionOptions} options */
  constructor({ cid, rtcConfig, media, isWithheld, polite, send, ...ends }) {
    super();
    this.cid = cid;
    this.#ends = ends;
    const pc = new RTCPeerConnection({ ...rtcConfig, bundlePolicy: "max-bundle" }); // one path, one certificate
    this.#pc = pc;
    this.#senders = new Senders(pc, media, isWithheld);
    this.#negotiation = new Negotiation({ pc, polite, send: (event, payload) => send(event, { ...payload, cid }), join: () => this.#join() });
    this.#negotiation.on("agreed", () => {
      void this.#senders.update(); // only now limits can be set
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

  get isAgreed() {
    return this.#pc.signalingState === "stable";
  }

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

  /** Makes the first offer. */
  start() {
    void this.#senders.open();
    this.#verify();
  }

  /** @param {Described} described */
  describe(described) {
    this.#negotiation.describe(described);
  }

  /** @param {Candidate} candidate */
  addCandidate(candidate) {
    this.#negotiation.addCandidate(candidate);
  }

  update() {
    void this.#senders.update();
  }

  /** @param {Cap} cap */
  limit(cap) {
    void this.#senders.limit(cap);
  }

  refresh() {
    void this.#senders.refresh();
  }

  /** Restarts ICE. @param {RTCIceServer[]} [iceServers] */
  restart(iceServers) {
    if (iceServers) this.#use(iceServers);
    this.#negotiation.restart();
  }

  repeat() {
    this.#negotiation.repeat();
  }

  /**
   * Uses these servers from now on. A path over a relay needs an ICE restart: it ends when its credentials expire.
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
    const report = await this.#pc.getStats();
    return report.get(selectedPair(report)?.localCandidateId)?.candidateType === "relay";
  }

  /**
   * @param {string} label
   * @param {RTCDataChannelInit} [options]
   */
  createChannel(label, options) {
    return this.#pc.createDataChannel(label, options);
  }

  /** The browser fires no event for this. */
  close() {
    this.#pc.close();
    this.emit("closed");
  }

  /** Adds our media and the verification to the answer to the first offer. */
  async #join() {
    await this.#senders.join();
    if (hasData(this.#pc.remoteDescription)) this.#verify(); // without data in it, the channel would need another offer
  }

  #verify() {
    if (this.#verification) return; // a retry of the first offer
    const pc = this.#pc;
    this.#verification = new Verification({
      ...this.#ends,
      channel: pc.createDataChannel("signalbox", LINK_CHANNEL),
      fingerprints: async () => {
        await this.#negotiation.settled; // a channel may open before the answer is in place
        return [fingerprints(pc.localDescription), fingerprints(pc.remoteDescription)];
      },
    });
    this.#verification.on("verdict", (verdict, session) => this.emit("verdict", verdict, session));
  }
}
