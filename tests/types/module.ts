// The types of the client module: what they accept, and what they refuse.

import { createKey, join, LocalMedia, SignalboxError, type ErrorCode, type FileTransfer, type Peer, type Quality, type Room } from "../../public/signalbox.js";

const media = new LocalMedia();
const room: Room = await join("standup", { name: "Ada", media, key: createKey(), signal: AbortSignal.timeout(1_000) });
const again: Promise<Room> = join("standup", { rejoin: room.rejoin, reportOutcomes: true });
const off: () => void = room.on("peer", (peer: Peer) => {
  const facts: [number, boolean, boolean] = [peer.joinOrder, peer.handRaised, peer.state === "closed"];
  // @ts-expect-error: `hand` is the name in the contract; here it is `handRaised`
  void [facts, peer.hand];
  const verdict: "verified" | "unverified" | "mismatch" = peer.verified;
  const quality: Readonly<Quality> | null = peer.quality;
  peer.on("quality", () => [verdict, quality?.path === "relay", quality?.rtt]);
  peer.on("track", (track, stream) => stream.addTrack(track));
  peer.on("left", (reason) => reason === "timeout");
  const sent: FileTransfer = peer.sendFile(new File([], "a.txt"));
  sent.on("change", () => sent.state === "failed" && sent.error?.code);
  // @ts-expect-error: only the receiver of a file accepts it
  peer.sendFile(new Blob()).accept();
  // @ts-expect-error: it is read only
  peer.name = "Bob";
});
off();
const heard = (file: FileTransfer) => file.size;
const wasThere: boolean = room.off("file", heard);
const stop: () => void = room.once("file", heard);
void [wasThere, stop, room.chat.once("message", ({ text }) => text), media.off("replaced", (track) => track.label)];
// @ts-expect-error: the listener of another event
room.off("knock", heard);
room.on("file", (file) => {
  file.accept();
  const blob: Blob | null = file.blob;
  return blob;
});
const moves = room.channel("moves");
const sent: Promise<void> = moves.send({ x: 1 }, { to: [...room.peers.values()] });
moves.on("message", (move, from: Peer) => [move.x, from.name, sent]);
room.on("message", (data, from: Peer) => room.send({ seen: data }, { to: from }));
room.chat.send("psst", { to: { id: "x" } });
const older: boolean = (await room.chat.loadEarlier(10)).more;
const own: Promise<Room> = join("standup", { media: new MediaStream(), rtcConfig: { iceServers: [{ urls: "stun:stun.example.com" }] } });
room.on("muteRequest", (by) => by?.name);
room.on("mediaRefused", (error) => error.code === "room-full");
void [room.update({ handRaised: true }), room.host.requestMute({ id: "x" }), room.encrypted, room.hasTurn, room.self.joinOrder];
void [older, own, media.setTrack("screen", null), room.host.admitAll(), room.host.requestMuteAll()];
// @ts-expect-error: there is no such kind
media.setTrack("camera", null);
room.on("closed", (error) => error instanceof SignalboxError && error.retryAfterMs);
const codes: ErrorCode[] = ["room-full", "bad-password", "unreachable", "device-lost", "not-saved"];
void [codes, room.limits.rates.chat.perSecond, new SignalboxError("left", "")];
// @ts-expect-error: there is no such code
new SignalboxError("room-ful", "");
// @ts-expect-error: there is no such event
room.on("peers", () => {});
const message = room.chat.send("hello");
const unreadable: boolean = message.encryption === "unreadable";
// @ts-expect-error: a room is named by a text
await join(7);
export { again, unreadable };
