// The types of the contract, with stock socket.io-client: what they accept, and what they refuse.

import { io, type Socket } from "socket.io-client";
import type { Auth, ClientToServerEvents, ErrorCode, Message, Peer, Reply, ServerToClientEvents, Snapshot } from "../../public/contract.js";

const auth: Auth = { token: "x" };
const socket: Socket<ServerToClientEvents, ClientToServerEvents> = io("", { path: "/r/standup/socket.io", auth });

socket.emit("room:join", { name: "Ada", media: { audio: true }, password: "x", rejoin: "y" }, (reply) => {
  if (!reply.ok) {
    const code: ErrorCode = reply.error.code;
    const retryAfterMs: number | undefined = reply.error.retryAfterMs;
    return [code, retryAfterMs];
  }
  const { self, peers, history, ice, limits, rejoin }: Snapshot = reply;
  new RTCPeerConnection({ iceServers: ice.iceServers });
  const polite: boolean = peers.every(({ n }) => n < self.n);
  return [polite, rejoin.length, history.map(({ message }) => message), limits.rates.chat.perSecond];
});
socket.emit("chat-message", "hello");
socket.emit("chat-message", { message: "hello", mid: "1", to: "x" }, (reply) => reply.ok && reply.seq + reply.ts);
socket.emit("chat:history", { limit: 10 }, (reply) => reply.ok && reply.messages.length > 0 && reply.more);
socket.emit("host:password", { password: null });

const connection = new RTCPeerConnection();
connection.onicecandidate = ({ candidate }) => {
  socket.emit("candidate", candidate);
  socket.emit("candidate", { to: "x", candidate, cid: 1 }, (reply) => reply.ok && reply.delivered);
};
socket.on("offer", async (description: RTCSessionDescriptionInit, { from, polite, cid }) => {
  await connection.setRemoteDescription(description);
  await connection.setLocalDescription();
  socket.emit("answer", { to: from, description: connection.localDescription ?? undefined, cid });
  return polite;
});
socket.on("peer:joined", (peer: Peer) => peer.media.video);
socket.on("peer:left", ({ id, reason }) => id + (reason === "kicked"));
socket.on("chat-message", ({ message, from, name }: Message) => message + from + (name ?? ""));
socket.on("room:state", ({ locked, host, cleared }) => [locked, host, cleared]);

async function acknowledged() {
  const reply = await socket.emitWithAck("ice:get");
  const joined: Reply<Snapshot> = await socket.emitWithAck("room:join", {});
  void joined;
  return reply.ok ? reply.ttl : reply.error.message;
}
void acknowledged;

// Every event once. A missing event is an error.
const description = { type: "offer", sdp: "" };
const candidate = { candidate: "", sdpMid: "0", sdpMLineIndex: 0 };
type Delivered = { ok: true; delivered: number } | { ok: false; error: { code: ErrorCode } };
const delivered = (reply: Delivered) => reply.ok && reply.delivered;
const done = (reply: { ok: boolean }) => reply.ok;
const sent: Record<keyof ClientToServerEvents, () => unknown> = {
  offer: () => [
    socket.emit("offer", description, delivered),
    socket.emit("offer", "x", description, delivered),
    socket.emit("offer", description, "standup"),
    socket.emit("offer", { remotePeerId: "x", offer: description, cid: 1 }),
  ],
  answer: () => [
    socket.emit("answer", { to: "x", description }, delivered),
    socket.emit("answer", "x", description),
    socket.emit("answer", description, "standup", delivered),
  ],
  candidate: () => [socket.emit("candidate", null), socket.emit("candidate", "x", candidate, delivered)],
  "ice-candidate": () => socket.emit("ice-candidate", { targetUserId: "x", candidate }, delivered),
  ice: () => socket.emit("ice", candidate, "standup"),
  signal: () => socket.emit("signal", { to: "x", data: [1], cid: "c" }, delivered),
  "chat-message": () => socket.emit("chat-message", { message: "x", enc: { iv: "" } }),
  "chat:history": () => socket.emit("chat:history", { before: 7 }, done),
  "chat:typing": () => socket.emit("chat:typing", { on: true }, done),
  join: () => socket.emit("join", "ada", done),
  "room:join": () => socket.emit("room:join", {}),
  "room:leave": () => [socket.emit("room:leave"), socket.emit("room:leave", done)],
  "peer:update": () => socket.emit("peer:update", { name: "Ada", media: { screen: true }, hand: true }, done),
  "peer:outcome": () => [socket.emit("peer:outcome", { outcome: "failed", ms: 20_000 }, done), socket.emit("peer:outcome", { outcome: "direct", ms: 1 })],
  "ice:get": () => socket.emit("ice:get", (reply) => reply.ok && reply.iceServers),
  "host:kick": () => socket.emit("host:kick", { id: "x" }, done),
  "host:mute": () => socket.emit("host:mute", { id: "x" }, done),
  "host:transfer": () => socket.emit("host:transfer", { id: "x" }, done),
  "host:admit": () => socket.emit("host:admit", { id: "x" }, done),
  "host:deny": () => socket.emit("host:deny", { id: "x" }, done),
  "host:lock": () => socket.emit("host:lock", { on: true }, done),
  "host:password": () => socket.emit("host:password", { password: "x" }, done),
  "host:clear": () => socket.emit("host:clear", done),
  guess: () => socket.emit("guess", "apple", (reply) => reply.ok && reply.right), // of own-events.ts
};
const heard: Record<keyof ServerToClientEvents, () => unknown> = {
  offer: () => socket.on("offer", (offer: RTCSessionDescriptionInit, { from, seq }) => [offer.sdp, from, seq]),
  answer: () => socket.on("answer", (answer: RTCSessionDescriptionInit, { to }) => [answer.type, to]),
  candidate: () => socket.on("candidate", (init: RTCIceCandidateInit | null, { ts }) => [init, ts]),
  "ice-candidate": () => socket.on("ice-candidate", (init: RTCIceCandidateInit, { name }) => [init, name]),
  ice: () => socket.on("ice", (init: RTCIceCandidateInit, { room }) => [init, room]),
  signal: () => socket.on("signal", ({ from, data }, { cid }) => [from, data, cid]),
  "chat-message": () => socket.on("chat-message", ({ id, seq, to, enc }) => [id, seq, to, enc]),
  "chat:typing": () => socket.on("chat:typing", ({ id, on }) => [id, on]),
  "user-joined": () => socket.on("user-joined", (alias) => alias.length),
  "user-left": () => socket.on("user-left", (alias) => alias.length),
  "peer:joined": () => socket.on("peer:joined", ({ n, joinedAt }) => n + joinedAt),
  "peer:back": () => socket.on("peer:back", ({ id, away }) => [id, away]),
  "peer:left": () => socket.on("peer:left", ({ id, reason }) => [id, reason === "timeout"]),
  "peer:away": () => socket.on("peer:away", ({ id }) => id),
  "peer:updated": () => socket.on("peer:updated", ({ id, hand, media }) => [id, hand, media?.screen]),
  "room:state": () => socket.on("room:state", ({ password, capacity }) => [password, capacity]),
  "room:error": () => socket.on("room:error", ({ code, message, event, retryAfterMs }) => [code, message, event, retryAfterMs]),
  "room:admitted": () => socket.on("room:admitted", ({ self, room }) => [self.id, room.name]),
  "room:denied": () => socket.on("room:denied", ({ code, message }) => [code, message]),
  "room:closed": () => socket.on("room:closed", ({ reason }) => reason?.length),
  "host:knock": () => socket.on("host:knock", ({ id, name }) => [id, name?.length]),
  "host:mute-request": () => socket.on("host:mute-request", ({ by }) => by),
  round: () => socket.on("round", (number, word) => [number, word]), // of own-events.ts
  announcement: () => socket.on("announcement", (text, urgent) => urgent && text), // declared in docs/recipes.md
};
void [sent, heard];

// @ts-expect-error: no such event
socket.emit("host:ban", { id: "x" });
// @ts-expect-error: a description is not a text
socket.emit("offer", "x", "sdp");
// @ts-expect-error: an id is a text
socket.emit("host:kick", { id: 7 });
// @ts-expect-error: a lock is on or off
socket.emit("host:lock", {});
// @ts-expect-error: no such event
socket.on("peer:gone", () => {});
