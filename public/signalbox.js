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
  const { media: wanted = {}, server = String(import.meta.url).replace(/[^/]*$/, ""), password, rejoin, token, name: own = "", key: secret, requireVerified = false, rtcConfig, iceTransportPolicy, sending = {}, signal, reportOutcomes, onWaiting } = options;
  if (typeof RTCPeerConnection === "undefined" || !Promise.withResolvers) {
    throw new SignalboxError("unsupported-browser", "This browser has no WebRTC, or is too old.");
  }
  if (secret && !isSecureContext) {
    throw new SignalboxError("insecure-origin", "A key can be used only on https or localhost.");
  }
  if (requireVerified && !secret) {
    throw new TypeError("requireVerified takes a key: without one nobody can be verified.");
  }
  if (!/^https?:\/\/[^/?#]+\/?$/.test(String(server))) {
    throw new TypeError(`"${server}" is not the address of a deployment. Give join a server such as "https://rooms.example.com", without a path.`);
  }
  const key = secret ? await RoomKey.of(secret, name) : null;
  const given = wanted instanceof MediaStream ? LocalMedia.of(wanted) : wanted;
  const media = given instanceof LocalMedia ? given : new LocalMedia();
  /** @type {Room | undefined} */
  let room;
  const abort = () => room?.end(/** @type {AbortSignal} */ (signal).reason);
  signal?.addEventListener("abort", abort);
  try {
    signal?.throwIfAborted();
    if (media !== given) await media.start(given);
    signal?.throwIfAborted();
    const outcomes = reportOutcomes && (await import("./client/outcomes.js")); // most pages do not need it
    room = new Room(String(server), name, { name: own, password, rejoin, token, media, key, requireVerified, rtcConfig: { iceTransportPolicy, ...rtcConfig }, sending, onWaiting });
    if (outcomes) outcomes.reportOutcomes(room);
    await room.entered;
    return room;
  } catch (error) {
    if (media !== wanted) media.close(); // nobody else has it
    throw error;
  } finally {
    signal?.removeEventListener("abort", abort);
  }
}
