// What the types promise, and what they refuse, with stock socket.io-client.

import { io, type Socket } from "socket.io-client";
import type { Auth, ClientToServerEvents, ErrorCode, Message, Peer, ServerToClientEvents, Snapshot } from "../../public/contract.js";

const auth: Auth = { token: "x" };
const socket: Socket<ServerToClientEvents, ClientToServerEvents> = io("", { path: "/r/standup/socket.io", auth });

socket.emit("room:join", { name: "Ada", media: { audio: true }, password: "x" }, (reply) => {
  if (!reply.ok) {
    const code: ErrorCode = reply.error.code;
    const retryAfterMs: number | undefined = reply.error.retryAfterMs;
    return [code, retryAfterMs];
  }
  const { self, peers, history, ice, limits }: Snapshot = reply;
  new RTCPeerConnection({ iceServers: ice.iceServers });
  const polite: boolean = peers.every(({ n }) => n < self.n);
  return [polite, history.map(({ message }) => message), limits.rates.chat.perSecond];
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
  return reply.ok ? reply.ttl : reply.error.message;
}
void acknowledged;

// @ts-expect-error: no such event
socket.emit("host:ban", { id: "x" });
// @ts-expect-error: an id is a text
socket.emit("host:kick", { id: 7 });
// @ts-expect-error: a lock is on or off
socket.emit("host:lock", {});
// @ts-expect-error: no such event
socket.on("peer:gone", () => {});
