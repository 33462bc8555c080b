// @ts-check
import { Announcer } from "./announcer.js";
import { Channels } from "./channel.js";
import { ChatSeal } from "./chat-seal.js";
import { Chat } from "./chat.js";
import { Emitter } from "./emitter.js";
import { Host } from "./host.js";
import { Ice } from "./ice.js";
import { watchNetwork } from "./network.js";
import { Playback } from "./playback.js";
import { EVENTS, named, SignalboxError } from "./protocol.js";
import { Roster } from "./roster.js";
import { Signaling } from "./signaling.js";
import { uniqueId } from "./unique.js";
/** @import { Limits, Mesh, Peer, RoomEvents, RoomInfo, RoomOptions, Snapshot } from "./types.js" */

const JOIN_WITHIN = 15_000; // ms

/** The room, its chat, and our own part in it. The links stay while the signaling is lost. @extends {Emitter<RoomEvents>} */
export class Room extends Emitter {
  /** @type {"connected" | "reconnecting" | "waiting" | "closed"} */
  state = "reconnecting";
  // Before the first join no caller has the room; these are empty.
  /** @type {RoomInfo} */
  info = /** @type {any} */ ({});
  /** @type {Limits} */
  limits = /** @type {any} */ ({});
  /** @type {Emitter<any>} */
  events = new Emitter();

  #signaling;
  #joinOptions;
  /** The room's secret for us: it lets us in again, past lock and password. @type {string | undefined} */
  #rejoin;
  /** @type {Mesh} */
  #mesh;
  #roster;
  #announcer;
  #channels;
  /** @type {PromiseWithResolvers<void>} */
  #entry = Promise.withResolvers();
  /** Settles with the first join. If a connection is not recovered, we join again. */
  entered = this.#entry.promise;
  #joinTimeout;
  #onWaiting;
  #stopWatchingNetwork;
  #playback;
  #unfollowMedia;
  #isJoining = false;

  /**
   * @param {string} server
   * @param {string} name
   * @param {RoomOptions} options
   */
  constructor(server, name, { media, key, token, rejoin, requireVerified, rtcConfig: { iceServers, ...rtcConfig }, sending, onWaiting = () => {}, ...joinOptions }) {
    super();
    const signaling = new Signaling(server, name, token);
    this.#signaling = signaling;
    this.#joinOptions = joinOptions;
    this.#rejoin = rejoin;
    this.#onWaiting = onWaiting;
    this.media = media;
    this.encrypted = key !== null;
    this.#announcer = new Announcer({
      media,
      self: () => this.#mesh.self,
      isConnected: () => this.state === "connected",
      request: this.request,
      refused: (error) => this.emit("mediaRefused", error),
    });
    this.#mesh = {
      self: /** @type {any} */ ({}),
      ice: new Ice(iceServers, () => this.request(EVENTS.ICE_GET, {}), () => this.#eachPeer(({ link }) => link.renew())),
      rtcConfig,
      media,
      requireVerified,
      sending,
      cap: { bitrate: 0, height: 0 },
      key,
      session: uniqueId(),
      proven: (session) => this.chat.proven(session),
      online: () => this.state === "connected",
      relay: (event, payload) => signaling.relay(event, payload),
      deliver: (channel, value, from) => this.#channels.deliver(channel, value, from),
      doubt: () => signaling.check(),
    };
    this.#roster = new Roster(this.#mesh, (peer) => this.#added(peer), () => {
      this.info.count = this.peers.size + 1;
      this.emit("change");
    });
    this.#channels = new Channels(this.peers);
    this.chat = new Chat(signaling, () => this.#mesh.self, key && new ChatSeal(key, this.#mesh.session));
    this.host = new Host(this.request, this.peers, () => this.emit("change"));
    signaling.on("event", (event, ...args) => this.#receive(event, args));
    signaling.on("down", () => this.#setState("reconnecting"));
    signaling.on("closed", (error) => this.end(error));
    signaling.on("open", (recovered) => recovered ? this.#resume() : this.#join());
    this.#joinTimeout = setTimeout(() => this.end(signaling.failure), JOIN_WITHIN);
    this.#unfollowMedia = media.on("change", () => this.#mediaChanged());
    addEventListener("pagehide", this.#hidden);
    this.#playback = new Playback((stream) => [...this.peers.values()].some((peer) => peer.stream === stream), () => this.emit("change"));
    this.#stopWatchingNetwork = watchNetwork({
      changed: () => {
        signaling.check({ renew: true });
        this.#eachPeer(({ link }) => link.recover());
      },
      doubtful: () => signaling.check(),
    });
  }

  get peers() {
    return this.#roster.peers;
  }

  get self() {
    return this.#mesh.self;
  }

  get knocks() {
    return this.host.knocks;
  }

  get rejoin() {
    return this.#rejoin ?? "";
  }

  get hasTurn() {
    return this.#mesh.ice.servers.some(({ urls }) => [urls].flat().some((url) => url.startsWith("turn")));
  }

  get canPlayAudio() {
    return this.#playback.isAllowed;
  }

  /**
   * A new listener also gets the peers who are already here.
   * @type {Emitter<RoomEvents>["added"]}
   */
  added(name, listener) {
    if (name === "peer") this.#eachPeer(listener);
  }

  /** @param {string} name */
  channel(name) {
    return this.#channels.get(name);
  }

  /**
   * @param {unknown} data
   * @param {{ to?: { id: string } }} [options]
   */
  async send(data, { to } = {}) {
    await this.request(EVENTS.SIGNAL, { to: to?.id, data });
  }

  /**
   * @param {string} event
   * @param {unknown} data
   */
  request = (event, data) => this.#signaling.request(event, data);

  /** @param {{ name?: string, handRaised?: boolean }} fields */
  async update(fields) {
    await this.#signaling.request(EVENTS.PEER_UPDATE, { name: fields.name, hand: fields.handRaised }, () => Object.assign(this.#mesh.self, fields));
    if (fields.name !== undefined) this.#joinOptions.name = fields.name;
    this.emit("change");
  }

  async startAudio() {
    await this.#playback.start();
  }

  /** Frees everything but the local media, which belongs to the caller. */
  leave = () => {
    if (this.state === "closed") return;
    this.state = "closed";
    clearTimeout(this.#joinTimeout);
    removeEventListener("pagehide", this.#hidden);
    this.#stopWatchingNetwork();
    this.#playback.close();
    this.#mesh.ice.close();
    this.#unfollowMedia();
    this.#roster.close(); // its last reports go out before the signaling ends
    this.#signaling.close();
    this.emit("change");
  };

  /** The user leaves the page. The browser may keep it and show it again; then the page learns that it left the room. */
  #hidden = () => {
    this.leave();
    const error = new SignalboxError("left", "You left the page, and with it the room. Join again.");
    this.#entry.reject(error);
    addEventListener("pageshow", () => this.emit("closed", error), { once: true });
  };

  /** Leaves because of an error. @param {Error} error */
  end(error) {
    if (this.state === "closed") return;
    this.leave();
    this.#entry.reject(error);
    this.emit("closed", /** @type {SignalboxError} */ (error));
  }

  async #join() {
    this.#isJoining = true;
    try {
      const joining = { ...this.#joinOptions, rejoin: this.#rejoin, media: this.#announcer.flags };
      await this.#signaling.request(EVENTS.ROOM_JOIN, joining, (snapshot) => this.#joined(snapshot));
    } catch (cause) {
      const error = /** @type {SignalboxError} */ (cause);
      if (!this.#signaling.connected) return; // the next connection joins, if there is one
      this.#isJoining = false;
      if (error.code === "waiting") this.#wait();
      else if (error.code === "unreachable") void this.#join(); // it took too long: try again
      else this.end(error);
    }
  }

  /** The host has been asked. Links of an earlier join stay. */
  #wait() {
    clearTimeout(this.#joinTimeout);
    this.#setState("waiting");
    this.#onWaiting();
  }

  /** @param {Snapshot} snapshot */
  #joined({ self, peers, room, history, ice, limits, rejoin }) {
    this.#isJoining = false;
    const isHandUp = this.self.handRaised && !self.hand; // we are a new peer now
    this.#mesh.self = named(self);
    this.#mesh.ice.take(ice);
    this.info = room;
    this.limits = limits;
    this.#rejoin = rejoin;
    clearTimeout(this.#joinTimeout);
    if (!self.host) this.host.forget();
    this.#roster.replace(peers.map(named));
    const read = this.chat.joined(self.id, history);
    this.#setState("connected");
    if (isHandUp) this.update({ handRaised: true }).catch(() => {}); // if that fails, everybody sees the hand down
    this.#mediaChanged(); // the media may have changed
    void read.then(() => this.#entry.resolve());
  }

  #resume() {
    if (this.#isJoining) {
      void this.#join();
      return;
    }
    if (!this.self.id) return; // still waiting for the host
    this.#setState("connected");
    this.#eachPeer(({ link }) => link.resume());
    this.chat.resume();
    this.#mediaChanged();
  }

  /**
   * @param {string} event
   * @param {any[]} args
   */
  #receive(event, args) {
    const payload = Object(args[0]); // a stock client may send null
    const from = this.peers.get(payload.from ?? payload.id);
    switch (event) {
      case EVENTS.PEER_JOINED:
        this.#roster.add(named(payload));
        break;
      case EVENTS.PEER_LEFT:
        this.#roster.left(payload);
        break;
      case EVENTS.PEER_AWAY:
        from?.update({ away: true });
        break;
      case EVENTS.PEER_BACK:
      case EVENTS.PEER_UPDATED:
        from?.update(named(payload));
        break;
      case EVENTS.OFFER:
      case EVENTS.ANSWER:
        this.#roster.sender(payload)?.link.describe(payload, payload.cid);
        break;
      case EVENTS.CANDIDATE:
        this.#roster.sender(payload)?.link.addCandidate(payload.candidate, payload.cid);
        break;
      case EVENTS.SIGNAL:
        if (from) this.emit("message", payload.data, from);
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
        this.emit("muteRequest", this.peers.get(payload.by) ?? null);
        break;
      case EVENTS.ROOM_ERROR:
        console.warn("signalbox: the room refused %s: %s", payload.event, payload.message);
        break;
      default:
        this.events.emit(event, ...args);
    }
  }

  /** @param {Partial<RoomInfo> & { host?: string, cleared?: number }} changes */
  #roomChanged({ host, cleared, ...info }) {
    Object.assign(this.info, info);
    if (info.locked === false || info.password) this.host.forget(); // those who wait are let in or refused
    if (cleared !== undefined) this.chat.forget(cleared);
    if (host !== undefined) {
      this.self.host = this.self.id === host;
      this.host.forget(); // the new host gets the knocks anew
      this.#eachPeer((peer) => peer.update({ host: peer.id === host }));
    }
    this.emit("change");
  }

  /** @param {Peer} peer */
  #added(peer) {
    this.host.forget(peer.id);
    peer.on("file", (file) => this.emit("file", file));
    peer.on("left", () => this.chat.typed({ id: peer.id, on: false }));
    this.emit("peer", peer);
  }

  /** @param {(peer: Peer) => void} act */
  #eachPeer(act) {
    for (const peer of this.peers.values()) act(peer);
  }

  #mediaChanged() {
    if (this.state === "closed") return;
    this.#eachPeer(({ link }) => link.update());
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
