// Users of the module whose only path is the relay: a path that a test can cut.

import { watchConnections } from "./descriptions.mjs";
import { caller } from "./module-user.mjs";

/** A user in a room, on a page of another site, whose only path is the relay. */
export const relayed = (fixture, room, name, options) =>
  caller(fixture, room, name, { prepare: watchConnections, iceTransportPolicy: "relay", ...options });

/** Waits until this many more video frames of the other user have arrived. */
export const moving = (page, count = 5) => page.evaluate((count) => new Promise((done) => {
  const video = document.querySelector("video");
  const next = () => (count-- > 0 ? video.requestVideoFrameCallback(next) : done());
  next();
}), count);

/** Waits until there is video of the other user. */
export const seen = (page) => page.waitForFunction(() => document.querySelector("video")?.videoWidth > 0);

/** Waits until the link to the other user is in this state. */
export const state = (page, wanted) => page.waitForFunction((wanted) => [...window.room.peers.values()][0]?.state === wanted, wanted);
