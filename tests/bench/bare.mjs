// The minimum of a Durable Object in JavaScript: the protocol on a WebSocket, in memory, without checks and without
// storage. It shows the platform's limit.

import { deliver } from "./application.mjs";

const open = { upgrades: [], pingInterval: 45_000, pingTimeout: 75_000, maxPayload: 131_072 };

export class Room {
  #state;
  #peers = new Map(); // by id
  #known = new WeakMap(); // the attachments of sockets

  constructor(state) {
    this.#state = state;
    state.setWebSocketAutoResponse(new WebSocketRequestResponsePair("3", "6"));
    for (const socket of state.getWebSockets()) this.#peers.set(socket.deserializeAttachment().id, socket);
  }

  fetch(request) {
    const { 0: client, 1: server } = new WebSocketPair();
    const sid = crypto.randomUUID();
    this.#state.acceptWebSocket(server);
    server.serializeAttachment({ id: sid, room: new URL(request.url).searchParams.get("room") });
    server.send(`0${JSON.stringify({ sid, ...open })}`);
    return new Response(null, { status: 101, webSocket: client });
  }

  webSocketMessage(socket, text) {
    const { id, room } = this.#who(socket);
    if (text.startsWith("40")) {
      this.#peers.set(id, socket);
      this.send(socket, `40${JSON.stringify({ sid: id })}`);
    } else if (text.startsWith("42")) {
      const delivery = deliver(room, id, JSON.parse(text.slice(2)));
      if (!delivery) return;
      const frame = `42${JSON.stringify(delivery.event)}`;
      const to = delivery.to ? [this.#peers.get(delivery.to)].filter(Boolean) : this.#peers.values();
      for (const peer of to) this.send(peer, frame);
    } else if (text.startsWith("41")) {
      this.#peers.delete(id);
    }
  }

  send(socket, frame) {
    socket.send(frame);
  }

  webSocketClose(socket) {
    this.#peers.delete(this.#who(socket).id);
    socket.close();
  }

  #who(socket) {
    if (!this.#known.has(socket)) this.#known.set(socket, socket.deserializeAttachment());
    return this.#known.get(socket);
  }
}

export default {
  fetch(request, env) {
    const room = new URL(request.url).searchParams.get("room");
    return env.ROOM.getByName(room).fetch(request);
  },
};
