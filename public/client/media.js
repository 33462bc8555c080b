// @ts-check
import { Emitter } from "./emitter.js";
import { SignalboxError } from "./protocol.js";
/** @import { Capture, Kind, MediaEvents } from "./types.js" */

export const KINDS = /** @type {const} */ (["audio", "video", "screen"]);

/** @type {Record<"audio" | "video", MediaTrackConstraints>} */
const CONSTRAINTS = {
  audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true },
  video: { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30, max: 30 }, facingMode: "user" },
};

const SCREEN = {
  video: { frameRate: { max: 15 } },
  audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
  selfBrowserSurface: "exclude",
  surfaceSwitching: "include",
};

/** The public members are described in signalbox.d.ts. @extends {Emitter<MediaEvents>} */
export class LocalMedia extends Emitter {
  stream = new MediaStream();
  /** @type {MediaStream | null} */
  screen = null;
  /** @type {Record<Kind, SignalboxError | null>} */
  problems = { audio: null, video: null, screen: null };

  #constraints = { ...CONSTRAINTS };
  /** The tracks of the application. @type {Record<Kind, MediaStreamTrack | null>} */
  #own = { audio: null, video: null, screen: null };
  /** Tracks with our listeners. @type {WeakSet<MediaStreamTrack>} */
  #followed = new WeakSet();
  #closed = false;
  /** Whether the last microphone was muted. */
  #muted = false;
  /** @type {Promise<void>} */
  #queue = Promise.resolve();
  /** @type {Meter | null} */
  #meter = null;

  /** @param {{ audio?: string, video?: string }} [devices] the ids of the devices to use, if present */
  constructor({ audio, video } = {}) {
    super();
    this.#restrict("audio", device(audio));
    this.#restrict("video", device(video));
  }

  /** Sends the first audio and the first video track of a stream. @param {MediaStream} stream */
  static of(stream) {
    const media = new LocalMedia();
    for (const kind of /** @type {const} */ (["audio", "video"])) media.#use(kind, stream.getTracks().find((track) => track.kind === kind) ?? null);
    return media;
  }

  get audio() {
    const track = this.track("audio");
    return track !== null && track.enabled && !track.muted;
  }

  get video() {
    const track = this.track("video");
    return track !== null && !track.muted;
  }

  get level() {
    return this.track("audio")?.enabled ? this.voice : 0;
  }

  get voice() {
    const track = this.track("audio");
    if (!track) return 0;
    if (this.#meter?.track !== track) {
      this.#meter?.close();
      this.#meter = new Meter(track);
    }
    return this.#meter.level;
  }

  /** @param {Kind | "sound"} kind */
  track(kind) {
    if (kind === "screen") return this.screen?.getVideoTracks()[0] ?? null;
    if (kind === "sound") return this.screen?.getAudioTracks()[0] ?? null;
    return this.stream.getTracks().find((track) => track.kind === kind) ?? null;
  }

  /** @param {{ audio?: boolean, video?: boolean }} wanted */
  start(wanted) {
    return this.#next(async () => {
      const kinds = /** @type {Capture[]} */ (["audio", "video"]).filter((kind) => wanted[kind] && !(this.track(kind)?.muted === false));
      for (const kind of kinds) this.#drop(kind);
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
      if (!on) this.#drop("video");
      else if (!this.track("video")) await this.#acquire(["video"]);
    });
  }

  /** @param {boolean} on */
  setScreen(on) {
    return this.#next(async () => {
      if (!on) this.#drop("screen");
      else if (!this.track("screen")) await this.#share();
    });
  }

  /**
   * @param {Capture} kind
   * @param {string} id
   */
  setDevice(kind, id) {
    return this.constrain(kind, device(id));
  }

  /**
   * @param {Capture} kind
   * @param {MediaTrackConstraints} constraints
   */
  constrain(kind, constraints) {
    return this.#next(async () => {
      this.#restrict(kind, constraints);
      if (!this.track(kind) || this.#own[kind]) return;
      this.#drop(kind); // phones open one camera at a time
      await this.#acquire([kind]);
    });
  }

  /**
   * @param {Kind} kind
   * @param {MediaStreamTrack | null} track
   */
  setTrack(kind, track) {
    if (!KINDS.includes(kind) || (track && track.kind !== (kind === "audio" ? "audio" : "video"))) {
      throw new TypeError(`setTrack("${kind}") got a track of kind "${track?.kind}".`);
    }
    return this.#next(async () => this.#use(kind, track));
  }

  close() {
    this.#closed = true;
    this.#meter?.close();
    this.#meter = null;
    for (const kind of KINDS) this.#drop(kind);
  }

  /**
   * @param {Capture} kind
   * @param {MediaTrackConstraints} constraints
   */
  #restrict(kind, constraints) {
    this.#constraints[kind] = { ...this.#constraints[kind], ...constraints };
  }

  /** @param {() => Promise<void>} step */
  #next(step) {
    const done = this.#queue.then(step).then(() => void this.emit("change"));
    this.#queue = done.catch(() => {}); // the caller gets the error; later steps still run
    return done;
  }

  /**
   * @param {Kind} kind
   * @param {MediaStreamTrack | null} track
   */
  #use(kind, track) {
    this.#drop(kind);
    this.#own[kind] = track;
    this.problems[kind] = null;
    this.#adoptOwn(kind);
  }

  /** Sends the application's track, unless it has ended; returns whether there is one. @param {Kind} kind */
  #adoptOwn(kind) {
    const track = this.#own[kind];
    if (track?.readyState === "live") this.#adopt(kind, track);
    else this.#own[kind] = null;
    return this.#own[kind] !== null;
  }

  async #share() {
    if (this.#adoptOwn("screen")) return;
    try {
      const stream = await mediaDevices().getDisplayMedia(SCREEN);
      const [track] = stream.getVideoTracks();
      track.contentHint = "detail";
      this.problems.screen = null;
      this.#adopt("screen", track, stream);
    } catch (cause) {
      const error = explain(cause);
      this.problems.screen = error.code === "permission-denied" ? null : error; // the user cancelled
    }
  }

  /** @param {Capture[]} wanted */
  async #acquire(wanted) {
    const kinds = wanted.filter((kind) => !this.#adoptOwn(kind));
    if (kinds.length === 0) return;
    try {
      const stream = await mediaDevices().getUserMedia(Object.fromEntries(kinds.map((kind) => [kind, this.#constraints[kind]])));
      for (const kind of kinds) this.problems[kind] = null;
      for (const track of stream.getTracks()) this.#adopt(/** @type {Capture} */ (track.kind), track);
    } catch (cause) {
      const error = explain(cause);
      // Without a camera, the microphone still opens. What the user refused is not asked again.
      if (kinds.length > 1 && (error.code !== "permission-denied" || (await isOneBlocked()))) {
        for (const kind of kinds) await this.#acquire([kind]);
      } else if (error.code === "no-device" && this.#constraints[kinds[0]].deviceId) {
        this.#restrict(kinds[0], device()); // the chosen one is not there
        await this.#acquire(kinds);
      } else {
        for (const kind of kinds) this.problems[kind] = error;
      }
    }
  }

  /**
   * @param {Kind} kind
   * @param {MediaStreamTrack} track
   * @param {MediaStream} [screen] with the sound of the screen
   */
  #adopt(kind, track, screen = new MediaStream([track])) {
    if (this.#closed) {
      if (this.#own[kind] !== track) for (const each of screen.getTracks()) each.stop();
      return;
    }
    if (kind === "audio" && this.#muted) track.enabled = false;
    if (kind === "screen") this.screen = screen;
    else this.stream.addTrack(track);
    this.#follow(track);
    this.#followMuting(kind, track);
  }

  /** One track may be both camera and screen. @param {MediaStreamTrack} track */
  #follow(track) {
    if (this.#followed.has(track)) return;
    this.#followed.add(track);
    const inUse = (/** @type {(kind: Kind) => void} */ act) => () => KINDS.filter((kind) => this.track(kind) === track).forEach(act);
    track.addEventListener("ended", inUse((kind) => this.#lose(kind, track)));
    for (const event of ["mute", "unmute"]) track.addEventListener(event, inUse((kind) => this.#followMuting(kind, track)));
  }

  /**
   * A device was unplugged, or taken away in the browser's own controls. A microphone is replaced by another one, a
   * camera is not: another could show too much.
   * @param {Kind} kind
   * @param {MediaStreamTrack} track
   */
  #lose(kind, track) {
    const isOwn = this.#own[kind] === track;
    this.#drop(kind);
    if (isOwn) this.#own[kind] = null;
    else if (kind !== "screen") this.problems[kind] = new SignalboxError("device-lost", `The ${kind} device was disconnected.`);
    this.emit("change");
    if (kind === "audio" && !isOwn) void this.#next(() => this.#replaceMicrophone());
  }

  async #replaceMicrophone() {
    const { audio: lost } = this.problems;
    if (this.track("audio") || lost?.code !== "device-lost") return;
    // Without permission there are no labels, and the browser would ask the user unexpectedly.
    const devices = await mediaDevices().enumerateDevices();
    if (!devices.some(({ kind, label }) => kind === "audioinput" && label)) return;
    this.#restrict("audio", device());
    await this.#acquire(["audio"]);
    const track = this.track("audio");
    if (track) this.emit("replaced", track);
    else this.problems.audio = lost;
  }

  /**
   * The system may mute a device for a phone call.
   * @param {Kind} kind
   * @param {MediaStreamTrack} track
   */
  #followMuting(kind, track) {
    if (kind === "screen") return;
    const code = "device-muted";
    if (track.muted) this.problems[kind] = new SignalboxError(code, `The system muted the ${kind} device.`);
    else if (this.problems[kind]?.code === code) this.problems[kind] = null;
    this.emit("change");
  }

  /** @param {Kind} kind */
  #drop(kind) {
    const track = this.track(kind);
    if (!track) return;
    if (kind === "screen") {
      this.track("sound")?.stop();
      this.screen = null;
    } else {
      this.stream.removeTrack(track);
    }
    if (this.#meter?.track === track) {
      this.#meter.close(); // its copy would keep the microphone open
      this.#meter = null;
    }
    if (kind === "audio") this.#muted = !track.enabled;
    if (!Object.values(this.#own).includes(track)) track.stop();
  }
}

/** @param {string} [id] absent: any device @returns {MediaTrackConstraints} */
function device(id) {
  return id ? { deviceId: { exact: id }, facingMode: undefined } : { deviceId: undefined };
}

/** Whether the user blocked one of microphone and camera, and not the other. */
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

/** Measures the loudness of a copy of a track. The copy is never muted. */
class Meter {
  #context = new AudioContext();
  #analyser = this.#context.createAnalyser();
  #copy;
  #samples = new Float32Array(this.#analyser.fftSize);

  /** @param {MediaStreamTrack} track */
  constructor(track) {
    this.track = track;
    this.#copy = track.clone();
    this.#copy.enabled = true;
    this.#context.createMediaStreamSource(new MediaStream([this.#copy])).connect(this.#analyser);
  }

  get level() {
    // Browsers start it only after a click.
    if (this.#context.state === "suspended" && navigator.userActivation?.hasBeenActive) this.#context.resume().catch(() => {});
    this.#analyser.getFloatTimeDomainData(this.#samples);
    const power = this.#samples.reduce((sum, sample) => sum + sample * sample, 0) / this.#samples.length;
    return Math.min(1, Math.sqrt(power) * 3);
  }

  close() {
    this.#copy.stop();
    void this.#context.close();
  }
}
