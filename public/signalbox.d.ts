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
import type { ErrorCode as RoomErrorCode, Limits, Media, Peer as PeerInfo, RoomInfo } from "./contract.js";

export type { Limits, PeerInfo, RoomInfo };

/** Rejects with a `SignalboxError`, or with the reason of `signal`. */
export function join(room: string, options?: JoinOptions): Promise<Room>;

/** A key for `join`, of 128 random bits. */
export function createKey(): string;

export interface JoinOptions {
  /** How the others see you. */
  name?: string;
  /**
   * What to ask the user for, media obtained before, or a stream of which the first audio and the first video track are
   * sent. Without it the user is asked for nothing. What cannot be had is in `room.media.problems`.
   */
  media?: { audio?: boolean; video?: boolean } | LocalMedia | MediaStream;
  /** The deployment's address; by default the one this module came from. */
  server?: string | URL;
  password?: string;
  /** `room.rejoin` of an earlier stay, perhaps before a reload: it lets you in again, past lock and password. */
  rejoin?: string;
  /** The deployment's own word on who comes, where it asks for one. */
  token?: string;
  /**
   * For the connections to the peers. Its `iceServers` are used in place of those of the deployment; `bundlePolicy` is
   * always "max-bundle", and the rest is the browser's.
   */
  rtcConfig?: RTCConfiguration;
  /** `"relay"` takes no other path, so that the others do not learn your address; see `room.relay`. */
  iceTransportPolicy?: RTCIceTransportPolicy;
  /** Limits what is sent, and says which codecs are preferred. */
  sending?: Sending;
  /** The room is locked and its host has been asked. `join` goes on when they have answered. */
  onWaiting?: () => void;
  /** Ends the attempt, the waiting included. */
  signal?: AbortSignal;
  /**
   * What all in the room share and the server must not know, hence a URL's fragment. With it the chat is encrypted,
   * and peers are verified. Take `createKey()`: the server could guess a word.
   */
  key?: string;
  /**
   * Media, files and channels wait, in both directions, until a peer is verified, or until `peer.trust()`. It takes a key.
   */
  requireVerified?: boolean;
}

export interface Sending {
  /** Bits per second of video to all peers together, at most; 2,400,000 by default. Two peers or fewer get half of it each. */
  bitrate?: number;
  /** The height of the camera's picture, at most; 720 by default, and less with more than one peer. */
  height?: number;
  /** The MIME type of the codec for video, such as "video/VP9". It is used if the browser lets choose and the peer has it. */
  codec?: string;
}

export interface Room {
  /** `waiting`: we lost a room that is locked now, and the host has been asked; the call goes on. */
  readonly state: "connected" | "reconnecting" | "waiting" | "closed";
  readonly info: Readonly<RoomInfo>;
  /** `self.host` says whether the host's part is ours. */
  readonly self: Readonly<PeerInfo>;
  readonly peers: ReadonlyMap<string, Peer>;
  /** We have a key. */
  readonly keyed: boolean;
  readonly media: LocalMedia;
  readonly chat: Chat;
  readonly host: Host;
  /** Who waits to be let in, where we are the host. */
  readonly knocks: readonly Knock[];
  /** Whether the deployment has a server that relays media where no direct path is. */
  readonly relay: boolean;
  /** False where the browser refuses to play what the peers say before the user clicks: then offer a button for `startAudio`. */
  readonly canPlayAudio: boolean;
  /** For the `rejoin` option of a later `join`. It is a secret, and may be another one after each "change". */
  readonly rejoin: string;
  /** The room's limits, by name. */
  readonly limits: Readonly<Limits>;
  /**
   * Messages between the peers, straight over their links, under a name of at most 64 characters; the same object for the
   * same name. A room has at most 64.
   */
  channel(name: string): Channel;
  /**
   * Sends a message of the application through the server: to all others, or to one peer. It may carry an ArrayBuffer, and
   * has at most `limits.description` bytes. Use it for rare events, as the server reads and limits them; else use `channel`.
   */
  send(data: unknown, options?: { to?: { id: string } }): Promise<void>;
  /** A peer called `send`, or a stock client sent a `signal`. */
  on(event: "message", listener: (data: any, from: Peer) => void): () => void;
  /** Called for each peer who is here or comes. */
  on(event: "peer", listener: (peer: Peer) => void): () => void;
  /** A peer offers a file. */
  on(event: "file", listener: (file: IncomingFile) => void): () => void;
  /** `state`, `info`, `self`, `knocks`, `canPlayAudio` or the set of peers changed. */
  on(event: "change", listener: () => void): () => void;
  /** Somebody waits to be let in: `room.host.admit(knock)` or `room.host.deny(knock)`. */
  on(event: "knock", listener: (knock: Knock) => void): () => void;
  /** The host asks us to mute ourselves: `room.media.setAudio(false)` if we agree. */
  on(event: "mute-request", listener: (by: Peer | null) => void): () => void;
  /** The room has no place for our media ("room-full"), which were switched off. */
  on(event: "refused", listener: (error: SignalboxError) => void): () => void;
  /** The room ended it, or the user left the page and came back to it ("left"); `leave()` does not come here. */
  on(event: "closed", listener: (error: SignalboxError) => void): () => void;
  update(fields: { name?: string; hand?: boolean }): Promise<void>;
  /** Plays, in the elements of the document that show `peer.stream`, what the browser refused to play. Call it on a click. */
  startAudio(): Promise<void>;
  /** Leaves at once; so does closing the page. The local media stays open until `media.close()`. */
  leave(): void;
}

/** What only the host may do; to others the room answers "forbidden". Each resolves when it is done. */
export interface Host {
  /** Puts somebody out for ten minutes. */
  kick(peer: { id: string }): Promise<void>;
  /** Asks somebody to mute themselves; nobody can be muted by force. */
  mute(peer: { id: string }): Promise<void>;
  /** Makes somebody else the host. */
  transfer(peer: { id: string }): Promise<void>;
  admit(knock: { id: string }): Promise<void>;
  /** Lets in everybody who waits. Rejects with the first who cannot be let in, as when the room is full. */
  admitAll(): Promise<void>;
  deny(knock: { id: string }): Promise<void>;
  /** Whoever comes to a locked room waits for the host; opening it lets in all who wait. */
  lock(on: boolean): Promise<void>;
  /** Whoever joins from now on has to know it; null takes it away. */
  setPassword(password: string | null): Promise<void>;
  /** Forgets what was said in the chat, for everyone. */
  clear(): Promise<void>;
}

/**
 * Messages from peer to peer. Each arrives once, and those of one sender in order, also when the connection is lost
 * meanwhile and another one takes its place. Stock clients do not get them.
 */
export interface Channel {
  readonly name: string;
  /**
   * Sends to all peers who are in the room now, or to those in `to`: what `JSON.stringify` can carry, or bytes, which
   * arrive as an ArrayBuffer; at most 262,144 bytes. It resolves when the next message may follow: wait for it where you
   * send much. A peer that takes nothing for 20 seconds, while a megabyte waits for it, misses what waits.
   */
  send(value: unknown, options?: { to?: Peer | readonly Peer[] }): Promise<void>;
  /** The first listener also gets what came before it, up to 64 messages of each peer. */
  on(event: "message", listener: (value: any, from: Peer) => void): () => void;
}

/** Somebody who waits to be let in. */
export interface Knock {
  readonly id: string;
  readonly name: string;
}

export interface Peer {
  /** Changes only when its owner lost the room for long and joined again. */
  readonly id: string;
  readonly n: number;
  readonly name: string;
  readonly host: boolean;
  readonly hand: boolean;
  /** Its signaling is lost; the media may well go on. */
  readonly away: boolean;
  readonly media: Readonly<Media>;
  /** `failed`: not reached for 20 s. The attempts go on for some minutes; `retry()` starts over. */
  readonly state: "connecting" | "connected" | "reconnecting" | "failed";
  /**
   * Whether the link ends where it seems to, and with nobody in between: "verified" by the key; "unverified" without
   * one on either side, or until that is done; "mismatch" where keys differ or the server has put itself in between.
   */
  readonly verified: "verified" | "unverified" | "mismatch";
  /** With `requireVerified`: nothing is exchanged with this peer, as it is not verified. */
  readonly withheld: boolean;
  /** How the link does, measured every three seconds; null while that is not known. */
  readonly quality: Readonly<Quality> | null;
  /** Microphone, and camera while it is on; the same object for life. */
  readonly stream: MediaStream;
  /** What they share of their screen. */
  readonly screen: MediaStream | null;
  /** Loudness, 0 to 1. */
  readonly level: number;
  on(event: "track", listener: (track: MediaStreamTrack, stream: MediaStream) => void): () => void;
  on(event: "channel", listener: (channel: RTCDataChannel) => void): () => void;
  on(event: "change" | "quality", listener: () => void): () => void;
  on(event: "left", listener: (reason: "left" | "timeout" | "kicked" | "replaced" | "closed") => void): () => void;
  createChannel(label: string, options?: RTCDataChannelInit): RTCDataChannel;
  /** Offers a file, with `name` where it is a mere Blob. */
  sendFile(file: Blob & { name?: string }): OutgoingFile;
  stats(): Promise<RTCStatsReport | null>;
  /** With `requireVerified`: goes on with this peer as it is. When `verified` changes to something else but "verified", that has to be said again. */
  trust(): void;
  /** Starts over after `failed`. */
  retry(): void;
}

export interface Quality {
  level: "good" | "fair" | "poor";
  /** The longer of both ends' candidates: "relay" where either end needs a relay. */
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

/** A file between us and one peer, straight over their link. */
export interface FileTransfer {
  readonly peer: Peer;
  readonly name: string;
  readonly size: number;
  readonly type: string;
  /** "done": all is there, and the same; "failed": see `error`, whose `code` is "connection-lost", "damaged", "unreadable" or "not-saved". */
  readonly state: "offered" | "moving" | "done" | "refused" | "cancelled" | "failed";
  /** Bytes so far. */
  readonly transferred: number;
  readonly error: SignalboxError | null;
  /** Either side may, until it is done. */
  cancel(): void;
  /** `state` changed, or another percent is there. */
  on(event: "change", listener: () => void): () => void;
}

export interface OutgoingFile extends FileTransfer {
  readonly outgoing: true;
}

export interface IncomingFile extends FileTransfer {
  readonly outgoing: false;
  /** Takes it into `sink`, such as a file on the disk, else into memory. */
  accept(sink?: WritableStream): void;
  refuse(): void;
  /** The file, once it is done, unless it went into a sink. It has no type: `type` is what the peer says of it, and may be that of a script or a page. */
  readonly blob: Blob | null;
}

export interface Chat {
  readonly messages: readonly Message[];
  /** The host cleared `messages`, but for what is still to be sent. */
  on(event: "cleared", listener: () => void): () => void;
  /** The ids of the peers who are writing. */
  readonly typists: readonly string[];
  on(event: "typing", listener: () => void): () => void;
  /** Tells the others that we are writing (call it with each key), or that we gave it up. */
  typing(on: boolean): void;
  /** To everybody, or to one peer alone. The room does not keep a private message. */
  send(text: string, options?: { to?: { id: string } }): Message;
  /**
   * Puts messages from before the first of `messages` in front of it, and resolves to them; `more` says whether there are
   * others before those. On joining there are as many as fit into one answer of the room.
   */
  loadEarlier(limit?: number): Promise<{ messages: readonly Message[]; more: boolean }>;
  retry(message: Message): void;
  on(event: "message" | "change", listener: (message: Message) => void): () => void;
}

export interface Message {
  readonly mid: string;
  readonly id: string | null;
  readonly from: string;
  /** As the sender encrypted it, where it is encrypted. */
  readonly name: string;
  /** Empty where it is unreadable. */
  readonly text: string;
  /** "unreadable" where it was encrypted with another key, or altered on its way. */
  readonly encryption: "none" | "end-to-end" | "unreadable";
  /**
   * It is encrypted, and its sender has been at the other end of a verified link since we joined: so it is not from an
   * earlier stay of theirs. Becomes true with a "change" when the link is verified after the message came.
   */
  readonly proven: boolean;
  /** By the sender's clock where it is encrypted, else by the room's. */
  readonly ts: number;
  /** The id of the only receiver, where the message is private. */
  readonly to: string | null;
  readonly own: boolean;
  /** From before you joined. */
  readonly earlier: boolean;
  readonly state: "pending" | "sent" | "failed";
  readonly error: SignalboxError | null;
}

export class LocalMedia {
  /** The microphone and camera to use, by `deviceId`; by default those of the browser. */
  constructor(devices?: { audio?: string; video?: string });
  /** For a self-view; the same object for life. */
  readonly stream: MediaStream;
  /** Whether the microphone is on: neither off nor muted, by us or by the system. */
  readonly audio: boolean;
  readonly video: boolean;
  /** What we share of our screen. */
  readonly screen: MediaStream | null;
  /** Loudness of what is sent, 0 to 1. */
  readonly level: number;
  /** Loudness of the microphone, 0 to 1, also while it is muted. */
  readonly voice: number;
  readonly problems: Readonly<Record<"audio" | "video" | "screen", SignalboxError | null>>;
  /** Asks for what is wanted and not there, or muted by the system; never rejects. */
  start(wanted: { audio?: boolean; video?: boolean }): Promise<void>;
  setAudio(on: boolean): Promise<void>;
  setVideo(on: boolean): Promise<void>;
  /** Has the browser ask which screen, window or tab to share, so call it on a click; or stops that. Its sound is sent, too, where the user shares it. */
  setScreen(on: boolean): Promise<void>;
  /**
   * Sends this track, of a canvas or of an audio graph, say, in place of the device's: now, and whenever this kind is
   * switched on. Null gives it up and switches this kind off. It is never stopped here, also not by `close`.
   */
  setTrack(kind: "audio" | "video" | "screen", track: MediaStreamTrack | null): Promise<void>;
  /** Uses another device of that kind, now if one is in use, and from now on. */
  setDevice(kind: "audio" | "video", deviceId: string): Promise<void>;
  /**
   * Asks for something else of a device, such as `{ noiseSuppression: false }`: now, which opens the device again, and from
   * now on.
   */
  constrain(kind: "audio" | "video", constraints: MediaTrackConstraints): Promise<void>;
  /** "sound" is that of the screen. */
  track(kind: "audio" | "video" | "screen" | "sound"): MediaStreamTrack | null;
  close(): void;
  on(event: "change", listener: () => void): () => void;
  /** The microphone was disconnected, and this track of another one took its place. */
  on(event: "replaced", listener: (track: MediaStreamTrack) => void): () => void;
}

/** Every code of a `SignalboxError`. */
export type ErrorCode =
  /** Those of the room. */
  | RoomErrorCode
  /** The room failed in a way of which it says no more. */
  | "internal"
  /** The operator closed the room; `message` is their reason. */
  | "closed"
  /** The user left the page. */
  | "left"
  /** The room has no such name. */
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
