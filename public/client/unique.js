// @ts-check

/** An id nobody else has. `crypto.randomUUID` would need https. */
export function uniqueId() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
