// @ts-check
import { show, slot } from "./dom.js";
import { fit } from "./grid.js";
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
  /** @type {Map<import("../signalbox.js").Peer, Tile>} */
  #tiles = new Map();

  /** @param {HTMLElement} root */
  constructor(root) {
    this.#root = root;
    this.#grid = slot(root, "grid");
    this.#row = slot(root, "tiles");
    slot(root, "share-link", "action").hidden = !("share" in navigator);
    new ResizeObserver(() => this.#arrange()).observe(this.#grid);
  }

  /** @param {Readonly<import("./store.js").State>} state */
  render({ call, media, peers, room, chatOpen, unread }) {
    if (!call || !media) {
      this.#clear();
      return;
    }
    const root = this.#root;
    show(slot(root, "room"), room);
    show(slot(root, "count"), text("call.count", { count: peers.length + 1 }));
    show(slot(root, "link"), location.host + decodeURI(location.pathname));
    slot(root, "reconnecting").hidden = call.state !== "reconnecting";
    slot(root, "alone").hidden = peers.length > 0;
    slot(root, "chat", "action").setAttribute("aria-expanded", String(chatOpen));
    const badge = slot(root, "unread");
    show(badge, unread ? String(Math.min(unread, 99)) : null);
    badge.setAttribute("aria-label", text("chat.unread", { count: unread }));

    this.#own.render({
      name: shownName(call.self.name),
      label: text("you"),
      stream: media.stream,
      media,
      state: "connected",
    });
    this.#reconcile(peers);
    // With one other the own picture steps aside; with more it is one among equals.
    const place = peers.length > 1 ? this.#row : slot(root, "self");
    if (this.#own.element.parentElement !== place) place.append(this.#own.element);
    this.#arrange();
  }

  /** Marks who is speaking. @param {Readonly<import("./store.js").State>} state */
  sound({ media }) {
    this.#own.sound(media?.level ?? 0);
    for (const [peer, tile] of this.#tiles) tile.sound(peer.media.audio ? peer.level : 0);
  }

  /** @param {readonly import("../signalbox.js").Peer[]} peers */
  #reconcile(peers) {
    for (const [peer, tile] of this.#tiles) {
      if (peers.includes(peer)) continue;
      tile.remove();
      this.#tiles.delete(peer);
    }
    for (const peer of peers) {
      let tile = this.#tiles.get(peer);
      if (!tile) {
        tile = new Tile({ retry: () => peer.retry() });
        this.#tiles.set(peer, tile);
        this.#row.append(tile.element);
      }
      const { stream, media, away, state } = peer;
      const name = shownName(peer.name);
      tile.render({ name, label: name, stream, media, state: away && state !== "connected" ? "reconnecting" : state });
    }
  }

  #clear() {
    for (const tile of this.#tiles.values()) tile.remove();
    this.#tiles.clear();
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
