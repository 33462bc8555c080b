// @ts-check
import { byId, slot } from "./dom.js";
import { memory } from "./memory.js";
import { speak, text } from "./strings.js";

const KINDS = /** @type {const} */ ({ audio: "audioinput", video: "videoinput", speaker: "audiooutput" });

/** Devices, theme, language and keys. */
export class Settings {
  #root = byId("settings", HTMLDialogElement);
  #level = /** @type {SVGRectElement} */ (slot(this.#root, "level"));
  #listed = "";

  /**
   * @param {import("./store.js").Store} store
   * @param {import("./session.js").Session} session
   */
  constructor(store, session) {
    slot(this.#root, "speaker-field").hidden = !("setSinkId" in HTMLMediaElement.prototype);
    document.addEventListener("change", ({ target }) => {
      const field = /** @type {HTMLInputElement} */ (target);
      const { device, setting } = field.dataset;
      if (device) void session.choose(/** @type {keyof typeof KINDS} */ (device), field.value);
      if (setting === "shortcuts") {
        memory.set(setting, field.checked ? "on" : "off");
        store.set({ shortcuts: field.checked });
      } else if (setting) {
        memory.set(setting, field.value);
        if (setting === "theme") setTheme(field.value);
        else speak(field.value);
        store.set();
      }
    });
  }

  /** @param {Readonly<import("./state.js").State>} state */
  render({ devices, media, speaker, shortcuts }) {
    for (const field of /** @type {NodeListOf<HTMLInputElement>} */ (document.querySelectorAll("[data-setting]"))) {
      if (field.dataset.setting === "shortcuts") field.checked = shortcuts;
      else field.value = field.dataset.setting === "theme" ? memory.get("theme") ?? "auto" : document.documentElement.lang;
    }
    const used = {
      audio: media?.track("audio")?.getSettings().deviceId ?? "",
      video: media?.track("video")?.getSettings().deviceId ?? "",
      speaker,
    };
    const listing = JSON.stringify([devices, used, document.documentElement.lang]);
    if (listing === this.#listed) return; // an open list is not to close
    this.#listed = listing;
    slot(this.#root, "devices-hint").hidden = devices.some(({ label }) => label);
    for (const kind of /** @type {(keyof typeof KINDS)[]} */ (Object.keys(KINDS))) {
      const choices = devices.filter((device) => device.kind === KINDS[kind] && device.deviceId);
      const options = choices.map(({ label, deviceId }, index) => new Option(label || text("device.unnamed", { number: index + 1 }), deviceId));
      if (!choices.some(({ deviceId }) => deviceId === used[kind])) options.unshift(new Option(text("device.default"), ""));
      const select = /** @type {HTMLSelectElement} */ (this.#root.querySelector(`[data-device="${kind}"]`));
      select.replaceChildren(...options);
      select.value = choices.some(({ deviceId }) => deviceId === used[kind]) ? used[kind] : "";
    }
  }

  /** @param {number} level 0 to 1 */
  meter(level) {
    this.#level.setAttribute("width", String(Math.round(level * 100)));
  }
}

/** @param {string} theme "light", "dark" or "auto" */
export function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
}
