import type { Host, IncomingFile, Knock, LocalMedia, Message, OutgoingFile, Peer, Quality, Room, SignalboxError } from "../signalbox.js";

export type { Host, IncomingFile, Knock, LocalMedia, Message, OutgoingFile, Peer, Quality, Room, SignalboxError };
export type { Hosting } from "./hosting.js";
export type { Session } from "./session.js";
export type { Store } from "./store.js";

export type View = "home" | "prejoin" | "call" | "ended";
export type Tab = "chat" | "people";

/** What the page shows of a room. */
export type Call = Pick<Room, "state" | "info" | "self" | "knocks" | "relay" | "canPlayAudio">;

/** What the page shows of a peer; `peer` has the methods for actions, and identifies it. */
export interface PeerState extends Pick<Peer, "id" | "name" | "host" | "hand" | "away" | "media" | "state" | "verified" | "withheld" | "quality" | "stream" | "screen"> {
  readonly peer: Peer;
  readonly hasPicture: boolean;
}

/** A peer, and how the user wants it shown. */
export interface Person extends PeerState {
  /** 0 to 1. */
  readonly volume: number;
  /** The user does not want to see the picture. */
  readonly isHidden: boolean;
}

/** What the page shows of the own microphone, camera and screen. */
export interface Media extends Pick<LocalMedia, "audio" | "video" | "screen" | "stream" | "problems"> {
  /** The ids of the devices in use. */
  readonly used: { audio: string; video: string };
  readonly isMirrored: boolean;
  /** Whether the camera can blur the background. */
  readonly canBlur: boolean;
}

/** What a tile shows. */
export interface TileState {
  name: string;
  label: string;
  stream: MediaStream;
  hasPicture: boolean;
  isMirrored?: boolean;
  isMuted: boolean;
  hand: boolean;
  state: Peer["state"];
  /** The key of the text for a failed link. */
  failure?: string;
  volume?: number;
}

/** What the user can do about a problem. */
export interface Action {
  label: string;
  run(): void;
}

export interface Problem {
  key: object;
  words: string;
  action: Action;
}

/** What asks for the user's attention in a call. */
export interface Notice {
  key: unknown;
  words: string;
  /** The last is the main one. */
  actions: Action[];
}

/** What the page shows of a file. `file` has the methods for actions. */
export interface FileState extends Pick<IncomingFile, "name" | "size" | "state" | "transferred" | "error" | "blob"> {
  readonly file: IncomingFile | OutgoingFile;
  readonly outgoing: boolean;
  readonly peerName: string;
}

/** One line of the chat: a message, a file, or an event in the room. */
export interface Line {
  readonly key: string;
  readonly message?: Message;
  readonly file?: FileState;
  /** The key of its text, and the values in the text. */
  readonly event?: readonly [key: string, values?: Record<string, string>];
}

/** All that the page shows. */
export interface State {
  view: View;
  language: string;
  room: string | null;
  /** The key in the link. The server does not know it. */
  key: string | null;
  name: string;
  /** Which devices the user wants switched on, before the media exist. */
  wanted: { readonly audio: boolean; readonly video: boolean };
  media: Media | null;
  /** The browser is asking for permission. */
  asking: boolean;
  joining: boolean;
  /** The room is locked, and its host has been asked. */
  waiting: boolean;
  /** The room has a password. */
  passworded: boolean;
  /** Why the last join failed, or what is wrong with a room's name: an error code. */
  problem: string | null;
  call: Call | null;
  people: readonly Person[];
  lines: readonly Line[];
  /** The names of the users who are typing. */
  typists: readonly string[];
  /** Whose menu is open. */
  chosen: Peer | null;
  /** Who is shown large. */
  pinned: Peer | null;
  /** Whether the user who speaks is shown large. */
  spotlight: boolean;
  /** Who spoke last, other than ourselves. */
  speaking: Peer | null;
  /** Which part of the panel is open. */
  panel: Tab | null;
  unread: number;
  /** The name of the host who asks us to mute ourselves. */
  mutedBy: string | null;
  /** Problems that the user dismissed. */
  dismissed: ReadonlySet<object>;
  devices: readonly MediaDeviceInfo[];
  /** A device id; empty for the system's. */
  speaker: string;
  theme: string;
  shortcuts: boolean;
  /** Whether to notify the user while the page is hidden. */
  alerts: boolean;
  /** What is done to sound and picture before they are sent. */
  noise: boolean;
  echo: boolean;
  blur: boolean;
  lowData: boolean;
  /** An error code, or null when we left. */
  endedBy: string | null;
  /** The reason that an operator gave for closing the room. */
  reason: string;
}
