// @ts-check
import { instantiate, play, reconcile, show, slot } from "./dom.js";
import { fit } from "./grid.js";
import { LinkDetails, renderChip } from "./link.js";
import { shownName, text } from "./strings.js";
import { Tile } from "./tile.js";

const NARROW = 600;
const GAP = 8;

/** The call: the tiles, and what stands around them. */
export class Call {
  #root;
  #grid;
  #row;
  #own = new Tile({ own: true });
  #details = new LinkDetails();
  /** @type {Map<import("../signalbox.js").Peer, Tile>} */
  #tiles = new Map();
  /** @type {Map<import("../signalbox.js").Peer, HTMLElement>} */
  #screens = new Map();

  /** @param {HTMLElement} root */
  constructor(root) {
    this.#root = root;
    this.#grid = slot(root, "grid");
    this.#row = slot(root, "tiles");
    new ResizeObserver(() => this.#arrange()).observe(this.#grid);
  }

  /** @param {Readonly<import("./state.js").State>} state */
  render({ call, media, peers, room, speaker }) {
    if (!call || !media) {
      this.#clear();
      return;
    }
    const root = this.#root;
    show(slot(root, "room"), room);
    show(slot(root, "count"), String(peers.length + 1));
    slot(root, "people", "action").setAttribute("aria-label", text("call.count", { count: peers.length + 1 }));
    slot(root, "locked").hidden = !call.info.locked;
    const trouble = call.state === "connected" ? null : text(call.state === "waiting" ? "call.waiting" : "call.reconnecting");
    slot(root, "reconnecting").hidden = !trouble;
    show(slot(root, "reconnecting-text"), trouble);
    slot(root, "alone").hidden = peers.length > 0;

    this.#own.render({
      name: shownName(call.self.name),
      label: text("you"),
      stream: media.stream,
      media,
      hand: call.self.hand,
      state: "connected",
    });
    this.#reconcile(peers, call.relay ? "tile.failed" : "tile.no-path", call.keyed);
    this.#details.render(peers, call.keyed);
    for (const tile of this.#tiles.values()) tile.speakTo(speaker);
    this.#showScreens(peers.filter(({ screen }) => screen));
    // With one other the own picture steps aside; with more it is one among equals.
    const place = peers.length > 1 || this.#screens.size > 0 ? this.#row : slot(root, "self");
    if (this.#own.element.parentElement !== place) place.append(this.#own.element);
    this.#arrange();
  }

  /** Marks who is speaking. @param {Readonly<import("./state.js").State>} state */
  sound({ media }) {
    this.#own.sound(media?.level ?? 0);
    for (const [peer, tile] of this.#tiles) tile.sound(peer.media.audio ? peer.level : 0);
  }

  /**
   * @param {readonly import("../signalbox.js").Peer[]} peers
   * @param {string} failure
   * @param {boolean} keyed
   */
  #reconcile(peers, failure, keyed) {
    for (const [peer, tile] of this.#tiles) {
      if (peers.includes(peer)) continue;
      tile.remove();
      this.#tiles.delete(peer);
    }
    for (const peer of peers) {
      let tile = this.#tiles.get(peer);
      if (!tile) {
        tile = new Tile({ retry: () => peer.retry(), details: () => this.#details.open(peer, keyed) });
        this.#tiles.set(peer, tile);
        this.#row.append(tile.element);
      }
      const { stream, media, hand, away, state } = peer;
      const name = shownName(peer.name);
      tile.render({ name, label: name, stream, media, hand, failure, state: away && state !== "connected" ? "reconnecting" : state });
      renderChip(tile.element, peer, keyed);
    }
  }

  /** Screens stand in the middle, and the people beside them. @param {readonly import("../signalbox.js").Peer[]} sharing */
  #showScreens(sharing) {
    const root = slot(this.#root, "screens");
    root.hidden = sharing.length === 0;
    this.#grid.classList.toggle("presented", sharing.length > 0);
    reconcile(root, sharing, this.#screens, (peer) => peer, () => instantiate("screen-tile"));
    for (const [peer, element] of this.#screens) {
      play(/** @type {HTMLVideoElement} */ (element.querySelector("video")), peer.screen);
      show(slot(element, "name"), text("call.screen", { name: shownName(peer.name) }));
    }
  }

  #clear() {
    for (const tile of this.#tiles.values()) tile.remove();
    this.#tiles.clear();
    this.#showScreens([]);
    this.#details.close();
    this.#own.remove();
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
