// engine.io-client: `node engineio.mjs TASK`.

import { Socket } from "engine.io-client";
import { next, report, stay, task } from "./report.mjs";

const transports = task.transport === "upgrade" ? ["polling", "websocket"] : [task.transport];
const socket = new Socket(task.url, { path: task.path, transports });
if (task.transport === "upgrade") await next(socket, "upgrade");
else await next(socket, "open");
report("open");

const echo = async (message) => {
  const back = next(socket, "message");
  socket.send(message);
  return (await back)[0];
};
report("text", await echo(task.text));
report("binary", await echo(task.bytes));

const closed = next(socket, "close");
socket.close();
report("close", (await closed)[0]);
stay();
