// socket.io-client, any version, in a room, with listeners as its documentation writes them:
// `node socketio_room.mjs TASK PACKAGE`.

import { createRequire } from "node:module";
import { next, report, stay, task } from "./report.mjs";

const { io } = createRequire(import.meta.url)(process.argv[3]);
const transports = task.transport === "upgrade" ? ["polling", "websocket"] : [task.transport];
const options = { path: task.path, transports, forceNew: true, auth: task.auth ?? undefined, reconnectionDelay: 50 };
const socket = io(task.url + task.query, options);

const call = (event, ...args) => new Promise((resolve) => socket.emit(event, ...args, resolve));
await next(socket, "connect");
const chat = new Promise((resolve) => socket.on("chat-message", ({ message }) => resolve(message)));
const offer = new Promise((resolve) => socket.on("offer", (description) => resolve(description)));
report("ack", (await call("chat-message", task.text)).ok);
report("chat", await chat);
report("offer", await offer);
if (task.recovers) {
  const id = socket.id;
  const back = next(socket, "connect");
  socket.io.engine.close();
  await back;
  report("recovered", socket.recovered === true && socket.id === id);
}
report("answer", (await call("answer", { type: "answer", sdp: task.text })).delivered);
process.stdin.once("end", () => socket.disconnect());
stay();
