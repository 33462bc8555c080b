// @ts-check
import { generate } from "../vendor/lean-qr.mjs";
import { all, show } from "./dom.js";
import { currentKey } from "./route.js";
import { text } from "./strings.js";
import { toast } from "./toast.js";

let drawn = "";

/** The link for others, without our token. */
export const link = () => location.origin + location.pathname + fragment();

function fragment() {
  const key = currentKey();
  return key ? `#k=${key}` : "";
}

export const copyLink = () => copy(link(), "invite");

/**
 * @param {string} content
 * @param {"invite" | "chat"} what
 */
export async function copy(content, what) {
  try {
    await navigator.clipboard.writeText(content);
    toast(text(`${what}.copied`));
  } catch {
    toast(text(`${what}.copy-failed`));
  }
}

/** Shows the room's link as a text and as a QR code. */
export function showLink() {
  if (drawn === link()) return;
  drawn = link();
  const code = generate(drawn);
  for (const canvas of all('[data-slot="qr"]')) code.toCanvas(/** @type {HTMLCanvasElement} */ (canvas), { off: [255, 255, 255], pad: 2 });
  for (const place of all('[data-slot="link"]')) show(place, location.host + decodeURI(location.pathname) + fragment());
  for (const button of all('[data-action="share-link"]')) button.hidden = !("share" in navigator);
}
