// @ts-check
import { instantiate, show, slot } from "./dom.js";
import { errorText, shownName, text } from "./strings.js";

/** @typedef {import("../signalbox.js").IncomingFile | import("../signalbox.js").OutgoingFile} File */

const MOST_IN_MEMORY = 500_000_000; // bytes; a larger file needs a place on the disk first

/** Asks for a place on the disk; not in every browser. @type {((options: object) => Promise<FileSystemFileHandle>) | undefined} */
const picker = /** @type {any} */ (globalThis).showSaveFilePicker;

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
  slot(card, "accept").addEventListener("click", () => file.outgoing || void accept(file));
  slot(card, "refuse").addEventListener("click", () => file.outgoing || file.refuse());
  slot(card, "cancel").addEventListener("click", () => file.cancel());
  render(card, file);
  file.on("change", () => render(card, file));
  return card;
}

/** @param {import("../signalbox.js").IncomingFile} file */
async function accept(file) {
  if (file.size <= MOST_IN_MEMORY || !picker) {
    file.accept();
    return;
  }
  try {
    const place = await picker({ suggestedName: file.name.replace(/[^\p{L}\p{N} ._()-]/gu, "_") });
    file.accept(await place.createWritable());
  } catch {
    // No place was chosen, or it cannot be written to; the offer stands.
  }
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
  const isTooLarge = offered && size > MOST_IN_MEMORY && !picker;
  const key = isTooLarge ? "file.too-large-in" : state === "moving" || state === "offered" || state === "refused" ? `file.${state}-${way}` : `file.${state}`;
  card.dataset.state = state;
  show(slot(card, "file-size"), readable(size));
  show(slot(card, "file-state"), text(key, { name: shownName(peer.name), reason: error ? errorText(error.code) : "" }));
  /** @type {HTMLProgressElement} */
  const progress = slot(card, "file-progress");
  progress.hidden = state !== "moving";
  progress.value = size ? transferred / size : 0;
  progress.setAttribute("aria-label", name);
  slot(card, "accept").hidden = !offered || isTooLarge;
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
