// @ts-check
import { confirmed } from "./dialogs.js";

/** Whether a file is being transferred. @param {Store} store */
export function isSending({ state: { lines } }) {
  return lines.some(({ file }) => file?.state === "moving");
}

/** Asks before the user leaves during a transfer. @param {Store} store */
export async function mayLeave(store) {
  return !isSending(store) || (await confirmed("confirm.leave"));
}
