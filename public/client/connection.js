// @ts-check
import { Emitter } from "./emitter.js";
import { EVENTS } from "./protocol.js";
import { fingerprints, Verification } from "./verification.js";

/** Both open it themselves; the browser counts up to such a number only for those who open a hundred. */
const LINK_CHANNEL = { negotiated: true, id: 200 };

/**
 * @typedef {{ bitrate: number, height: number }} Cap what one peer may be sent of the camera
 *
 * @typedef {object} ConnectionOptions
 * @property {string} cid
 * @property {RTCIceServer[]} iceServers
 * @property {RTCIceTransportPolicy} [iceTransportPolicy]
 * @property {import("./media.js").LocalMedia} media
 * @property {() => boolean} polite
 * @property {import("./key.js").RoomKey | null} key
 * @property {readonly [own: string, theirs: string]} ids as both know them at the beginning
 * @property {(event: string, payload: object) => void} send
 */

/**
 * One RTCPeerConnection under one `cid`, with perfect negotiation. Each step runs after the one
 * before, so an offer collides exactly when our own is unanswered.
 *
 * The first offer carries one audio and one video section for both directions; microphone and
 * camera are later switched by `replaceTrack` alone. A screen gets a section of its own when it is
 * first shared; so every other video than the first is a screen.
 *
 * @extends {Emitter<{
 *   state: [state: RTCPeerConnectionState],
 *   track: [track: MediaStreamTrack],
 *   screen: [track: MediaStreamTrack],
 *   channel: [channel: RTCDataChannel],
 *   verdict: [verdict: import("./verification.js").Verdict],
 *   closed: [],
 *   abandoned: [],
 * }>} `abandoned`: what comes is not from the peer's end of this connection: it has a new one
 */
export class Connection extends Emitter {
  #pc;
  #media;
  #polite;
  #key;
  #ids;
  #send;
  /** @type {Cap | null} */
  #cap = null;
  /** @type {RTCRtpSender | null} */
  #screen = null;
  #ignoring = false;
  /** @type {Promise<void>} */
  #queue = Promise.resolve();

  /** @param {ConnectionOptions} options */
  constructor({ cid, iceServers, iceTransportPolicy, media, polite, key, ids, send }) {
    super();
    this.cid = cid;
    this.#media = media;
    this.#polite = polite;
    this.#key = key;
    this.#ids = ids;
    this.#send = send;
    const pc = new RTCPeerConnection({ iceServers, iceTransportPolicy });
    this.#pc = pc;
    pc.addEventListener("negotiationneeded", () => this.#next(() => this.#offer()));
    pc.addEventListener("icecandidate", ({ candidate }) => {
      send(EVENTS.CANDIDATE, { candidate: candidate?.toJSON() ?? null, cid });
    });
    pc.addEventListener("connectionstatechange", () => this.emit("state", pc.connectionState));
    pc.addEventListener("track", ({ track, transceiver }) => {
      const isScreen = track.kind === "video" && transceiver !== this.#transceiver("video");
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
    return this.#transceiver("audio")?.receiver.getSynchronizationSources()[0]?.audioLevel ?? 0;
  }

  stats() {
    return this.#pc.getStats();
  }

  /** Makes the first offer, as the newcomer does. */
  start() {
    for (const kind of /** @type {const} */ (["audio", "video"])) {
      this.#pc.addTransceiver(kind, { direction: "sendrecv", streams: [this.#media.stream] });
      this.replace(kind);
    }
    this.replace("screen");
    this.#verify();
  }

  /** @param {RTCSessionDescriptionInit} description */
  describe(description) {
    this.#next(async () => {
      const pc = this.#pc;
      const answered = description.type === "answer";
      if (answered && pc.signalingState !== "have-local-offer") return; // a repeated one
      const known = pc.currentRemoteDescription;
      if (known && fingerprints(known) !== fingerprints(description)) {
        this.emit("abandoned");
        return;
      }
      if (answered) {
        await pc.setRemoteDescription(description);
        await this.#applyCap();
        return;
      }
      this.#ignoring = pc.signalingState !== "stable" && !this.#polite();
      if (this.#ignoring) return;
      const first = this.unanswered;
      await pc.setRemoteDescription(description); // rolls our own offer back if there is one
      if (first) await this.#join();
      await pc.setLocalDescription();
      this.#send(EVENTS.ANSWER, { description: pc.localDescription, cid: this.cid });
      await this.#applyCap();
    });
  }

  /** @param {RTCIceCandidateInit | null} candidate */
  addCandidate(candidate) {
    this.#next(async () => {
      try {
        await this.#pc.addIceCandidate(candidate ?? undefined);
      } catch (error) {
        if (!this.#ignoring) throw error; // it belongs to the offer we ignored
      }
    });
  }

  /**
   * Sends the kind's current track, or nothing.
   * @param {import("./media.js").Kind} kind
   */
  replace(kind) {
    this.#next(() => this.#replace(kind));
  }

  /** @param {Cap} cap */
  limit(cap) {
    this.#cap = cap;
    this.#next(() => this.#applyCap());
  }

  /**
   * Looks for a path anew; an offer that nobody answered is made again.
   * @param {RTCIceServer[]} [iceServers]
   */
  restart(iceServers) {
    this.#next(async () => {
      const pc = this.#pc;
      if (iceServers) this.#use(iceServers);
      if (!this.#sendOffer()) pc.restartIce();
    });
  }

  /** The peer has a new id: what was offered to the one before is lost. */
  repeat() {
    this.#next(async () => void this.#sendOffer());
  }

  /**
   * Uses these servers from now on. A path over a relay ends with its credentials, so another is looked for.
   * @param {RTCIceServer[]} iceServers
   */
  renew(iceServers) {
    this.#next(async () => {
      this.#use(iceServers);
      if (await this.#isRelayed()) this.#pc.restartIce();
    });
  }

  /** @param {RTCIceServer[]} iceServers */
  #use(iceServers) {
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

  /** @param {() => Promise<void>} step */
  #next(step) {
    this.#queue = this.#queue.then(async () => {
      if (this.#pc.signalingState === "closed") return;
      try {
        await step();
      } catch (error) {
        // What was closed meanwhile may fail. Anything else leaves the link to its recovery timers.
        if (/** @type {string} */ (this.#pc.signalingState) !== "closed") console.warn("signalbox: negotiation failed:", error);
      }
    });
  }

  async #offer() {
    const pc = this.#pc;
    if (pc.signalingState !== "stable") return; // fires again when stable
    await pc.setLocalDescription();
    this.#sendOffer();
  }

  /** Whether there is one that nobody answered. */
  #sendOffer() {
    const { signalingState, localDescription } = this.#pc;
    const open = signalingState === "have-local-offer";
    if (open) this.#send(EVENTS.OFFER, { description: localDescription, cid: this.cid });
    return open;
  }

  /** Answers with our own media in the sections the first offer has. */
  async #join() {
    for (const kind of /** @type {const} */ (["audio", "video"])) {
      const transceiver = this.#transceiver(kind);
      if (!transceiver) continue; // the other side wants no such media
      transceiver.direction = "sendrecv";
      transceiver.sender.setStreams(this.#media.stream);
      await this.#replace(kind);
    }
    await this.#replace("screen");
    if (/^m=application [1-9]/m.test(this.#pc.remoteDescription?.sdp ?? "")) this.#verify(); // else it would take an offer of its own
  }

  #verify() {
    const pc = this.#pc;
    const verification = new Verification({
      channel: pc.createDataChannel("signalbox", LINK_CHANNEL),
      key: this.#key,
      ids: this.#ids,
      fingerprints: async () => {
        await this.#queue; // a channel may open before the answer that it came of is there to read
        return [fingerprints(pc.localDescription ?? {}), fingerprints(pc.remoteDescription ?? {})];
      },
    });
    verification.on("verdict", (verdict) => this.emit("verdict", verdict));
  }

  /** @param {import("./media.js").Kind} kind */
  async #replace(kind) {
    const track = this.#media.track(kind);
    const camera = this.#transceiver("video");
    if (kind === "screen" && !this.#screen && track && camera) {
      const stream = /** @type {MediaStream} */ (this.#media.screen);
      this.#screen = this.#pc.addTransceiver(track, { direction: "sendonly", streams: [stream] }).sender;
    }
    const sender = kind === "screen" ? this.#screen : this.#transceiver(kind)?.sender;
    if (!sender || sender.track === track) return;
    await sender.replaceTrack(track);
    await this.#applyCap();
  }

  /** @param {"audio" | "video"} kind */
  #transceiver(kind) {
    return this.#pc.getTransceivers().find(({ receiver }) => receiver.track.kind === kind);
  }

  async #applyCap() {
    const cap = this.#cap;
    if (!cap) return;
    await setEncoding(this.#transceiver("video")?.sender, (track) => {
      const { width = 0, height = 0 } = track.getSettings();
      return { maxBitrate: cap.bitrate, scaleResolutionDownBy: Math.max(1, Math.min(width, height) / cap.height) };
    });
    await setEncoding(this.#screen, () => ({ maxBitrate: cap.bitrate })); // its letters stay legible
  }
}

/**
 * @param {RTCRtpSender | null | undefined} sender
 * @param {(track: MediaStreamTrack) => RTCRtpEncodingParameters} choose
 */
async function setEncoding(sender, choose) {
  if (!sender?.track) return;
  const parameters = sender.getParameters();
  const [encoding] = parameters.encodings;
  if (!encoding) return; // not negotiated yet; comes again with the answer
  Object.assign(encoding, choose(sender.track));
  await sender.setParameters(parameters);
}
