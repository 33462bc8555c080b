// @ts-check
import { join, LocalMedia, SignalboxError } from "../signalbox.js";
import { memory } from "./memory.js";
import { currentRoom, roomPath } from "./route.js";
import { shownName, text } from "./strings.js";

/** @typedef {"audio" | "video"} Kind */

/** What a user can do. Each action changes the store; the views follow. */
export class Session {
  #store;
  #lines = 0;

  /** @param {import("./store.js").Store} store */
  constructor(store) {
    this.#store = store;
  }

  /** Shows what the address names. */
  route() {
    this.#end();
    const room = currentRoom();
    this.#store.set({ room, view: room ? "prejoin" : "home", problem: null, joining: false });
    if (room) void this.#previewIfAllowed();
  }

  /** @param {string} room */
  open(room) {
    history.pushState(null, "", roomPath(room));
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
    const media = this.#openMedia();
    this.#store.set({ asking: true });
    await media.start(wanted);
    this.#store.set({ asking: false });
  }

  /** @param {Kind} kind */
  async toggle(kind) {
    const { media, wanted } = this.#store.state;
    const on = !(media ? media[kind] : wanted[kind]);
    memory.set(kind, on ? "on" : "off");
    this.#store.set({ wanted: { ...wanted, [kind]: on } });
    if (!media && !on) return;
    const opened = this.#openMedia();
    await (kind === "audio" ? opened.setAudio(on) : opened.setVideo(on));
  }

  /** @param {{ chatOnly?: boolean }} [options] */
  async join({ chatOnly = false } = {}) {
    const { room, name, wanted, joining } = this.#store.state;
    if (!room || joining) return;
    this.#store.set({ joining: true, problem: null });
    if (chatOnly) this.#closeMedia();
    const media = this.#openMedia();
    const untried = { audio: wanted.audio && !media.problems.audio, video: wanted.video && !media.problems.video };
    try {
      if (!chatOnly) await media.start(untried);
      const call = await join(room, { name: shownName(name.trim()), media });
      if (this.#store.state.room !== room || !this.#store.state.joining) call.leave(); // gone elsewhere meanwhile
      else this.#joined(call);
    } catch (error) {
      if (!(error instanceof SignalboxError)) throw error;
      this.#store.set({ joining: false, problem: error.code });
    }
  }

  leave() {
    this.#end();
    this.#store.set({ view: "ended", endedBy: null });
  }

  /** @param {string} message */
  say(message) {
    this.#store.state.call?.chat.send(message);
  }

  /** @param {boolean} open */
  showChat(open) {
    this.#store.set({ chatOpen: open, unread: open ? 0 : this.#store.state.unread });
  }

  /** @param {import("../signalbox.js").Room} call */
  #joined(call) {
    this.#store.set({ view: "call", joining: false, call, peers: [], lines: [], unread: 0 });
    for (const message of call.chat.messages) this.#message(message);
    if (call.chat.messages.length > 0) this.#event(text("chat.before"));
    call.chat.on("message", (message) => this.#message(message));
    call.chat.on("change", () => this.#store.set());
    const present = new Set(call.peers.values()); // those who come later are announced
    call.on("peer", (peer) => this.#peer(call, peer, !present.has(peer)));
    call.on("change", () => this.#store.set());
    call.on("closed", (error) => {
      if (this.#store.state.call !== call) return;
      this.#end();
      this.#store.set({ view: "ended", endedBy: error.code });
    });
  }

  /**
   * @param {import("../signalbox.js").Room} call
   * @param {import("../signalbox.js").Peer} peer
   * @param {boolean} announced
   */
  #peer(call, peer, announced) {
    const follow = () => this.#store.set({ peers: [...call.peers.values()] });
    follow();
    if (announced) this.#event(text("chat.joined", { name: shownName(peer.name) }));
    peer.on("change", follow);
    peer.on("track", follow);
    peer.on("left", (reason) => {
      if (this.#store.state.call !== call) return;
      follow();
      if (reason === "left") this.#event(text("chat.left", { name: shownName(peer.name) }));
      if (reason === "timeout") this.#event(text("chat.lost", { name: shownName(peer.name) }));
      if (reason === "kicked") this.#event(text("chat.removed", { name: shownName(peer.name) }));
    });
  }

  /** @param {import("../signalbox.js").Message} message */
  #message(message) {
    const { lines, chatOpen, unread } = this.#store.state;
    const counts = !chatOpen && !message.own && !message.earlier;
    this.#store.set({ lines: [...lines, { key: message.mid, message }], unread: counts ? unread + 1 : unread });
  }

  /** @param {string} event */
  #event(event) {
    this.#lines += 1;
    this.#store.set({ lines: [...this.#store.state.lines, { key: `event-${this.#lines}`, event }] });
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

  #openMedia() {
    const { media } = this.#store.state;
    if (media) return media;
    const opened = new LocalMedia();
    opened.on("change", () => this.#store.set());
    this.#store.set({ media: opened });
    return opened;
  }

  #closeMedia() {
    this.#store.state.media?.close();
    this.#store.set({ media: null });
  }

  #end() {
    const { call } = this.#store.state;
    this.#store.set({ call: null, peers: [], joining: false });
    call?.leave();
    this.#closeMedia();
  }
}
