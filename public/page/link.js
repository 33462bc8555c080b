// @ts-check
import { openDialog } from "./dialogs.js";
import { byId, show, slot } from "./dom.js";
import { shownName, text } from "./strings.js";

/** @typedef {import("../signalbox.js").Peer} Peer */

/**
 * On a tile: who is at the other end of the link, and how it does. Without a key nothing is promised, so nothing said.
 * @param {HTMLElement} tile
 * @param {Peer} peer
 * @param {boolean} keyed
 */
export function renderChip(tile, { verified, state, name, quality }, keyed) {
  const chip = slot(tile, "link-chip");
  const shown = state === "connected" ? quality : null;
  tile.dataset.trust = keyed ? verified : "";
  if (shown) tile.dataset.quality = shown.level;
  else delete tile.dataset.quality;
  chip.hidden = !(shown || (keyed && (state === "connected" || verified === "mismatch")));
  slot(chip, "trust-icon").setAttribute("href", `#trust-${verified}`);
  show(slot(chip, "trust-warning"), keyed && verified === "mismatch" ? text("trust.short.mismatch") : null);
  slot(chip, "path").textContent = shown && text(`path.${shown.path}`);
  const about = [
    ...(keyed ? [text(`trust.short.${verified}`)] : []),
    ...(shown ? [text(`quality.${shown.level}`), text(`path.${shown.path}`)] : []),
  ];
  show(slot(chip, "chip-label"), text("details.of", { name: shownName(name), about: about.join(text("list.comma")) }));
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
    const lines = Object.entries(peer.quality ? facts(peer.quality) : {}).flatMap(([key, value]) => [
      Object.assign(document.createElement("dt"), { textContent: text(`quality.${key}`) }),
      Object.assign(document.createElement("dd"), { textContent: value }),
    ]);
    slot(this.#dialog, "details-quality").replaceChildren(...lines);
  }
}

/** @param {Readonly<import("../signalbox.js").Quality>} quality */
function facts({ level, path, protocol, rtt, loss, lossOut, bitrate, bitrateOut, width, height, framesPerSecond }) {
  const { lang } = document.documentElement;
  const percent = (/** @type {number} */ share) => share.toLocaleString(lang, { style: "percent", maximumFractionDigits: 1 });
  const rate = (/** @type {number} */ bits) => `${(bits / 1_000_000).toLocaleString(lang, { maximumFractionDigits: 2 })} Mb/s`;
  return {
    level: text(`quality.${level}`),
    path: `${text(`path.${path}`)} (${[path, protocol].filter(Boolean).join(", ")})`,
    rtt: rtt === null ? "–" : `${rtt} ms`,
    loss: `↓ ${percent(loss)}  ↑ ${percent(lossOut)}`,
    bitrate: `↓ ${rate(bitrate)}  ↑ ${rate(bitrateOut)}`,
    picture: width ? `${width} × ${height}, ${Math.round(framesPerSecond)} fps` : "–",
  };
}
