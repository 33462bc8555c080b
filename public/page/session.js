// @ts-check
import { memory, tabMemory } from "./memory.js";
import { currentKey, currentRoom, currentToken, newRoom, roomPath } from "./route.js";
import { shownName } from "./strings.js";

/** @typedef {"audio" | "video"} Kind */

/** The module. The first screen does not wait for it. After a failure it takes a reload. */
const signalbox = import("../signalbox.js");
signalbox.catch(() => {}); // told when it is needed

/** Under which the tab keeps what lets it into a room again. @param {string} room */
const rejoinKey = (room) => `rejoin ${room}`;

/** What a user can do. Each action changes the store; the views follow. */
export class Session {
  #store;
  #lines = 0;
  #attempt = new AbortController();
  #password = "";

  /** @param {import("./store.js").Store} store */
  constructor(store) {
    this.#store = store;
    navigator.mediaDevices?.addEventListener("devicechange", () => void this.#listDevices());
  }

  /** Shows what the address names. */
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
    void this.preview(); // we come from a click
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

  /** Asks for what is wanted, on a click. */
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
    const on = !(media ? media[kind] : wanted[kind]);
    memory.set(kind, on ? "on" : "off");
    this.#store.set({ wanted: { ...wanted, [kind]: on }, mutedBy: null });
    if (!media && !on) return;
    const opened = await this.#openMedia();
    const now = this.#store.state.wanted[kind];
    await (kind === "audio" ? opened?.setAudio(now) : opened?.setVideo(now));
  }

  /** For as long as a key is held. @param {boolean} on */
  async talk(on) {
    await this.#store.state.media?.setAudio(on);
  }

  async share() {
    const { media } = this.#store.state;
    await media?.setScreen(!media.screen);
  }

  /** Tries again what a device refused. @param {readonly (Kind | "screen")[]} kinds */
  async again(kinds) {
    const { media } = this.#store.state;
    if (kinds.includes("screen")) await media?.setScreen(true);
    else await media?.start({ audio: kinds.includes("audio"), video: kinds.includes("video") });
  }

  /**
   * Uses another device, now and next time.
   * @param {Kind | "speaker"} kind
   * @param {string} id
   */
  async choose(kind, id) {
    memory.set(kind === "speaker" ? kind : `${kind}-device`, id);
    if (kind === "speaker") this.#store.set({ speaker: id });
    else await this.#store.state.media?.setDevice(kind, id);
  }

  /** @param {{ chatOnly?: boolean, password?: string }} [options] */
  async join({ chatOnly = false, password } = {}) {
    const { room, key, name, wanted, joining } = this.#store.state;
    if (!room || joining) return;
    const { signal } = (this.#attempt = new AbortController());
    this.#password = password || this.#password; // an attempt after another has the same
    this.#store.set({ joining: true, problem: null });
    if (chatOnly) this.#closeMedia();
    try {
      const module = await this.#load();
      const media = await this.#openMedia();
      signal.throwIfAborted();
      if (!module || !media) return;
      const seen = Object.values(media.problems).filter((problem) => problem !== null); // they need not be told in the call
      this.#store.set({ dismissed: new Set(seen) });
      const untried = { audio: wanted.audio && !media.problems.audio, video: wanted.video && !media.problems.video };
      if (!chatOnly) await media.start(untried);
      const onWaiting = () => this.#store.state.joining && this.#store.set({ waiting: true });
      const token = currentToken() ?? undefined;
      const options = { name: shownName(name.trim()), media, key: key ?? undefined, requireVerified: key !== null, password: this.#password || undefined, rejoin: tabMemory.get(rejoinKey(room)) ?? undefined, token, signal, onWaiting };
      this.#joined(await module.join(room, options));
    } catch (error) {
      if (signal.aborted) return;
      const { code = "internal" } = /** @type {Partial<import("../signalbox.js").SignalboxError>} */ (error);
      if (code === "internal") reportError(error);
      const asked = code === "bad-password";
      const problem = asked && !this.#password ? "password-wanted" : code;
      if (asked) this.#password = "";
      this.#store.set({ joining: false, waiting: false, problem, passworded: this.#store.state.passworded || asked });
    }
  }

  /** Joins no longer. */
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
    this.#store.state.call?.chat.typing(on);
  }

  /** @param {string} message */
  say(message) {
    this.#store.state.call?.chat.send(message);
  }

  async raiseHand() {
    const { call } = this.#store.state;
    await call?.update({ hand: !call.self.hand }).catch((error) => this.#fail(error));
  }

  /** To everybody who is here now. @param {readonly File[]} files */
  sendFiles(files) {
    const { peers } = this.#store.state;
    if (peers.length === 0) this.#store.set({ problem: "nobody-here" });
    for (const file of files) {
      for (const peer of peers) {
        try {
          this.#file(peer.sendFile(file));
        } catch (error) {
          this.#fail(error);
        }
      }
    }
  }

  /** @param {import("./state.js").Tab | null} panel */
  showPanel(panel) {
    this.#store.set({ panel, unread: panel === "chat" ? 0 : this.#store.state.unread });
  }

  /** The user wants to hear no more of it. @param {object} problem */
  dismiss(problem) {
    this.#store.set({ dismissed: new Set([...this.#store.state.dismissed, problem]) });
  }

  /** The user will not be muted. */
  stayUnmuted() {
    this.#store.set({ mutedBy: null });
  }

  /** @param {import("../signalbox.js").Room} call */
  #joined(call) {
    this.#store.set({ view: "call", joining: false, waiting: false, call, peers: [], lines: [], unread: 0, mutedBy: null });
    const keep = () => tabMemory.set(rejoinKey(call.info.name), call.rejoin);
    keep();
    const { chat } = call;
    for (const message of chat.messages) this.#message(message);
    if (chat.messages.length > 0) this.#event("chat.before");
    chat.on("message", (message) => this.#message(message));
    chat.on("change", () => this.#store.set());
    chat.on("typing", () => this.#store.set());
    chat.on("cleared", () => {
      const kept = new Set(chat.messages);
      this.#store.set({ lines: this.#store.state.lines.filter(({ message, file }) => file || (message && kept.has(message))), unread: 0 });
      this.#event("chat.cleared");
    });
    const present = new Set(call.peers.values()); // those who come later are announced
    call.on("peer", (peer) => this.#peer(call, peer, !present.has(peer)));
    call.on("file", (file) => this.#file(file));
    call.on("change", () => {
      keep();
      this.#store.set();
    });
    call.on("mute-request", (by) => call.media.audio && this.#store.set({ mutedBy: shownName(by?.name ?? "") }));
    call.on("refused", (error) => this.#fail(error));
    call.on("closed", ({ code, message }) => {
      if (this.#store.state.call !== call) return;
      this.#end();
      this.#store.set({ view: "ended", endedBy: code, reason: code === "closed" ? message : "" });
    });
  }

  /** Something in a call could not be done. @param {unknown} error */
  #fail(error) {
    this.#store.set({ problem: /** @type {import("../signalbox.js").SignalboxError} */ (error).code });
  }

  /**
   * @param {import("../signalbox.js").Room} call
   * @param {import("../signalbox.js").Peer} peer
   * @param {boolean} announced
   */
  #peer(call, peer, announced) {
    const follow = () => this.#store.set({ peers: [...call.peers.values()] });
    const tell = (/** @type {string} */ key) => this.#event(key, { name: shownName(peer.name) });
    follow();
    if (announced) tell("chat.joined");
    let { host, verified } = peer;
    peer.on("change", () => {
      if (peer.host && !host) tell("chat.host");
      if (peer.verified === "mismatch" && verified !== "mismatch") tell("trust.mismatch");
      ({ host, verified } = peer);
      follow();
    });
    peer.on("quality", follow);
    peer.on("track", follow);
    peer.on("left", (reason) => {
      if (this.#store.state.call !== call) return;
      follow();
      const key = { left: "chat.left", timeout: "chat.lost", kicked: "chat.removed", replaced: null, closed: null }[reason];
      if (key) tell(key);
    });
  }

  /** @param {import("../signalbox.js").IncomingFile | import("../signalbox.js").OutgoingFile} file */
  #file(file) {
    this.#lines += 1;
    const { lines, panel, unread } = this.#store.state;
    this.#store.set({ lines: [...lines, { key: `file-${this.#lines}`, file }], unread: panel === "chat" ? unread : unread + 1 });
  }

  /** @param {import("../signalbox.js").Message} message */
  #message(message) {
    const { lines, panel, unread } = this.#store.state;
    const counts = panel !== "chat" && !message.own && !message.earlier;
    this.#store.set({ lines: [...lines, { key: message.mid, message }], unread: counts ? unread + 1 : unread });
  }

  /**
   * @param {string} key
   * @param {Record<string, string>} [values]
   */
  #event(key, values) {
    this.#lines += 1;
    this.#store.set({ lines: [...this.#store.state.lines, { key: `event-${this.#lines}`, event: [key, values] }] });
  }

  /** A preview without a click, where the browser need not ask. */
  async #previewIfAllowed() {
    const { wanted } = this.#store.state;
    const names = [...(wanted.audio ? ["microphone"] : []), ...(wanted.video ? ["camera"] : [])];
    try {
      const answers = await Promise.all(names.map((name) => navigator.permissions.query({ name: /** @type {PermissionName} */ (name) })));
      if (answers.every(({ state }) => state === "granted") && this.#store.state.view === "prejoin") await this.preview();
    } catch {
      // A browser that does not tell is asked on a click.
    }
  }

  /** The module; where there is none, that is told. */
  #load() {
    return signalbox.catch(() => {
      this.#store.set({ joining: false, problem: "not-loaded" });
      return null;
    });
  }

  /** Null also where the room was left meanwhile. */
  async #openMedia() {
    const module = this.#store.state.media ? null : await this.#load();
    const { media, view } = this.#store.state;
    if (media || !module || (view !== "prejoin" && view !== "call")) return media; // another click was first, or last
    const opened = new module.LocalMedia({ audio: memory.get("audio-device") ?? "", video: memory.get("video-device") ?? "" });
    opened.on("change", () => {
      this.#store.set();
      void this.#listDevices(); // by now with their names
    });
    this.#store.set({ media: opened });
    return opened;
  }

  async #listDevices() {
    const devices = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
    this.#store.set({ devices });
  }

  #closeMedia() {
    this.#store.state.media?.close();
    this.#store.set({ media: null, asking: false });
  }

  #end() {
    const { call } = this.#store.state;
    this.#attempt.abort();
    this.#store.set({ call: null, peers: [], lines: [], joining: false, waiting: false });
    call?.leave();
    this.#closeMedia();
  }
}
