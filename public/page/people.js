// @ts-check
import { instantiate, List, show, slot } from "./dom.js";
import { initials, shownName, text } from "./strings.js";

/**
 * Shows the list of people, and of those who knock.
 * @param {HTMLElement} root
 * @param {Store} store
 * @param {Hosting} hosting
 */
export function watchPeople(root, store, hosting) {
  /** @type {List<Call["knocks"][number]>} */
  const knocking = new List(slot(root, "knocks"), ({ id }) => id, (knock) => {
    const row = instantiate("knock");
    entitle(row, shownName(knock.name));
    slot(row, "admit").addEventListener("click", () => void hosting.admit(knock));
    slot(row, "deny").addEventListener("click", () => void hosting.deny(knock));
    return row;
  });
  /** @type {List<Call["self"] | Person>} */
  const roster = new List(slot(root, "roster"), (person) => ("peer" in person ? person.peer : "own"), (person) => {
    const row = instantiate("person");
    if ("peer" in person) slot(row, "actions").addEventListener("click", () => store.set({ chosen: person.peer }));
    return row;
  }, renderPerson);
  store.watch(["call", "people"], ({ call, people }) => {
    if (!call) return;
    const { knocks, self } = call;
    slot(root, "knocking").hidden = knocks.length === 0;
    knocking.render(knocks);
    slot(root, "admit-all", "action").hidden = knocks.length < 2;
    roster.render([self, ...people]);
  });
}

/**
 * @param {HTMLElement} row
 * @param {Call["self"] | Person} person
 */
function renderPerson(row, person) {
  const { name, host, handRaised, away, media } = person;
  const isOther = "peer" in person;
  const shown = shownName(name);
  entitle(row, shown, isOther ? shown : text("people.you", { name: shown }));
  const notes = [host && text("people.host"), away && text("people.away"), media.screen && text("people.sharing")];
  show(slot(row, "note"), notes.filter(Boolean).join(" · "));
  row.toggleAttribute("data-hand", handRaised);
  row.toggleAttribute("data-muted", !media.audio);
  row.toggleAttribute("data-camera-off", !media.video);
  slot(row, "actions").hidden = !isOther;
  slot(row, "actions").setAttribute("aria-label", text("people.actions", { name: shown }));
}

/**
 * @param {HTMLElement} row
 * @param {string} name
 * @param {string} [label]
 */
function entitle(row, name, label = name) {
  slot(row, "initials").textContent = initials(name);
  show(slot(row, "name"), label);
  slot(row, "name").title = label;
}
