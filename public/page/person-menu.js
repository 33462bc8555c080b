// @ts-check
import { byId, press, slot } from "./dom.js";

/**
 * The menu of one person: how they are shown and heard here, and what the host may do.
 * @param {Store} store
 * @param {Session} session
 */
export function watchPersonMenu(store, session) {
  const menu = byId("person-menu", HTMLElement);
  /** @type {HTMLInputElement} */
  const volume = slot(menu, "volume", "input");
  slot(menu, "full-screen", "action").hidden = !document.fullscreenEnabled;
  volume.addEventListener("input", () => {
    const person = chosenPerson(store);
    if (person) session.adjust(person.peer, { volume: volume.valueAsNumber });
  });
  store.watch(["chosen", "people", "pinned"], ({ pinned }) => {
    const person = chosenPerson(store);
    if (!person) {
      menu.hidePopover();
      return;
    }
    press("pin", person.peer === pinned);
    press("hide-picture", person.isHidden);
    slot(menu, "float", "action").hidden = !document.pictureInPictureEnabled || !person.hasPicture;
    volume.valueAsNumber = person.volume;
  });
}

/** Whose menu is open. @param {Store} store @returns {Person | undefined} */
export function chosenPerson({ state: { people, chosen } }) {
  return people.find(({ peer }) => peer === chosen);
}
