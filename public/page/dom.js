// @ts-check

/**
 * The element that the markup marks with `data-slot` (or another hook) of that name.
 * @template {Element} [E=HTMLElement]
 * @param {ParentNode} root
 * @param {string} name
 * @param {"slot" | "form" | "input" | "action" | "view"} [hook]
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
  const template = /** @type {HTMLTemplateElement} */ (document.getElementById(id));
  return /** @type {HTMLElement} */ (template.content.firstElementChild?.cloneNode(true));
}

/**
 * Shows a text, or hides the element where there is none.
 * @param {HTMLElement} element
 * @param {string | null} content
 */
export function show(element, content) {
  element.hidden = !content;
  if (element.textContent !== content) element.textContent = content;
}

/**
 * @param {HTMLVideoElement} video
 * @param {MediaStream | null} stream
 */
export function play(video, stream) {
  if (video.srcObject !== stream) video.srcObject = stream;
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
