// A game without a camera and without a prompt. Each move goes directly from player to player.
import { join, type Peer } from "signalbox";

type Move = { from: string; to: string };

export async function play(server: string, name: string, show: (player: string, move: Move) => void) {
  const room = await join("chess", { server, name });
  const moves = room.channel("moves");
  moves.on("message", (move: Move, from: Peer) => show(from.name, move));
  return {
    players: () => [...room.peers.values()].map((peer) => peer.name),
    move: (from: string, to: string) => moves.send({ from, to }),
    leave: () => room.leave(),
  };
}
