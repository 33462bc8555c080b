// @ts-check
import { translate } from "./strings.js";

/**
 * The element that the markup marks with `data-slot` (or another hook) of that name.
 * @template {Element} [E=HTMLElement]
 * @param {ParentNode} root
 * @param {string} name
 * @param {"slot" | "form" | "input" | "action" | "view" | "tab"} [hook]
 * @returns {E}
 */
export function slot(root, name, hook = "slot") {
  const element = root.querySelector(`[data-${hook}="${name}"]`);
  if (!element) throw new Error(`index.html has no data-${hook}="${name}"`);
  return /** @type {any} */ (element);
}

/**
 * A copy of the one element in a `<template>`.
 * @param {string} id
 * @returns {HTMLElement}
 */
export function instantiate(id) {
  const copy = /** @type {DocumentFragment} */ (byId(id, HTMLTemplateElement).content.cloneNode(true));
  translate(copy);
  return /** @type {HTMLElement} */ (copy.firstElementChild);
}

/**
 * @template {Element} E
 * @param {string} id
 * @param {new () => E} type
 * @returns {E}
 */
export function byId(id, type) {
  const element = document.getElementById(id);
  if (element instanceof type) return element;
  throw new Error(`index.html has no ${type.name} with the id ${id}`);
}

/**
 * A button with a text.
 * @param {string} label
 * @param {() => void} action
 */
export function button(label, action) {
  const element = document.createElement("button");
  element.type = "button";
  element.className = "button small";
  element.textContent = label;
  element.addEventListener("click", action);
  return element;
}

/**
 * Makes the children of an element those of these things, in their order, and keeps what stays.
 * @template T
 * @param {Element} parent
 * @param {readonly T[]} things
 * @param {Map<any, HTMLElement>} elements those there are, by key
 * @param {(thing: T) => any} keyOf
 * @param {(thing: T) => HTMLElement} make
 */
export function reconcile(parent, things, elements, keyOf, make) {
  const keys = new Set(things.map(keyOf));
  const { lang } = document.documentElement;
  for (const [key, element] of elements) {
    if (keys.has(key) && element.lang === lang) continue; // another language
    element.remove();
    elements.delete(key);
  }
  things.forEach((thing, index) => {
    const key = keyOf(thing);
    const element = elements.get(key) ?? make(thing);
    element.lang = lang;
    elements.set(key, element);
    if (parent.children[index] !== element) parent.insertBefore(element, parent.children[index] ?? null);
  });
}

/**
 * Shows a text, or hides the element where there is none; whether that is news.
 * @param {HTMLElement} element
 * @param {string | null} content
 */
export function show(element, content) {
  element.hidden = !content;
  const isNews = element.textContent !== (content ?? "");
  if (isNews) element.textContent = content;
  return isNews;
}

/**
 * @param {HTMLVideoElement} video
 * @param {MediaStream | null} stream
 */
export function play(video, stream) {
  if (video.srcObject !== stream) video.srcObject = stream;
}

/** Whether one's own picture is shown as in a mirror: not that of a camera that looks away from the user. @param {MediaStream | null} stream */
export function isMirror(stream) {
  return stream?.getVideoTracks()[0]?.getSettings().facingMode !== "environment";
}

/**
 * Up to two letters for a face: the first of the first and of the last word; of Chinese the last two signs.
 * @param {string} name
 */
export function initials(name) {
  const words = name.trim().split(/\s+/).filter(Boolean);
  const first = [...(words[0] ?? "?")];
  if (/\p{Script=Han}/u.test(first[0])) return first.slice(-2).join("");
  const last = words.length > 1 ? [...words[words.length - 1]][0] : "";
  return (first[0] + last).toUpperCase();
}
