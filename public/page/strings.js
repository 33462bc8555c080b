// @ts-check

import { memory } from "./memory.js";

const FALLBACK = "en"; // a language may lack texts

/** @type {Record<string, string>} */
let strings = {};
/** The loaded texts by language: none is requested again. @type {Record<string, Record<string, string>>} */
const loaded = {};
/** @type {Intl.PluralRules} */
let plurals;

/** Loads the texts in the language that the user chose or the browser prefers. Returns the language. */
export async function loadStrings() {
  const { options } = /** @type {HTMLSelectElement} */ (document.querySelector('[data-setting="language"]'));
  const offered = [...options].map(({ value }) => value);
  const base = (/** @type {string} */ tag) => tag.split("-")[0];
  const wanted = [memory.get("language") ?? "", ...navigator.languages];
  const [language = FALLBACK] = wanted.flatMap((tag) => offered.find((known) => known === tag) ?? offered.find((known) => base(known) === base(tag)) ?? []);
  await speak(language);
  return language;
}

/** @param {string} language one of strings/ */
export async function speak(language) {
  const loading = [...new Set([FALLBACK, language])].map(async (tag) => (loaded[tag] ??= await (await fetch(new URL(`strings/${tag}.json`, import.meta.url))).json()));
  strings = Object.assign({}, ...(await Promise.all(loading)));
  plurals = new Intl.PluralRules(language);
  document.documentElement.lang = language;
  translate(document);
}

/**
 * The text of a key or, for a `count`, of the key with the plural category of that number, if there is one.
 * @param {string} key
 * @param {Record<string, string | number>} [values]
 */
export function text(key, values = {}) {
  const words = strings[`${key}.${plurals.select(Number(values.count))}`] ?? strings[key];
  return words.replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
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
