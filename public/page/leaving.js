// @ts-check
import { confirmed } from "./dialogs.js";
import { text } from "./strings.js";
/** @import { Store } from "./state.js" */

/** Whether a file transfer is in progress. It would end with the call. @param {Store} store */
export function isSending({ state: { lines } }) {
  return lines.some(({ file }) => file?.state === "moving");
}

/** Asks the user to confirm the leave during a file transfer. @param {Store} store */
export async function mayLeave(store) {
  return !isSending(store) || (await confirmed({ title: text("confirm.leave"), details: text("confirm.leave-text"), yes: text("control.leave") }));
}
