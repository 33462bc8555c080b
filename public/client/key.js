// @ts-check
import { fromBase64, toBase64, utf8 } from "./bytes.js";

const IV_BYTES = 12;

export function createKey() {
  return toBase64(crypto.getRandomValues(new Uint8Array(16)));
}

/**
 * The secret that a room's users share. Two keys are derived from it: one verifies links, one encrypts the chat.
 */
export class RoomKey {
  #proving;
  #sealing;

  /**
   * @param {CryptoKey} proving
   * @param {CryptoKey} sealing
   */
  constructor(proving, sealing) {
    this.#proving = proving;
    this.#sealing = sealing;
  }

  /**
   * @param {string} secret
   * @param {string} room
   */
  static async of(secret, room) {
    const { subtle } = crypto;
    const base = await subtle.importKey("raw", utf8(secret), "HKDF", false, ["deriveKey"]);
    /** @type {(use: string, type: object, usages: KeyUsage[]) => Promise<CryptoKey>} */
    const derive = (use, type, usages) => {
      const info = utf8(JSON.stringify(["signalbox", use, room.normalize("NFC")]));
      const derivation = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info };
      return subtle.deriveKey(derivation, base, /** @type {any} */ (type), false, usages);
    };
    return new RoomKey(
      await derive("link", { name: "HMAC", hash: "SHA-256", length: 256 }, ["sign", "verify"]),
      await derive("chat", { name: "AES-GCM", length: 256 }, ["encrypt", "decrypt"]),
    );
  }

  /** @param {readonly unknown[]} facts */
  async prove(facts) {
    return toBase64(await crypto.subtle.sign("HMAC", this.#proving, utf8(JSON.stringify(facts))));
  }

  /**
   * @param {string} proof
   * @param {readonly unknown[]} facts
   */
  async proves(proof, facts) {
    try {
      return await crypto.subtle.verify("HMAC", this.#proving, fromBase64(proof), utf8(JSON.stringify(facts)));
    } catch {
      return false; // not even base64
    }
  }

  /**
   * @param {string} text
   * @param {readonly string[]} context also needed to decrypt
   */
  async seal(text, context) {
    const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
    const sealed = await crypto.subtle.encrypt(aesGcm(iv, context), this.#sealing, utf8(text));
    return { sealed: toBase64(sealed), iv: toBase64(iv) };
  }

  /**
   * The text; null if forged, or if key or context differ.
   * @param {{ sealed: string, iv: string }} sealed
   * @param {readonly string[]} context
   */
  async open({ sealed, iv }, context) {
    try {
      const opened = await crypto.subtle.decrypt(aesGcm(fromBase64(iv), context), this.#sealing, fromBase64(sealed));
      return new TextDecoder().decode(opened);
    } catch {
      return null;
    }
  }
}

/**
 * @param {Uint8Array<ArrayBuffer>} iv
 * @param {readonly string[]} context
 */
function aesGcm(iv, context) {
  return { name: "AES-GCM", iv, additionalData: utf8(JSON.stringify(context)) };
}
