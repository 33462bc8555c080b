// @ts-check
import { initials, instantiate, reconcile, show, slot } from "./dom.js";
import { shownName, text } from "./strings.js";

/** @typedef {{ key: string, peer: import("../signalbox.js").Peer | null, info: Pick<import("../signalbox.js").PeerInfo, "host" | "hand" | "away" | "media">, name: string }} Person */

/** Who is in the room, and who waits to be let in. */
export class People {
  #root;
  #hosting;
  /** @type {Map<string, HTMLElement>} */
  #rows = new Map();
  /** @type {Map<string, HTMLElement>} */
  #knocks = new Map();
  /** Whose menu is open. @type {import("../signalbox.js").Peer | null} */
  chosen = null;

  /**
   * @param {HTMLElement} root
   * @param {import("./hosting.js").Hosting} hosting
   */
  constructor(root, hosting) {
    this.#root = root;
    this.#hosting = hosting;
  }

  /** @param {Readonly<import("./state.js").State>} state */
  render({ call, peers }) {
    const knocks = call?.knocks ?? [];
    slot(this.#root, "knocking").hidden = knocks.length === 0;
    reconcile(slot(this.#root, "knocks"), knocks, this.#knocks, ({ id }) => id, (knock) => {
      const row = instantiate("knock");
      entitle(row, shownName(knock.name));
      slot(row, "admit").addEventListener("click", () => void this.#hosting.admit(knock));
      slot(row, "deny").addEventListener("click", () => void this.#hosting.deny(knock));
      return row;
    });
    /** @type {Person[]} */
    const people = call ? [{ key: "own", peer: null, info: call.self, name: shownName(call.self.name) }] : [];
    for (const peer of peers) people.push({ key: peer.id, peer, info: peer, name: shownName(peer.name) });
    reconcile(slot(this.#root, "roster"), people, this.#rows, ({ key }) => key, ({ peer }) => {
      const row = instantiate("person");
      slot(row, "actions").addEventListener("click", () => (this.chosen = peer));
      return row;
    });
    for (const person of people) this.#person(/** @type {HTMLElement} */ (this.#rows.get(person.key)), person, call?.self.host ?? false);
  }

  /**
   * @param {HTMLElement} row
   * @param {Person} person
   * @param {boolean} hosting
   */
  #person(row, { peer, info, name: shown }, hosting) {
    entitle(row, shown, peer ? shown : text("people.you", { name: shown }));
    const notes = [info.host && text("people.host"), info.away && text("people.away"), info.media.screen && text("people.sharing")];
    show(slot(row, "note"), notes.filter(Boolean).join(" · "));
    row.toggleAttribute("data-hand", info.hand);
    row.toggleAttribute("data-muted", !info.media.audio);
    row.toggleAttribute("data-camera-off", !info.media.video);
    const actions = slot(row, "actions");
    actions.hidden = !hosting || !peer;
    actions.setAttribute("aria-label", text("people.actions", { name: shown }));
  }
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
