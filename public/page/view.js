// @ts-check
import { Call } from "./call.js";
import { openDialog } from "./dialogs.js";
import { slot } from "./dom.js";
import { Ended, Home, Prejoin } from "./entry.js";
import { Hosting } from "./hosting.js";
import { copyLink, link, showLink } from "./invite.js";
import { watchKeys } from "./keys.js";
import { watchMenus } from "./menus.js";
import { Notices } from "./notices.js";
import { Panel } from "./panel.js";
import { Settings } from "./settings.js";
import { errorText, shownName, text } from "./strings.js";
import { toast } from "./toast.js";

const BEAT = 150;
const VIEWS = /** @type {const} */ (["home", "prejoin", "call", "ended"]);

/** Everything on the screen: shows the view that is on, and turns clicks into the session's actions. */
export class View {
  #store;
  #session;
  #home;
  #prejoin;
  #call;
  #panel;
  #notices;
  #settings;
  #ended;
  /** @type {Record<string, (event: Event) => void>} */
  #actions;
  /** @type {import("./state.js").View | null} */
  #shown = null;
  /** Whose hands are up. @type {Set<object>} */
  #hands = new Set();
  #hosted = false;
  /** What has the focus, and what gets it should that go. @type {[Element, HTMLElement | null] | null} */
  #focus = null;

  /**
   * @param {HTMLElement} root
   * @param {import("./store.js").Store} store
   * @param {import("./session.js").Session} session
   */
  constructor(root, store, session) {
    this.#store = store;
    this.#session = session;
    const hosting = new Hosting(store);
    this.#home = new Home(this.#section("home"), session);
    this.#prejoin = new Prejoin(this.#section("prejoin"), session);
    this.#call = new Call(this.#section("call"));
    const panel = new Panel(this.#section("call"), store, session, hosting);
    this.#panel = panel;
    this.#notices = new Notices(slot(root, "notices"), session, hosting);
    this.#settings = new Settings(store, session);
    this.#ended = new Ended(this.#section("ended"), session);
    const chosen = (/** @type {(peer: import("../signalbox.js").Peer) => void} */ act) => () => panel.people.chosen && act(panel.people.chosen);
    this.#actions = {
      home: (event) => {
        event.preventDefault();
        session.home();
      },
      chat: () => panel.toggle("chat"),
      people: () => panel.toggle("people"),
      "close-panel": () => panel.close(),
      copy: () => void copyLink(),
      "share-link": () => navigator.share({ url: link() }).catch(() => {}), // the user thought better of it
      invite: () => openDialog("invite"),
      settings: () => openDialog("settings"),
      help: () => openDialog("help"),
      hand: () => void session.raiseHand(),
      leave: () => session.leave(),
      lock: () => void hosting.lock(),
      password: () => void hosting.password(),
      clear: () => void hosting.clear(),
      "ask-mute": chosen((peer) => void hosting.mute(peer)),
      transfer: chosen((peer) => void hosting.transfer(peer)),
      kick: chosen((peer) => void hosting.kick(peer)),
    };
    for (const input of this.#nameInputs()) input.addEventListener("input", () => session.rename(input.value));
    root.addEventListener("click", (event) => this.#click(event));
    root.addEventListener("focusin", ({ target }) => {
      const element = /** @type {Element} */ (target);
      this.#focus = [element, element.parentElement?.closest("[tabindex]") ?? null];
    });
    watchMenus();
    watchKeys(store, session, {
      m: () => void session.toggle("audio"),
      v: () => void session.toggle("video"),
      s: () => void session.share(),
      c: () => panel.toggle("chat"),
      p: () => panel.toggle("people"),
      "/": () => panel.open("chat"),
      "?": () => openDialog("help"),
    });
    setInterval(() => this.#sound(), BEAT);
    store.render = (state) => this.#render(state);
  }

  /** @param {Readonly<import("./state.js").State>} state */
  #render(state) {
    for (const view of VIEWS) this.#section(view).hidden = view !== state.view;
    for (const input of this.#nameInputs()) if (input.value !== state.name) input.value = state.name;
    this.#renderToggles(state);
    document.title = state.room ? `${state.room} · Signalbox` : "Signalbox";
    if (state.room) showLink();
    this.#home.render(state);
    this.#prejoin.render(state);
    this.#panel.render(state);
    this.#call.render(state);
    this.#notices.render(state);
    this.#settings.render(state);
    this.#ended.render(state);
    this.#tellChanges(state);
    if (this.#shown !== state.view) this.#enter(state.view);
  }

  /** @param {Readonly<import("./state.js").State>} state */
  #renderToggles({ media, wanted, call }) {
    const on = { audio: (media ?? wanted).audio, video: (media ?? wanted).video, screen: Boolean(media?.screen) };
    for (const toggle of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-toggle]"))) {
      const kind = /** @type {keyof typeof on} */ (toggle.dataset.toggle);
      toggle.setAttribute("aria-pressed", String(on[kind]));
      if (kind === "screen") toggle.hidden = !navigator.mediaDevices?.getDisplayMedia; // as on phones
    }
    slot(document, "hand", "action").setAttribute("aria-pressed", String(call?.self.hand ?? false));
    slot(document, "lock", "action").setAttribute("aria-pressed", String(call?.info.locked ?? false));
    slot(document, "host-menu").hidden = !call?.self.host;
  }

  /** What happens to or around us, in passing. @param {Readonly<import("./state.js").State>} state */
  #tellChanges({ view, call, peers, problem }) {
    const hands = new Set(peers.filter(({ hand }) => hand));
    for (const peer of hands) if (!this.#hands.has(peer)) toast(text("call.hand-up", { name: shownName(peer.name) }));
    this.#hands = hands;
    const host = call?.self.host ?? false;
    if (host && !this.#hosted && peers.length > 0) toast(text("call.now-host"));
    this.#hosted = host;
    if (view === "call" && problem) {
      toast(errorText(problem));
      this.#store.set({ problem: null });
    }
  }

  /** Puts the focus where a view begins. @param {import("./state.js").View} view */
  #enter(view) {
    const first = this.#shown === null;
    this.#shown = view;
    for (const dialog of /** @type {NodeListOf<HTMLDialogElement>} */ (document.querySelectorAll("dialog[open]"))) dialog.close();
    for (const menu of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(":popover-open"))) menu.hidePopover();
    if (view === "prejoin") this.#section(view).querySelector("input")?.focus();
    else if (view === "ended") slot(this.#section(view), "ended-title").focus();
    else if (!first) document.getElementById("content")?.focus();
  }

  /** @param {Event} event */
  #click(event) {
    const target = /** @type {Element} */ (event.target);
    const toggle = /** @type {HTMLElement | null} */ (target.closest("[data-toggle]"))?.dataset.toggle;
    if (toggle === "screen") void this.#session.share();
    else if (toggle) void this.#session.toggle(/** @type {"audio" | "video"} */ (toggle));
    const closing = /** @type {HTMLElement | null} */ (target.closest("[data-close]"))?.dataset.close;
    if (closing !== undefined) target.closest("dialog")?.close(closing);
    const action = /** @type {HTMLElement | null} */ (target.closest("[data-action]"))?.dataset.action;
    if (action) this.#actions[action]?.(event);
    if (target.closest(".skip")) {
      event.preventDefault(); // the fragment is where the key is
      document.getElementById("content")?.focus();
    }
  }

  #sound() {
    const { state } = this.#store;
    const level = state.media?.level ?? 0;
    if (state.view === "call") this.#call.sound(state);
    else if (state.view === "prejoin") this.#prejoin.meter(level);
    this.#settings.meter(level);
    const [element, place] = this.#focus ?? [];
    if (document.activeElement === document.body && !element?.checkVisibility()) place?.focus();
  }

  #nameInputs() {
    return /** @type {NodeListOf<HTMLInputElement>} */ (document.querySelectorAll('[data-input="name"]'));
  }

  /** @param {import("./state.js").View} view */
  #section(view) {
    return slot(document, view, "view");
  }
}
