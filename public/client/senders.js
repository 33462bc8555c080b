// @ts-check
/** @import { Cap, Kind, LocalMedia } from "./types.js" */

const TRIES = 5; // failed updates in a row
const RETRY = 1_000; // ms; longer with each failure

/** What we send over one connection: types.d.ts, "Media", describes it. */
export class Senders {
  #pc;
  #media;
  #isWithheld;
  /** @type {Cap | null} */
  #cap = null;
  /** @type {RTCRtpSender | undefined} */
  #screen;
  /** @type {RTCRtpSender | undefined} */
  #sound;
  #isStale = false;
  #failures = 0;
  /** Each update runs after the one before. @type {Promise<void>} */
  #queue = Promise.resolve();

  /**
   * @param {RTCPeerConnection} pc
   * @param {LocalMedia} media
   * @param {() => boolean} isWithheld
   */
  constructor(pc, media, isWithheld) {
    this.#pc = pc;
    this.#media = media;
    this.#isWithheld = isWithheld;
  }

  /** Adds the sections of the first offer. */
  open() {
    for (const kind of /** @type {const} */ (["audio", "video"])) {
      this.#pc.addTransceiver(kind, { direction: "sendrecv", streams: [this.#media.stream] });
    }
    return this.update();
  }

  /** Uses the sections of the peer's first offer. */
  join() {
    for (const kind of /** @type {const} */ (["audio", "video"])) {
      const transceiver = this.transceiver(kind);
      if (!transceiver) continue; // the peer refuses this kind
      transceiver.direction = "sendrecv";
      transceiver.sender.setStreams(this.#media.stream);
    }
    return this.update();
  }

  update() {
    this.#queue = this.#queue.then(() => {
      if (this.#pc.signalingState !== "closed") return this.#update();
    });
    return this.#queue;
  }

  /** @param {Cap} cap */
  limit(cap) {
    this.#cap = cap;
    return this.update();
  }

  /** Sends whole pictures: the peer missed some. */
  refresh() {
    this.#isStale = true;
    return this.update();
  }

  /** Of microphone or camera. @param {"audio" | "video"} kind */
  transceiver(kind) {
    return this.#pc.getTransceivers().find(({ receiver, sender }) => receiver.track.kind === kind && sender !== this.#screen && sender !== this.#sound);
  }

  async #update() {
    this.#screen ??= this.#addSection("screen");
    this.#sound ??= this.#addSection("sound");
    const tracks = [
      this.#send(this.transceiver("audio")?.sender, "audio"),
      this.#send(this.transceiver("video")?.sender, "video"),
      this.#send(this.#screen, "screen"),
      this.#send(this.#sound, "sound"),
    ];
    const results = [...(await Promise.allSettled(tracks)), ...(await Promise.allSettled([this.#limit()]))];
    const failed = results.find(({ status }) => status === "rejected");
    if (!failed || this.#pc.signalingState === "closed") {
      this.#failures = 0;
      return;
    }
    console.warn("signalbox: what is sent could not be changed:", /** @type {PromiseRejectedResult} */ (failed).reason);
    this.#failures += 1;
    if (this.#failures < TRIES) setTimeout(() => this.update(), RETRY * this.#failures);
  }

  /**
   * @param {RTCRtpSender | undefined} sender
   * @param {Kind | "sound"} kind
   */
  async #send(sender, kind) {
    const track = this.#track(kind);
    if (sender && sender.track !== track) await sender.replaceTrack(track);
  }

  /** @param {Kind | "sound"} kind */
  #track(kind) {
    return this.#isWithheld() ? null : this.#media.track(kind);
  }

  /** Adds a section once something is shared, and camera or microphone has one. @param {"screen" | "sound"} kind */
  #addSection(kind) {
    const track = this.#track(kind);
    if (!track || !this.transceiver(kind === "screen" ? "video" : "audio")) return undefined;
    const stream = /** @type {MediaStream} */ (this.#media.screen);
    return this.#pc.addTransceiver(track, { direction: "sendonly", streams: [stream] }).sender;
  }

  async #limit() {
    const cap = this.#cap;
    if (!cap) return;
    const maxBitrate = this.#screen?.track ? cap.bitrate / 2 : cap.bitrate; // half of the uplink each
    const steps = this.#isStale ? [false, true] : [true];
    this.#isStale = false;
    for (const active of steps) {
      await setEncoding(this.transceiver("video")?.sender, cap.codec, (track) => {
        const { width = 0, height = 0 } = track.getSettings();
        return { active, maxBitrate, scaleResolutionDownBy: Math.max(1, Math.min(width, height) / cap.height) };
      });
      await setEncoding(this.#screen, cap.codec, () => ({ active, maxBitrate })); // its letters stay legible
    }
  }
}

/**
 * @param {RTCRtpSender | undefined} sender
 * @param {string | undefined} mimeType of the codec, if the peer has it
 * @param {(track: MediaStreamTrack) => RTCRtpEncodingParameters} choose
 */
async function setEncoding(sender, mimeType, choose) {
  if (!sender?.track) return;
  const parameters = sender.getParameters();
  const [encoding] = parameters.encodings;
  if (!encoding) return; // none before the answer, which calls this again
  const codec = parameters.codecs.find((known) => known.mimeType === mimeType);
  Object.assign(encoding, choose(sender.track), codec && { codec });
  await sender.setParameters(parameters);
}
