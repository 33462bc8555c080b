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
 *     room.chat.send("hello");
 */
export function join(room: string, options?: JoinOptions): Promise<Room>;

export interface JoinOptions {
  /** How the others see you. */
  name?: string;
  /** What to ask the user for, or media obtained before. What cannot be had is in `room.media.problems`. */
  media?: { audio?: boolean; video?: boolean } | LocalMedia;
  /** The deployment's address; by default the one this module came from. */
  server?: string | URL;
  password?: string;
}

export interface Room {
  readonly state: "connected" | "reconnecting" | "closed";
  readonly info: Readonly<RoomInfo>;
  readonly self: Readonly<PeerInfo>;
  readonly peers: ReadonlyMap<string, Peer>;
  readonly media: LocalMedia;
  readonly chat: Chat;
  /** The room's limits, by name. */
  readonly limits: Readonly<Record<string, unknown>>;
  /** Called for each peer who is here or comes. */
  on(event: "peer", listener: (peer: Peer) => void): () => void;
  /** `state`, `info`, `self` or the set of peers changed. */
  on(event: "change", listener: () => void): () => void;
  /** The room ended it; `leave()` does not come here. */
  on(event: "closed", listener: (error: SignalboxError) => void): () => void;
  update(fields: { name?: string; hand?: boolean }): Promise<void>;
  /** Leaves at once; so does closing the page. The local media stays open until `media.close()`. */
  leave(): void;
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
  readonly media: Readonly<MediaFlags>;
  readonly state: "connecting" | "connected" | "reconnecting" | "failed";
  /** Camera and microphone; the same object for life. */
  readonly stream: MediaStream;
  /** Loudness, 0 to 1. */
  readonly level: number;
  on(event: "track", listener: (track: MediaStreamTrack, stream: MediaStream) => void): () => void;
  on(event: "channel", listener: (channel: RTCDataChannel) => void): () => void;
  on(event: "change", listener: () => void): () => void;
  on(event: "left", listener: (reason: "left" | "timeout" | "kicked" | "replaced" | "closed") => void): () => void;
  createChannel(label: string, options?: RTCDataChannelInit): RTCDataChannel;
  stats(): Promise<RTCStatsReport | null>;
  /** Starts over after `failed`. */
  retry(): void;
}

export interface Chat {
  readonly messages: readonly Message[];
  send(text: string): Message;
  retry(message: Message): void;
  on(event: "message" | "change", listener: (message: Message) => void): () => void;
}

export interface Message {
  readonly mid: string;
  readonly id: string | null;
  readonly from: string;
  readonly name: string;
  readonly text: string;
  readonly ts: number;
  readonly own: boolean;
  /** From before you joined. */
  readonly earlier: boolean;
  readonly state: "pending" | "sent" | "failed";
  readonly error: SignalboxError | null;
}

export class LocalMedia {
  /** For a self-view; the same object for life. */
  readonly stream: MediaStream;
  readonly audio: boolean;
  readonly video: boolean;
  readonly level: number;
  readonly problems: Readonly<Record<"audio" | "video", SignalboxError | null>>;
  /** Asks for what is wanted; never rejects. */
  start(wanted: { audio?: boolean; video?: boolean }): Promise<void>;
  setAudio(on: boolean): Promise<void>;
  setVideo(on: boolean): Promise<void>;
  track(kind: "audio" | "video"): MediaStreamTrack | null;
  close(): void;
  on(event: "change", listener: () => void): () => void;
}

/**
 * `code` is one of the room's ("room-full", "room-locked", "bad-password", "kicked", "rate-limited", …), of
 * the network's ("unreachable") or of the device's ("permission-denied", "no-device", "device-busy",
 * "device-lost", "insecure-origin", "unsupported-browser").
 */
export class SignalboxError extends Error {
  constructor(code: string, message: string, retryAfterMs?: number);
  readonly code: string;
  readonly retryAfterMs?: number;
}

export interface MediaFlags {
  audio: boolean;
  video: boolean;
  screen: boolean;
}

export interface PeerInfo {
  id: string;
  n: number;
  name: string | null;
  host: boolean;
  media: MediaFlags;
  hand: boolean;
  away: boolean;
  joinedAt: number;
}

export interface RoomInfo {
  name: string;
  locked: boolean;
  capacity: number;
  count: number;
}
