// @ts-check
import { instantiate, show, slot } from "./dom.js";
import { errorText, shownName, text } from "./strings.js";

/** @typedef {import("../signalbox.js").IncomingFile | import("../signalbox.js").OutgoingFile} File */

/** One each, as a card follows its file for life. @type {WeakMap<File, HTMLElement>} */
const cards = new WeakMap();

/**
 * A card in the chat: a file, how far it is, and what can be done about it. It follows the file by itself.
 * @param {File} file
 */
export function fileCard(file) {
  const known = cards.get(file);
  if (known) {
    render(known, file); // the language may be another
    return known;
  }
  const card = instantiate("file");
  cards.set(file, card);
  card.classList.toggle("own", file.outgoing);
  slot(card, "file-name").textContent = file.name;
  slot(card, "accept").addEventListener("click", () => file.outgoing || file.accept());
  slot(card, "refuse").addEventListener("click", () => file.outgoing || file.refuse());
  slot(card, "cancel").addEventListener("click", () => file.cancel());
  render(card, file);
  file.on("change", () => render(card, file));
  return card;
}

/** Frees what the browser keeps for a file that is no longer shown. @param {File} file */
export function releaseFile(file) {
  const card = cards.get(file);
  if (card) URL.revokeObjectURL(slot(card, "save").getAttribute("href") ?? "");
  cards.delete(file);
}

/**
 * @param {HTMLElement} card
 * @param {File} file
 */
function render(card, file) {
  const { state, outgoing, name, size, transferred, error, peer } = file;
  const offered = !outgoing && state === "offered";
  const way = outgoing ? "out" : "in";
  const key = state === "moving" || state === "offered" || state === "refused" ? `file.${state}-${way}` : `file.${state}`;
  card.dataset.state = state;
  show(slot(card, "file-size"), readable(size));
  show(slot(card, "file-state"), text(key, { name: shownName(peer.name), reason: error ? errorText(error.code) : "" }));
  /** @type {HTMLProgressElement} */
  const progress = slot(card, "file-progress");
  progress.hidden = state !== "moving";
  progress.value = size ? transferred / size : 0;
  progress.setAttribute("aria-label", name);
  slot(card, "accept").hidden = !offered;
  slot(card, "refuse").hidden = !offered;
  slot(card, "cancel").hidden = !(state === "moving" || (outgoing && state === "offered"));
  const save = /** @type {HTMLAnchorElement} */ (slot(card, "save"));
  if (!file.outgoing && file.blob && save.hidden) {
    save.href = URL.createObjectURL(file.blob); // until releaseFile
    save.download = name;
    save.hidden = false;
  }
}

/** @param {number} bytes */
function readable(bytes) {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte"];
  const step = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  const options = { style: /** @type {const} */ ("unit"), unit: units[step], maximumFractionDigits: 1 };
  return (bytes / 1_000 ** step).toLocaleString(document.documentElement.lang, options);
}
