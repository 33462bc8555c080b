// @ts-check
import { mayNotify } from "./alerts.js";
import { all, byId, slot } from "./dom.js";
import { speak, text } from "./strings.js";

const KINDS = /** @type {const} */ ({ audio: "audioinput", video: "videoinput", speaker: "audiooutput" });

/** Devices, theme, language and keys. */
export class Settings {
  #root = byId("settings", HTMLDialogElement);
  #level = /** @type {SVGRectElement} */ (slot(this.#root, "level"));
  #listed = "";
  #session;

  /**
   * @param {Store} store
   * @param {Session} session
   */
  constructor(store, session) {
    this.#session = session;
    slot(this.#root, "speaker-field").hidden = !("setSinkId" in HTMLMediaElement.prototype);
    document.addEventListener("change", ({ target }) => {
      const field = /** @type {HTMLInputElement} */ (target);
      const { device, setting } = field.dataset;
      if (device) void session.choose(/** @type {keyof typeof KINDS} */ (device), field.value);
      if (setting) void this.#change(setting, field.type === "checkbox" ? field.checked : field.value);
    });
    slot(this.#root, "alerts-field").hidden = !("Notification" in globalThis);
    const fields = /** @type {NodeListOf<HTMLInputElement>} */ (all("[data-setting]"));
    const settings = [...fields].map(({ dataset }) => /** @type {keyof State} */ (dataset.setting));
    store.watch(settings, (state) => {
      document.documentElement.dataset.theme = state.theme;
      for (const [index, field] of fields.entries()) {
        const value = state[settings[index]];
        if (typeof value === "boolean") field.checked = value;
        else field.value = String(value);
      }
    });
    store.watch(["devices", "media", "speaker"], (state) => this.#listDevices(state));
    store.watch(["media"], ({ media }) => (slot(this.#root, "blur-field").hidden = !media?.canBlur));
  }

  /**
   * @param {string} setting
   * @param {string | boolean} value
   */
  async #change(setting, value) {
    if (setting === "alerts" && value) value = await mayNotify();
    if (setting === "language") await speak(String(value));
    this.#session.set(setting, value);
  }

  /** @param {Readonly<State>} state */
  #listDevices({ devices, media, speaker, language }) {
    const used = { audio: "", video: "", ...media?.used, speaker };
    const listing = JSON.stringify([devices, used, language]);
    if (listing === this.#listed) return; // an open list stays open
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
