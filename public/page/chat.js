// @ts-check
import { instantiate, show, slot } from "./dom.js";
import { fileCard, releaseFile } from "./file.js";
import { withLinks } from "./links.js";
import { errorText, shownName, text } from "./strings.js";

const TOGETHER = 5 * 60_000; // one sender's messages within it stand under one name
const AT_END = 40; // px

/** The chat: the log, and where one writes. */
export class ChatPanel {
  #root;
  #log;
  #newest;
  /** @type {HTMLTextAreaElement} */
  #input;
  /** @type {Map<string, HTMLElement>} */
  #elements = new Map();
  /** @type {import("./state.js").State["call"]} */
  #call = null;
  /** Those with a card. @type {Set<import("./file.js").File>} */
  #files = new Set();
  #following = true; // the log stays at its end until one scrolls away
  #unseen = 0;
  #language = "";
  #session;

  /**
   * @param {HTMLElement} root
   * @param {import("./session.js").Session} session
   */
  constructor(root, session) {
    this.#root = root;
    this.#session = session;
    this.#log = slot(root, "log");
    this.#newest = slot(root, "newest", "action");
    this.#input = slot(root, "message", "input");
    slot(root, "chat", "form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#input.addEventListener("keydown", (event) => {
      // Enter that ends a composition chooses a word; 229 is how Safari tells it.
      if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
      event.preventDefault();
      this.#submit();
    });
    this.#input.addEventListener("input", () => session.typing(this.#input.value !== ""));
    /** @type {HTMLInputElement} */
    const files = slot(root, "files", "input");
    slot(root, "attach", "action").addEventListener("click", () => files.click());
    files.addEventListener("change", () => {
      session.sendFiles([...(files.files ?? [])]);
      files.value = "";
    });
    this.#newest.addEventListener("click", () => this.#toEnd());
    this.#log.addEventListener("scroll", () => {
      const { scrollHeight, scrollTop, clientHeight } = this.#log;
      this.#following = scrollHeight - scrollTop - clientHeight < AT_END;
      if (this.#following) this.#seen();
    });
    new ResizeObserver(() => {
      if (this.#following) this.#toEnd();
    }).observe(this.#log);
  }

  focus() {
    // On a touch screen the keyboard would cover what one came to read.
    if (matchMedia("(hover: hover)").matches) this.#input.focus();
    else this.#log.focus();
  }

  /** @param {Readonly<import("./state.js").State>} state */
  render({ call, lines, panel, peers }) {
    if (panel === "chat" && this.#root.hidden) this.#following = true;
    this.#root.hidden = panel !== "chat";
    slot(this.#root, "chat-keyed").hidden = !call?.keyed;
    const { lang } = document.documentElement;
    const keys = new Set(lines.map(({ key }) => key));
    const cleared = [...this.#elements.keys()].some((key) => !keys.has(key));
    if (call !== this.#call || lang !== this.#language || cleared) {
      this.#call = call;
      this.#language = lang;
      this.#elements.clear();
      this.#log.replaceChildren();
      this.#unseen = 0;
    }
    const files = new Set(lines.flatMap(({ file }) => file ?? []));
    for (const file of this.#files) if (!files.has(file)) releaseFile(file);
    this.#files = files;
    const typists = peers.filter(({ id }) => call?.chat.typists.includes(id)).map(({ name }) => shownName(name));
    const typing = typists.length === 1 ? text("chat.typing-one", { name: typists[0] }) : text("chat.typing-many", { count: typists.length });
    slot(this.#root, "typing").textContent = typists.length > 0 ? typing : "";
    slot(this.#root, "log-empty").hidden = lines.length > 0;
    lines.forEach((line, index) => {
      const element = this.#elements.get(line.key);
      if (element) {
        if (line.message) this.#renderState(element, line.message);
        return;
      }
      this.#append(line, lines[index - 1]);
      if (line.message?.own) this.#following = true;
      else if (!line.event) this.#unseen += 1;
    });
    if (this.#following) this.#toEnd();
    else this.#showUnseen();
  }

  /**
   * @param {import("./state.js").Line} line
   * @param {import("./state.js").Line | undefined} before
   */
  #append({ key, message, file, event }, before) {
    let element;
    if (message) {
      element = messageElement(message, before?.message, () => this.#call?.chat.retry(message));
      this.#renderState(element, message);
    } else if (file) {
      element = fileCard(file);
    } else {
      element = instantiate("system-line");
      element.textContent = event ? text(...event) : "";
    }
    this.#elements.set(key, element);
    this.#log.append(element);
  }

  /**
   * What may change about a message.
   * @param {HTMLElement} element
   * @param {import("../signalbox.js").Message} message
   */
  #renderState(element, message) {
    const { encryption, proven, earlier, to } = message;
    const trust = encryption === "none" ? "chat.plain" : encryption === "end-to-end" && !proven && !earlier ? "chat.unproven" : null;
    const notes = [to !== null && "chat.private", this.#call?.keyed && trust].filter((note) => typeof note === "string");
    show(slot(element, "note"), notes.map((note) => text(note)).join(" · ") || null);
    renderDelivery(element, message);
  }

  #submit() {
    const message = this.#input.value.trim();
    if (!message) return;
    this.#session.say(message);
    this.#input.value = "";
    this.#input.focus();
  }

  #toEnd() {
    this.#log.scrollTop = this.#log.scrollHeight;
    this.#seen();
  }

  #seen() {
    this.#unseen = 0;
    this.#showUnseen();
  }

  #showUnseen() {
    show(this.#newest, this.#unseen ? text("chat.newer", { count: this.#unseen }) : null);
  }
}

/**
 * @param {import("../signalbox.js").Message} message
 * @param {import("../signalbox.js").Message | undefined} before
 * @param {() => void} retry
 */
function messageElement(message, before, retry) {
  const element = instantiate("message");
  const together = before && before.from === message.from && before.earlier === message.earlier && message.ts - before.ts < TOGETHER;
  const time = slot(element, "time");
  const at = new Date(message.ts);
  element.classList.toggle("own", message.own);
  element.classList.toggle("continued", Boolean(together));
  slot(element, "sender").textContent = message.own ? text("you") : shownName(message.name);
  time.setAttribute("datetime", at.toISOString());
  time.textContent = timeOf(at);
  const unreadable = message.encryption === "unreadable";
  element.toggleAttribute("data-unreadable", unreadable);
  slot(element, "text").replaceChildren(...(unreadable ? [text("chat.unreadable")] : withLinks(message.text)));
  slot(element, "resend").addEventListener("click", retry);
  return element;
}

/** With the day, unless that is today. @param {Date} at */
function timeOf(at) {
  const { lang } = document.documentElement;
  const time = { hour: /** @type {const} */ ("2-digit"), minute: /** @type {const} */ ("2-digit") };
  if (at.toDateString() === new Date().toDateString()) return at.toLocaleTimeString(lang, time);
  return at.toLocaleString(lang, { ...time, year: "numeric", month: "short", day: "numeric" });
}

/**
 * @param {HTMLElement} element
 * @param {import("../signalbox.js").Message} message
 */
function renderDelivery(element, { state, error }) {
  if (element.dataset.delivery === state) return;
  element.dataset.delivery = state;
  slot(element, "delivery").hidden = state === "sent";
  slot(element, "resend").hidden = state !== "failed";
  show(slot(element, "delivery-text"), state === "failed" && error ? text("chat.failed", { reason: errorText(error.code) }) : text("chat.pending"));
}
