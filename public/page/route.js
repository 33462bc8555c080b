// @ts-check

// The rule of src/room/name.rs. "." and ".." would be steps in the path.
const ROOM_NAME =
  /^(?!\.\.?$)[\p{Alphabetic}\p{N}._~\u0300-\u036f\u0e47-\u0e4e\u0ec8-\u0ecd\u0f18\u0f19\u0f39\u0f71-\u0f84\u1037-\u103a\u17c9-\u17d3\u17dd\u0dca\u3099\u309a\u093c\u09bc\u0a3c\u0abc\u0b3c\u0c3c\u0cbc\u094d\u09cd\u0a4d\u0acd\u0b4d\u0bcd\u0c4d\u0ccd\u0d3b\u0d3c\u0d4d-]{1,64}$/u;
const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"; // no look-alikes
const ROOM_PATH = /^\/r\/([^/]+)\/?$/;

/** The room in the address; null if its name is invalid, undefined if there is none. */
export const currentRoom = () => roomOf(location);

/** The key in the address, or null; no request carries it. */
export const currentKey = () => fragment(location, "k");

/** The token in the address, or null. The fragment does not get into logs. */
export const currentToken = () => fragment(location, "token");

/** The room and the key of a pasted link to this page, else null. @param {string} typed */
export function parseLink(typed) {
  const url = URL.canParse(typed.trim()) ? new URL(typed.trim()) : null;
  const room = url?.origin === location.origin ? roomOf(url) : null;
  return url && room ? { room, key: fragment(url, "k") } : null;
}

/** @param {URL | Location} address */
function roomOf({ pathname }) {
  const segment = ROOM_PATH.exec(pathname)?.[1];
  try {
    return segment && roomName(decodeURIComponent(segment));
  } catch {
    return null; // not UTF-8
  }
}

/** @param {URL | Location} address @param {string} name */
const fragment = ({ hash }, name) => new URLSearchParams(hash.slice(1)).get(name);

/**
 * @param {string} room
 * @param {string} [key]
 */
export function roomPath(room, key) {
  return `/r/${encodeURIComponent(room)}${key ? `#k=${key}` : ""}`;
}

/** Null if the name is invalid. @param {string} text */
export function roomName(text) {
  const name = text.normalize("NFC");
  return ROOM_NAME.test(name) ? name : null;
}

/** The room of a typed name, or null. @param {string} typed */
export function parseRoom(typed) {
  return roomName(typed.trim().replace(/\s+/g, "-"));
}

/** Sixty random bits. */
export function newRoom() {
  const signs = [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => ALPHABET[byte % ALPHABET.length]).join("");
  return signs.replace(/(.{4})(?=.)/g, "$1-");
}
