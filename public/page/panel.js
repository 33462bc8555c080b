// @ts-check
import { ChatPanel } from "./chat.js";
import { show, slot } from "./dom.js";
import { watchPeople } from "./people.js";
import { text } from "./strings.js";

/** The panel beside the stage: the chat, or the people. */
export class Panel {
  #root;
  #call;
  #store;
  #session;
  #chat;

  /**
   * @param {HTMLElement} call
   * @param {Store} store
   * @param {Session} session
   * @param {Hosting} hosting
   */
  constructor(call, store, session, hosting) {
    const root = slot(call, "panel");
    this.#call = call;
    this.#root = root;
    this.#store = store;
    this.#session = session;
    store.watch(["panel", "people", "unread"], (state) => this.#render(state));
    this.#chat = new ChatPanel(slot(root, "chat"), store, session);
    watchPeople(slot(root, "people"), store, hosting);
    const tabs = slot(root, "tabs");
    tabs.addEventListener("click", ({ target }) => {
      const tab = /** @type {HTMLElement | null} */ (/** @type {Element} */ (target).closest("[data-tab]"));
      if (tab) session.showPanel(/** @type {Tab} */ (tab.dataset.tab));
    });
    tabs.addEventListener("keydown", ({ key }) => {
      if (key !== "ArrowLeft" && key !== "ArrowRight") return;
      const tab = store.state.panel === "chat" ? "people" : "chat";
      session.showPanel(tab);
      slot(root, tab, "tab").focus();
    });
    call.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !store.state.panel) return;
      if (!document.querySelector(".menu:popover-open")) this.close(); // else the key is for the menu
    });
  }

  /** Opens a tab, or closes it. @param {Tab} tab */
  toggle(tab) {
    if (this.#store.state.panel === tab) this.close();
    else this.open(tab);
  }

  /** @param {Tab} tab */
  open(tab) {
    this.#session.showPanel(tab);
    queueMicrotask(() => (tab === "chat" ? this.#chat : slot(this.#root, tab, "tab")).focus()); // after the rendering
  }

  close() {
    const tab = this.#store.state.panel ?? "chat";
    this.#session.showPanel(null);
    queueMicrotask(() => slot(this.#call, tab, "action").focus());
  }

  /** @param {Readonly<State>} state */
  #render({ panel, people, unread }) {
    this.#root.hidden = panel === null;
    for (const tab of /** @type {const} */ (["chat", "people"])) {
      const button = slot(this.#root, tab, "tab");
      button.setAttribute("aria-selected", String(panel === tab));
      button.tabIndex = panel === tab ? 0 : -1;
      slot(this.#call, tab, "action").setAttribute("aria-expanded", String(panel === tab));
      slot(this.#root, tab).hidden = panel !== tab;
    }
    show(slot(this.#root, "people-count"), String(people.length + 1));
    const badge = slot(this.#call, "unread");
    show(badge, unread ? String(Math.min(unread, 99)) : null);
    badge.setAttribute("aria-label", text("chat.unread", { count: unread }));
  }
}
