// @ts-check
import { generate } from "../vendor/lean-qr.mjs";
import { show } from "./dom.js";
import { currentKey } from "./route.js";
import { text } from "./strings.js";
import { toast } from "./toast.js";

let drawn = "";

/** The link that leads others here: without the token that may be in ours alone. */
export const link = () => location.origin + location.pathname + fragment();

function fragment() {
  const key = currentKey();
  return key ? `#k=${key}` : "";
}

export async function copyLink() {
  try {
    await navigator.clipboard.writeText(link());
    toast(text("invite.copied"));
  } catch {
    toast(text("invite.copy-failed"));
  }
}

/** Shows the room's link wherever the page has a place for it: as a text, and as a code to point a phone at. */
export function showLink() {
  if (drawn === link()) return;
  drawn = link();
  const code = generate(drawn);
  for (const canvas of /** @type {NodeListOf<HTMLCanvasElement>} */ (document.querySelectorAll('[data-slot="qr"]'))) {
    code.toCanvas(canvas, { off: [255, 255, 255], pad: 2 });
  }
  for (const place of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll('[data-slot="link"]'))) {
    show(place, location.host + decodeURI(location.pathname) + fragment());
  }
  for (const button of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll('[data-action="share-link"]'))) {
    button.hidden = !("share" in navigator);
  }
}
