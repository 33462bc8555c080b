// The application on socket.io and Node: `node socketio.mjs PORT`.

import { Server } from "socket.io";
import { deliver } from "./application.mjs";

const io = new Server(Number(process.argv[2]), { cors: { origin: "*" }, pingInterval: 45_000, pingTimeout: 75_000 });

io.on("connection", (socket) => {
  const room = socket.handshake.query.room;
  socket.join(room);
  socket.onAny((name, payload) => {
    const delivery = deliver(room, socket.id, [name, payload]);
    if (delivery) io.to(delivery.to ?? room).emit(...delivery.event);
  });
});
