// @ts-check
import { notify } from "./alerts.js";
import { ofFile, ofPeer, ofRoom } from "./snapshot.js";
import { shownName, text } from "./strings.js";

/** Copies into the store what happens in a room. */
export class Follower {
  #room;
  #store;
  #lines = 0;

  /**
   * @param {Room} room
   * @param {Store} store
   */
  constructor(room, store) {
    this.#room = room;
    this.#store = store;
    const { chat } = room;
    for (const message of chat.messages) this.#message(message);
    if (chat.messages.length > 0) this.#event("chat.before");
    chat.on("message", (message) => this.#message(message));
    chat.on("change", (message) => this.#change(message.mid, { message: { ...message } }));
    chat.on("typing", () => this.#typing());
    chat.on("cleared", () => {
      const kept = new Set(chat.messages.map(({ mid }) => mid));
      this.#set({ lines: this.#store.state.lines.filter(({ key, file }) => file || kept.has(key)), unread: 0 });
      this.#event("chat.cleared");
    });
    const present = new Set(room.peers.values()); // those who come later are announced
    room.on("peer", (peer) => this.#peer(peer, !present.has(peer)));
    room.on("file", (file) => this.addFile(file));
    room.on("change", () => this.#set({ call: ofRoom(room) }));
    room.on("knock", ({ name }) => notify(store, text("knock.notice", { name: shownName(name) })));
    room.on("muteRequest", (by) => room.media.audio && this.#set({ mutedBy: shownName(by?.name ?? "") }));
  }

  /** @param {IncomingFile | OutgoingFile} file @param {Blob | null} [sent] see `ofFile` */
  addFile(file, sent) {
    const key = this.#add({ file: ofFile(file, sent) });
    file.on("change", () => this.#change(key, { file: ofFile(file, sent) }));
    this.#count();
  }

  /** Sets changes, unless the room is closed. @param {Partial<State>} changes */
  #set(changes) {
    if (this.#room.state !== "closed") this.#store.set(changes);
  }

  /** @param {Omit<Line, "key">} line @param {string} [key] */
  #add(line, key = `line-${(this.#lines += 1)}`) {
    this.#set({ lines: [...this.#store.state.lines, { key, ...line }] });
    return key;
  }

  /** @param {string} changed @param {Omit<Line, "key">} line */
  #change(changed, line) {
    const { lines } = this.#store.state;
    if (lines.some(({ key }) => key === changed)) this.#set({ lines: lines.map((known) => (known.key === changed ? { ...known, ...line } : known)) });
  }

  /** Counts what the user does not see. */
  #count() {
    const { panel, unread } = this.#store.state;
    if (panel !== "chat" || document.hidden) this.#set({ unread: unread + 1 });
  }

  /** @param {Message} message */
  #message(message) {
    const receiver = shownName(this.#room.peers.get(message.to ?? "")?.name ?? "");
    this.#add({ message: { ...message }, receiver }, message.mid);
    if (message.own || message.earlier) return;
    this.#count();
    notify(this.#store, `${shownName(message.name)}: ${message.text}`);
  }

  /** @param {string} key @param {Record<string, string>} [values] */
  #event(key, values) {
    this.#add({ event: [key, values] });
  }

  #typing() {
    const { chat, peers } = this.#room;
    this.#set({ typists: chat.typists.flatMap((id) => peers.get(id)?.name ?? []) });
  }

  /** @param {Peer} peer @param {boolean} isNew */
  #peer(peer, isNew) {
    const tell = (/** @type {string} */ key) => this.#event(key, { name: shownName(peer.name) });
    const follow = () => this.#follow(peer);
    follow();
    if (isNew) {
      tell("chat.joined");
      notify(this.#store, text("chat.joined", { name: shownName(peer.name) }));
    }
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
      follow();
      const key = { left: "chat.left", timeout: "chat.lost", kicked: "chat.removed", replaced: null, closed: null }[reason];
      if (key) tell(key);
    });
  }

  /** Copies only this peer again. @param {Peer} changed */
  #follow(changed) {
    const { people } = this.#store.state;
    this.#set({
      people: [...this.#room.peers.values()].map((peer) => {
        const known = people.find((person) => person.peer === peer);
        return known && peer !== changed ? known : { volume: 1, isHidden: false, ...known, ...ofPeer(peer) };
      }),
    });
  }
}
