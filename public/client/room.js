// @ts-check
import { Announcer } from "./announcer.js";
import { Channels } from "./channel.js";
import { ChatSeal } from "./chat-seal.js";
import { Chat } from "./chat.js";
import { Emitter } from "./emitter.js";
import { Host } from "./host.js";
import { Ice } from "./ice.js";
import { watchNetwork } from "./network.js";
import { Peer } from "./peer.js";
import { Playback } from "./playback.js";
import { EVENTS, SignalboxError } from "./protocol.js";
import { Signaling } from "./signaling.js";
import { uniqueId } from "./unique.js";

const REACH_WITHIN = 15_000;

/**
 * A room one has joined: who is in it, its chat, and our own part in it. The signaling may come and
 * go beneath; the links between the peers stay.
 *
 * @extends {Emitter<{
 *   peer: [peer: Peer],
 *   file: [file: import("./file.js").IncomingFile],
 *   message: [value: unknown, from: Peer],
 *   change: [],
 *   knock: [knock: import("./host.js").Knock],
 *   "mute-request": [by: Peer | null],
 *   refused: [error: SignalboxError],
 *   closed: [error: SignalboxError],
 * }>}
 */
export class Room extends Emitter {
  /** @type {Map<string, Peer>} */
  peers = new Map();
  /** @type {"connected" | "reconnecting" | "waiting" | "closed"} */
  state = "reconnecting";
  /** @type {import("./protocol.js").RoomInfo} */
  info;
  /** @type {Record<string, unknown>} */
  limits = {};

  #signaling;
  #wishes;
  /** Shows the room that we were inside: it lets us in again, past lock and password. @type {string | undefined} */
  #rejoin;
  /** @type {import("./link.js").Mesh} */
  #mesh;
  #announcer;
  #channels = new Channels(this.peers);
  /** @type {PromiseWithResolvers<void>} settled by the first join */
  #entry = Promise.withResolvers();
  #patience;
  #onWaiting;
  #stopWatchingNetwork;
  #playback;
  #unfollowMedia;
  #unanswered = false;

  /**
   * @param {string} server
   * @param {string} name
   * @param {{
   *   name: string,
   *   password?: string,
   *   rejoin?: string,
   *   token?: string,
   *   media: import("./media.js").LocalMedia,
   *   key: import("./key.js").RoomKey | null,
   *   requireVerified: boolean,
   *   rtcConfig: RTCConfiguration,
   *   onWaiting?: () => void,
   * }} wishes
   */
  constructor(server, name, { media, key, token, rejoin, requireVerified, rtcConfig: { iceServers, ...rtcConfig }, onWaiting = () => {}, ...wishes }) {
    super();
    const signaling = new Signaling(server, name, token);
    this.#signaling = signaling;
    this.#wishes = wishes;
    this.#rejoin = rejoin;
    this.#onWaiting = onWaiting;
    this.info = { name, locked: false, password: false, capacity: 0, count: 0 };
    this.media = media;
    this.keyed = key !== null;
    this.#announcer = new Announcer({
      media,
      self: () => this.#mesh.self,
      isConnected: () => this.state === "connected",
      request: (event, payload) => signaling.request(event, payload),
      refused: (error) => this.emit("refused", error),
    });
    this.#mesh = {
      self: { id: "", n: 0, name: wishes.name, host: false, media: this.#announcer.flags, hand: false, away: false, joinedAt: 0 },
      ice: new Ice(iceServers, () => signaling.request(EVENTS.ICE_GET, {}), () => {
        for (const peer of this.peers.values()) peer.link.renew();
      }),
      rtcConfig,
      media,
      requireVerified,
      cap: { bitrate: 0, height: 0 },
      key,
      session: uniqueId(),
      proven: (session) => this.chat.proven(session),
      online: () => this.state === "connected",
      relay: (event, payload) => signaling.relay(event, payload),
      deliver: (channel, value, from) => this.#channels.deliver(channel, value, from),
      doubt: () => signaling.check(),
    };
    this.chat = new Chat(signaling, () => this.#mesh.self, key && new ChatSeal(key, this.#mesh.session));
    this.host = new Host((event, payload) => signaling.request(event, payload), () => this.emit("change"));
    signaling.on("event", (event, payload) => this.#receive(event, payload));
    signaling.on("down", () => this.#setState("reconnecting"));
    signaling.on("closed", (error) => this.end(error));
    signaling.on("open", (recovered) => recovered ? this.#resume() : this.#join());
    this.#patience = setTimeout(() => this.end(signaling.failure), REACH_WITHIN);
    this.#unfollowMedia = media.on("change", () => this.#mediaChanged());
    addEventListener("pagehide", this.#hidden);
    this.#playback = new Playback((stream) => [...this.peers.values()].some((peer) => peer.stream === stream), () => this.emit("change"));
    this.#stopWatchingNetwork = watchNetwork({
      changed: () => {
        signaling.check({ renew: true });
        for (const peer of this.peers.values()) peer.link.recover();
      },
      doubtful: () => signaling.check(),
    });
  }

  /** Ourselves, as the others see us. */
  get self() {
    return this.#mesh.self;
  }

  /** Those who wait for the host, where that is us. */
  get knocks() {
    return this.host.knocks;
  }

  /** For a later join, as after a reload: a secret, which changes with each join. */
  get rejoin() {
    return this.#rejoin ?? "";
  }

  /** Whether there is a server that relays media where no direct path is. */
  get relay() {
    return this.#mesh.ice.servers.some(({ urls }) => [urls].flat().some((url) => url.startsWith("turn")));
  }

  /** Whether the browser plays what the peers say; else `startAudio` has to be called on a click. */
  get canPlayAudio() {
    return this.#playback.isAllowed;
  }

  /** The first join; later ones follow each connection that could not be recovered. */
  get entered() {
    return this.#entry.promise;
  }

  /**
   * Peers who are already here are told to a new listener, too.
   * @type {Emitter<{ peer: [Peer], file: [import("./file.js").IncomingFile], message: [unknown, Peer], change: [], knock: [import("./host.js").Knock], "mute-request": [Peer | null], refused: [SignalboxError], closed: [SignalboxError] }>["on"]}
   */
  on(name, listener) {
    const off = super.on(name, listener);
    if (name === "peer") for (const peer of this.peers.values()) /** @type {any} */ (listener)(peer);
    return off;
  }

  /** Messages straight to the peers. @param {string} name */
  channel(name) {
    return this.#channels.get(name);
  }

  /**
   * Through the server, to all others or to one.
   * @param {unknown} data
   * @param {{ to?: { id: string } }} [options]
   */
  async send(data, { to } = {}) {
    await this.#signaling.request(EVENTS.SIGNAL, { to: to?.id, data });
  }

  /** @param {{ name?: string, hand?: boolean }} fields */
  async update(fields) {
    await this.#signaling.request(EVENTS.PEER_UPDATE, fields, () => Object.assign(this.#mesh.self, fields));
    if (fields.name !== undefined) this.#wishes.name = fields.name;
    this.emit("change");
  }

  /** Plays what the browser refused to play without a click. */
  async startAudio() {
    await this.#playback.start();
  }

  /** Says good-bye and frees everything but the local media, which belongs to who brought it. */
  leave = () => {
    if (this.state === "closed") return;
    this.state = "closed";
    clearTimeout(this.#patience);
    removeEventListener("pagehide", this.#hidden);
    this.#stopWatchingNetwork();
    this.#playback.close();
    this.#mesh.ice.close();
    this.#unfollowMedia();
    this.#signaling.close();
    for (const peer of this.peers.values()) peer.close("closed");
    this.peers.clear();
    this.emit("change");
  };

  /** The page goes; others learn it at once. Should the browser keep the page and show it again, it learns it, too. */
  #hidden = () => {
    this.leave();
    const error = new SignalboxError("left", "The page was left, and the room with it. Join again.");
    addEventListener("pageshow", () => this.emit("closed", error), { once: true });
  };

  /** Leaves because of something. @param {Error} error */
  end(error) {
    if (this.state === "closed") return;
    this.leave();
    this.#entry.reject(error);
    this.emit("closed", /** @type {SignalboxError} */ (error));
  }

  async #join() {
    this.#unanswered = true;
    try {
      await this.#signaling.request(EVENTS.ROOM_JOIN, this.#introduction(), (snapshot) => this.#joined(snapshot));
    } catch (cause) {
      const error = /** @type {SignalboxError} */ (cause);
      if (!this.#signaling.connected) return; // lost again, or just left: the next connection joins, or none
      this.#unanswered = false;
      if (error.code === "waiting") this.#wait();
      else if (error.code === "unreachable") void this.#join(); // it took too long: once more
      else this.end(error);
    }
  }

  /** The host has been asked. Whoever is already in a call with others stays in it meanwhile. */
  #wait() {
    clearTimeout(this.#patience);
    this.#setState("waiting");
    this.#onWaiting();
  }

  #introduction() {
    return { ...this.#wishes, rejoin: this.#rejoin, media: this.#announcer.flags };
  }

  /** @param {import("./protocol.js").Snapshot} snapshot */
  #joined({ self, peers, room, history, ice, limits, rejoin }) {
    this.#unanswered = false;
    const isHandUp = this.self.hand && !self.hand; // to the room we are somebody new
    this.#mesh.self = self;
    this.#mesh.ice.take(ice);
    this.info = room;
    this.limits = limits;
    this.#rejoin = rejoin;
    clearTimeout(this.#patience);
    if (!self.host) this.host.forget();
    for (const id of this.peers.keys()) if (!peers.some((info) => info.id === id)) this.#drop(id, "timeout");
    // We are the newcomer, so the first offers are ours; whom we are linked to already learns our new id by it.
    for (const info of peers) {
      const known = this.peers.get(info.id);
      if (known) {
        known.update(info);
        known.link.reintroduce();
      } else {
        this.#add(info).link.connect();
      }
    }
    const read = this.chat.joined(self.id, history);
    this.#setState("connected");
    if (isHandUp) this.update({ hand: true }).catch(() => {}); // lost again: then it is down, as everybody sees
    this.#mediaChanged(); // since we asked
    void read.then(() => this.#entry.resolve());
  }

  #resume() {
    if (this.#unanswered) {
      void this.#join();
      return;
    }
    if (!this.self.id) return; // still waiting; an answer that came meanwhile follows
    this.#setState("connected");
    for (const peer of this.peers.values()) if (peer.state !== "connected") peer.link.recover();
    this.chat.resume();
    this.#mediaChanged();
  }

  /**
   * @param {string} event
   * @param {any} payload
   */
  #receive(event, payload) {
    switch (event) {
      case EVENTS.PEER_JOINED:
        this.#add(payload);
        break;
      case EVENTS.PEER_LEFT:
        this.#left(payload.id, payload.reason);
        break;
      case EVENTS.PEER_AWAY:
        this.peers.get(payload.id)?.update({ away: true });
        break;
      case EVENTS.PEER_BACK:
      case EVENTS.PEER_UPDATED:
        this.peers.get(payload.id)?.update(event === EVENTS.PEER_BACK ? { ...payload, away: false } : payload);
        break;
      case EVENTS.OFFER:
      case EVENTS.ANSWER:
        this.#sender(payload)?.link.describe(payload, payload.cid);
        break;
      case EVENTS.CANDIDATE:
        this.#sender(payload)?.link.addCandidate(payload.candidate, payload.cid);
        break;
      case EVENTS.SIGNAL:
        this.#tell(payload);
        break;
      case EVENTS.CHAT_MESSAGE:
        this.chat.receive(payload);
        break;
      case EVENTS.CHAT_TYPING:
        this.chat.typed(payload);
        break;
      case EVENTS.ROOM_STATE:
        this.#roomChanged(payload);
        break;
      case EVENTS.ROOM_ADMITTED:
        this.#joined(payload);
        break;
      case EVENTS.ROOM_DENIED:
        this.end(new SignalboxError(payload.code, payload.message));
        break;
      case EVENTS.ROOM_CLOSED:
        this.end(new SignalboxError("closed", payload.reason ?? ""));
        break;
      case EVENTS.HOST_KNOCK:
        this.emit("knock", this.host.knocked(payload));
        this.emit("change");
        break;
      case EVENTS.HOST_MUTE_REQUEST:
        this.emit("mute-request", this.peers.get(payload.by) ?? null);
        break;
      case EVENTS.ROOM_ERROR:
        console.warn("signalbox: the room refused %s: %s", payload.event, payload.message);
        break;
    }
  }

  /** @param {{ from: string, data: unknown }} message */
  #tell({ from, data }) {
    const peer = this.peers.get(from);
    if (peer) this.emit("message", data, peer);
  }

  /** @param {Partial<import("./protocol.js").RoomInfo> & { host?: string, cleared?: number }} changes */
  #roomChanged({ host, cleared, ...info }) {
    Object.assign(this.info, info);
    if (info.locked === false || info.password) this.host.forget(); // all are let in, or have to knock again with it
    if (cleared !== undefined) this.chat.forget(cleared);
    if (host !== undefined) {
      this.self.host = this.self.id === host;
      this.host.forget(); // they knock again at the new one
      for (const peer of this.peers.values()) peer.update({ host: peer.id === host });
    }
    this.emit("change");
  }

  /** @param {import("./protocol.js").PeerInfo} info */
  #add(info) {
    const known = this.peers.get(info.id);
    if (known) {
      known.update(info);
      return known;
    }
    const peer = new Peer(info, this.#mesh);
    this.host.forget(peer.id);
    this.peers.set(peer.id, peer);
    this.#share();
    peer.on("file", (file) => this.emit("file", file));
    this.emit("peer", peer);
    return peer;
  }

  /**
   * The room gave up a peer. Where only its signaling was lost, the call goes on.
   * @param {string} id
   * @param {string} reason
   */
  #left(id, reason) {
    const peer = this.peers.get(id);
    if (reason !== "timeout" || peer?.state !== "connected") {
      this.#drop(id, reason);
      return;
    }
    peer.update({ away: true });
    peer.on("change", () => {
      if (peer.state !== "connected" && peer.id === id) this.#drop(id, reason);
    });
  }

  /**
   * @param {string} id
   * @param {string} reason
   */
  #drop(id, reason) {
    const peer = this.peers.get(id);
    if (!peer) return;
    this.peers.delete(id);
    this.chat.typed({ id, on: false });
    peer.close(reason);
    this.#share();
  }

  /**
   * Who sent a signal. Somebody who lost the room and joined again under a new id goes on with the connection to us: its
   * `cid` shows who they are. Any signal may come first, and what follows it rests on it.
   * @param {import("./protocol.js").Signal} signal
   */
  #sender({ from, cid }) {
    const newcomer = this.peers.get(from);
    const former = [...this.peers.values()].find((peer) => peer.id !== from && cid !== undefined && peer.link.cid === cid);
    if (!newcomer || !former) return newcomer;
    this.peers.delete(former.id);
    this.peers.set(from, former);
    former.become(newcomer);
    newcomer.close("replaced");
    this.#share();
    return former;
  }

  /** Shares our uplink among the peers. */
  #share() {
    const peers = this.peers.size;
    const height = peers <= 1 ? 720 : peers <= 3 ? 480 : 360;
    this.#mesh.cap = { bitrate: Math.round(Math.min(1_200_000, 2_400_000 / Math.max(1, peers))), height };
    for (const peer of this.peers.values()) peer.link.limit();
    this.info.count = peers + 1;
    this.emit("change");
  }

  #mediaChanged() {
    if (this.state === "closed") return;
    for (const peer of this.peers.values()) peer.link.update();
    this.#announcer.announce();
    this.emit("change");
  }

  /** @param {Room["state"]} state */
  #setState(state) {
    if (this.state === "closed") return;
    this.state = state;
    this.emit("change");
  }
}
