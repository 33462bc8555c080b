// @ts-check
import { Follower } from "./follower.js";
import { memory, tabMemory } from "./memory.js";
import { currentKey, currentRoom, currentToken, newRoom, roomPath } from "./route.js";
import { ofMedia, ofRoom } from "./snapshot.js";
import { noCall } from "./store.js";
import { shownName, text } from "./strings.js";
import { toast } from "./toast.js";

/** @typedef {"audio" | "video"} Kind */

/** The module. The first screen does not wait for it. After a failure, only a reload helps. */
const signalbox = import("../signalbox.js");
signalbox.catch(() => {}); // reported when it is needed

/** Where the tab keeps its secret for a room. @param {string} room */
const rejoinKey = (room) => `rejoin ${room}`;

/** The user's actions. They change the store, and the views follow. */
export class Session {
  #store;
  /** @type {Room | null} */
  #room = null;
  /** @type {Follower | null} */
  #follower = null;
  /** @type {LocalMedia | null} */
  #media = null;
  #attempt = new AbortController();
  #password = "";

  /** @param {Store} store */
  constructor(store) {
    this.#store = store;
    navigator.mediaDevices?.addEventListener("devicechange", () => void this.#listDevices());
    document.addEventListener("visibilitychange", () => document.hidden || this.showPanel(store.state.panel)); // marks chat as read
  }

  get level() {
    return this.#media?.level ?? 0;
  }

  get voice() {
    return this.#media?.voice ?? 0;
  }

  /** Shows the view of the address. */
  route() {
    this.#end();
    const room = currentRoom();
    if (room !== this.#store.state.room) this.#password = "";
    const problem = room === null ? "misnamed" : null;
    this.#store.set({ room: room ?? null, key: currentKey(), view: room ? "prejoin" : "home", problem, passworded: false });
    if (room) void this.#previewIfAllowed();
  }

  /** A new room, with a key in its link. */
  async start() {
    const module = await signalbox.catch(() => location.reload()); // the browser says what is wrong
    if (!module || this.#store.state.view !== "home") return; // another click was first
    this.open(newRoom(), isSecureContext ? module.createKey() : undefined); // elsewhere browsers do not encrypt
  }

  /**
   * @param {string} room
   * @param {string} [key]
   */
  open(room, key) {
    history.pushState(null, "", roomPath(room, key));
    this.route();
    void this.preview(); // this follows a click
  }

  home() {
    history.pushState(null, "", "/");
    this.route();
  }

  /** @param {string} name */
  rename(name) {
    memory.set("name", name);
    this.#store.set({ name });
  }

  /** Opens the wanted devices. */
  async preview() {
    const { wanted, asking, joining } = this.#store.state;
    if (asking || joining || !(wanted.audio || wanted.video)) return;
    this.#store.set({ asking: true });
    const media = await this.#openMedia();
    const { view, joining: joins } = this.#store.state;
    if (view === "prejoin" && !joins) await media?.start(this.#store.state.wanted);
    this.#store.set({ asking: false });
  }

  /** @param {Kind} kind */
  async toggle(kind) {
    const { media, wanted } = this.#store.state;
    const on = !(media ?? wanted)[kind];
    memory.set(kind, on ? "on" : "off");
    this.#store.set({ wanted: { ...wanted, [kind]: on }, mutedBy: null });
    if (!media && !on) return;
    const opened = await this.#openMedia();
    const now = this.#store.state.wanted[kind];
    await (kind === "audio" ? opened?.setAudio(now) : opened?.setVideo(now));
  }

  /** @param {boolean} on */
  async talk(on) {
    await this.#media?.setAudio(on);
  }

  async share() {
    await this.#media?.setScreen(!this.#media.screen);
  }

  /** Opens devices again after a problem. @param {readonly (Kind | "screen")[]} kinds */
  async again(kinds) {
    if (kinds.includes("screen")) await this.#media?.setScreen(true);
    else await this.#media?.start({ audio: kinds.includes("audio"), video: kinds.includes("video") });
  }

  /**
   * Stores a setting, and reopens its device.
   * @param {string} setting
   * @param {string | boolean} value
   */
  set(setting, value) {
    memory.set(setting, typeof value === "string" ? value : value ? "on" : "off");
    this.#store.set({ [setting]: value });
    if (setting === "noise" || setting === "echo") this.#processSound();
    else if (setting === "blur" || setting === "lowData") this.#processPicture();
  }

  /**
   * @param {Kind | "speaker"} kind
   * @param {string} id
   */
  async choose(kind, id) {
    memory.set(kind === "speaker" ? kind : `${kind}-device`, id);
    if (kind === "speaker") this.#store.set({ speaker: id });
    else await this.#media?.setDevice(kind, id);
  }

  /** Uses the next camera: on a phone, the one on the other side. */
  async switchCamera() {
    const { devices, media } = this.#store.state;
    const cameras = devices.filter(({ kind, deviceId }) => kind === "videoinput" && deviceId);
    const index = cameras.findIndex(({ deviceId }) => deviceId === media?.used.video) + 1;
    if (cameras.length > 0) await this.choose("video", cameras[index % cameras.length].deviceId);
  }

  /** @param {{ chatOnly?: boolean, password?: string }} [options] */
  async join({ chatOnly = false, password } = {}) {
    const { room, key, name, wanted, joining } = this.#store.state;
    if (!room || joining) return;
    const { signal } = (this.#attempt = new AbortController());
    this.#password = password || this.#password; // a later attempt uses it
    this.#store.set({ joining: true, problem: null });
    if (chatOnly) this.#closeMedia();
    try {
      const module = await this.#load();
      const media = await this.#openMedia();
      signal.throwIfAborted();
      if (!module || !media) return;
      const seen = Object.values(media.problems).filter((problem) => problem !== null); // the call need not tell them again
      this.#store.set({ dismissed: new Set(seen) });
      const untried = { audio: wanted.audio && !media.problems.audio, video: wanted.video && !media.problems.video };
      if (!chatOnly) await media.start(untried);
      const onWaiting = () => this.#store.state.joining && this.#store.set({ waiting: true });
      const token = currentToken() ?? undefined;
      const options = { name: shownName(name.trim()), media, key: key ?? undefined, requireVerified: key !== null, password: this.#password || undefined, rejoin: tabMemory.get(rejoinKey(room)) ?? undefined, token, signal, onWaiting };
      this.#joined(await module.join(room, options));
    } catch (error) {
      if (signal.aborted) return;
      const { code = "internal" } = /** @type {Partial<SignalboxError>} */ (error);
      if (code === "internal") reportError(error);
      const asked = code === "bad-password";
      const problem = asked && !this.#password ? "password-wanted" : code;
      if (asked) this.#password = "";
      this.#store.set({ joining: false, waiting: false, problem, passworded: this.#store.state.passworded || asked });
    }
  }

  cancel() {
    this.#attempt.abort();
    this.#store.set({ joining: false, waiting: false });
  }

  leave() {
    this.#end();
    this.#store.set({ view: "ended", endedBy: null });
  }

  /** @param {boolean} on */
  typing(on) {
    this.#room?.chat.typing(on);
  }

  /** @param {string} message */
  say(message) {
    this.#room?.chat.send(message, { to: this.#store.state.receiver ?? undefined });
  }

  /** @param {string} failed the `mid` of a message */
  resend(failed) {
    const message = this.#room?.chat.messages.find(({ mid }) => mid === failed);
    if (message) this.#room?.chat.retry(message);
  }

  async raiseHand() {
    await this.#room?.update({ handRaised: !this.#room.self.handRaised }).catch((error) => this.#fail(error));
  }

  hear() {
    void this.#room?.startAudio();
  }

  /**
   * Runs an action of the host.
   * @param {(host: Host) => Promise<void>} act
   * @returns {Promise<boolean>} whether it was done
   */
  async asHost(act) {
    try {
      if (this.#room) await act(this.#room.host);
      return true;
    } catch (error) {
      this.#fail(error);
      return false;
    }
  }

  /** Sends files to all peers. @param {readonly File[]} files */
  sendFiles(files) {
    const { people } = this.#store.state;
    if (people.length === 0) this.#store.set({ problem: "nobody-here" });
    for (const file of files) {
      for (const [index, { peer }] of people.entries()) {
        try {
          this.#follower?.addFile(peer.sendFile(file), index ? null : file); // a picture is shown once
        } catch (error) {
          this.#fail(error);
        }
      }
    }
  }

  /** @param {Tab | null} panel */
  showPanel(panel) {
    this.#store.set({ panel, unread: panel === "chat" ? 0 : this.#store.state.unread });
  }

  /**
   * Changes how a person is shown, only here.
   * @param {Peer} adjusted
   * @param {{ volume?: number, isHidden?: boolean }} changes
   */
  adjust(adjusted, changes) {
    this.#store.set({ people: this.#store.state.people.map((person) => (person.peer === adjusted ? { ...person, ...changes } : person)) });
  }

  /** @param {object} problem the user has seen it */
  dismiss(problem) {
    this.#store.set({ dismissed: new Set([...this.#store.state.dismissed, problem]) });
  }

  /** The user declines to be muted. */
  stayUnmuted() {
    this.#store.set({ mutedBy: null });
  }

  /** @param {Room} room */
  #joined(room) {
    this.#room = room;
    this.#store.set({ ...noCall, view: "call", call: ofRoom(room) });
    this.#follower = new Follower(room, this.#store);
    const keep = () => tabMemory.set(rejoinKey(room.info.name), room.rejoin);
    keep();
    room.on("change", keep);
    room.on("mediaRefused", (error) => this.#fail(error));
    room.on("closed", ({ code, message }) => {
      if (this.#room !== room) return;
      this.#end();
      this.#store.set({ view: "ended", endedBy: code, reason: code === "closed" ? message : "" });
    });
  }

  /** Something in a call could not be done. @param {unknown} error */
  #fail(error) {
    this.#store.set({ problem: /** @type {SignalboxError} */ (error).code });
  }

  /** A preview without a click, if the browser need not ask. */
  async #previewIfAllowed() {
    const { wanted } = this.#store.state;
    const names = [...(wanted.audio ? ["microphone"] : []), ...(wanted.video ? ["camera"] : [])];
    try {
      const answers = await Promise.all(names.map((name) => navigator.permissions.query({ name: /** @type {PermissionName} */ (name) })));
      if (answers.every(({ state }) => state === "granted") && this.#store.state.view === "prejoin") await this.preview();
    } catch {
      // Unknown: the preview opens on a click.
    }
  }

  /** The module; if it could not be loaded, the page says so. */
  #load() {
    return signalbox.catch(() => {
      this.#store.set({ joining: false, problem: "not-loaded" });
      return null;
    });
  }

  /** Null also if the room was left meanwhile. */
  async #openMedia() {
    const module = this.#media ? null : await this.#load();
    const { view } = this.#store.state;
    if (this.#media || !module || (view !== "prejoin" && view !== "call")) return this.#media; // opened or left meanwhile
    const media = new module.LocalMedia({ audio: memory.get("audio-device") ?? "", video: memory.get("video-device") ?? "" });
    this.#media = media;
    const follow = () => this.#media === media && this.#store.set({ media: ofMedia(media) });
    media.on("change", () => {
      follow();
      void this.#listDevices(); // by now with their names
    });
    media.on("replaced", ({ label }) => toast(text("device.replaced", { name: label })));
    this.#processSound();
    this.#processPicture();
    follow();
    return media;
  }

  #processSound() {
    const { noise, echo } = this.#store.state;
    void this.#media?.constrain("audio", { noiseSuppression: noise, echoCancellation: echo });
  }

  #processPicture() {
    const { blur, lowData } = this.#store.state;
    const picture = lowData ? { width: 320, height: 180, frameRate: 10 } : { width: 1280, height: 720, frameRate: 30 };
    void this.#media?.constrain("video", /** @type {MediaTrackConstraints} */ ({ ...picture, backgroundBlur: blur || undefined }));
  }

  async #listDevices() {
    const devices = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
    this.#store.set({ devices });
  }

  #closeMedia() {
    this.#media?.close();
    this.#media = null;
    this.#store.set({ media: null, asking: false });
  }

  #end() {
    const room = this.#room;
    this.#attempt.abort();
    this.#room = null;
    this.#follower = null;
    this.#store.set(noCall);
    room?.leave();
    this.#closeMedia();
  }
}
