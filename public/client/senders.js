// @ts-check

const TRIES = 5; // to give a sender its track
const RETRY = 1_000; // ms; longer with each failure

/** @typedef {{ bitrate: number, height: number }} Cap what one peer may be sent: bits per second in all, and the camera's height */

/**
 * What we send over one connection: microphone, camera and screen.
 *
 * The first offer has one audio and one video section for both directions; microphone and camera are later switched by
 * `replaceTrack` alone. A screen gets a section of its own when it is first shared; so every other video than the first
 * is a screen.
 *
 * Nothing here rejects: negotiation does not depend on a track or a cap. What fails is tried again.
 */
export class Senders {
  #pc;
  #media;
  #isWithheld;
  /** @type {Cap | null} */
  #cap = null;
  /** @type {RTCRtpSender | null} */
  #screen = null;
  #failures = 0;
  /** Each update runs after the one before. @type {Promise<void>} */
  #queue = Promise.resolve();

  /**
   * @param {RTCPeerConnection} pc
   * @param {import("./media.js").LocalMedia} media
   * @param {() => boolean} isWithheld
   */
  constructor(pc, media, isWithheld) {
    this.#pc = pc;
    this.#media = media;
    this.#isWithheld = isWithheld;
  }

  /** The sections of the first offer, as the newcomer makes it. */
  open() {
    for (const kind of /** @type {const} */ (["audio", "video"])) {
      this.#pc.addTransceiver(kind, { direction: "sendrecv", streams: [this.#media.stream] });
    }
    return this.update();
  }

  /** Sends in the sections of the peer's first offer. */
  join() {
    for (const kind of /** @type {const} */ (["audio", "video"])) {
      const transceiver = this.transceiver(kind);
      if (!transceiver) continue; // the peer wants no such media
      transceiver.direction = "sendrecv";
      transceiver.sender.setStreams(this.#media.stream);
    }
    return this.update();
  }

  /** Sends the current tracks, or nothing, within the cap. */
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

  /** The first one of a kind, which is for microphone or camera. @param {"audio" | "video"} kind */
  transceiver(kind) {
    return this.#pc.getTransceivers().find(({ receiver, sender }) => receiver.track.kind === kind && sender !== this.#screen);
  }

  async #update() {
    const tracks = [
      this.#send(this.transceiver("audio")?.sender, "audio"),
      this.#send(this.transceiver("video")?.sender, "video"),
      this.#send(this.#screenSender(), "screen"),
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
   * @param {RTCRtpSender | null | undefined} sender
   * @param {import("./media.js").Kind} kind
   */
  async #send(sender, kind) {
    const track = this.#track(kind);
    if (sender && sender.track !== track) await sender.replaceTrack(track);
  }

  /** @param {import("./media.js").Kind} kind */
  #track(kind) {
    return this.#isWithheld() ? null : this.#media.track(kind);
  }

  /** Has a section for the screen as soon as there is one to share, and a camera's section that comes first. */
  #screenSender() {
    const track = this.#track("screen");
    if (!this.#screen && track && this.transceiver("video")) {
      const stream = /** @type {MediaStream} */ (this.#media.screen);
      this.#screen = this.#pc.addTransceiver(track, { direction: "sendonly", streams: [stream] }).sender;
    }
    return this.#screen;
  }

  async #limit() {
    const cap = this.#cap;
    if (!cap) return;
    const bitrate = this.#screen?.track ? cap.bitrate / 2 : cap.bitrate; // half of the uplink each
    await setEncoding(this.transceiver("video")?.sender, (track) => {
      const { width = 0, height = 0 } = track.getSettings();
      return { maxBitrate: bitrate, scaleResolutionDownBy: Math.max(1, Math.min(width, height) / cap.height) };
    });
    await setEncoding(this.#screen, () => ({ maxBitrate: bitrate })); // its letters stay legible
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
