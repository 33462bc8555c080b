// @ts-check
import { byId } from "./dom.js";

const WIDTH = 264; // as in overlay.css
const APART = 8;

/** Menus open at their button, close after a choice, and follow the arrow keys. */
export function watchMenus() {
  document.addEventListener("click", ({ target }) => {
    const element = /** @type {Element} */ (target);
    const menu = /** @type {HTMLElement | null} */ (element.closest(".menu"));
    if (menu && element.closest("button")) menu.hidePopover();
    const opener = element.closest("[popovertarget]");
    if (opener) place(byId(opener.getAttribute("popovertarget") ?? "", HTMLElement), opener);
  }, { capture: true });
  document.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const focused = document.activeElement;
    const menu = focused?.closest(".menu");
    if (!menu || !step) return;
    event.preventDefault();
    const items = [...menu.querySelectorAll("button")].filter((item) => item.checkVisibility());
    const index = items.findIndex((item) => item === focused) + step;
    items[(index + items.length) % items.length].focus();
  });
}

/**
 * @param {HTMLElement} menu
 * @param {Element} opener
 */
function place({ style }, opener) {
  const { left, right, top, bottom } = opener.getBoundingClientRect();
  const middle = (left + right - WIDTH) / 2;
  style.left = `${Math.max(APART, Math.min(middle, innerWidth - WIDTH - APART))}px`;
  const below = top < innerHeight / 2;
  style.top = below ? `${bottom + APART}px` : "auto";
  style.bottom = below ? "auto" : `${innerHeight - top + APART}px`;
  style.maxHeight = `${(below ? innerHeight - bottom : top) - 2 * APART}px`;
}
