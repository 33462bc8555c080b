// @ts-check

const ROOM_NAME = /^[\p{L}\p{N}._~-]{1,64}$/u;
const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"; // 32 signs, none mistaken for another
const ROOM_PATH = /^\/r\/([^/]+)\/?$/;

/** The room that the address names, or null. */
export function currentRoom() {
  const segment = ROOM_PATH.exec(location.pathname)?.[1];
  try {
    return segment ? parseRoom(decodeURIComponent(segment)) : null;
  } catch {
    return null; // not UTF-8
  }
}

/** The key in the address, where no request carries it, or null. */
export function currentKey() {
  return new URLSearchParams(location.hash.slice(1)).get("k");
}

/**
 * @param {string} room
 * @param {string} [key]
 */
export function roomPath(room, key) {
  return `/r/${encodeURIComponent(room)}${key ? `#k=${key}` : ""}`;
}

/**
 * A room's name as typed, or null where it cannot be one.
 * @param {string} typed
 */
export function parseRoom(typed) {
  const name = typed.trim().replace(/\s+/g, "-").normalize("NFC");
  // "." and ".." would be read as steps in the path.
  return ROOM_NAME.test(name) && !/^\.{1,2}$/.test(name) ? name : null;
}

/** Twelve random signs: 60 bits nobody guesses. */
export function newRoom() {
  const signs = [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => ALPHABET[byte % ALPHABET.length]).join("");
  return signs.replace(/(.{4})(?=.)/g, "$1-");
}
