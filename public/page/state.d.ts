// The page's types. They are global: this file has no import statement.

type Host = import("../signalbox.js").Host;
type IncomingFile = import("../signalbox.js").IncomingFile;
type Knock = import("../signalbox.js").Knock;
type LocalMedia = import("../signalbox.js").LocalMedia;
type Message = import("../signalbox.js").Message;
type OutgoingFile = import("../signalbox.js").OutgoingFile;
type Peer = import("../signalbox.js").Peer;
type Quality = import("../signalbox.js").Quality;
type Room = import("../signalbox.js").Room;
type SignalboxError = import("../signalbox.js").SignalboxError;
type Hosting = import("./hosting.js").Hosting;
type Session = import("./session.js").Session;
type Store = import("./store.js").Store;

type ViewName = "home" | "prejoin" | "call" | "ended";
type Tab = "chat" | "people";

/** What the page shows of a room. */
type Call = Pick<Room, "state" | "info" | "self" | "knocks" | "hasTurn" | "canPlayAudio">;

/** What the page shows of a peer; `peer` has the methods for actions, and identifies it. */
interface PeerState extends Pick<Peer, "id" | "name" | "host" | "handRaised" | "away" | "media" | "state" | "verified" | "withheld" | "quality" | "stream" | "screen"> {
  readonly peer: Peer;
  readonly hasPicture: boolean;
}

/** A peer, and how the user wants it shown. */
interface Person extends PeerState {
  /** 0 to 1. */
  readonly volume: number;
  /** The user does not want to see the picture. */
  readonly isHidden: boolean;
}

/** What the page shows of the own microphone, camera and screen. */
interface Media extends Pick<LocalMedia, "audio" | "video" | "screen" | "stream" | "problems"> {
  /** The ids of the devices in use. */
  readonly used: { audio: string; video: string };
  readonly isMirrored: boolean;
  /** Whether the camera can blur the background. */
  readonly canBlur: boolean;
}

/** What a tile shows. */
interface TileState {
  name: string;
  label: string;
  stream: MediaStream;
  hasPicture: boolean;
  isMirrored?: boolean;
  isMuted: boolean;
  handRaised: boolean;
  state: Peer["state"];
  /** The key of the text for a failed link. */
  failure?: string;
  volume?: number;
}

/** What the user can do about a problem. */
interface Action {
  label: string;
  run(): void;
}

interface Problem {
  key: object;
  words: string;
  action: Action;
}

/** What asks for the user's attention in a call. */
interface Notice {
  key: unknown;
  words: string;
  /** The last is the main one. */
  actions: Action[];
}

/** What the page shows of a file. `file` has the methods for actions. */
interface FileState extends Pick<IncomingFile, "name" | "size" | "type" | "state" | "transferred" | "error" | "blob"> {
  readonly file: IncomingFile | OutgoingFile;
  readonly outgoing: boolean;
  readonly peerName: string;
}

/** One line of the chat: a message, a file, or an event in the room. */
interface Line {
  readonly key: string;
  readonly message?: Message;
  /** The name of the only receiver of our message; they may have left. */
  readonly receiver?: string;
  readonly file?: FileState;
  /** The key of its text, and the values in the text. */
  readonly event?: readonly [key: string, values?: Record<string, string>];
}

/**
 * All that the page shows. Views read nothing else: snapshot.js copies rooms and peers into it. Values are replaced and
 * never changed, so that a comparison tells what changed.
 */
interface State {
  view: ViewName;
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
  /** The room asked for its password. */
  passworded: boolean;
  /** What failed last, or what is wrong with a room's name: an error code. */
  problem: string | null;
  call: Call | null;
  people: readonly Person[];
  lines: readonly Line[];
  /** The names of the users who are typing. */
  typists: readonly string[];
  /** Who alone gets what the user writes; null is everybody. */
  receiver: Peer | null;
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
  /** Whether the own picture is left out of the stage. */
  hideSelf: boolean;
  /** An error code, or null when we left. */
  endedBy: string | null;
  /** The reason that an operator gave for closing the room. */
  reason: string;
}
