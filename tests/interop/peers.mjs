// The rows of the matrix: the clients, and the expected results of each.

import { oldPythonPath, pythonPath, rustPeer } from "../../scripts/setup.mjs";
import { inRoot, pinnedNode } from "../../scripts/task.mjs";

/** The columns. `upgrade`: polling first, then a WebSocket. */
export const transports = ["polling", "websocket", "upgrade"];

/** The task of every peer, besides `url`, `path` and `transport`. Bytes are `{hex}`. */
export const task = {
  timeoutMs: 30_000, // of each wait of a peer
  auth: { token: "€ 会议" },
  text: "€ 会议",
  args: [1, "two", { three: [null, true, "€ 会议"] }],
  bytes: { hex: "00067f80ff" }, // without the byte 1e, at which rust_engineio splits even binary frames of a WebSocket
  attachments: ["first", { two: { hex: "00ff" }, three: [{ hex: "1e62" }] }],
};

const { auth, text, args, bytes, attachments } = task;

/** The expected results of Socket.IO's steps by name: the echoed arguments, and the reason that the client gives for its disconnect. */
const socketSteps = (reason) => ({
  connect: [auth],
  event: args,
  ack: args,
  "server's ack": args,
  "binary event": [bytes],
  "binary ack": [bytes],
  "binary server's ack": [bytes],
  attachments,
  namespace: [auth],
  disconnect: reason,
});

/** The same for clients of revision 3, which have no `auth`. */
const oldSocketSteps = (reason) => ({ ...socketSteps(reason), connect: [{}], namespace: [{}] });

/** The expected results of Engine.IO's steps. */
const engineSteps = (reason) => ({ open: null, text, binary: bytes, close: reason });

const here = (file) => inRoot("tests/interop", file);

/** A version of socket.io-client. */
const javaScript = (version) => ({
  name: `socket.io-client ${version}`,
  echo: "socket.io",
  command: (task) => [pinnedNode, here("socketio.mjs"), task, `socket.io-client-${version}`],
  steps: () => socketSteps("io client disconnect"),
});

/** A version that speaks revision 3. */
const oldJavaScript = (version) => ({
  ...javaScript(version),
  revision: "3",
  steps: () => oldSocketSteps("io client disconnect"),
});

const python = (name, kind) => ({
  name,
  echo: "socket.io",
  command: (task) => [pythonPath, here("python_peer.py"), task, kind],
  steps: () => socketSteps("client disconnect"),
});

/**
 * The steps that rust_socketio 0.6.0 supports: it sends no acks, asks for acks of text only, and sends at most one
 * attachment.
 */
function rustSteps() {
  const { connect, event, ack, "binary event": binary, namespace } = socketSteps();
  return { connect, event, ack, "binary event": binary, namespace, disconnect: null };
}

export const peers = [
  ...["4.8.4", "4.7.5", "4.6.2", "4.5.4", "4.1.3", "4.0.0", "3.1.3", "3.0.0"].map(javaScript),
  {
    name: "engine.io-client 6.6.8",
    echo: "engine.io",
    command: (task) => [pinnedNode, here("engineio.mjs"), task],
    steps: () => engineSteps("forced close"),
  },
  python("python-socketio 5.18.1, sync", "sync"),
  python("python-socketio 5.18.1, async", "async"),
  {
    name: "rust_socketio 0.6.0",
    echo: "socket.io",
    command: (task) => [rustPeer("socketio"), task],
    steps: rustSteps,
  },
  {
    name: "rust_engineio 0.6.0",
    echo: "engine.io",
    command: (task) => [rustPeer("engineio"), task],
    steps: () => engineSteps(null),
  },
  ...["2.5.0", "2.3.1", "2.0.4", "1.7.4"].map(oldJavaScript),
  {
    ...python("python-socketio 4.6.1", "old"),
    revision: "3",
    command: (task) => [oldPythonPath, here("python_peer.py"), task, "old"],
    steps: () => oldSocketSteps(null),
  },
];
