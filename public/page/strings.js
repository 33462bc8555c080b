// @ts-check

import { memory } from "./memory.js";

/** @type {Record<string, Record<string, string>>} */
let languages = {};
/** @type {Record<string, string>} */
let strings = {};

/** Loads the texts. Returns the language that the user chose or the browser prefers. */
export async function loadStrings() {
  const response = await fetch(new URL("strings.json", import.meta.url));
  languages = await response.json();
  const chosen = memory.get("language") ?? "";
  const language = chosen in languages ? chosen : choose(Object.keys(languages));
  speak(language);
  return language;
}

/** @param {string} language one of strings.json */
export function speak(language) {
  strings = { ...Object.values(languages)[0], ...languages[language] }; // a language may lack texts
  document.documentElement.lang = language;
  translate(document);
}

/** @param {string[]} offered the first is the fallback */
function choose(offered) {
  const base = (/** @type {string} */ tag) => tag.split("-")[0];
  for (const wanted of navigator.languages) {
    const found = offered.find((tag) => base(tag) === base(wanted));
    if (found) return found;
  }
  return offered[0];
}

/**
 * @param {string} key
 * @param {Record<string, string | number>} [values]
 */
export function text(key, values = {}) {
  return strings[key].replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
}

/** A person's name, if there is one. @param {string | null} name */
export function shownName(name) {
  return name || text("name.guest");
}

/**
 * The first letters of the first and the last word. Of a Chinese name, the last two characters.
 * @param {string} name
 */
export function initials(name) {
  const words = name.trim().split(/\s+/).filter(Boolean);
  const first = [...(words[0] ?? "?")];
  if (/\p{Script=Han}/u.test(first[0])) return first.slice(-2).join("");
  const last = words.length > 1 ? [...words[words.length - 1]][0] : "";
  return (first[0] + last).toUpperCase();
}

/** @param {string} code of a SignalboxError */
export function errorText(code) {
  return text(`error.${code}` in strings ? `error.${code}` : "error.internal");
}

/** Fills in the texts named by `data-text` and similar attributes. @param {ParentNode} root */
export function translate(root) {
  for (const element of /** @type {NodeListOf<HTMLElement>} */ (root.querySelectorAll("[data-text], [data-label], [data-title], [data-placeholder]"))) {
    const { text: key, label, title, placeholder } = element.dataset;
    if (key) element.textContent = text(key);
    if (label) element.setAttribute("aria-label", text(label));
    if (title) element.title = text(title);
    if (placeholder) element.setAttribute("placeholder", text(placeholder));
  }
}
