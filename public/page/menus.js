// @ts-check

/** Menus close after a choice, and follow the arrow keys. */
export function watchMenus() {
  document.addEventListener("click", ({ target }) => {
    const element = /** @type {Element} */ (target);
    const menu = /** @type {HTMLElement | null} */ (element.closest(".menu"));
    if (menu && element.closest("button")) menu.hidePopover();
  }, { capture: true });
  document.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const focused = document.activeElement;
    const menu = focused?.closest(".menu");
    if (!menu || !step) return;
    event.preventDefault();
    const items = [.../** @type {NodeListOf<HTMLElement>} */ (menu.querySelectorAll("button, input"))].filter((item) => item.checkVisibility());
    const index = items.findIndex((item) => item === focused) + step;
    items[(index + items.length) % items.length].focus();
  });
}
