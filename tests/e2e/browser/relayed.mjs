// Users of the module whose only path is the relay: a path that a test can cut.

import { watchConnections } from "./descriptions.mjs";
import { openPage } from "./support.mjs";

/** Somebody in a room of `server`, on a page of another `site`, who takes no other path than the relay. */
export async function relayed(browser, site, server, room, name) {
  const page = await openPage(browser, site.url);
  await watchConnections(page);
  await page.evaluate(async ({ origin, room, name }) => {
    const { join } = await import(`${origin}/signalbox.js`);
    window.room = await join(room, { name, media: { audio: true, video: true }, iceTransportPolicy: "relay" });
    window.room.on("peer", (peer) => {
      const video = Object.assign(document.createElement("video"), { autoplay: true, playsInline: true, muted: true });
      video.srcObject = peer.stream;
      document.body.append(video);
    });
  }, { origin: server.url, room, name });
  return page;
}

/** Waits until so many more pictures of the other have come. */
export const moving = (page, count = 5) => page.evaluate((count) => new Promise((done) => {
  const video = document.querySelector("video");
  const next = () => (count-- > 0 ? video.requestVideoFrameCallback(next) : done());
  next();
}), count);

/** Waits until there is a picture of the other. */
export const seen = (page) => page.waitForFunction(() => document.querySelector("video")?.videoWidth > 0);

/** Waits until the link to the other is in this state. */
export const state = (page, wanted) => page.waitForFunction((wanted) => [...window.room.peers.values()][0]?.state === wanted, wanted);
