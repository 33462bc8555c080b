// Stock socket.io-client, without the module: chat, and who is in the room, with the types of the room's events.
import { io, type Socket } from "socket.io-client";
import type { ClientToServerEvents, Reply, ServerToClientEvents, Snapshot } from "signalbox/contract";

export async function chat(server: string, name: string, hear: (line: string) => void) {
  const socket: Socket<ServerToClientEvents, ClientToServerEvents> = io(server, { path: "/r/hallway/socket.io" });
  const reply: Reply<Snapshot> = await socket.emitWithAck("room:join", { name });
  if (!reply.ok) throw new Error(reply.error.message);
  const names = new Map(reply.peers.map((peer) => [peer.id, peer.name]));
  socket.on("peer:joined", (peer) => names.set(peer.id, peer.name));
  socket.on("peer:left", ({ id }) => names.delete(id));
  socket.on("chat-message", ({ name, message }) => hear(`${name}: ${message}`));
  return {
    others: () => [...names.values()],
    say: (message: string) => socket.emitWithAck("chat-message", { message }),
    leave: () => socket.disconnect(),
  };
}
