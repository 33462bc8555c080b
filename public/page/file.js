// @ts-check
import { instantiate, show, slot } from "./dom.js";
import { errorText, shownName, text } from "./strings.js";

const PICTURE = /^image\/(png|jpeg|gif|webp|avif)$/; // not SVG, which is a document
const LARGEST_PICTURE = 20_000_000; // bytes
const MOST_IN_MEMORY = 500_000_000; // bytes; a larger file needs a place on the disk first

/** Asks where to save a file; not in every browser. @type {((options: object) => Promise<FileSystemFileHandle>) | undefined} */
const picker = /** @type {any} */ (globalThis).showSaveFilePicker;

/** URLs of the files that can be saved or are shown. @type {Map<Blob, string>} */
const addresses = new Map();

/** Frees the files that no line of the chat shows any more. @param {readonly Line[]} lines */
export function releaseFiles(lines) {
  const shown = new Set(lines.map(({ file }) => file?.blob));
  for (const [blob, address] of addresses) {
    if (shown.has(blob)) continue;
    URL.revokeObjectURL(address);
    addresses.delete(blob);
  }
}

/**
 * @param {FileState} state
 */
export function fileCard({ name, outgoing, file }) {
  const card = instantiate("file");
  card.classList.toggle("own", outgoing);
  slot(card, "file-name").textContent = name;
  slot(card, "accept").addEventListener("click", () => file.outgoing || void accept(file));
  slot(card, "refuse").addEventListener("click", () => file.outgoing || file.refuse());
  slot(card, "cancel").addEventListener("click", () => file.cancel());
  return card;
}

/** @param {IncomingFile} file */
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

/**
 * @param {HTMLElement} card
 * @param {FileState} file
 */
export function renderFile(card, { state, outgoing, name, size, type, transferred, error, peerName, blob }) {
  const offered = !outgoing && state === "offered";
  const way = outgoing ? "out" : "in";
  const isTooLarge = offered && size > MOST_IN_MEMORY && !picker;
  const key = isTooLarge ? "file.too-large-in" : state === "moving" || state === "offered" || state === "refused" ? `file.${state}-${way}` : `file.${state}`;
  card.dataset.state = state;
  show(slot(card, "file-size"), readable(size));
  show(slot(card, "file-state"), text(key, { name: shownName(peerName), reason: error ? errorText(error.code) : "" }));
  /** @type {HTMLProgressElement} */
  const progress = slot(card, "file-progress");
  progress.hidden = state !== "moving";
  progress.value = size ? transferred / size : 0;
  progress.setAttribute("aria-label", name);
  slot(card, "accept").hidden = !offered || isTooLarge;
  slot(card, "refuse").hidden = !offered;
  slot(card, "cancel").hidden = !(state === "moving" || (outgoing && state === "offered"));
  const save = /** @type {HTMLAnchorElement} */ (slot(card, "save"));
  save.hidden = outgoing || !blob;
  if (!blob) return;
  const address = addresses.get(blob) ?? URL.createObjectURL(blob);
  addresses.set(blob, address);
  save.href = address;
  save.download = name;
  const picture = slot(card, "picture");
  if (picture.hidden && PICTURE.test(type) && size <= LARGEST_PICTURE) Object.assign(picture, { src: address, alt: name, hidden: false });
}

/** @param {number} bytes */
function readable(bytes) {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte"];
  const step = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  const options = { style: /** @type {const} */ ("unit"), unit: units[step], maximumFractionDigits: 1 };
  return (bytes / 1_000 ** step).toLocaleString(document.documentElement.lang, options);
}
