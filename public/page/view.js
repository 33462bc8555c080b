// @ts-check
import { chime } from "./alerts.js";
import { Call } from "./call.js";
import { openDialog } from "./dialogs.js";
import { all, press, slot } from "./dom.js";
import { Prejoin, watchEnded, watchHome } from "./entry.js";
import { Hosting } from "./hosting.js";
import { copyLink, link, showLink } from "./invite.js";
import { watchKeys } from "./keys.js";
import { mayLeave } from "./leaving.js";
import { watchMenus } from "./menus.js";
import { watchNotices } from "./notices.js";
import { Panel } from "./panel.js";
import { chosenPerson, watchPersonMenu } from "./person-menu.js";
import { Settings } from "./settings.js";
import { errorText, shownName, text } from "./strings.js";
import { toast } from "./toast.js";

const BEAT = 150;
const LOUD = 0.1; // louder than the noise of a room
const SPOKEN = 4; // beats
const VIEWS = /** @type {const} */ (["home", "prejoin", "call", "ended"]);

/** Everything on the screen: shows the current view, and turns clicks into the session's actions. */
export class View {
  #store;
  #session;
  #prejoin;
  #call;
  #settings;
  /** @type {Record<string, (event: Event) => void>} */
  #actions;
  /** @type {ViewName | null} */
  #shown = null;
  /** Whose hands are up. @type {Set<object>} */
  #hands = new Set();
  #hosted = false;
  /** Beats in which the user spoke while muted. */
  #spoken = 0;
  /** The focused element, and the one that gets the focus if it disappears. @type {[Element, HTMLElement | null] | null} */
  #focus = null;

  /**
   * @param {HTMLElement} root
   * @param {Store} store
   * @param {Session} session
   */
  constructor(root, store, session) {
    this.#store = store;
    this.#session = session;
    store.watch(["view"], ({ view }) => {
      for (const name of VIEWS) this.#section(name).hidden = name !== view;
    });
    store.watch(["name"], ({ name }) => {
      for (const input of this.#nameInputs()) if (input.value !== name) input.value = name;
    });
    store.watch(["media", "wanted", "call", "devices", "spotlight"], (state) => this.#renderToggles(state));
    store.watch(["room", "key", "unread"], ({ room, unread }) => {
      document.title = `${unread ? `(${unread}) ` : ""}${room ? `${room} · ` : ""}Signalbox`;
      if (room) showLink();
    });
    const hosting = new Hosting(store, session);
    watchHome(this.#section("home"), store, session);
    this.#prejoin = new Prejoin(this.#section("prejoin"), store, session);
    const panel = new Panel(this.#section("call"), store, session, hosting);
    this.#call = new Call(this.#section("call"), store);
    watchNotices(slot(root, "notices"), store, session, hosting);
    this.#settings = new Settings(store, session);
    watchEnded(this.#section("ended"), store);
    store.watch(["view", "call", "people", "problem"], (state) => this.#tellChanges(state));
    store.watch(["view"], ({ view }) => {
      if (this.#shown !== view) this.#enter(view);
    });
    const chosen = (/** @type {(person: Person) => void} */ act) => () => {
      const person = chosenPerson(store);
      if (person) act(person);
    };
    this.#actions = {
      skip: () => document.getElementById("content")?.focus(), // a link to #content would drop the key
      home: () => session.home(),
      preview: () => void session.preview(),
      cancel: () => session.cancel(),
      rejoin: () => session.route(),
      chat: () => panel.toggle("chat"),
      people: () => panel.toggle("people"),
      "close-panel": () => panel.close(),
      copy: () => void copyLink(),
      "share-link": () => navigator.share({ url: link() }).catch(() => {}), // the user changed their mind
      invite: () => openDialog("invite"),
      settings: () => openDialog("settings"),
      "test-speaker": () => chime(store.state.speaker),
      help: () => openDialog("help"),
      hand: () => void session.raiseHand(),
      spotlight: () => store.set({ spotlight: !store.state.spotlight }),
      "switch-camera": () => void session.switchCamera(),
      leave: async () => {
        if (await mayLeave(store)) session.leave();
      },
      lock: () => void hosting.lock(),
      "admit-all": () => void session.asHost((host) => host.admitAll()),
      password: () => void hosting.password(),
      clear: () => void hosting.clear(),
      pin: chosen(({ peer }) => store.set({ pinned: store.state.pinned === peer ? null : peer })),
      "hide-picture": chosen(({ peer, isHidden }) => session.adjust(peer, { isHidden: !isHidden })),
      "full-screen": (event) => void this.#tile(event)?.requestFullscreen(),
      float: (event) => void this.#tile(event)?.querySelector("video")?.requestPictureInPicture().catch(() => {}), // there is no picture yet
      "ask-mute": chosen((person) => void hosting.mute(person)),
      "write-privately": chosen(({ peer }) => {
        store.set({ receiver: peer });
        panel.open("chat");
      }),
      "ask-all": () => void hosting.muteAll(),
      transfer: chosen((person) => void hosting.transfer(person)),
      kick: chosen((person) => void hosting.kick(person)),
    };
    for (const input of this.#nameInputs()) input.addEventListener("input", () => session.rename(input.value));
    root.addEventListener("click", (event) => this.#click(event));
    root.addEventListener("focusin", ({ target }) => {
      const element = /** @type {Element} */ (target);
      this.#focus = [element, element.parentElement?.closest("[tabindex]") ?? null];
    });
    const call = this.#section("call");
    call.addEventListener("dragover", (event) => {
      if (event.dataTransfer?.types.includes("Files")) event.preventDefault(); // then the browser offers to drop them
    });
    call.addEventListener("drop", (event) => {
      event.preventDefault();
      session.sendFiles([...(event.dataTransfer?.files ?? [])]);
    });
    watchPersonMenu(store, session);
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
  }

  /** @param {Readonly<State>} state */
  #renderToggles({ media, wanted, call, devices, spotlight }) {
    const on = { audio: (media ?? wanted).audio, video: (media ?? wanted).video, screen: Boolean(media?.screen) };
    for (const toggle of all("[data-toggle]")) {
      const kind = /** @type {keyof typeof on} */ (toggle.dataset.toggle);
      toggle.setAttribute("aria-pressed", String(on[kind]));
      if (kind === "screen") toggle.hidden = !navigator.mediaDevices?.getDisplayMedia; // as on phones
    }
    press("hand", call?.self.handRaised ?? false);
    press("spotlight", spotlight);
    const cameras = devices.filter(({ kind }) => kind === "videoinput");
    for (const button of all('[data-action="switch-camera"]')) button.hidden = !media?.video || cameras.length < 2;
    press("lock", call?.info.locked ?? false);
    for (const part of all('[data-slot="host-menu"]')) part.hidden = !call?.self.host;
  }

  /** @param {Readonly<State>} state */
  #tellChanges({ view, call, people, problem }) {
    const raised = people.filter(({ handRaised }) => handRaised);
    for (const { peer, name } of raised) if (!this.#hands.has(peer)) toast(text("call.hand-up", { name: shownName(name) }));
    this.#hands = new Set(raised.map(({ peer }) => peer));
    const host = call?.self.host ?? false;
    if (host && !this.#hosted && people.length > 0) toast(text("call.now-host"));
    this.#hosted = host;
    if (view === "call" && problem) {
      toast(errorText(problem));
      this.#store.set({ problem: null });
    }
  }

  /** Puts the focus where a view begins. @param {ViewName} view */
  #enter(view) {
    const first = this.#shown === null;
    this.#shown = view;
    for (const dialog of all("dialog[open]")) /** @type {HTMLDialogElement} */ (dialog).close();
    for (const menu of all(":popover-open")) menu.hidePopover();
    if (view === "prejoin") this.#section(view).querySelector("input")?.focus();
    else if (view === "ended") slot(this.#section(view), "ended-title").focus();
    else if (!first) document.getElementById("content")?.focus();
  }

  /** @param {Event} event */
  #click(event) {
    const target = /** @type {Element} */ (event.target);
    const chosen = (/** @type {string} */ kind) => /** @type {HTMLElement | null} */ (target.closest(`[data-${kind}]`))?.dataset[kind];
    const toggle = chosen("toggle");
    if (toggle === "screen") void this.#session.share();
    else if (toggle) void this.#session.toggle(/** @type {"audio" | "video"} */ (toggle));
    const closing = chosen("close");
    if (closing !== undefined) target.closest("dialog")?.close(closing);
    const action = chosen("action");
    if (action) this.#actions[action]?.(event);
    if (action && target.closest("a")) event.preventDefault(); // the link is for those without scripts
  }

  /** The tile of an event, else of the open menu. @param {Event} event */
  #tile({ target }) {
    return /** @type {Element} */ (target).closest(".tile") ?? this.#call.tileOf(this.#store.state.chosen);
  }

  #sound() {
    const { view } = this.#store.state;
    const { level } = this.#session;
    this.#warnMuted();
    if (view === "call") this.#call.sound(level);
    else if (view === "prejoin") this.#prejoin.meter(level);
    this.#settings.meter(level);
    const [element, place] = this.#focus ?? [];
    if (document.activeElement === document.body && !element?.checkVisibility()) place?.focus();
  }

  /** Warns a user who speaks while muted, once each time. */
  #warnMuted() {
    const { view, media } = this.#store.state;
    if (view !== "call" || media?.audio) {
      this.#spoken = 0;
    } else if (this.#session.voice > LOUD) {
      this.#spoken += 1;
      if (this.#spoken === SPOKEN) toast(text("call.muted-speaking"));
    }
  }

  #nameInputs() {
    return /** @type {NodeListOf<HTMLInputElement>} */ (all('[data-input="name"]'));
  }

  /** @param {ViewName} view */
  #section(view) {
    return slot(document, view, "view");
  }
}
