// The end-to-end harness: the built Worker in its own workerd, and clients that wait for events, never for time.

import { fork } from "node:child_process";
import { EventEmitter } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { io } from "socket.io-client";
import { WebSocket } from "ws";
import { serve } from "../../scripts/server.mjs";
import { inRoot, pinnedNode } from "../../scripts/task.mjs";

/** How long a test waits for an expected event, in milliseconds. */
const timeoutMs = 30_000;

/** Rates that no test exceeds by accident. */
export const high_rates = Object.fromEntries(["SIGNAL", "CHAT", "CONTROL"].map((kind) => [`${kind}_RATE`, "1000000/1000000"]));

/**
 * Starts a built Worker, that of `crate`, on a free port of 127.0.0.1, with empty rooms. `vars`, `ratelimits` and
 * `durableObjects` replace those of its wrangler.toml. By default SIGNAL_RATE, CHAT_RATE and CONTROL_RATE are so high
 * that tests can ignore them. `objects` is a script whose class Room replaces the Worker's. `metrics` is a script whose
 * entrypoint replaces the data set. `development` starts it as `npm start` does. `inspector` is the port of the
 * runtime's inspector. The caller stops the server: `after(() => server.stop())`.
 */
export async function startServer({ crate, vars, ratelimits, durableObjects, objects, metrics, development, inspector } = {}) {
  const port = await freePort();
  const logs = [];
  const printed = new EventEmitter();
  const workerd = await serve({
    port,
    crate,
    vars: { ...high_rates, ...vars },
    ratelimits,
    durableObjects,
    objects,
    metrics,
    development,
    inspector,
    onLog: (log) => {
      logs.push(log);
      printed.emit("log", log);
    },
    envFiles: [inRoot("tests/e2e/no-secrets")], // this folder does not exist: tests do not read a developer's .dev.vars
  });
  const closers = new Set();
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    /** The Worker's log: `{level, message, timestamp}` each. */
    logs,
    /**
     * Resolves to the first matching message in the log after the first `since` messages. A client may get its answer
     * before the log gets the message about it.
     */
    async logged(pattern, since = 0) {
      const matches = ({ message }) => pattern.test(message);
      const log = logs.slice(since).find(matches) ?? (await once(printed, "log", matches))[0];
      return log.message;
    },
    /** Functions that `stop` calls first; the clients below add theirs. */
    closers,
    /**
     * Ends the room's object, as hibernation, a deploy or a crash would: its memory is lost, its storage stays.
     * `webSockets: "close"` closes its sockets too. Fails if no such object runs.
     */
    evict: (room, { webSockets = "hibernate", className = "Room" } = {}) =>
      workerd.unsafeEvictDurableObject("signalbox", className, { name: room, webSockets }),
    /** The namespace of the rooms' objects, for direct access. */
    objects: () => workerd.getDurableObjectNamespace("ROOM", "signalbox"),
    async stop() {
      for (const close of closers) close();
      await workerd.dispose();
      const panic = logs.find(({ message }) => /panicked|RuntimeError/.test(message));
      if (panic) throw new Error(`the Worker panicked: ${panic.message}`);
    },
  };
}

/**
 * Starts a Worker, the deployed one or that of `crate`, in its own processes, on a free port, with persistent storage.
 * `kill()` ends them like a power cut, `start()` starts them again on the same port and storage. `vars` and
 * `ratelimits` are as for `startServer`; the latter may change for the next start. `storage` is a folder of the caller,
 * which `stop` deletes.
 */
export async function startKillable({ crate = ".", vars = {}, ratelimits, storage = mkdtempSync(join(tmpdir(), "signalbox-")) } = {}) {
  const port = await freePort();
  let child;
  const server = {
    port,
    url: `http://127.0.0.1:${port}`,
    /** The folder with the rooms' storage. */
    storage,
    /** The output of the server and its Worker. */
    output: "",
    closers: new Set(),
    ratelimits,
    async start() {
      const script = inRoot("tests/e2e/killable.mjs");
      const settings = JSON.stringify({ vars, ratelimits: server.ratelimits });
      child = fork(script, [String(port), storage, crate, settings], { detached: true, execPath: pinnedNode, silent: true });
      for (const stream of [child.stdout, child.stderr]) {
        stream.setEncoding("utf8").on("data", (text) => {
          server.output += text;
        });
      }
      await within("start of the server", (resolve, reject) => {
        const exited = (code) => reject(new Error(`the server ended with ${code}`));
        child.on("message", resolve).on("exit", exited);
        return () => child.off("message", resolve).off("exit", exited);
      });
    },
    async kill() {
      const exited = within("end of the server", (resolve) => {
        child.on("exit", resolve);
        return () => child.off("exit", resolve);
      });
      process.kill(-child.pid, "SIGKILL"); // workerd is in its process group
      await exited;
    },
    async stop() {
      for (const close of server.closers) close();
      await server.kill();
      rmSync(storage, { recursive: true });
    },
  };
  await server.start();
  return server;
}

/** A free port, below those that the system gives to clients. */
export async function freePort() {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    const server = createServer();
    const free = await new Promise((resolve) => {
      server.once("error", () => resolve(false)).listen({ port, host: "127.0.0.1" }, () => resolve(true));
    });
    if (!free) continue;
    await new Promise((closed) => server.close(closed));
    return port;
  }
}

/** The path of a room's Engine.IO endpoint. `query` has a raw client's parameters; `EIO=4` is added. */
export function enginePath(room, query = {}) {
  return `/r/${encodeURIComponent(room)}/socket.io/?${new URLSearchParams({ EIO: "4", ...query })}`;
}

/** A stock client of a room, not yet connected. `options` are socket.io-client's, with `namespace` in addition. */
export function client(server, { room = "lobby", namespace = "/", ...options } = {}) {
  const socket = io(server.url + namespace, {
    path: `/r/${encodeURIComponent(room)}/socket.io`,
    forceNew: true,
    reconnection: false,
    ...options,
  });
  server.closers.add(() => socket.disconnect());
  return socket;
}

/** Like `client`, connected. */
export async function connect(server, options) {
  const socket = client(server, options);
  await new Promise((resolve, reject) => {
    const failed = (error) => reject(new Error(`the client did not connect: ${error.message}`, { cause: error }));
    socket.once("connect", resolve).once("connect_error", failed);
  });
  return socket;
}

/**
 * Resolves to the arguments of the next `event` for which `where(...args)` holds. Call it before the cause of the
 * event. Fails, naming the event, if it does not come in time.
 */
export function once(emitter, event, where = () => true) {
  return within(`event "${event}"`, (resolve) => {
    const listener = (...args) => {
      if (where(...args)) resolve(args);
    };
    emitter.on(event, listener);
    return () => emitter.off(event, listener);
  });
}

/** An event's arguments as they were sent, without the last one, the offset that connection state recovery adds. */
export function payload(args) {
  const offset = args.at(-1);
  if (!/^\d{16}$/.test(offset)) throw new Error(`no offset at the end of ${JSON.stringify(args)}`);
  return args.slice(0, -1);
}

/** Emits an event and resolves to its ack. */
export async function ask(socket, event, ...args) {
  try {
    return await socket.timeout(timeoutMs).emitWithAck(event, ...args);
  } catch (error) {
    throw new Error(`no acknowledgement of "${event}" within ${timeoutMs} ms`, { cause: error });
  }
}

/** A promise with a deadline: `start(resolve, reject)` begins to wait and returns a function that stops waiting. */
function within(what, start) {
  const late = new Error(`no ${what} within ${timeoutMs} ms`); // made here, for its stack trace
  return new Promise((resolve, reject) => {
    const settle = (how) => (value) => {
      clearTimeout(timer);
      stop();
      how(value);
    };
    const timer = setTimeout(() => settle(reject)(late), timeoutMs);
    const stop = start(settle(resolve), settle(reject));
  });
}

/**
 * One HTTP request without added headers except Host. Resolves to `{status, headers, body, bytes}`, the body as a text
 * and as a Buffer. `body` may be a stream; `signal` aborts the request.
 */
export function http(server, path, { method = "GET", headers = {}, body, signal } = {}) {
  return new Promise((resolve, reject) => {
    const request = httpRequest(server.url + path, { method, headers, signal, agent: false, timeout: 60_000 });
    request.on("timeout", () => request.destroy(new Error(`no answer to ${method} ${path} within 60 s`)));
    request.on("error", reject);
    request.on("response", (response) => {
      const chunks = [];
      response.on("data", (chunk) => chunks.push(chunk)).on("error", reject);
      response.on("end", () => {
        const { statusCode: status, headers } = response;
        const bytes = Buffer.concat(chunks);
        resolve({ status, headers, body: bytes.toString(), bytes });
      });
    });
    if (body instanceof Readable) body.pipe(request);
    else request.end(body);
  });
}

/** The packets of a text payload of revision 3, which are prefixed with their lengths. */
export function packetsOfRevision3(payload) {
  const found = [];
  for (let rest = payload; rest !== ""; ) {
    const [prefix, length] = /^(\d+):/.exec(rest) ?? [];
    if (!prefix) throw new Error(`no payload: ${rest}`);
    const end = prefix.length + Number(length);
    found.push(rest.slice(prefix.length, end));
    rest = rest.slice(end);
  }
  return found;
}

/**
 * An open polling session without Socket.IO. `get` and `post` send requests, `webSocket` opens a WebSocket for an
 * upgrade. `path(query)` is the path of the endpoint.
 */
export async function openPolling(server, path) {
  const { status, body } = await http(server, path({ transport: "polling" }));
  if (status !== 200) throw Object.assign(new Error(`the handshake was refused with ${status}: ${body}`), { status });
  const { sid } = JSON.parse(body.slice(1));
  const own = path({ transport: "polling", sid });
  const headers = { "content-type": "text/plain;charset=UTF-8" };
  return {
    sid,
    get: () => http(server, own),
    post: (body) => http(server, own, { method: "POST", headers, body }),
    webSocket: () => webSocket(server, path({ transport: "websocket", sid })),
  };
}

/**
 * Opens a WebSocket without Socket.IO. The request has the given `headers` and offers the given `protocols`. In the
 * result, `next()` resolves to the next frame, a string or a Buffer; `send` and `close` are ws's; `headers` are the
 * answer's; `closed` resolves to `{code, reason}`. If the server refuses the WebSocket, the function fails with an error
 * that has `status`, `headers` and `body` of the answer.
 */
export async function webSocket(server, path, { headers, protocols } = {}) {
  // If a hibernatable WebSocket is closed before the object got a frame from it, workerd ends the connection only when the
  // object hibernates. So after a close frame ws waits only one second for the end of the connection.
  const socket = new WebSocket(server.url.replace("http", "ws") + path, protocols, { headers, closeTimeout: 1_000 });
  server.closers.add(() => socket.terminate());
  const frames = [];
  socket.on("message", (data, isBinary) => frames.push(isBinary ? data : data.toString()));
  const closed = new Promise((resolve) => {
    socket.on("close", (code, reason) => resolve({ code, reason: reason.toString() }));
  });
  const opened = new Promise((resolve) => socket.on("upgrade", (response) => resolve(response.headers)));
  await new Promise((resolve, reject) => {
    socket.on("open", resolve).on("error", reject).on("unexpected-response", (_, response) => {
      let body = "";
      response.on("data", (chunk) => (body += chunk)).on("end", () => {
        const { statusCode: status, headers } = response;
        reject(Object.assign(new Error(`the WebSocket was refused with ${status}`), { status, headers, body }));
      });
    });
  });
  return {
    closed,
    headers: await opened,
    send: (data) => socket.send(data),
    close: (code, reason) => socket.close(code, reason),
    /** Ends the connection without a close frame, like a network failure. */
    terminate: () => socket.terminate(),
    /** The next frame; frames are buffered until they are requested. */
    async next() {
      if (frames.length === 0) {
        if (socket.readyState === WebSocket.CLOSED) throw new Error("no frame: the WebSocket is closed");
        await within("frame", (resolve, reject) => {
          const ended = (code) => reject(new Error(`no frame: the WebSocket closed with ${code}`));
          socket.on("message", resolve).on("close", ended);
          return () => socket.off("message", resolve).off("close", ended);
        });
      }
      return frames.shift();
    },
  };
}
