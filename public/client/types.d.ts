// The shapes that several parts of the module share. What applications see of them is in ../signalbox.d.ts.

import type { Ice as IceAnswer, Limits, Media as MediaFlags, Message as ChatRecord, RoomInfo, Snapshot } from "../contract.js";
import type { ChatEvents as PublicChatEvents, ErrorCode, Knock, Message as PublicMessage, PeerEvents as PublicPeerEvents, PeerInfo, Quality, Sending } from "../signalbox.js";
import type { Connection } from "./connection.js";
import type { IncomingFile } from "./file.js";
import type { Ice } from "./ice.js";
import type { RoomKey } from "./key.js";
import type { LocalMedia } from "./media.js";
import type { Peer } from "./peer.js";
import type { SignalboxError } from "./protocol.js";

export type { ChatSeal } from "./chat-seal.js";
export type { Signaling } from "./signaling.js";
export type { ChannelEvents, FileEvents, MediaEvents, RoomEvents } from "../signalbox.js";
export type { ChatRecord, Connection, ErrorCode, Ice, IceAnswer, IncomingFile, Knock, Limits, LocalMedia, MediaFlags, Peer, PeerInfo, Quality, RoomInfo, RoomKey, SignalboxError, Snapshot };

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

// What the room sends.

/** An offer, an answer or a candidate as it arrives. */
export interface Signal {
  from: string;
  description?: RTCSessionDescriptionInit;
  candidate?: Candidate;
  /**
   * Names one connection between two peers. A peer may join again under a new id while its connection to us continues.
   * The `cid` of its first signal, of any kind, shows which peer it is.
   */
  cid?: string;
  /** The number of a sender's offer; an answer has that of its offer. */
  round?: number;
}

/** Null says that there are no more candidates. */
export type Candidate = RTCIceCandidateInit | null;

/**
 * An offer or an answer as it is sent. `round` numbers a side's offers, from 1; an answer has the round of its offer. Stock
 * clients send no `round`. A signal may arrive more than once. A repeated offer is recognized by its round, and gets the
 * same answer again. An answer to an offer that was rolled back is dropped.
 */
export interface Described {
  description: RTCSessionDescriptionInit;
  round?: number;
}

// Chat.

/** The `state` of our own messages changes from pending to sent or failed. For messages of others it is always sent. */
export type Message = Mutable<PublicMessage> & {
  /** The number that the room gave the message; Infinity until the room has accepted it. */
  seq: number;
};

/**
 * What a sender encrypts. The server stores and relays ciphertext. It could keep an old message and show it as new, under
 * another name, or show a private one to everybody. So the name, the time and the session of the sender, and the receiver
 * of a private message, are encrypted with the text.
 */
export interface Sealed {
  text: string;
  name: string;
  /** By the sender's clock. */
  ts: number;
  /** A random text that names the sender's stay in the room. A verified link proves it. */
  session: string;
  mid: string;
}

// Media.
//
// The camera stops when it is off, so that its light goes out. The microphone stays open while it is muted, so that unmuting
// is instant.
//
// The microphone has the first audio section of a connection, and the camera the first video section. Only `replaceTrack`
// switches them on and off. A screen and its sound get further sections when they are first shared, so every video section
// but the first is a screen. The promises of Senders never reject, so that a failure does not stop the negotiation. What
// fails is tried again. After an interruption the encoders begin anew, because the peer cannot decode what refers to a
// picture that it missed, and its browser asks for a whole picture only seconds later.

export type Kind = "audio" | "video" | "screen";
/** What a device captures. */
export type Capture = "audio" | "video";

/** The limits for what we send to one peer: bits per second in all, and the height of the camera's video. */
export interface Cap {
  bitrate: number;
  height: number;
  /** For example "video/VP9". */
  codec?: string;
}

// Links.

/**
 * A link restarts its connection, or replaces it, as often as needed.
 *
 *     connecting ──▶ connected ◀──▶ reconnecting
 *     connecting or reconnecting ──20 s──▶ failed; attempts continue, so failed ──▶ connected; failed ──retry()──▶ connecting
 *     each ──one of us leaves──▶ closed
 */
export type LinkState = "connecting" | "connected" | "reconnecting" | "failed" | "closed";
export type Verdict = "verified" | "unverified" | "mismatch";

/** What a link needs of its room. */
export interface Mesh {
  self: PeerInfo;
  ice: Ice;
  /** The application's configuration, without ICE servers. */
  rtcConfig: RTCConfiguration;
  media: LocalMedia;
  /** Media and data wait until the peer is verified. */
  requireVerified: boolean;
  /** The application's limits for all peers together. `cap` is the share of one peer. */
  sending: Sending;
  cap: Cap;
  key: RoomKey | null;
  /** A random text that names our stay in the room. */
  session: string;
  /** Called when a verified link shows that its peer has this session. */
  proven(session: string): void;
  /** Whether the signaling is connected. */
  online(): boolean;
  relay(event: string, payload: { to: string }): void;
  /** Delivers a message of a channel of the room. Returns whether anybody listens. */
  deliver(name: string, value: unknown, from: Peer): boolean;
  /** The network may have changed: the signaling checks whether it is still connected. */
  doubt(): void;
}

/**
 * Detects sooner than the browser that nothing arrives any more, and that data arrive again. Without media, the answers to
 * the browser's checks still arrive. A browser that does not count them is not watched. Pictures sent on an earlier path
 * may be lost, so a new path begins with whole ones. Returns a function that ends the watch.
 */
export type WatchSilence = (
  connection: { stats(): Promise<RTCStatsReport>; isAgreed: boolean; refresh(): void },
  /** Called a second before silence would be told. */
  doubt: () => void,
  /** Called with true every second while nothing arrives, and once with false when data arrive again. */
  tell: (isSilent: boolean) => void,
) => () => void;

/** Watches the device's network. Returns a function that ends the watch. */
export type WatchNetwork = (listeners: {
  /** The network is back or of another type, or the device woke. */
  changed: () => void;
  /** The network changed in another way. */
  doubtful: () => void;
}) => () => void;

export interface RoomOptions {
  name: string;
  password?: string;
  rejoin?: string;
  token?: string;
  media: LocalMedia;
  key: RoomKey | null;
  requireVerified: boolean;
  rtcConfig: RTCConfiguration;
  sending: Sending;
  onWaiting?(): void;
}

export interface ConnectionOptions {
  cid: string;
  rtcConfig: RTCConfiguration;
  media: LocalMedia;
  /** Whether our media are withheld, because the peer is not verified. */
  isWithheld(): boolean;
  polite(): boolean;
  key: RoomKey | null;
  /** The ids that both sides have when the connection begins. */
  ids: readonly [own: string, theirs: string];
  /** The text that names our stay in the room. */
  session: string;
  send(event: string, payload: object): void;
}

export interface NegotiationOptions {
  pc: RTCPeerConnection;
  polite(): boolean;
  send(event: string, payload: object): void;
  /** Adds our media and channels to the answer to the peer's first offer. */
  join(): Promise<void>;
}

export interface AnnouncerOptions {
  media: LocalMedia;
  /** Our own entry in the room. */
  self(): PeerInfo;
  isConnected(): boolean;
  request(event: string, payload: object): Promise<unknown>;
  /** Called when the room has no place for our media. They are already off. */
  refused(error: SignalboxError): void;
}

export interface VerificationOptions {
  channel: RTCDataChannel;
  key: RoomKey | null;
  ids: readonly [own: string, theirs: string];
  session: string;
  /** The fingerprints in the descriptions that the browser accepted. */
  fingerprints(): Promise<readonly [own: string, theirs: string]>;
}

// What peers send each other over data channels.

/**
 * Both sides send it first. If both have a key, both send a Proof. It shows, by the key, which certificates a side sees at
 * the two ends. If a server intercepts the connection with certificates of its own, the two sides see different ones. A
 * new exchange begins when the link gets other certificates.
 */
export interface Greeting {
  nonce: string;
  /** A random text that names the side's stay in the room. Its encrypted chat messages contain it, which shows that they are its own. */
  session: string;
  keyed: boolean;
}

/**
 * A proof is made from both sides' facts, the maker's first. So its maker refuses it when the peer returns it.
 * The facts have both nonces, so it is valid once.
 */
export interface Proof {
  proof: string;
  /** The receiver's nonce, which says for which exchange the proof was made. */
  nonce: string;
}

export type TransferState = "offered" | "moving" | "done" | "refused" | "cancelled" | "failed";

export interface FileInfo {
  name: string;
  size: number;
  type: string;
}

/**
 * A file has a data channel of its own, which ends with it:
 *
 *     sender: FileInfo                      {accept}  receiver
 *             bytes … {digest}  ──▶   ◀──  {stored} … {received}
 *             either, at any time: {cancel}
 *
 * `stored` is a number of bytes. A disk may be slower than the link, so the sender waits for `stored`.
 */
export type FileMessage = FileInfo | { accept: boolean } | { stored: number } | { digest: string } | { received: true } | { cancel: true };

/**
 * A side opens one data channel for each name under which it sends values:
 *
 *     sender: StreamHeader  value value …        receiver: number number …
 *
 * The receiver acknowledges each value by its number, counted from `first`. Values without acknowledgement are sent again on
 * the next connection. The receiver skips values that it has already.
 */
export interface StreamHeader {
  stream: string;
  first: number;
}

// Events.

/**
 * The signaling survives its connection: signals without acknowledgement are sent again after a recovery. Receivers tolerate
 * a repeated offer, answer or candidate.
 *
 * The signals to one peer are sent in order, each at least once while the session lives. Several may wait for acks at a
 * time. If the room refuses a signal with `rate-limited`, it may have accepted a later one. So the refused signal and
 * all after it are sent again, one at a time.
 *
 * A path can die silently, and the heartbeat takes two minutes to notice. So an overdue reply ends the connection.
 * While other packets arrive, the path is only slow: a reply may take 15 s. `check` asks for a reply in case of doubt.
 */
export type SignalingEvents = {
  open: [recovered: boolean];
  down: [];
  closed: [error: SignalboxError];
  event: [name: string, ...args: any[]];
};

/**
 * The chat is encrypted if there is a key. A message that got lost with a connection is sent again under the same `mid`,
 * so the room accepts it only once.
 */
export type ChatEvents = PublicChatEvents;

export type PeerEvents = PublicPeerEvents & { file: [file: IncomingFile] };
export type LeaveReason = PeerEvents["left"][0];

export type LinkEvents = {
  /** `state` or `verified` changed. */
  change: [];
  /** A new connection replaced the earlier one. */
  renewed: [];
  /** The connection is up, for the first time or again. */
  connected: [];
  track: [track: MediaStreamTrack, connection: Connection];
  screen: [track: MediaStreamTrack];
  channel: [channel: RTCDataChannel, connection: Connection];
  quality: [];
};

/**
 * Each step of a negotiation runs after the one before. A step that fails is rolled back completely, and
 * tried again.
 *
 *     stable ──our offer──▶ have-local-offer ──its answer──▶ stable
 *     stable ──their offer──▶ have-remote-offer ──our answer──▶ stable
 *     have-local-offer ──their offer──▶ if we are polite, ours is rolled back; else theirs is ignored
 */
export type NegotiationEvents = {
  agreed: [];
  /** The peer made another connection. */
  replaced: [described: Described];
  /** Negotiation failed, so a new connection is necessary. */
  broken: [];
};

export type ConnectionEvents = Pick<NegotiationEvents, "replaced" | "broken"> & {
  state: [state: RTCPeerConnectionState];
  track: [track: MediaStreamTrack];
  screen: [track: MediaStreamTrack];
  channel: [channel: RTCDataChannel];
  verdict: [verdict: Verdict, session: string];
  closed: [];
};
