// @ts-check
import { memory } from "./memory.js";
import { Session } from "./session.js";
import { setTheme } from "./settings.js";
import { Store } from "./store.js";
import { loadStrings } from "./strings.js";
import { View } from "./view.js";

const ROOMY = "(min-width: 1100px)";

setTheme(memory.get("theme") ?? "auto");
await loadStrings().catch((error) => {
  document.body.textContent = "This page could not be loaded. Check your connection, then reload it. · 页面未能加载。请检查网络后重新加载。"; // there are no other texts
  throw error;
});

const store = new Store({
  view: "home",
  room: null,
  key: null,
  name: memory.get("name") ?? "",
  wanted: { audio: memory.get("audio") !== "off", video: memory.get("video") !== "off" },
  media: null,
  asking: false,
  joining: false,
  waiting: false,
  passworded: false,
  problem: null,
  call: null,
  peers: [],
  lines: [],
  panel: matchMedia(ROOMY).matches ? "chat" : null,
  unread: 0,
  mutedBy: null,
  dismissed: new Set(),
  devices: [],
  speaker: memory.get("speaker") ?? "",
  shortcuts: memory.get("shortcuts") !== "off",
  endedBy: null,
  reason: "",
});
const session = new Session(store);
new View(document.body, store, session);

addEventListener("popstate", () => session.route());
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload(); // the room was left
});
session.route();
