// @ts-check
import { instantiate, List, play, show, slot } from "./dom.js";
import { fit } from "./grid.js";
import { LinkDetails, renderChip } from "./link.js";
import { shownName, text } from "./strings.js";
import { Tile } from "./tile.js";

const NARROW = 600;
const GAP = 8;
const CLEARLY = 1.5; // times louder than the last speaker
const QUIET = 0.01;

/** The stage: its head and its tiles. */
export class Call {
  #root;
  #grid;
  #row;
  #store;
  #own = new Tile({ own: true });
  #details;
  /** @type {Map<Peer, Tile>} */
  #tiles = new Map();
  #screens;
  #preview = instantiate("screen-tile");

  /**
   * @param {HTMLElement} root
   * @param {Store} store
   */
  constructor(root, store) {
    this.#root = root;
    this.#store = store;
    this.#grid = slot(root, "grid");
    this.#row = slot(root, "tiles");
    this.#details = new LinkDetails(store);
    /** @type {List<Person>} */
    this.#screens = new List(slot(root, "screens"), ({ peer }) => peer, () => instantiate("screen-tile"), (element, { screen, name }) => {
      play(/** @type {HTMLVideoElement} */ (element.querySelector("video")), screen);
      show(slot(element, "name"), text("call.screen", { name: shownName(name) }));
    });
    new ResizeObserver(() => this.#arrange()).observe(this.#grid);
    store.watch(["room", "call", "people"], (state) => this.#renderHead(state));
    store.watch(["call", "media", "people", "speaker", "pinned", "spotlight", "speaking", "hideSelf"], (state) => this.#renderTiles(state));
  }

  /** Marks who is speaking. @param {number} level of the own microphone */
  sound(level) {
    this.#own.sound(level);
    const { speaking } = this.#store.state;
    let loudest = speaking;
    const loudness = (/** @type {Peer | null} */ peer) => (peer && this.#tiles.get(peer)?.loudness) || 0;
    for (const [peer, tile] of this.#tiles) {
      tile.sound(peer.media.audio ? peer.level : 0);
      if (loudness(peer) > loudness(loudest)) loudest = peer;
    }
    if (loudest !== speaking && loudness(loudest) > CLEARLY * loudness(speaking) + QUIET) this.#store.set({ speaking: loudest });
  }

  /** @param {Peer | null} peer */
  tileOf(peer) {
    return peer && this.#tiles.get(peer)?.element;
  }

  /** @param {Readonly<State>} state */
  #renderHead({ room, call, people }) {
    const root = this.#root;
    const count = people.length + 1;
    show(slot(root, "room"), room);
    show(slot(root, "count"), String(count));
    slot(root, "people", "action").setAttribute("aria-label", text("call.count", { count }));
    slot(root, "locked").hidden = !call?.info.locked;
    const trouble = !call || call.state === "connected" ? null : text(call.state === "waiting" ? "call.waiting" : "call.reconnecting");
    slot(root, "reconnecting").hidden = !trouble;
    show(slot(root, "reconnecting-text"), trouble);
    slot(root, "alone").hidden = people.length > 0;
  }

  /** @param {Readonly<State>} state */
  #renderTiles({ call, media, people, speaker, key, pinned, spotlight, speaking, hideSelf }) {
    for (const [peer, tile] of this.#tiles) {
      if (people.some((person) => person.peer === peer)) continue;
      tile.remove();
      this.#tiles.delete(peer);
    }
    const sharing = people.filter(({ screen }) => screen);
    const large = people.length + sharing.length > 1 ? pinned ?? (spotlight && sharing.length === 0 ? speaking : null) : null;
    const isPresented = sharing.length > 0 || this.#tiles.has(/** @type {Peer} */ (large));
    const front = slot(this.#root, "screens");
    front.hidden = !isPresented;
    this.#grid.classList.toggle("presented", isPresented);
    this.#screens.render(sharing);
    this.#renderPreview(media?.screen ?? null);
    if (!call || !media) {
      this.#own.remove();
      return;
    }
    const { name, handRaised } = call.self;
    this.#own.render({ ...media, name: shownName(name), label: text("you"), hasPicture: media.video, isMuted: !media.audio, handRaised, state: "connected" });
    for (const person of people) {
      const tile = this.#tile(person);
      const name = shownName(person.name);
      const failure = call.hasTurn ? "tile.failed" : "tile.no-path";
      const state = person.away && person.state !== "connected" ? "reconnecting" : person.state;
      tile.render({ ...person, hasPicture: person.hasPicture && !person.isHidden, name, label: name, isMuted: !person.media.audio, failure, state });
      tile.speakTo(speaker);
      tile.moveTo(person.peer === large ? front : this.#row);
      renderChip(tile.element, person, key !== null);
    }
    // With only one other tile, the own one is in a corner.
    if (hideSelf) this.#own.remove();
    else this.#own.moveTo(people.length > 1 || isPresented || media.screen ? this.#row : slot(this.#root, "self"));
    this.#arrange();
  }

  /** Shows presenters their own screen. @param {MediaStream | null} screen */
  #renderPreview(screen) {
    play(/** @type {HTMLVideoElement} */ (this.#preview.querySelector("video")), screen);
    show(slot(this.#preview, "name"), text("call.own-screen"));
    if (!screen) this.#preview.remove();
    else if (!this.#preview.isConnected) this.#row.append(this.#preview);
  }

  /** @param {Person} person */
  #tile({ peer }) {
    const known = this.#tiles.get(peer);
    if (known) return known;
    const tile = new Tile({ retry: () => peer.retry(), details: () => this.#details.open(peer), choose: () => this.#store.set({ chosen: peer }) });
    this.#tiles.set(peer, tile);
    return tile;
  }

  #arrange() {
    const { clientWidth: width, clientHeight: height } = this.#grid;
    const { children, style } = this.#row;
    const maxColumns = width < NARROW ? 2 : children.length;
    const tile = fit(children.length, { width, height, gap: GAP, maxColumns });
    style.setProperty("--gap", `${GAP}px`);
    style.setProperty("--columns", String(tile.columns));
    style.setProperty("--tile-width", `${tile.width}px`);
    style.setProperty("--tile-height", `${tile.height}px`);
  }
}
