// @ts-check
import { confirmed } from "./dialogs.js";
import { text } from "./strings.js";
/** @import { Store } from "./state.js" */

/** Whether a file is being transferred. @param {Store} store */
export function isSending({ state: { lines } }) {
  return lines.some(({ file }) => file?.state === "moving");
}

/** Asks before the user leaves during a transfer. @param {Store} store */
export async function mayLeave(store) {
  return !isSending(store) || (await confirmed({ title: text("confirm.leave"), details: text("confirm.leave-text"), yes: text("control.leave") }));
}
