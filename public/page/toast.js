// @ts-check
import { slot } from "./dom.js";

const SHOWN_FOR = 4_000; // ms

/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;

/** Shows a short notice. @param {string} words */
export function toast(words) {
  const element = slot(document, "toast");
  clearTimeout(timer);
  element.textContent = words;
  timer = setTimeout(() => (element.textContent = ""), SHOWN_FOR);
  announce(words);
}

/** Screen readers say it after earlier announcements. @param {string} words */
export function announce(words) {
  const line = Object.assign(document.createElement("p"), { textContent: words });
  slot(document, "announcer").append(line);
  setTimeout(() => line.remove(), SHOWN_FOR);
}
