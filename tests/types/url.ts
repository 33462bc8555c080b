// The types of the module in a file that imports it from its URL. tsconfig.json names the URL in `paths`.

import { join, type Room } from "https://rooms.example.com/signalbox.js";

export const room: Promise<Room> = join("standup", { name: "Ada" });
// @ts-expect-error: a room is named by a text
void join(7);
