// @ts-check
import { Emitter } from "./emitter.js";
import { SignalboxError } from "./protocol.js";

export const KINDS = /** @type {const} */ (["audio", "video", "screen"]);

/** @type {Record<"audio" | "video", MediaTrackConstraints>} */
const CONSTRAINTS = {
  audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true },
  video: { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30, max: 30 }, facingMode: "user" },
};

/**
 * This device's microphone, camera and screen, or tracks of the application, which are never stopped here. The camera stops
 * when it is off, so that its light goes out; the microphone stays open while muted, so that unmuting is instant.
 *
 * @typedef {"audio" | "video" | "screen"} Kind
 * @typedef {"audio" | "video"} Capture
 * @extends {Emitter<{ change: [] }>}
 */
export class LocalMedia extends Emitter {
  /** The same object for life: fit for a self-view's `srcObject`. */
  stream = new MediaStream();
  /** What is shown of the screen. @type {MediaStream | null} */
  screen = null;
  /** @type {Record<Kind, SignalboxError | null>} */
  problems = { audio: null, video: null, screen: null };

  /** @type {Record<Capture, string | undefined>} */
  #devices;
  /** The tracks of the application. @type {Record<Kind, MediaStreamTrack | null>} */
  #own = { audio: null, video: null, screen: null };
  /** The tracks that have our listeners. @type {WeakSet<MediaStreamTrack>} */
  #followed = new WeakSet();
  #closed = false;
  /** As the microphone before was. */
  #muted = false;
  /** @type {Promise<void>} */
  #queue = Promise.resolve();
  /** @type {Meter | null} */
  #meter = null;

  /** @param {{ audio?: string, video?: string }} [devices] the ids of those to use, where they are there */
  constructor({ audio, video } = {}) {
    super();
    this.#devices = { audio, video };
  }

  /** Sends the first audio and the first video track of a stream. @param {MediaStream} stream */
  static of(stream) {
    const media = new LocalMedia();
    const [audio = null] = stream.getAudioTracks();
    const [video = null] = stream.getVideoTracks();
    media.#use("audio", audio);
    media.#use("video", video);
    return media;
  }

  /** The microphone is heard: it is there, and muted neither by us nor by the system. */
  get audio() {
    const track = this.track("audio");
    return track !== null && track.enabled && !track.muted;
  }

  get video() {
    const track = this.track("video");
    return track !== null && !track.muted;
  }

  /** Loudness of the microphone, 0 to 1. */
  get level() {
    const track = this.track("audio");
    if (!track?.enabled) return 0;
    if (this.#meter?.track !== track) {
      this.#meter?.close();
      this.#meter = new Meter(track);
    }
    return this.#meter.level;
  }

  /** @param {Kind} kind */
  track(kind) {
    if (kind === "screen") return this.screen?.getVideoTracks()[0] ?? null;
    return this.stream.getTracks().find((track) => track.kind === kind) ?? null;
  }

  /**
   * Asks for what is wanted and not there, in one prompt; what the system muted is asked for again. It does not reject:
   * what could not be had is in `problems`.
   * @param {{ audio?: boolean, video?: boolean }} wanted
   */
  start(wanted) {
    return this.#next(async () => {
      const kinds = /** @type {Capture[]} */ (["audio", "video"]).filter((kind) => wanted[kind] && !(this.track(kind)?.muted === false));
      for (const kind of kinds) this.#drop(this.track(kind));
      if (kinds.length > 0) await this.#acquire(kinds);
    });
  }

  /** @param {boolean} on */
  setAudio(on) {
    return this.#next(async () => {
      const track = this.track("audio");
      if (on) this.#muted = false;
      if (track) track.enabled = on;
      else if (on) await this.#acquire(["audio"]);
    });
  }

  /** @param {boolean} on */
  setVideo(on) {
    return this.#next(async () => {
      const track = this.track("video");
      if (track && !on) this.#drop(track);
      else if (!track && on) await this.#acquire(["video"]);
    });
  }

  /**
   * Shares a screen, a window or a tab, whichever the user picks; or stops that.
   * @param {boolean} on
   */
  setScreen(on) {
    return this.#next(async () => {
      const track = this.track("screen");
      if (track && !on) this.#drop(track);
      else if (!track && on) await this.#share();
    });
  }

  /**
   * Uses another microphone or camera, now if one is in use, and from now on.
   * @param {Capture} kind
   * @param {string} device its `deviceId`
   */
  setDevice(kind, device) {
    return this.#next(async () => {
      this.#devices[kind] = device;
      const former = this.track(kind);
      if (!former || this.#own[kind]) return;
      this.#drop(former); // first, as phones open one camera at a time
      await this.#acquire([kind]);
    });
  }

  /**
   * Sends a track of the application instead of the device's; null gives it up.
   * @param {Kind} kind
   * @param {MediaStreamTrack | null} track
   */
  setTrack(kind, track) {
    if (track && track.kind !== (kind === "audio" ? "audio" : "video")) {
      throw new TypeError(`setTrack("${kind}") got a track of kind "${track.kind}".`);
    }
    return this.#next(async () => this.#use(kind, track));
  }

  close() {
    this.#closed = true;
    this.#meter?.close();
    for (const kind of KINDS) this.#drop(this.track(kind));
  }

  /** @param {() => Promise<void>} step */
  #next(step) {
    this.#queue = this.#queue.then(step).then(() => this.emit("change"));
    return this.#queue;
  }

  /**
   * @param {Kind} kind
   * @param {MediaStreamTrack | null} track
   */
  #use(kind, track) {
    this.#drop(this.track(kind));
    this.#own[kind] = track;
    this.problems[kind] = null;
    if (track) this.#adopt(kind, track);
  }

  async #share() {
    if (this.#own.screen) return this.#adopt("screen", this.#own.screen);
    try {
      const stream = await mediaDevices().getDisplayMedia({ video: { frameRate: { max: 15 } } });
      const [track] = stream.getVideoTracks();
      track.contentHint = "detail";
      this.problems.screen = null;
      this.#adopt("screen", track);
    } catch (cause) {
      const error = explain(cause);
      this.problems.screen = error.code === "permission-denied" ? null : error; // then nothing was picked
    }
  }

  /** @param {Capture[]} wanted */
  async #acquire(wanted) {
    for (const kind of wanted) if (this.#own[kind]) this.#adopt(kind, this.#own[kind]);
    const kinds = wanted.filter((kind) => !this.#own[kind]);
    if (kinds.length === 0) return;
    try {
      const stream = await mediaDevices().getUserMedia(Object.fromEntries(kinds.map((kind) => [kind, this.#constraints(kind)])));
      for (const kind of kinds) this.problems[kind] = null;
      for (const track of stream.getTracks()) this.#adopt(/** @type {Capture} */ (track.kind), track);
    } catch (cause) {
      const error = explain(cause);
      // A camera that is missing or blocked must not cost the microphone; what the user refuses is not asked again.
      if (kinds.length > 1 && (error.code !== "permission-denied" || (await isOneBlocked()))) {
        for (const kind of kinds) await this.#acquire([kind]);
      } else if (error.code === "no-device" && this.#devices[kinds[0]]) {
        this.#devices[kinds[0]] = undefined; // the chosen one is not there
        await this.#acquire(kinds);
      } else {
        for (const kind of kinds) this.problems[kind] = error;
      }
    }
  }

  /**
   * @param {Kind} kind
   * @param {MediaStreamTrack} track
   */
  #adopt(kind, track) {
    if (this.#closed) {
      if (this.#own[kind] !== track) track.stop();
      return;
    }
    if (kind === "audio" && this.#muted) track.enabled = false;
    if (kind === "screen") this.screen = new MediaStream([track]);
    else this.stream.addTrack(track);
    this.#follow(kind, track);
    if (kind !== "screen") this.#followMuting(kind, track);
  }

  /**
   * Listens to a track while it is in use.
   * @param {Kind} kind
   * @param {MediaStreamTrack} track
   */
  #follow(kind, track) {
    if (this.#followed.has(track)) return;
    this.#followed.add(track);
    const whileInUse = (/** @type {() => void} */ act) => () => {
      if (this.track(kind) === track) act();
    };
    track.addEventListener("ended", whileInUse(() => this.#lose(kind, track)));
    if (kind === "screen") return;
    for (const event of ["mute", "unmute"]) track.addEventListener(event, whileInUse(() => this.#followMuting(kind, track)));
  }

  /**
   * A device was unplugged, or taken away in the browser's own controls.
   * @param {Kind} kind
   * @param {MediaStreamTrack} track
   */
  #lose(kind, track) {
    this.#drop(track);
    if (this.#own[kind] === track) this.#own[kind] = null;
    else if (kind !== "screen") this.problems[kind] = new SignalboxError("device-lost", `The ${kind} device went away.`);
    this.emit("change");
  }

  /**
   * The system mutes a microphone for a call or by a headset's button, and a camera that is covered.
   * @param {Capture} kind
   * @param {MediaStreamTrack} track
   */
  #followMuting(kind, track) {
    const code = "device-muted";
    if (track.muted) this.problems[kind] = new SignalboxError(code, `The system muted the ${kind} device.`);
    else if (this.problems[kind]?.code === code) this.problems[kind] = null;
    this.emit("change");
  }

  /** @param {MediaStreamTrack | null} track */
  #drop(track) {
    if (!track) return;
    this.stream.removeTrack(track);
    if (track.kind === "audio") this.#muted = !track.enabled;
    if (track === this.track("screen")) this.screen = null;
    if (!Object.values(this.#own).includes(track)) track.stop();
  }

  /** @param {Capture} kind */
  #constraints(kind) {
    const device = this.#devices[kind];
    if (!device) return CONSTRAINTS[kind];
    const { facingMode, ...rest } = CONSTRAINTS[kind];
    return { ...rest, deviceId: { exact: device } };
  }
}

/** Whether the user blocked either microphone or camera for good, and not the other. */
async function isOneBlocked() {
  try {
    const names = /** @type {PermissionName[]} */ (["microphone", "camera"]);
    const [one, other] = await Promise.all(names.map((name) => navigator.permissions.query({ name })));
    return (one.state === "denied") !== (other.state === "denied");
  } catch {
    return false; // the browser does not tell
  }
}

function mediaDevices() {
  if (navigator.mediaDevices) return navigator.mediaDevices;
  throw isSecureContext
    ? new SignalboxError("unsupported-browser", "This browser offers no media devices.")
    : new SignalboxError("insecure-origin", "Camera and microphone need https or localhost.");
}

/** @param {unknown} cause */
function explain(cause) {
  if (cause instanceof SignalboxError) return cause;
  const { name, message } = /** @type {Error} */ (cause);
  if (name === "NotAllowedError" && /by system/.test(message)) return new SignalboxError("denied-by-system", message); // as Chromium says it
  if (name === "NotAllowedError" || name === "SecurityError") return new SignalboxError("permission-denied", message);
  if (name === "TypeError") return new SignalboxError("unsupported-browser", message);
  if (name === "NotFoundError" || name === "OverconstrainedError") return new SignalboxError("no-device", message);
  return new SignalboxError("device-busy", message);
}

/** Measures a track's loudness. */
class Meter {
  #context = new AudioContext();
  #analyser = this.#context.createAnalyser();
  #samples = new Float32Array(this.#analyser.fftSize);

  /** @param {MediaStreamTrack} track */
  constructor(track) {
    this.track = track;
    this.#context.createMediaStreamSource(new MediaStream([track])).connect(this.#analyser);
  }

  get level() {
    // Without a click the browser does not let it begin.
    if (this.#context.state === "suspended" && navigator.userActivation?.hasBeenActive) this.#context.resume().catch(() => {});
    this.#analyser.getFloatTimeDomainData(this.#samples);
    const power = this.#samples.reduce((sum, sample) => sum + sample * sample, 0) / this.#samples.length;
    return Math.min(1, Math.sqrt(power) * 3);
  }

  close() {
    void this.#context.close();
  }
}
