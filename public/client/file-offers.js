// @ts-check
import { IncomingFile } from "./file.js";
/** @import { Connection, Peer } from "./types.js" */

const MOST = 16; // files that wait for the user, from one peer

/** The files that a peer offers. The limit includes channels with no offer yet. A channel beyond it is closed. */
export class FileOffers {
  #peer;
  #offered;
  /** Channels that the user has not answered. @type {Set<RTCDataChannel>} */
  #open = new Set();

  /**
   * @param {Peer} peer
   * @param {(file: IncomingFile) => void} offered
   */
  constructor(peer, offered) {
    this.#peer = peer;
    this.#offered = offered;
  }

  /**
   * @param {RTCDataChannel} channel
   * @param {Connection} connection
   */
  take(channel, connection) {
    if (!isSecureContext || this.#open.size >= MOST) {
      channel.close();
      return;
    }
    this.#open.add(channel);
    channel.addEventListener("close", () => this.#open.delete(channel));
    IncomingFile.await(this.#peer, channel, (file) => {
      file.on("change", () => file.state !== "offered" && this.#open.delete(channel));
      connection.on("closed", () => file.lose());
      this.#offered(file);
    });
  }
}
