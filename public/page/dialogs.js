// @ts-check
import { byId, slot } from "./dom.js";
import { text } from "./strings.js";

/** @param {string} id */
export function openDialog(id) {
  const dialog = byId(id, HTMLDialogElement);
  dialog.returnValue = "";
  if (!dialog.open) dialog.showModal();
  return dialog;
}

/** The value that the user closes a dialog with; empty after a cancel. @param {string} id */
export function answer(id) {
  const dialog = openDialog(id);
  return new Promise((resolve) => dialog.addEventListener("close", () => resolve(dialog.returnValue), { once: true }));
}

/**
 * Asks the user to confirm.
 * @param {string} question the start of the texts' keys
 * @param {string} [name] of the person that it is about
 */
export async function confirmed(question, name = "") {
  byId("confirm-title", HTMLElement).textContent = text(question, { name });
  byId("confirm-text", HTMLElement).textContent = text(`${question}-text`);
  slot(document, "yes").textContent = text(`${question}-yes`);
  return (await answer("confirm")) === "yes";
}

/**
 * The new password, null to remove it, undefined to keep it.
 * @param {boolean} isSet
 */
export async function askForPassword(isSet) {
  slot(document, "remove-secret").hidden = !isSet;
  /** @type {HTMLInputElement} */
  const input = slot(document, "secret", "input");
  input.value = "";
  const choice = await answer("secret");
  if (choice === "remove") return null;
  return (choice === "set" && input.value) || undefined;
}

/** Whether something is open over the page. */
export function isCovered() {
  return document.querySelector("dialog[open], :popover-open") !== null;
}

