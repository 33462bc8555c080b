// What is measured, and on which servers.

const all = ["signalbox", "bare", "gathered", "socket.io", "socketioxide"]; // the last one with --all only
const platform = ["signalbox", "bare"];

/** The compared values of a run. For speed, more is better; for time and memory, less. */
const figures = {
  speed: ({ count, seconds }) => count / seconds,
  p50: ({ p50 }) => p50,
  p99: ({ p99 }) => p99,
  memory: ({ bytes }) => bytes,
};

/** Chat to a whole room: each of four members keeps `window` messages of 80 bytes in flight. */
const fanOut = (members, window = 8) => ({
  order: { scenario: "traffic", kind: "chat", rooms: 1, members, senders: 4, window, size: 80 },
  figure: figures.speed,
  unit: "deliveries per second",
});

/** Two peers send offers to each other. */
const relay = (size) => ({
  order: { scenario: "traffic", kind: "offer", rooms: 1, members: 2, senders: 2, window: 8, size },
  figure: figures.speed,
  unit: "deliveries per second",
});

const handshakes = (polling) => ({
  order: { scenario: "handshakes", at_once: 8, polling },
  figure: figures.speed,
  unit: "handshakes per second",
});

const idle = (members) => ({ order: { scenario: "idle", rooms: 1, members }, figure: figures.memory, unit: "bytes each", once: true });
const wake = (members) => ({ order: { scenario: "wake", rooms: 5, members }, figure: figures.p50, unit: "µs, p50", once: true });

const atLeast = (bare, node, gathered) => ({
  bare: `at least ${bare}`,
  ...(gathered && { gathered: `at least ${gathered}` }),
  ...(node && { "socket.io": `at least ${node}` }),
});

/**
 * The scenarios by name. `quick` marks those of a quick run. `once` marks those whose results stand out from noise
 * without repetition. `goals` are Signalbox's targets compared with other servers.
 */
export const scenarios = {
  "chat in a room of 8": { servers: all, ...fanOut(8), goals: atLeast(1.7, 0.6, 0.85) },
  "chat in a room of 64": { servers: all, ...fanOut(64), quick: true, goals: atLeast(2, 0.7, 0.95) },
  "chat in a room of 512": { servers: all, ...fanOut(512), goals: atLeast(2.5, 0.9, 1) },
  "offers of 200 B to one peer": { servers: all, ...relay(200) },
  "offers of 3 KB to one peer": { servers: all, ...relay(3000), quick: true, goals: atLeast(1) },
  "chat in 500 rooms of 4": {
    servers: all,
    order: { scenario: "traffic", kind: "chat", rooms: 500, members: 4, senders: 1, window: 1, size: 80 },
    figure: figures.speed,
    unit: "deliveries per second",
    goals: { bare: "at least 0.7" },
  },
  "chat in a room of 64, one message at a time": { servers: all, ...fanOut(64, 1) },
  "chat in a room of 64, with and without recovery": { servers: ["signalbox", "without recovery"], ...fanOut(64), goals: { "without recovery": "at least 0.9" } },
  "offers of 3 KB, with and without recovery": { servers: ["signalbox", "without recovery"], ...relay(3000) },
  "chat in a room of 64, as a dialect": { servers: ["as a dialect", "signalbox"], ...fanOut(64), goals: { signalbox: "at least 0.9" } },
  "offers of 3 KB, as a dialect": { servers: ["as a dialect", "signalbox"], ...relay(3000), goals: { signalbox: "at least 0.9" } },
  "a message in a room of 64, at a tenth of the speed of the slowest server": {
    servers: all,
    order: { scenario: "traffic", kind: "chat", rooms: 1, members: 64, senders: 1, size: 80 },
    tenthOf: "chat in a room of 64",
    figure: figures.p99,
    unit: "µs, p99",
    goals: { bare: "at most 1.25" },
  },
  "handshakes, WebSocket": { servers: all, ...handshakes(false), quick: true, goals: atLeast(0.7) },
  "handshakes, polling and upgrade": { servers: ["signalbox", "socket.io", "socketioxide"], ...handshakes(true), goals: { "socket.io": "at least 0.6" } },
  "memory of 1,000 idle connections": { servers: all, ...idle(1000), goals: { bare: "at most 1.15" } },
  "memory of 5,000 idle connections": { servers: all, ...idle(5000), goals: { bare: "at most 1.15" } },
  "a message that wakes a room of 4": { servers: platform, ...wake(4), goals: { bare: "at most 1.5" } },
  "a message that wakes a room of 100": { servers: platform, ...wake(100) },
};
