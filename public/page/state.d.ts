import type { IncomingFile, LocalMedia, Message, OutgoingFile, Peer, Room } from "../signalbox.js";

export type View = "home" | "prejoin" | "call" | "ended";
export type Tab = "chat" | "people";

/** One line of the chat: a message, a file, or an event in the room. */
export interface Line {
  key: string;
  message?: Message;
  file?: IncomingFile | OutgoingFile;
  /** Its text. */
  event?: [key: string, values?: Record<string, string>];
}

/** All that the page shows. */
export interface State {
  view: View;
  room: string | null;
  /** What people with the link share, and the server does not. */
  key: string | null;
  name: string;
  /** What is switched on before there is media. */
  wanted: { audio: boolean; video: boolean };
  media: LocalMedia | null;
  /** The browser is asking for permission. */
  asking: boolean;
  joining: boolean;
  /** The room is locked, and its host has been asked. */
  waiting: boolean;
  /** The room has a password. */
  passworded: boolean;
  /** Why the last join failed, or what is wrong with a room's name: an error code. */
  problem: string | null;
  call: Room | null;
  peers: readonly Peer[];
  lines: readonly Line[];
  /** Which part of the panel is open. */
  panel: Tab | null;
  unread: number;
  /** Who asks us to mute ourselves. */
  mutedBy: string | null;
  /** Problems the user has seen enough of. */
  dismissed: ReadonlySet<object>;
  devices: readonly MediaDeviceInfo[];
  /** A device id; empty for the system's. */
  speaker: string;
  shortcuts: boolean;
  /** An error code, or null when we left. */
  endedBy: string | null;
  /** The operator's own words, where they closed the room. */
  reason: string;
}
