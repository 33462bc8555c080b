// @ts-check
import { IncomingFile } from "./file.js";

const MOST = 16; // files that wait for the user, from one peer

/** The files that a peer offers. Too many at once are refused. */
export class FileOffers {
  #peer;
  #offered;
  /** @type {Set<IncomingFile>} */
  #open = new Set();

  /**
   * @param {import("./peer.js").Peer} peer
   * @param {(file: IncomingFile) => void} offered
   */
  constructor(peer, offered) {
    this.#peer = peer;
    this.#offered = offered;
  }

  /**
   * @param {RTCDataChannel} channel
   * @param {import("./connection.js").Connection} connection
   */
  take(channel, connection) {
    if (!isSecureContext || this.#open.size >= MOST) {
      channel.close();
      return;
    }
    IncomingFile.await(this.#peer, channel, (file) => {
      this.#open.add(file);
      file.on("change", () => file.state !== "offered" && this.#open.delete(file));
      connection.on("closed", () => file.lose());
      this.#offered(file);
    });
  }
}
