// @ts-check
import { memory } from "./memory.js";
import { currentKey, currentRoom, newRoom, roomPath } from "./route.js";
import { shownName } from "./strings.js";

/** @typedef {"audio" | "video"} Kind */

/** The module, which the first screen does not wait for. */
const signalbox = () => import("../signalbox.js");
signalbox().catch(() => {}); // that it cannot be loaded is told when it is needed

/** What a user can do. Each action changes the store; the views follow. */
export class Session {
  #store;
  #lines = 0;
  #attempt = new AbortController();

  /** @param {import("./store.js").Store} store */
  constructor(store) {
    this.#store = store;
    navigator.mediaDevices?.addEventListener("devicechange", () => void this.#listDevices());
  }

  /** Shows what the address names. */
  route() {
    this.#end();
    const room = currentRoom();
    this.#store.set({ room, key: currentKey(), view: room ? "prejoin" : "home", problem: null, passworded: false });
    if (room) void this.#previewIfAllowed();
  }

  /** A new room, with a key in its link. */
  async start() {
    try {
      const { createKey } = await signalbox();
      this.open(newRoom(), isSecureContext ? createKey() : undefined); // elsewhere browsers do not encrypt
    } catch {
      location.reload(); // the browser says what is wrong
    }
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
    const { wanted, asking } = this.#store.state;
    if (asking || !(wanted.audio || wanted.video)) return;
    this.#store.set({ asking: true });
    const media = await this.#openMedia();
    if (this.#store.state.view === "prejoin") await media.start(wanted); // one may have gone back meanwhile
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
    await (kind === "audio" ? opened.setAudio(on) : opened.setVideo(on));
  }

  /** For as long as a key is held. @param {boolean} on */
  async talk(on) {
    const media = await this.#openMedia();
    await media.setAudio(on);
  }

  async share() {
    const { media } = this.#store.state;
    await media?.setScreen(!media.screen);
  }

  /** Tries again what a device refused. @param {readonly (Kind | "screen")[]} kinds */
  async again(kinds) {
    const media = await this.#openMedia();
    if (kinds.includes("screen")) await media.setScreen(true);
    else await media.start({ audio: kinds.includes("audio"), video: kinds.includes("video") });
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
    this.#store.set({ joining: true, problem: null });
    if (chatOnly) this.#closeMedia();
    try {
      const { join } = await signalbox();
      signal.throwIfAborted();
      const media = await this.#openMedia();
      const seen = Object.values(media.problems).filter((problem) => problem !== null); // they need not be told in the call
      this.#store.set({ dismissed: new Set(seen) });
      const untried = { audio: wanted.audio && !media.problems.audio, video: wanted.video && !media.problems.video };
      if (!chatOnly) await media.start(untried);
      const onWaiting = () => this.#store.state.joining && this.#store.set({ waiting: true });
      const token = new URLSearchParams(location.search).get("token") ?? undefined;
      const options = { name: shownName(name.trim()), media, key: key ?? undefined, password: password || undefined, token, signal, onWaiting };
      this.#joined(await join(room, options));
    } catch (error) {
      if (signal.aborted) return;
      const code = await signalbox().then(({ SignalboxError }) => (error instanceof SignalboxError ? error.code : null), () => "unreachable");
      if (!code) throw error;
      const asked = code === "bad-password";
      const problem = asked && !password ? "password-wanted" : code;
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
    await call?.update({ hand: !call.self.hand });
  }

  /** To everybody who is here now. @param {readonly File[]} files */
  sendFiles(files) {
    const { peers } = this.#store.state;
    if (peers.length === 0) this.#store.set({ problem: "nobody-here" });
    for (const file of files) for (const peer of peers) this.#file(peer.sendFile(file));
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
    call.on("change", () => this.#store.set());
    call.on("mute-request", (by) => call.media.audio && this.#store.set({ mutedBy: shownName(by?.name ?? "") }));
    call.on("refused", ({ code }) => this.#store.set({ problem: code }));
    call.on("closed", ({ code }) => {
      if (this.#store.state.call !== call) return;
      this.#end();
      this.#store.set({ view: "ended", endedBy: code });
    });
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

  async #openMedia() {
    if (this.#store.state.media) return this.#store.state.media;
    const { LocalMedia } = await signalbox();
    if (this.#store.state.media) return this.#store.state.media; // another click was first
    const opened = new LocalMedia({ audio: memory.get("audio-device") ?? "", video: memory.get("video-device") ?? "" });
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
    this.#store.set({ media: null });
  }

  #end() {
    const { call } = this.#store.state;
    this.#attempt.abort();
    this.#store.set({ call: null, peers: [], joining: false, waiting: false });
    call?.leave();
    this.#closeMedia();
  }
}
