// Reads the session descriptions of the two ends of each link from the browsers, and compares them.

import { setTimeout as pause } from "node:timers/promises";

const timeoutMs = 30_000;

/** Makes a page keep its connections in `window.connections`. Call it before the page makes one. */
export async function watchConnections(page) {
  await page.evaluate(() => {
    window.connections = [];
    window.RTCPeerConnection = class extends RTCPeerConnection {
      constructor(...args) {
        super(...args);
        window.connections.push(this);
      }
    };
  });
}

/** The page's open connections: their state, and those parts of the descriptions that must match at the other end. */
export function descriptions(page) {
  return page.evaluate(() => {
    const facts = (description) => {
      const all = (pattern) => [...new Set([...(description?.sdp ?? "").matchAll(pattern)].map(([, value]) => value))].join();
      return {
        fragment: all(/^a=ice-ufrag:(.+)\r$/gm),
        fingerprint: all(/^a=fingerprint:(.+)\r$/gm),
        sections: (description?.sdp ?? "").match(/^(m=\w+|a=mid:.+)/gm)?.join(" ") ?? "",
      };
    };
    return window.connections
      .filter(({ signalingState }) => signalingState !== "closed")
      .map((pc) => ({
        state: pc.signalingState,
        local: facts(pc.currentLocalDescription),
        remote: facts(pc.currentRemoteDescription),
      }));
  });
}

/**
 * The first thing on which the two ends of a link do not agree, or null. `all` has the `descriptions` of each person's
 * page; everybody is linked to everybody else, once.
 */
export function disagreement(all) {
  for (const [person, links] of all.entries()) {
    if (links.length !== all.length - 1) return `person ${person} has ${links.length} connections`;
    for (const link of links) {
      const isOtherEnd = ({ local, remote }) => local.fingerprint === link.remote.fingerprint && remote.fingerprint === link.local.fingerprint;
      const ends = all.toSpliced(person, 1).flat().filter(isOtherEnd);
      if (ends.length !== 1) return `a connection of person ${person} has ${ends.length} other ends`;
      const [end] = ends;
      if (link.state !== "stable") return `a connection of person ${person} is in ${link.state}`;
      for (const fact of ["fragment", "sections"]) {
        if (link.local[fact] !== end.remote[fact]) return `person ${person} has the local ${fact} ${link.local[fact]}, and the other end ${end.remote[fact]}`;
      }
    }
  }
  return null;
}

/**
 * Waits until both ends of every link agree twice in a row, with other ICE fragments than in `former`. An ICE restart
 * changes the fragments. Resolves to the descriptions.
 */
export async function agreement(pages, former = []) {
  const old = new Set(former.flat().flatMap(({ local, remote }) => [local.fragment, remote.fragment]));
  const deadline = performance.now() + timeoutMs;
  for (let last = ""; ; ) {
    const all = await Promise.all(pages.map(descriptions));
    const same = all.flat().find(({ local, remote }) => old.has(local.fragment) || old.has(remote.fragment));
    const problem = disagreement(all) ?? (same ? "an ICE fragment has not changed" : null);
    if (!problem && last === JSON.stringify(all)) return all;
    last = problem ? "" : JSON.stringify(all);
    if (performance.now() > deadline) throw new Error(`no agreement within ${timeoutMs} ms: ${problem ?? "the descriptions change all the time"}`);
    await pause(100);
  }
}
