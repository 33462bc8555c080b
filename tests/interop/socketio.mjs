// socket.io-client, any version: `node socketio.mjs TASK PACKAGE`.

import { createRequire } from "node:module";
import { next, report, stay, task } from "./report.mjs";

const library = createRequire(import.meta.url)(process.argv[3]);
const io = library.io ?? library; // in versions 1 and 2 the module is the function itself
const transports = task.transport === "upgrade" ? ["polling", "websocket"] : [task.transport];
const options = { path: task.path, transports, forceNew: true, reconnection: false };

const socket = io(task.url, { ...options, auth: task.auth });
const greeted = next(socket, "auth");
socket.once("connect_error", (error) => console.error(error));
await next(socket, "connect");
const { engine } = socket.io;
if (task.transport === "upgrade" && engine.transport.name === "polling") await next(engine, "upgrade");
report("connect", await greeted);
await converse();
stay();

async function converse() {
  const echo = async (...args) => {
    const back = next(socket, "message-back");
    socket.emit("message", ...args);
    return back;
  };
  const ack = (...args) => new Promise((resolve) => socket.emit("message-with-ack", ...args, (...acked) => resolve(acked)));
  const ask = async (...args) => {
    const answer = next(socket, "answer");
    socket.emit("ask", ...args);
    return answer;
  };
  socket.on("question", (...args) => {
    const acknowledge = args.pop();
    acknowledge(...args);
  });

  report("event", await echo(...task.args));
  report("ack", await ack(...task.args));
  report("server's ack", await ask(...task.args));
  report("binary event", await echo(task.bytes));
  report("binary ack", await ack(task.bytes));
  report("binary server's ack", await ask(task.bytes));
  report("attachments", await echo(...task.attachments));

  const custom = socket.io.socket("/custom", { auth: task.auth });
  report("namespace", await next(custom, "auth"));

  const left = Promise.all([custom, socket].map((each) => next(each, "disconnect")));
  custom.disconnect();
  socket.disconnect();
  report("disconnect", (await left)[1][0]);
}
