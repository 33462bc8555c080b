// Events with names that an application chose, declared once: their types with stock socket.io-client and with the client module.

import { io, type Socket } from "socket.io-client";
import type { ClientToServerEvents, Reply, ServerToClientEvents } from "../../public/contract.js";
import { join } from "../../public/signalbox.js";

declare module "../../public/contract.js" {
  interface OwnClientEvents {
    guess(word: string, ack: Ack<{ right: boolean }>): void;
  }
  interface OwnServerEvents {
    round(number: number, word: string): void;
  }
}

const socket: Socket<ServerToClientEvents, ClientToServerEvents> = io();
const reply: Reply<{ right: boolean }> = await socket.emitWithAck("guess", "apple");
socket.on("round", (number, word) => [number + 1, word.length]);
// @ts-expect-error: no such event
socket.emit("gues", "apple", () => {});
// @ts-expect-error: no such field
void (reply.ok && reply.rigth);

const room = await join("game");
const { right }: { right: boolean } = await room.request("guess", "apple");
const off: () => void = room.events.on("round", (number, word) => [number + 1, word.length]);
// @ts-expect-error: no such event
room.events.on("rounds", () => {});
// @ts-expect-error: a number comes first
room.events.on("round", (number: string) => number);
// @ts-expect-error: no such event
room.request("gues", "apple");
// @ts-expect-error: a guess is a text
room.request("guess", 7);
// @ts-expect-error: the room's own events are not the application's
room.request("host:clear", {});
export { right, off };
