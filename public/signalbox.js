// @ts-check
import { createKey, RoomKey } from "./client/key.js";
import { LocalMedia } from "./client/media.js";
import { SignalboxError } from "./client/protocol.js";
import { Room } from "./client/room.js";

export { createKey, LocalMedia, SignalboxError };

/**
 * @type {typeof import("./signalbox.js").join}
 */
export async function join(name, options = {}) {
  const { media: wanted = {}, server = import.meta.url, password, rejoin, token, name: own = "", key: secret, requireVerified = false, rtcConfig, iceTransportPolicy, sending = {}, signal, onWaiting } = options;
  if (typeof RTCPeerConnection === "undefined" || !Promise.withResolvers) {
    throw new SignalboxError("unsupported-browser", "This browser has no WebRTC, or is too old.");
  }
  if (secret && !isSecureContext) {
    throw new SignalboxError("insecure-origin", "A key can be used only on https or localhost.");
  }
  if (requireVerified && !secret) {
    throw new TypeError("requireVerified takes a key: without one nobody can be verified.");
  }
  const key = secret ? await RoomKey.of(secret, name) : null;
  const media = wanted instanceof LocalMedia ? wanted : wanted instanceof MediaStream ? LocalMedia.of(wanted) : new LocalMedia();
  /** @type {Room | undefined} */
  let room;
  const abort = () => room?.end(/** @type {AbortSignal} */ (signal).reason);
  signal?.addEventListener("abort", abort);
  try {
    signal?.throwIfAborted();
    if (!(wanted instanceof LocalMedia || wanted instanceof MediaStream)) await media.start(wanted);
    signal?.throwIfAborted();
    room = new Room(String(server), name, { name: own, password, rejoin, token, media, key, requireVerified, rtcConfig: { iceTransportPolicy, ...rtcConfig }, sending, onWaiting });
    await room.entered;
    return room;
  } catch (error) {
    if (media !== wanted) media.close(); // nobody else has it
    throw error;
  } finally {
    signal?.removeEventListener("abort", abort);
  }
}
