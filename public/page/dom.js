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

/** All elements of the page that match. @param {string} selector */
export const all = (selector) => /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(selector));

/**
 * Shows a toggle button as pressed or released.
 * @param {string} name of its action
 * @param {boolean} on
 */
export function press(name, on) {
  slot(document, name, "action").setAttribute("aria-pressed", String(on));
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
 * Keeps the children of an element in step with a list: makes what is new, updates what changed, and leaves the rest alone.
 * After a change of the language it makes all again.
 * @template T
 */
export class List {
  #parent;
  #keyOf;
  #make;
  #update;
  /** @type {Map<unknown, { element: HTMLElement, shown?: T }>} */
  #rows = new Map();
  #language = "";

  /**
   * @param {Element} parent
   * @param {(thing: T) => unknown} keyOf
   * @param {(thing: T, before: T | undefined) => HTMLElement} make
   * @param {(element: HTMLElement, thing: T) => void} [update] called for a new element, too
   */
  constructor(parent, keyOf, make, update = () => {}) {
    this.#parent = parent;
    this.#keyOf = keyOf;
    this.#make = make;
    this.#update = update;
  }

  /** @param {readonly T[]} things */
  render(things) {
    const { lang } = document.documentElement;
    const keys = new Set(lang === this.#language ? things.map(this.#keyOf) : []);
    this.#language = lang;
    for (const [key, { element }] of this.#rows) {
      if (keys.has(key)) continue;
      element.remove();
      this.#rows.delete(key);
    }
    things.forEach((thing, index) => {
      const key = this.#keyOf(thing);
      const row = this.#rows.get(key) ?? { element: this.#make(thing, things[index - 1]) };
      if (row.shown !== thing) this.#update(row.element, thing);
      this.#rows.set(key, Object.assign(row, { shown: thing }));
      const there = this.#parent.children[index];
      if (there !== row.element) this.#parent.insertBefore(row.element, there ?? null);
    });
  }
}

/**
 * Shows a text, or hides the element where there is none. Returns whether the text changed.
 * @param {HTMLElement} element
 * @param {string | null} content
 */
export function show(element, content) {
  element.hidden = !content;
  const isNew = element.textContent !== (content ?? "");
  if (isNew) element.textContent = content;
  return isNew;
}

/**
 * @param {HTMLVideoElement} video
 * @param {MediaStream | null} stream
 */
export function play(video, stream) {
  if (video.srcObject !== stream) video.srcObject = stream;
}
