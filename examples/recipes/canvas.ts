// A canvas in place of a camera: what is drawn on it is what the others see.
import { join, type Room } from "signalbox";

export async function broadcast(server: string, canvas: HTMLCanvasElement): Promise<Room> {
  return join("studio", { server, media: canvas.captureStream(10) });
}

/** Sends the camera again, or another canvas. */
export async function change(room: Room, canvas: HTMLCanvasElement | null) {
  await room.media.setTrack("video", canvas?.captureStream(10).getVideoTracks()[0] ?? null);
  if (!canvas) await room.media.setVideo(true);
}
