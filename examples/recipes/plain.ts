// Stock socket.io-client, without the module: chat, and who is in the room, with the types of the room's events.
import { io, type Socket } from "socket.io-client";
import type { ClientToServerEvents, Reply, ServerToClientEvents, Snapshot } from "signalbox/contract";

export async function chat(server: string, name: string, hear: (line: string) => void) {
  const socket: Socket<ServerToClientEvents, ClientToServerEvents> = io(server, { path: "/r/hallway/socket.io" });
  const names = new Map<string, string | null>();
  socket.on("peer:joined", (peer) => names.set(peer.id, peer.name));
  socket.on("peer:left", ({ id }) => names.delete(id));
  socket.on("chat-message", ({ name, message }) => hear(`${name}: ${message}`));
  const enter = () => new Promise<void>((entered, failed) => {
    const lost = () => failed(new Error("the connection was lost"));
    socket.once("disconnect", lost);
    socket.emit("room:join", { name }, (reply: Reply<Snapshot>) => {
      socket.off("disconnect", lost);
      if (!reply.ok) return failed(new Error(reply.error.message));
      names.clear();
      for (const peer of reply.peers) names.set(peer.id, peer.name);
      entered();
    });
  });
  await enter().catch((error) => {
    socket.disconnect();
    throw error;
  });
  socket.on("connect", () => enter().catch(console.error)); // after a lost connection
  return {
    others: () => [...names.values()],
    say: (message: string) => socket.timeout(10_000).emitWithAck("chat-message", { message }),
    leave: () => socket.disconnect(),
  };
}
