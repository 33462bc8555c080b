// All types of the module are in this file and contract.d.ts, because users may copy them beside their own code: see docs/module.md.
/**
 * Signalbox: video rooms in a browser.
 *
 *     const room = await join("standup", { name: "Ada", media: { audio: true, video: true } });
 *     room.on("peer", (peer) => {
 *       const video = Object.assign(document.createElement("video"), { autoplay: true, playsInline: true });
 *       video.srcObject = peer.stream;
 *       document.body.append(video);
 *       peer.on("left", () => video.remove());
 *     });
 *     room.on("change", () => (button.hidden = room.canPlayAudio)); // a browser may want a click before it plays sound
 *     button.onclick = () => room.startAudio();
 *     room.chat.send("hello");
 */
import type { ErrorCode as RoomErrorCode, Limits, OwnClientEvents, OwnServerEvents, Peer as UserRecord, RoomInfo } from "./contract.js";

export type { Limits, RoomInfo };

/** Rejects with a `SignalboxError`, or with the reason of `signal`. */
export function join(room: string, options?: JoinOptions): Promise<Room>;

/** A key for `join`, of 128 random bits. */
export function createKey(): string;

export interface JoinOptions {
  /** How the others see you. */
  name?: string;
  /**
   * The devices to open, a `LocalMedia` that you made before, or a stream, whose first audio and first video track are sent.
   * Without it no device is opened. `room.media.problems` says which devices could not be opened.
   */
  media?: { audio?: boolean; video?: boolean } | LocalMedia | MediaStream;
  /** The deployment's address, such as "https://rooms.example.com"; by default the one this module came from. */
  server?: string | URL;
  password?: string;
  /** `room.rejoin` of an earlier stay, perhaps before a reload: it lets you in again, past lock and password. */
  rejoin?: string;
  /** A signed token (JWT) of the deployment's operator, which says who you are. Some deployments require one. */
  token?: string;
  /**
   * For the connections to the peers. Its `iceServers` are used in place of those of the deployment. `bundlePolicy` is
   * always "max-bundle". A field that is left out has the browser's default.
   */
  rtcConfig?: RTCConfiguration;
  /** `"relay"` connects only over relays, so that the others do not learn your address; see `room.hasTurn`. */
  iceTransportPolicy?: RTCIceTransportPolicy;
  /** Limits what is sent, and says which codecs are preferred. */
  sending?: Sending;
  /** Called when the room is locked and its host has been asked. `join` waits for the host's answer. */
  onWaiting?: () => void;
  /** Aborts the join, also while it waits for the host. */
  signal?: AbortSignal;
  /**
   * A secret that all users of the room share and the server must not know, so pass it on in the fragment of a URL. With
   * it the chat is encrypted, and peers are verified. Use `createKey()`, because the server could guess a word.
   */
  key?: string;
  /**
   * Media, files and channels wait, in both directions, until a peer is verified, or until `peer.trust()`. It requires `key`.
   */
  requireVerified?: boolean;
  /**
   * Reports to the deployment how the connection to each peer turned out: over a relay or not, or not at all, and how long it
   * took and lasted. The deployment counts that in its metrics, if it has any, without names or addresses.
   */
  reportOutcomes?: boolean;
}

export interface Sending {
  /** Bits per second of video to all peers together, at most; 2,400,000 by default. Two peers or fewer get half of it each. */
  bitrate?: number;
  /** The height of the camera's picture, at most; 720 by default, and less with more than one peer. */
  height?: number;
  /** The MIME type of the codec for video, such as "video/VP9". It is used if the browser lets the page choose, and the peer has it. */
  codec?: string;
}

/** Adds and removes listeners. `Events` has the arguments of each event. */
export interface Emitter<Events extends Record<keyof Events, any[]>> {
  /** Returns a function that removes the listener. */
  on<Name extends keyof Events>(event: Name, listener: (...args: Events[Name]) => void): () => void;
  /** The same, for the next event alone. */
  once<Name extends keyof Events>(event: Name, listener: (...args: Events[Name]) => void): () => void;
  /** Removes a listener of `on` or `once`, and says whether it was there. */
  off<Name extends keyof Events>(event: Name, listener: (...args: Events[Name]) => void): boolean;
}

/** The arguments of each event that has a listener of this form. */
type Arguments<Listeners> = { [Name in keyof Listeners]: Listeners[Name] extends (...args: infer Args) => void ? Args : never };

/** What an event of this form carries, and the reply. */
type Request<Sent> = Sent extends (data: infer Data, ack: (reply: infer Reply) => void) => void ? [Data, Extract<Reply, { ok: true }>] : never;

export interface RoomEvents {
  /** A peer called `send`, or a stock client sent a `signal`. */
  message: [data: any, from: Peer];
  /** Called for each peer that is in the room, and for each that joins later. */
  peer: [peer: Peer];
  /** A peer offers a file. */
  file: [file: IncomingFile];
  /** `state`, `info`, `self`, `knocks`, `canPlayAudio` or the set of peers changed. */
  change: [];
  /** Somebody waits to be let in: `room.host.admit(knock)` or `room.host.deny(knock)`. */
  knock: [knock: Knock];
  /** The host asks us to mute ourselves: `room.media.setAudio(false)` if we agree. */
  muteRequest: [by: Peer | null];
  /** The room has no place for our media ("room-full"), which were switched off. */
  mediaRefused: [error: SignalboxError];
  /**
   * We are out of the room: the room removed or refused us, an operator closed it, or the user left the page and came back
   * to it ("left"). `leave()` emits no event.
   */
  closed: [error: SignalboxError];
}

export interface Room extends Emitter<RoomEvents> {
  /** `waiting`: we have to join again, but the room is locked, so the host has been asked. The call goes on. */
  readonly state: "connected" | "reconnecting" | "waiting" | "closed";
  readonly info: Readonly<RoomInfo>;
  /** `self.host` says whether we are the host. */
  readonly self: Readonly<PeerInfo>;
  readonly peers: ReadonlyMap<string, Peer>;
  /** Whether we have a key, so that the chat is encrypted. */
  readonly encrypted: boolean;
  readonly media: LocalMedia;
  readonly chat: Chat;
  readonly host: Host;
  /** The users who wait to be let in, if we are the host. */
  readonly knocks: readonly Knock[];
  /** Whether there is a TURN server, which relays media between peers without a direct path. */
  readonly hasTurn: boolean;
  /** False if the browser does not play the peers' sound before the user clicks. Then show a button that calls `startAudio`. */
  readonly canPlayAudio: boolean;
  /** A secret for the `rejoin` option of a later `join`. Each "change" may bring a new one. */
  readonly rejoin: string;
  /** The room's limits, by name. */
  readonly limits: Readonly<Limits>;
  /**
   * A channel for messages that go directly from peer to peer. The same name returns the same object. A name has at most
   * 64 characters, and a room has at most 64 channels.
   */
  channel(name: string): Channel;
  /**
   * Sends a message of the application through the server: to all others, or to one peer. It may carry an ArrayBuffer, and
   * has at most `limits.description` bytes. Use it for rare events, as the server reads and limits them; else use `channel`.
   */
  send(data: unknown, options?: { to?: { id: string } }): Promise<void>;
  /**
   * Events with names of your own, such as those that an operator's `emit` sends. Declare them in `OwnServerEvents`.
   */
  readonly events: Emitter<Arguments<OwnServerEvents>>;
  /**
   * Sends an event with a name of your own to the server, and resolves with its reply. Declare it in `OwnClientEvents`. The room
   * itself refuses such names with "unsupported"; a server that you build on it may answer them.
   */
  request<Name extends keyof OwnClientEvents>(event: Name, data: Request<OwnClientEvents[Name]>[0]): Promise<Request<OwnClientEvents[Name]>[1]>;
  update(fields: { name?: string; handRaised?: boolean }): Promise<void>;
  /** Plays the elements that show a `peer.stream` and that the browser refused to play. Call it on a click. */
  startAudio(): Promise<void>;
  /** Leaves at once; so does closing the page. The local media stays open until `media.close()`. */
  leave(): void;
}

/** Actions of the host. The room refuses them to others with "forbidden". Each promise resolves when the action is done. */
export interface Host {
  /** Removes a peer from the room, and bans it for ten minutes. */
  kick(peer: { id: string }): Promise<void>;
  /** Asks somebody to mute themselves; nobody can be muted by force. */
  requestMute(peer: { id: string }): Promise<void>;
  /** Asks everybody. */
  requestMuteAll(): Promise<void>;
  /** Makes somebody else the host. */
  transfer(peer: { id: string }): Promise<void>;
  admit(knock: { id: string }): Promise<void>;
  /** Lets in everybody who waits. Rejects if one of them cannot be let in, for example because the room is full. */
  admitAll(): Promise<void>;
  deny(knock: { id: string }): Promise<void>;
  /** Locks or unlocks the room. Users who join a locked room wait for the host. Unlocking lets in all who wait. */
  lock(on: boolean): Promise<void>;
  /** Users who join from now on have to give this password; null removes it. */
  setPassword(password: string | null): Promise<void>;
  /** Deletes the chat, for everyone. */
  clear(): Promise<void>;
}

/**
 * Messages from peer to peer. Each arrives once, and the messages of one sender arrive in order, even if a connection is
 * lost and a new one replaces it. Stock clients do not get them.
 */
export interface Channel extends Emitter<ChannelEvents> {
  readonly name: string;
  /**
   * Sends a message to all peers who are in the room now, or to those in `to`. A message is a value that `JSON.stringify`
   * can carry, or bytes, which arrive as an ArrayBuffer. It has at most 262,144 bytes. The promise resolves when the next
   * message may follow: await it if you send much. If a peer takes nothing for 20 seconds while a megabyte waits
   * for it, the waiting messages are dropped.
   */
  send(value: unknown, options?: { to?: Peer | readonly Peer[] }): Promise<void>;
}

export interface ChannelEvents {
  /** The first listener also gets earlier messages, up to 64 of each peer. */
  message: [value: any, from: Peer];
}

/** Somebody who waits to be let in. */
export interface Knock {
  readonly id: string;
  readonly name: string;
}

/** What the room says of a user. */
export interface PeerInfo extends Omit<UserRecord, "n" | "hand"> {
  /** The number in the order of joins. */
  joinOrder: number;
  handRaised: boolean;
}

export interface PeerEvents {
  /** Called for each track that is already there, and for each that comes later. */
  track: [track: MediaStreamTrack, stream: MediaStream];
  channel: [channel: RTCDataChannel];
  change: [];
  quality: [];
  left: [reason: "left" | "timeout" | "kicked" | "replaced" | "closed"];
}

export interface Peer extends Readonly<Omit<PeerInfo, "name" | "joinedAt">>, Emitter<PeerEvents> {
  /** Changes only if the peer could not recover its connection to the room, and joined again. */
  readonly id: string;
  readonly name: string;
  /** Its connection to the room is lost. Its media may continue. */
  readonly away: boolean;
  /** `failed`: not reached for 20 s. The attempts go on for some minutes; `retry()` starts over. `closed`: one of us left. */
  readonly state: "connecting" | "connected" | "reconnecting" | "failed" | "closed";
  /**
   * Whether this peer is at the other end of the link, and nobody in between. "verified": the key proves it. "unverified":
   * one side has no key, or the check is not done yet. "mismatch": the keys differ, or the server intercepts the link.
   */
  readonly verified: "verified" | "unverified" | "mismatch";
  /** With `requireVerified`: nothing is exchanged with this peer, because it is not verified. */
  readonly withheld: boolean;
  /** The quality of the link, measured every three seconds; null until it is known. */
  readonly quality: Readonly<Quality> | null;
  /** The microphone, and the camera while it is on; always the same object. */
  readonly stream: MediaStream;
  /** The screen that the peer shares. */
  readonly screen: MediaStream | null;
  /** Loudness, 0 to 1. */
  readonly level: number;
  createChannel(label: string, options?: RTCDataChannelInit): RTCDataChannel;
  /** Offers a file. A Blob needs a `name`; without one it is called "file". */
  sendFile(file: Blob & { name?: string }): OutgoingFile;
  stats(): Promise<RTCStatsReport | null>;
  /**
   * With `requireVerified`: exchanges media and data with this peer although it is not verified. This is for the present
   * value of `verified` only: after a change from "unverified" to "mismatch", or back, call it again.
   */
  trust(): void;
  /** Starts over after `failed`. */
  retry(): void;
}

export interface Quality {
  level: "good" | "fair" | "poor";
  /** The less direct candidate of both ends: "relay" if either end uses a relay. */
  path: "host" | "srflx" | "prflx" | "relay";
  protocol: string;
  /** In milliseconds. */
  rtt: number | null;
  /** Packets lost on the way to us, and to them, 0 to 1. */
  loss: number;
  lossOut: number;
  /** Bits per second, from them and to them. */
  bitrate: number;
  bitrateOut: number;
  /** Their picture as it arrives; 0 while there is none. */
  width: number;
  height: number;
  framesPerSecond: number;
}

/** A file that goes directly from us to a peer, or from a peer to us. */
export interface FileTransfer extends Emitter<FileEvents> {
  readonly peer: Peer;
  readonly name: string;
  readonly size: number;
  readonly type: string;
  /**
   * "done": the whole file has arrived, undamaged. "failed": see `error`, whose `code` is "connection-lost", "damaged",
   * "unreadable" or "not-saved".
   */
  readonly state: "offered" | "moving" | "done" | "refused" | "cancelled" | "failed";
  /** The bytes that are transferred so far. */
  readonly transferred: number;
  readonly error: SignalboxError | null;
  /** Either side may cancel until the file is done. */
  cancel(): void;
}

export interface FileEvents {
  /** `state` changed, or another percent is transferred. */
  change: [];
}

export interface OutgoingFile extends FileTransfer {
  readonly outgoing: true;
}

export interface IncomingFile extends FileTransfer {
  readonly outgoing: false;
  /** Accepts the file, and writes it into `sink`, such as a file on the disk. Without a sink it is kept in memory. */
  accept(sink?: WritableStream): void;
  refuse(): void;
  /**
   * The file, when it is done, unless it went into a sink. The Blob has no type, because the peer chooses `type`, which may
   * be that of a script or a page.
   */
  readonly blob: Blob | null;
}

export interface ChatEvents {
  /** A new message, also one of our own. */
  message: [message: Message];
  change: [message: Message];
  /** The chat was deleted. `messages` keeps those that are still to be sent. */
  cleared: [];
  /** `typists` changed. */
  typing: [];
}

export interface Chat extends Emitter<ChatEvents> {
  readonly messages: readonly Message[];
  /** The ids of the peers who are typing. */
  readonly typists: readonly string[];
  /** Tells the others that we are typing (call it with each key), or that we stopped. */
  typing(on: boolean): void;
  /** To everybody, or to one peer alone. The room does not keep a private message. */
  send(text: string, options?: { to?: { id: string } }): Message;
  /**
   * Loads messages that are older than the first of `messages`, puts them in front of it, and resolves to them. `more` says
   * whether there are still older ones. After a join, `messages` has as many as fit into one answer of the room.
   */
  loadEarlier(limit?: number): Promise<{ messages: readonly Message[]; more: boolean }>;
  retry(message: Message): void;
}

export interface Message {
  readonly mid: string;
  readonly id: string | null;
  readonly from: string;
  /** The sender's name. In an encrypted message it is encrypted, too. */
  readonly name: string;
  /** Empty if the message is unreadable. */
  readonly text: string;
  /** "unreadable": the message was encrypted with another key, or altered on its way. */
  readonly encryption: "none" | "end-to-end" | "unreadable";
  /**
   * The message is encrypted, and its sender was at the other end of a verified link after we joined. So it is not from an
   * earlier session of the sender. Becomes true with a "change" if the link is verified after the message came.
   */
  readonly proven: boolean;
  /** The time of the sender's clock if the message is encrypted, otherwise of the room's. */
  readonly ts: number;
  /** The id of the only receiver, if the message is private. */
  readonly to: string | null;
  readonly own: boolean;
  /** From before you joined. */
  readonly earlier: boolean;
  readonly state: "pending" | "sent" | "failed";
  readonly error: SignalboxError | null;
}

export interface MediaEvents {
  change: [];
  /** The microphone was disconnected, and this track of another one took its place. */
  replaced: [track: MediaStreamTrack];
}

export interface LocalMedia extends Emitter<MediaEvents> {}
export class LocalMedia {
  /** The microphone and camera to use, by `deviceId`; by default the browser chooses. */
  constructor(devices?: { audio?: string; video?: string });
  /** For a self-view; always the same object. */
  readonly stream: MediaStream;
  /** Whether the microphone is on, and muted neither by us nor by the system. */
  readonly audio: boolean;
  readonly video: boolean;
  /** The screen that we share. */
  readonly screen: MediaStream | null;
  /** Loudness of what is sent, 0 to 1. */
  readonly level: number;
  /** Loudness of the microphone, 0 to 1, also while it is muted. */
  readonly voice: number;
  readonly problems: Readonly<Record<"audio" | "video" | "screen", SignalboxError | null>>;
  /** Opens the wanted devices that are not open, or that the system muted. Never rejects. */
  start(wanted: { audio?: boolean; video?: boolean }): Promise<void>;
  setAudio(on: boolean): Promise<void>;
  setVideo(on: boolean): Promise<void>;
  /**
   * Shares a screen, or stops that. The browser asks which screen, window or tab to share, so call it on a click. The sound
   * is sent, too, if the user shares it.
   */
  setScreen(on: boolean): Promise<void>;
  /**
   * Sends this track, such as one of a canvas or of an audio graph, in place of the device's: now, and whenever this kind is
   * switched on. Null gives the track up and switches this kind off. The module never stops the track, not even in `close`.
   */
  setTrack(kind: "audio" | "video" | "screen", track: MediaStreamTrack | null): Promise<void>;
  /** Uses another device of this kind from now on. If one is in use, it is replaced at once. */
  setDevice(kind: "audio" | "video", deviceId: string): Promise<void>;
  /**
   * Sets constraints of a device, such as `{ noiseSuppression: false }`, from now on. A device that is in use is opened
   * again with them.
   */
  constrain(kind: "audio" | "video", constraints: MediaTrackConstraints): Promise<void>;
  /** "sound" is the sound of the screen. */
  track(kind: "audio" | "video" | "screen" | "sound"): MediaStreamTrack | null;
  close(): void;
}

/** Every code of a `SignalboxError`. */
export type ErrorCode =
  /** Those of the room. */
  | RoomErrorCode
  /** The room failed, and gave no reason. */
  | "internal"
  /** The operator closed the room; `message` is their reason. */
  | "closed"
  /** The user left the page. */
  | "left"
  /** The name of the room is invalid. */
  | "bad-room"
  /** Of the network and of the links to the peers. */
  | "unreachable"
  | "origin-not-allowed"
  | "not-connected"
  | "not-verified"
  | "buffer-full"
  /** Of a file. */
  | "connection-lost"
  | "damaged"
  | "unreadable"
  | "not-saved"
  /** Of a device or the browser. */
  | "permission-denied"
  | "denied-by-system"
  | "no-device"
  | "device-busy"
  | "device-lost"
  | "device-muted"
  | "insecure-origin"
  | "unsupported-browser";

export class SignalboxError extends Error {
  constructor(code: ErrorCode, message: string, retryAfterMs?: number);
  readonly code: ErrorCode;
  readonly retryAfterMs?: number;
}
