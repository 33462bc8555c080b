// @ts-check
import { keepAwake } from "./awake.js";
import { isSending, mayLeave } from "./leaving.js";
import { memory } from "./memory.js";
import { roomPath } from "./route.js";
import { Session } from "./session.js";
import { noCall, Store } from "./store.js";
import { loadStrings } from "./strings.js";
import { View } from "./view.js";

const ROOMY = "(min-width: 1100px)";
const isOn = (/** @type {string} */ name, usual = "on") => (memory.get(name) ?? usual) === "on";

const theme = memory.get("theme") ?? "auto";
document.documentElement.dataset.theme = theme; // before the texts come
const language = await loadStrings().catch((error) => {
  document.dispatchEvent(new Event("error")); // index.html reloads the page
  throw error;
});

const store = new Store({
  ...noCall,
  view: "home",
  language,
  room: null,
  key: null,
  name: memory.get("name") ?? "",
  wanted: { audio: isOn("audio"), video: isOn("video") },
  media: null,
  asking: false,
  passworded: false,
  problem: null,
  spotlight: false,
  panel: matchMedia(ROOMY).matches ? "chat" : null,
  dismissed: new Set(),
  devices: [],
  speaker: memory.get("speaker") ?? "",
  theme,
  shortcuts: isOn("shortcuts"),
  alerts: isOn("alerts", "off"),
  noise: isOn("noise"),
  echo: isOn("echo"),
  blur: isOn("blur", "off"),
  lowData: isOn("lowData", "off"),
  hideSelf: isOn("hideSelf", "off"),
  endedBy: null,
  reason: "",
});
const session = new Session(store);
new View(document.body, store, session);
keepAwake(store);

addEventListener("beforeunload", (event) => {
  if (isSending(store)) event.preventDefault();
});
addEventListener("popstate", async () => {
  const { room, key } = store.state;
  if (!room || !isSending(store)) return session.route();
  history.pushState(null, "", roomPath(room, key ?? undefined)); // the call goes on while the user is asked
  if (!(await mayLeave(store))) return;
  session.leave();
  history.back();
});
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload(); // the room was left
});
session.route();
navigator.serviceWorker?.register("/service-worker.js").catch(() => {}); // the page works without it
