// @ts-check
import { createKey, RoomKey } from "./client/key.js";
import { LocalMedia } from "./client/media.js";
import { SignalboxError } from "./client/protocol.js";
import { Room } from "./client/room.js";

export { createKey, LocalMedia, SignalboxError };

/**
 * Joins a room with camera and microphone, or with what of them there is.
 * @type {typeof import("./signalbox.js").join}
 */
export async function join(name, options = {}) {
  const { media: wanted = {}, server = import.meta.url, password, token, name: own = "", key: secret, iceTransportPolicy, signal, onWaiting } = options;
  if (typeof RTCPeerConnection === "undefined") {
    throw new SignalboxError("unsupported-browser", "This browser has no WebRTC.");
  }
  if (secret && !isSecureContext) {
    throw new SignalboxError("insecure-origin", "A key can be used only on https or localhost.");
  }
  const key = secret ? await RoomKey.of(secret, name) : null;
  const media = wanted instanceof LocalMedia ? wanted : new LocalMedia();
  if (media !== wanted) await media.start(wanted);
  signal?.throwIfAborted();
  const room = new Room(String(server), name, { name: own, password, token, media, key, iceTransportPolicy, onWaiting });
  const abort = () => room.end(/** @type {AbortSignal} */ (signal).reason);
  signal?.addEventListener("abort", abort);
  try {
    await room.entered;
  } finally {
    signal?.removeEventListener("abort", abort);
  }
  return room;
}
