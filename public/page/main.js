// @ts-check
import { memory } from "./memory.js";
import { Session } from "./session.js";
import { Store } from "./store.js";
import { loadStrings, translate } from "./strings.js";
import { View } from "./view.js";

const ROOMY = "(min-width: 1100px)";

await loadStrings();
translate(document);

const store = new Store({
  view: "home",
  room: null,
  name: memory.get("name") ?? "",
  wanted: { audio: memory.get("audio") !== "off", video: memory.get("video") !== "off" },
  media: null,
  asking: false,
  joining: false,
  problem: null,
  call: null,
  peers: [],
  lines: [],
  chatOpen: matchMedia(ROOMY).matches,
  unread: 0,
  endedBy: null,
});
const session = new Session(store);
new View(document.body, store, session);

addEventListener("popstate", () => session.route());
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload(); // the room was left when the page was put away
});
session.route();
