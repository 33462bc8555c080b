// Users of the module on a page of another site.

import { openPage } from "./support.mjs";

/** A page that has the module as `window.signalbox`. `prepare` runs before the module is loaded. */
export async function moduleUser({ browser, site, server }, prepare = () => {}) {
  const page = await openPage(browser, site.url);
  await prepare(page);
  await page.evaluate(async (origin) => (window.signalbox = await import(`${origin}/signalbox.js`)), server.url);
  return page;
}

/**
 * Joins a room, and keeps it in `window.room`. `media` is an expression that the page evaluates, because media cannot
 * be passed to it.
 */
export function joinAs(page, room, name, { media, ...options } = {}) {
  return page.evaluate(async ({ room, name, media, options }) => {
    const made = media && (await new Function(`return (async () => ${media})()`)());
    window.room = await window.signalbox.join(room, { name, media: made, ...options });
  }, { room, name, media, options });
}

/** A user in a room who sends microphone and camera, and shows each peer in a video of its own. */
export async function caller(fixture, room, name, { prepare, ...options } = {}) {
  const page = await moduleUser(fixture, prepare);
  await joinAs(page, room, name, { media: "({ audio: true, video: true })", ...options });
  await page.evaluate(() => window.room.on("peer", (peer) => {
    const video = Object.assign(document.createElement("video"), { autoplay: true, playsInline: true, muted: true, srcObject: peer.stream });
    document.body.append(video);
    peer.on("left", () => video.remove());
  }));
  return page;
}

/** Waits until the first video moves. */
export const moves = (page) => page.waitForFunction(() => (document.querySelector("video")?.getVideoPlaybackQuality().totalVideoFrames ?? 0) > 3);

/** Waits until this many peers are connected. */
export const connected = (page, count) =>
  page.waitForFunction((count) => [...window.room.peers.values()].filter(({ state }) => state === "connected").length === count, count);

/** Keeps the module's own channels in `window.ownChannels`. Links are verified on these channels. */
export const keepOwnChannels = (page) => page.evaluate(() => {
  window.ownChannels = [];
  const { createDataChannel } = RTCPeerConnection.prototype;
  RTCPeerConnection.prototype.createDataChannel = function (label, options) {
    const channel = createDataChannel.call(this, label, options);
    if (options?.negotiated) window.ownChannels.push(channel);
    return channel;
  };
});
