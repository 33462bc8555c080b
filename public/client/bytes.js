// @ts-check

/** @param {string} text */
export const utf8 = (text) => new TextEncoder().encode(text);

/** Base64url. @param {ArrayBuffer | Uint8Array} bytes */
export function toBase64(bytes) {
  const binary = Array.from(new Uint8Array(bytes), (byte) => String.fromCharCode(byte)).join("");
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** Throws if it is not base64. @param {string} text */
export function fromBase64(text) {
  return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (sign) => sign.charCodeAt(0));
}
