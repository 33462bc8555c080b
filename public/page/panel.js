// @ts-check
import { ChatPanel } from "./chat.js";
import { show, slot } from "./dom.js";
import { People } from "./people.js";
import { text } from "./strings.js";

/** The panel beside the stage: the chat, or the people. */
export class Panel {
  #root;
  #call;
  #store;
  #session;
  people;
  #chat;

  /**
   * @param {HTMLElement} call
   * @param {import("./store.js").Store} store
   * @param {import("./session.js").Session} session
   * @param {import("./hosting.js").Hosting} hosting
   */
  constructor(call, store, session, hosting) {
    const root = slot(call, "panel");
    this.#call = call;
    this.#root = root;
    this.#store = store;
    this.#session = session;
    this.#chat = new ChatPanel(slot(root, "chat"), session);
    this.people = new People(slot(root, "people"), hosting);
    const tabs = slot(root, "tabs");
    tabs.addEventListener("click", ({ target }) => {
      const tab = /** @type {HTMLElement | null} */ (/** @type {Element} */ (target).closest("[data-tab]"));
      if (tab) session.showPanel(/** @type {import("./state.js").Tab} */ (tab.dataset.tab));
    });
    tabs.addEventListener("keydown", ({ key }) => {
      if (key !== "ArrowLeft" && key !== "ArrowRight") return;
      const tab = store.state.panel === "chat" ? "people" : "chat";
      session.showPanel(tab);
      slot(root, tab, "tab").focus();
    });
    call.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !store.state.panel) return;
      if (!document.querySelector(".menu:popover-open")) this.close(); // else the key is the menu's
    });
  }

  /** Opens a part of it, or closes that. @param {import("./state.js").Tab} tab */
  toggle(tab) {
    if (this.#store.state.panel === tab) this.close();
    else this.open(tab);
  }

  /** @param {import("./state.js").Tab} tab */
  open(tab) {
    this.#session.showPanel(tab);
    queueMicrotask(() => (tab === "chat" ? this.#chat : slot(this.#root, tab, "tab")).focus()); // after the rendering
  }

  close() {
    const tab = this.#store.state.panel ?? "chat";
    this.#session.showPanel(null);
    queueMicrotask(() => slot(this.#call, tab, "action").focus());
  }

  /** @param {Readonly<import("./state.js").State>} state */
  render(state) {
    const { panel, peers, unread, call } = state;
    this.#root.hidden = panel === null;
    for (const tab of /** @type {const} */ (["chat", "people"])) {
      const button = slot(this.#root, tab, "tab");
      button.setAttribute("aria-selected", String(panel === tab));
      button.tabIndex = panel === tab ? 0 : -1;
      slot(this.#call, tab, "action").setAttribute("aria-expanded", String(panel === tab));
    }
    slot(this.#root, "people").hidden = panel !== "people";
    show(slot(this.#root, "people-count"), String(peers.length + 1));
    const badge = slot(this.#call, "unread");
    show(badge, unread ? String(Math.min(unread, 99)) : null);
    badge.setAttribute("aria-label", text("chat.unread", { count: unread }));
    this.#chat.render(state);
    if (call) this.people.render(state);
  }
}
