// Shared by the JavaScript peers: how they get their task and report their results.

/** The first argument: see `task` in peers.mjs. */
export const task = revive(JSON.parse(process.argv[2]));

/** Reports the result of a step. */
export const report = (step, saw = null) => console.log(JSON.stringify({ step, saw: told(saw) }));

/** Keeps the process running, and so its session open, until standard input ends. */
export const stay = () => process.stdin.resume();

/** Resolves to the arguments of the next `event`. */
export const next = (emitter, event) => new Promise((resolve) => emitter.once(event, (...args) => resolve(args)));

/** Replaces `{hex}` by a Buffer, at any depth; `told` does the reverse. */
function revive(value) {
  if (typeof value?.hex === "string") return Buffer.from(value.hex, "hex");
  return map(value, revive);
}

function told(value) {
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return { hex: Buffer.from(value).toString("hex") };
  return map(value, told);
}

function map(value, change) {
  if (Array.isArray(value)) return value.map(change);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, change(inner)]));
}
