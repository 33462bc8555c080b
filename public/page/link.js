// @ts-check
import { openDialog } from "./dialogs.js";
import { byId, show, slot } from "./dom.js";
import { shownName, text } from "./strings.js";

/**
 * Renders the quality of the link on a tile and, with a key, its verdict.
 * @param {HTMLElement} tile
 * @param {Person} person
 * @param {boolean} isKeyed
 */
export function renderChip(tile, { verified, state, name, quality }, isKeyed) {
  const chip = slot(tile, "link-chip");
  const shown = state === "connected" ? quality : null;
  tile.dataset.trust = isKeyed ? verified : "";
  tile.dataset.quality = shown?.level ?? "";
  chip.hidden = !(shown || (isKeyed && (state === "connected" || verified === "mismatch")));
  slot(chip, "trust-icon").setAttribute("href", `#trust-${verified}`);
  show(slot(chip, "trust-warning"), isKeyed && verified === "mismatch" ? text("trust.short.mismatch") : null);
  slot(chip, "path").textContent = shown && text(`path.${shown.path}`);
  const about = [isKeyed && text(`trust.short.${verified}`), shown && text(`quality.${shown.level}`), shown && text(`path.${shown.path}`)];
  show(slot(chip, "chip-label"), text("details.of", { name: shownName(name), about: about.filter(Boolean).join(text("list.comma")) }));
}

/** The details of the link to one peer. */
export class LinkDetails {
  #dialog = byId("link-details", HTMLDialogElement);
  #store;
  /** @type {Peer | null} */
  #peer = null;

  /** @param {Store} store */
  constructor(store) {
    this.#store = store;
    this.#dialog.addEventListener("close", () => (this.#peer = null));
    store.watch(["people"], () => this.#render());
  }

  /** @param {Peer} peer */
  open(peer) {
    this.#peer = peer;
    this.#render();
    openDialog("link-details");
  }

  #render() {
    if (!this.#peer) return;
    const { people, key } = this.#store.state;
    const person = people.find(({ peer }) => peer === this.#peer);
    if (!person) {
      this.#dialog.close();
      return;
    }
    const { verified, quality } = person;
    const name = shownName(person.name);
    show(slot(this.#dialog, "details-name"), name);
    this.#dialog.dataset.trust = verified;
    show(slot(this.#dialog, "details-trust"), text(key === null ? "trust.no-key" : `trust.${verified}`, { name }));
    const lines = Object.entries(quality ? facts(quality) : {}).flatMap(([key, value]) => [
      Object.assign(document.createElement("dt"), { textContent: text(`quality.${key}`) }),
      Object.assign(document.createElement("dd"), { textContent: value }),
    ]);
    slot(this.#dialog, "details-quality").replaceChildren(...lines);
  }
}

/** @param {Readonly<Quality>} quality */
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
