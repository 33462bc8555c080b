// A user interface of your own: one element per peer, drawn again whenever the peer changes.
import { join, SignalboxError, type Peer, type Room } from "signalbox";

function tile(peer: Peer): HTMLElement {
  const figure = document.createElement("figure");
  const video = Object.assign(document.createElement("video"), { autoplay: true, playsInline: true, srcObject: peer.stream });
  const caption = document.createElement("figcaption");
  figure.append(video, caption);
  const draw = () => {
    const hand = peer.handRaised ? ", hand raised" : "";
    caption.textContent = `${peer.name}: ${peer.state}${hand}`;
  };
  peer.on("change", draw);
  peer.on("left", () => figure.remove());
  draw();
  return figure;
}

export async function enter(server: string, name: string, password?: string): Promise<Room | "wrong password"> {
  try {
    const room = await join("lounge", { server, name, password, media: { audio: true, video: true } });
    room.on("peer", (peer) => document.body.append(tile(peer)));
    const unblock = Object.assign(document.createElement("button"), { textContent: "Tap to hear", hidden: true });
    unblock.onclick = () => room.startAudio();
    room.on("change", () => (unblock.hidden = room.canPlayAudio));
    document.body.append(unblock);
    return room;
  } catch (error) {
    if (error instanceof SignalboxError && error.code === "bad-password") return "wrong password";
    throw error;
  }
}
