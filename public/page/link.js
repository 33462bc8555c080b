// @ts-check
import { openDialog } from "./dialogs.js";
import { byId, show, slot } from "./dom.js";
import { shownName, text } from "./strings.js";

/** @typedef {import("../signalbox.js").Peer} Peer */

/**
 * On a tile: who is at the other end of the link. A room without a key promises nothing, so nothing is said.
 * @param {HTMLElement} tile
 * @param {Peer} peer
 * @param {boolean} keyed
 */
export function renderChip(tile, { verified, state, name }, keyed) {
  const chip = slot(tile, "link-chip");
  tile.dataset.trust = keyed ? verified : "";
  chip.hidden = !keyed || (state !== "connected" && verified !== "mismatch");
  slot(chip, "trust-icon").setAttribute("href", `#trust-${verified}`);
  show(slot(chip, "trust-warning"), verified === "mismatch" ? text("trust.warning") : null);
  chip.setAttribute("aria-label", text("details.of", { name: shownName(name), about: text(`trust.short.${verified}`) }));
}

/** All about the link to one peer. */
export class LinkDetails {
  #dialog = byId("link-details", HTMLDialogElement);
  /** @type {Peer | null} */
  #peer = null;

  constructor() {
    this.#dialog.addEventListener("close", () => (this.#peer = null));
  }

  /**
   * @param {Peer} peer
   * @param {boolean} keyed
   */
  open(peer, keyed) {
    this.#peer = peer;
    this.render([peer], keyed);
    openDialog("link-details");
  }

  close() {
    this.#dialog.close();
  }

  /**
   * @param {readonly Peer[]} peers
   * @param {boolean} keyed
   */
  render(peers, keyed) {
    const peer = this.#peer;
    if (!peer) return;
    if (!peers.includes(peer)) {
      this.close();
      return;
    }
    const name = shownName(peer.name);
    show(slot(this.#dialog, "details-name"), name);
    this.#dialog.dataset.trust = peer.verified;
    show(slot(this.#dialog, "details-trust"), text(keyed ? `trust.${peer.verified}` : "trust.no-key", { name }));
  }
}
