// Events with names of your own, which an operator's server sends to a room: POST /api/rooms/hall/emit.
import { join, type Room } from "signalbox";

declare module "signalbox/contract" {
  interface OwnServerEvents {
    announcement(text: string, urgent: boolean): void;
  }
}

export async function listen(server: string, show: (text: string, urgent: boolean) => void): Promise<Room> {
  const room = await join("hall", { server });
  room.events.on("announcement", show);
  return room;
}
