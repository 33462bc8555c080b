// The bundle is socket.io-client 4.8.4's own; so are its types.
export { io, Socket } from "socket.io-client";
