// What the JavaScript peers share: how they are told what to do, and how they tell what they saw.

/** The one argument: see `task` of peers.mjs. */
export const task = revive(JSON.parse(process.argv[2]));

/** Tells what a step saw. */
export const report = (step, saw = null) => console.log(JSON.stringify({ step, saw: told(saw) }));

/** Stays until standard input ends: the end of the process is not to be what ends the session. */
export const stay = () => process.stdin.resume();

/** Resolves to the arguments of the next `event`. */
export const next = (emitter, event) => new Promise((resolve) => emitter.once(event, (...args) => resolve(args)));

/** `{hex}` becomes a Buffer, at any depth; `told` is the way back. */
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
