// @ts-check
import { Peer } from "./peer.js";
/** @import { LeaveReason, Mesh, PeerInfo, Signal } from "./types.js" */

/** Who else is in the room. */
export class Roster {
  /** @type {Map<string, Peer>} */
  peers = new Map();

  #mesh;
  #added;
  #changed;

  /**
   * @param {Mesh} mesh
   * @param {(peer: Peer) => void} added
   * @param {() => void} changed
   */
  constructor(mesh, added, changed) {
    this.#mesh = mesh;
    this.#added = added;
    this.#changed = changed;
  }

  /** Called after our join: we make the first offers. @param {PeerInfo[]} infos */
  replace(infos) {
    for (const id of this.peers.keys()) if (!infos.some((info) => info.id === id)) this.drop(id, "timeout");
    for (const info of infos) {
      const known = this.peers.get(info.id);
      if (known) {
        known.update(info);
        known.link.reintroduce(); // the peer learns our new id from the offer
      } else {
        this.add(info).link.connect();
      }
    }
  }

  /** @param {PeerInfo} info */
  add(info) {
    const known = this.peers.get(info.id);
    if (known) {
      known.update(info);
      return known;
    }
    const peer = new Peer(info, this.#mesh);
    this.peers.set(peer.id, peer);
    this.#share();
    this.#added(peer);
    return peer;
  }

  /** The room removed a peer. If only its signaling was lost, the call goes on. @param {{ id: string, reason: LeaveReason }} left */
  left({ id, reason }) {
    const peer = this.peers.get(id);
    if (reason !== "timeout" || peer?.state !== "connected") {
      this.drop(id, reason);
      return;
    }
    peer.update({ away: true });
    peer.on("change", () => {
      if (peer.state !== "connected" && peer.id === id) this.drop(id, reason);
    });
  }

  /**
   * @param {string} id
   * @param {LeaveReason} reason
   */
  drop(id, reason) {
    const peer = this.peers.get(id);
    if (!peer) return;
    this.peers.delete(id);
    peer.close(reason);
    this.#share();
  }

  /** The peer that sent it. @param {Signal} signal */
  sender({ from, cid }) {
    const newcomer = this.peers.get(from);
    const former = [...this.peers.values()].find((peer) => peer.id !== from && cid !== undefined && peer.link.cid === cid);
    if (!newcomer || !former) return newcomer;
    this.peers.delete(former.id);
    this.peers.set(from, former);
    former.adoptIdentity(newcomer);
    newcomer.close("replaced");
    this.#share();
    return former;
  }

  close() {
    for (const peer of this.peers.values()) peer.close("closed");
    this.peers.clear();
  }

  /** Shares our uplink among the peers. */
  #share() {
    const count = this.peers.size;
    const { bitrate = 2_400_000, height = 720, codec } = this.#mesh.sending;
    const most = count <= 1 ? 720 : count <= 3 ? 480 : 360;
    this.#mesh.cap = { bitrate: Math.round(bitrate / Math.max(2, count)), height: Math.min(height, most), codec };
    for (const peer of this.peers.values()) peer.link.limit();
    this.#changed();
  }
}
