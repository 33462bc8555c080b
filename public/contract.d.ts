/**
 * The events of a room, for stock socket.io-client:
 *
 *     import { io, type Socket } from "socket.io-client";
 *     import type { ClientToServerEvents, ServerToClientEvents } from "./contract.js";
 *     const socket: Socket<ServerToClientEvents, ClientToServerEvents> = io(url, { path: "/r/standup/socket.io" });
 *
 * docs/contract.md says what each does. The server ends the arguments of most events with one more, an offset,
 * which listeners may ignore.
 */

/** What the room answers an event with: `ok` says whether `Fields` or an error are there. */
export type Reply<Fields = {}> = ({ ok: true } & Fields) | { ok: false; error: RoomError };

/** What `emit` may be given as its last argument. Without it, an error arrives as `room:error`. */
export type Ack<Fields = {}> = (reply: Reply<Fields>) => void;

export interface RoomError {
  code: ErrorCode;
  /** What is wrong and what to do. */
  message: string;
  /** The event that could not be served; not in `connect_error`'s `data`. */
  event?: string;
  /** In how many milliseconds to try again, if waiting is enough. */
  retryAfterMs?: number;
}

export type ErrorCode =
  | "bad-payload"
  | "too-large"
  | "rate-limited"
  | "not-joined"
  | "unknown-peer"
  | "room-full"
  | "room-locked"
  | "waiting"
  | "denied"
  | "bad-password"
  | "bad-token"
  | "kicked"
  | "forbidden"
  | "id-taken"
  | "unsupported";

/** `io(url, { auth })`. */
export interface Auth {
  /** A JWT, where the deployment has a `TOKEN_SECRET`. */
  token?: string;
}

export interface Media {
  audio: boolean;
  video: boolean;
  screen: boolean;
}

export interface Peer {
  /** Its `socket.id`, which outlives lost connections. */
  id: string;
  /** Its number in the order of joins. Of two peers, the one with the greater `n` is polite, and makes the first offer. */
  n: number;
  name: string | null;
  host: boolean;
  media: Media;
  hand: boolean;
  /** Its connection is lost and may come back. */
  away: boolean;
  /** Milliseconds since 1970, as all times. */
  joinedAt: number;
}

export interface Message {
  message: string;
  id: string;
  /** Its number among all events that the room relayed. It grows, with gaps. */
  seq: number;
  ts: number;
  from: string;
  name: string | null;
  /** The receiver, if the message is private. */
  to?: string;
  /** What the sender says of its encryption. */
  enc?: unknown;
}

/** What the room knows of a signal: its last argument before the offset. */
export interface Meta {
  from: string;
  /** `null` if it went to all others. */
  to: string | null;
  room: string;
  ts: number;
  seq: number;
  /** The id that the sender gave to the negotiation. */
  cid: unknown;
  /** Whether the receiver is the polite one of the two. */
  polite: boolean;
  name: string | null;
}

export interface RoomState {
  locked: boolean;
  /** Whether it takes a password to join. */
  password: boolean;
  /** How many peers may have media. */
  capacity: number;
  /** How many peers there are, with media or without. */
  count: number;
}

/** The room of a snapshot. */
export interface RoomInfo extends RoomState {
  name: string;
}

/** An answer to `ice:get`, and a part of that to `room:join`. */
export interface Ice {
  iceServers: { urls: string | string[]; username?: string; credential?: string }[];
  /** For how many seconds they can be used. */
  ttl: number;
}

export interface Rate {
  burst: number;
  perSecond: number;
}

/** The sizes of packets and signals are in bytes. The sizes of messages, names and passwords are in characters. */
export interface Limits {
  maxPayload: number;
  description: number;
  candidate: number;
  chat: number;
  name: number;
  password: number;
  /** In a minute, from one address. */
  wrongPasswords: number;
  peers: number;
  sockets: number;
  history: number;
  /** Signals and private messages to a peer that is away. */
  waiting: number;
  rates: { signal: Rate; chat: Rate; control: Rate };
}

/** What a peer is told on joining. */
export interface Snapshot {
  self: Peer;
  /** The others, in the order in which they joined. */
  peers: Peer[];
  room: RoomInfo;
  /** The newest messages, oldest first. */
  history: Message[];
  ice: Ice;
  limits: Limits;
  /** A secret for `room:join`: it lets the same peer in again, past lock and password, on any socket. */
  rejoin: string;
}

/** A session description or a candidate, as `RTCPeerConnection` takes it. */
type Description = { type: string; sdp?: string };
type Candidate = { candidate?: string; sdpMid?: string | null; sdpMLineIndex?: number | null } | null;

/** Any of the names that published pages use for a target. */
type Target = { [Name in "to" | "remotePeerId" | "remoteUserId" | "targetPeerId" | "targetUserId"]?: string };

/** A signal alone; or what it carries, before or after the id of its target or the name of this room, as some pages send it. */
type Sent<Signal, Carried> =
  | [signal: Signal, ack?: Ack<{ delivered: number }>]
  | [toOrRoom: string, carried: Carried, ack?: Ack<{ delivered: number }>]
  | [carried: Carried, toOrRoom: string, ack?: Ack<{ delivered: number }>];

type Trickled = Sent<Candidate | (Target & { candidate: Candidate; cid?: unknown }), Candidate>;

/**
 * Events with names of your own. Declare those that your server knows, as here, and both a stock client's `Socket` and
 * `signalbox.js` have their types:
 *
 *     declare module "signalbox/contract" {
 *       interface OwnClientEvents { guess(word: string, ack: Ack<{ right: boolean }>): void }
 *       interface OwnServerEvents { announcement(text: string): void }
 *     }
 */
export interface OwnClientEvents {}
export interface OwnServerEvents {}

export interface ClientToServerEvents extends OwnClientEvents {
  offer(...sent: Sent<Description | (Target & { description?: Description; offer?: Description; cid?: unknown }), Description>): void;
  answer(...sent: Sent<Description | (Target & { description?: Description; answer?: Description; cid?: unknown }), Description>): void;
  candidate(...sent: Trickled): void;
  "ice-candidate"(...sent: Trickled): void;
  ice(...sent: Trickled): void;
  signal(signal: Target & { data: unknown; cid?: unknown }, ack?: Ack<{ delivered: number }>): void;
  "chat-message"(
    message: string | { message: string; mid?: string; to?: string; enc?: unknown },
    ack?: Ack<{ id: string; seq: number; ts: number }>,
  ): void;
  "chat:history"(page: { before?: number; limit?: number }, ack: Ack<{ messages: Message[]; more: boolean }>): void;
  "chat:typing"(typing: { on: boolean }, ack?: Ack): void;
  join(alias: string, ack?: Ack): void;
  "room:join"(joining: { name?: string; media?: Partial<Media>; password?: string; rejoin?: string }, ack?: Ack<Snapshot>): void;
  "room:leave"(ack?: Ack): void;
  "peer:update"(fields: { name?: string; media?: Partial<Media>; hand?: boolean }, ack?: Ack): void;
  /** How the connection to another peer turned out: see docs/metrics.md. `ms` is a whole number below 2 ** 32. */
  "peer:outcome"(report: { outcome: "direct" | "relayed" | "failed" | "ended"; ms: number }, ack?: Ack): void;
  "ice:get"(ack: Ack<Ice>): void;
  "host:kick"(peer: { id: string }, ack?: Ack): void;
  "host:mute"(peer: { id: string }, ack?: Ack): void;
  "host:transfer"(peer: { id: string }, ack?: Ack): void;
  "host:admit"(peer: { id: string }, ack?: Ack): void;
  "host:deny"(peer: { id: string }, ack?: Ack): void;
  "host:lock"(lock: { on: boolean }, ack?: Ack): void;
  "host:password"(password: { password: string | null }, ack?: Ack): void;
  "host:clear"(ack?: Ack): void;
}

/** Signals arrive in the shape in which they were sent. These types are for pages whose signals do not begin with an id. */
export interface ServerToClientEvents extends OwnServerEvents {
  offer(description: any, meta: Meta): void;
  answer(description: any, meta: Meta): void;
  candidate(candidate: any, meta: Meta): void;
  "ice-candidate"(candidate: any, meta: Meta): void;
  ice(candidate: any, meta: Meta): void;
  signal(signal: { from: string; data: unknown }, meta: Meta): void;
  "chat-message"(message: Message): void;
  "chat:typing"(typing: { id: string; on: boolean }): void;
  "user-joined"(alias: string): void;
  "user-left"(alias: string): void;
  "peer:joined"(peer: Peer): void;
  "peer:back"(peer: Peer): void;
  "peer:left"(peer: { id: string; reason: "left" | "timeout" | "kicked" }): void;
  "peer:away"(peer: { id: string }): void;
  "peer:updated"(peer: { id: string } & Partial<Peer>): void;
  "room:state"(changes: Partial<RoomState> & { host?: string; cleared?: number }): void;
  "room:error"(error: RoomError): void;
  "room:admitted"(snapshot: Snapshot): void;
  "room:denied"(error: RoomError): void;
  "room:closed"(why: { reason: string | null }): void;
  "host:knock"(knock: { id: string; name: string | null }): void;
  "host:mute-request"(request: { by: string }): void;
}
