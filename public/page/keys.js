// @ts-check
import { isCovered } from "./dialogs.js";

const FIELDS = "input, textarea, select";
const PRESSABLE = "button, summary, [role=tab]"; // by the space bar

/** Whether the space bar presses or scrolls something where the focus is. @param {Element} target */
function takesSpace(target) {
  if (target.closest(PRESSABLE)) return true;
  for (let element = /** @type {Element | null} */ (target); element; element = element.parentElement) {
    const scrolls = /auto|scroll/.test(getComputedStyle(element).overflowY);
    if (scrolls && element.scrollHeight > element.clientHeight) return true;
  }
  return false;
}

/**
 * Keyboard shortcuts of a call, outside of fields and dialogs.
 * @param {Store} store
 * @param {Session} session
 * @param {Record<string, () => void>} keys
 */
export function watchKeys(store, session, keys) {
  let talking = false;
  const heard = (/** @type {KeyboardEvent} */ { target, ctrlKey, metaKey, altKey, isComposing }) => {
    const { view, shortcuts } = store.state;
    const field = target instanceof Element && target.closest(FIELDS);
    return view === "call" && shortcuts && !field && !ctrlKey && !metaKey && !altKey && !isComposing && !isCovered();
  };
  const stopTalking = () => {
    if (!talking) return;
    talking = false;
    void session.talk(false);
  };
  addEventListener("keydown", (event) => {
    if (event.repeat || !heard(event)) return;
    if (event.key === " ") {
      if (event.target instanceof Element && takesSpace(event.target)) return;
      event.preventDefault();
      if (store.state.media?.audio) return;
      talking = true;
      void session.talk(true);
      return;
    }
    const act = keys[event.key.toLowerCase()];
    if (!act) return;
    event.preventDefault();
    act();
  });
  addEventListener("keyup", ({ key }) => {
    if (key === " ") stopTalking();
  });
  addEventListener("blur", stopTalking);
}
