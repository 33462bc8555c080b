// @ts-check
import { Call } from "./call.js";
import { ChatPanel } from "./chat.js";
import { slot } from "./dom.js";
import { deviceProblem, Ended, Home, Prejoin } from "./entry.js";
import { text } from "./strings.js";
import { Toast } from "./toast.js";

const SOUND_EVERY = 150;
const VIEWS = /** @type {const} */ (["home", "prejoin", "call", "ended"]);

/** Everything on the screen: shows the view that is on, and turns clicks into the session's actions. */
export class View {
  #store;
  #session;
  #toast;
  #prejoin;
  #call;
  #chat;
  #ended;
  /** @type {import("./store.js").View | null} */
  #shown = null;
  #problems = "";

  /**
   * @param {HTMLElement} root
   * @param {import("./store.js").Store} store
   * @param {import("./session.js").Session} session
   */
  constructor(root, store, session) {
    this.#store = store;
    this.#session = session;
    this.#toast = new Toast(slot(root, "toast"));
    new Home(this.#section("home"), session);
    this.#prejoin = new Prejoin(this.#section("prejoin"), session);
    this.#call = new Call(this.#section("call"));
    this.#chat = new ChatPanel(slot(root, "chat"), session);
    this.#ended = new Ended(this.#section("ended"), session);
    for (const input of this.#nameInputs()) input.addEventListener("input", () => session.rename(input.value));
    root.addEventListener("click", (event) => this.#click(event));
    root.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && store.state.chatOpen) this.#showChat(false);
    });
    setInterval(() => this.#sound(), SOUND_EVERY);
    store.on("change", (state) => this.#render(state));
  }

  /** @param {Readonly<import("./store.js").State>} state */
  #render(state) {
    for (const view of VIEWS) this.#section(view).hidden = view !== state.view;
    for (const input of this.#nameInputs()) if (input.value !== state.name) input.value = state.name;
    for (const toggle of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-toggle]"))) {
      const kind = /** @type {"audio" | "video"} */ (toggle.dataset.toggle);
      toggle.setAttribute("aria-pressed", String((state.media ?? state.wanted)[kind]));
    }
    document.title = state.room ? `${state.room} · Signalbox` : "Signalbox";
    this.#prejoin.render(state);
    this.#chat.render(state);
    this.#call.render(state);
    this.#ended.render(state);
    this.#tellDeviceProblems(state);
    if (this.#shown !== state.view) this.#enter(state.view);
  }

  /** Puts the focus where a view begins. @param {import("./store.js").View} view */
  #enter(view) {
    const first = this.#shown === null;
    this.#shown = view;
    if (view === "prejoin") this.#section(view).querySelector("input")?.focus();
    else if (view === "ended") slot(this.#section(view), "ended-title").focus();
    else if (!first) document.getElementById("content")?.focus();
  }

  /** @param {Event} event */
  #click(event) {
    const target = /** @type {Element} */ (event.target);
    const toggle = /** @type {HTMLElement | null} */ (target.closest("[data-toggle]"))?.dataset.toggle;
    if (toggle) void this.#session.toggle(/** @type {"audio" | "video"} */ (toggle));
    switch (/** @type {HTMLElement | null} */ (target.closest("[data-action]"))?.dataset.action) {
      case "home":
        event.preventDefault();
        this.#session.home();
        break;
      case "chat":
        this.#showChat(!this.#store.state.chatOpen);
        break;
      case "close-chat":
        this.#showChat(false);
        break;
      case "copy":
        void this.#copyLink();
        break;
      case "share-link":
        navigator.share({ url: location.href }).catch(() => {}); // the user thought better of it
        break;
      case "leave":
        this.#session.leave();
        break;
    }
  }

  /** @param {boolean} open */
  #showChat(open) {
    this.#session.showChat(open);
    queueMicrotask(() => { // after the rendering
      if (open) this.#chat.focus();
      else slot(this.#section("call"), "chat", "action").focus();
    });
  }

  async #copyLink() {
    try {
      await navigator.clipboard.writeText(location.href);
      this.#toast.show(text("alone.copied"));
    } catch {
      this.#toast.show(text("alone.copy-failed"));
    }
  }

  /** In a call, device problems are told in passing. @param {Readonly<import("./store.js").State>} state */
  #tellDeviceProblems({ media, view }) {
    const problems = media && view === "call" ? [...deviceProblem(media, "audio"), ...deviceProblem(media, "video")].join(" ") : "";
    if (problems && problems !== this.#problems) this.#toast.show(problems);
    this.#problems = problems;
  }

  #sound() {
    const { state } = this.#store;
    if (state.view === "call") this.#call.sound(state);
    else if (state.view === "prejoin" && state.media) this.#prejoin.meter(state.media.level);
  }

  #nameInputs() {
    return /** @type {NodeListOf<HTMLInputElement>} */ (document.querySelectorAll('[data-input="name"]'));
  }

  /** @param {import("./store.js").View} view */
  #section(view) {
    return slot(document, view, "view");
  }
}
