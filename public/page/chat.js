// @ts-check
import { instantiate, List, show, slot } from "./dom.js";
import { fileCard, releaseFiles, renderFile } from "./file.js";
import { copy } from "./invite.js";
import { withLinks } from "./links.js";
import { errorText, shownName, text } from "./strings.js";

const TOGETHER = 5 * 60_000; // ms; then the name is shown again
const AT_END = 40; // px

/** The log of the chat, and its input. */
export class ChatPanel {
  #root;
  #log;
  #newest;
  /** @type {HTMLTextAreaElement} */
  #input;
  #list;
  /** @type {readonly Line[]} */
  #lines = [];
  /** @type {string | null} */
  #panel = null;
  #isAtEnd = true; // until the user scrolls away
  #unseen = 0;
  #session;

  /**
   * @param {HTMLElement} root
   * @param {Store} store
   * @param {Session} session
   */
  constructor(root, store, session) {
    this.#root = root;
    this.#session = session;
    this.#log = slot(root, "log");
    this.#newest = slot(root, "newest", "action");
    this.#input = slot(root, "message", "input");
    /** @type {List<Line>} */
    this.#list = new List(this.#log, ({ key }) => key, ({ message, file, event }, before) => {
      if (message) return messageElement(message, before?.message, () => session.resend(message.mid));
      if (file) return fileCard(file);
      const element = instantiate("system-line");
      const [key, values] = event ?? [""];
      element.textContent = key && text(key, values);
      return element;
    }, (element, { message, file, receiver = "" }) => {
      if (message) renderState(element, message, receiver, store.state.key !== null);
      if (file) renderFile(element, file);
    });
    slot(root, "chat", "form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#input.addEventListener("keydown", (event) => {
      // Enter that ends a composition chooses a word; Safari marks it with 229.
      if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
      event.preventDefault();
      this.#submit();
    });
    this.#input.addEventListener("input", () => session.typing(this.#input.value !== "" && !store.state.receiver));
    this.#chooseReceiver(store);
    /** @type {HTMLInputElement} */
    const files = slot(root, "files", "input");
    slot(root, "attach", "action").addEventListener("click", () => files.click());
    files.addEventListener("change", () => {
      session.sendFiles([...(files.files ?? [])]);
      files.value = "";
    });
    this.#input.addEventListener("paste", (event) => {
      const pasted = [...(event.clipboardData?.files ?? [])];
      if (pasted.length === 0) return;
      event.preventDefault();
      session.sendFiles(pasted);
    });
    this.#newest.addEventListener("click", () => this.#toEnd());
    this.#log.addEventListener("scroll", () => {
      const { scrollHeight, scrollTop, clientHeight } = this.#log;
      this.#isAtEnd = scrollHeight - scrollTop - clientHeight < AT_END;
      if (this.#isAtEnd) this.#seen();
    });
    new ResizeObserver(() => {
      if (this.#isAtEnd) this.#toEnd();
    }).observe(this.#log);
    store.watch(["key"], ({ key }) => (slot(root, "chat-keyed").hidden = key === null));
    store.watch(["typists"], ({ typists }) => {
      const [first] = typists;
      const typing = typists.length === 1 ? text("chat.typing-one", { name: shownName(first) }) : text("chat.typing-many", { count: typists.length });
      slot(root, "typing").textContent = typists.length > 0 ? typing : "";
    });
    store.watch(["lines", "panel"], (state) => this.#render(state));
  }

  /** @param {Store} store */
  #chooseReceiver(store) {
    /** @type {HTMLSelectElement} */
    const field = slot(this.#root, "receiver", "input");
    /** @type {State["receiver"][]} */
    let receivers = [];
    /** @type {List<State["receiver"]>} */
    const list = new List(field, (peer) => peer, () => new Option()); // reuses options: an open menu stays open
    field.addEventListener("change", () => store.set({ receiver: receivers[field.selectedIndex] }));
    store.watch(["people", "receiver"], ({ people, receiver }) => {
      // A receiver who left stays: text for them must not go to all.
      receivers = [...new Set([null, ...people.map(({ peer }) => peer), receiver])];
      list.render(receivers);
      receivers.forEach((peer, index) => show(field.options[index], peer ? text("chat.only-to", { name: shownName(peer.name) }) : text("chat.to-all")));
      field.selectedIndex = receivers.indexOf(receiver);
      field.hidden = receivers.length < 3 && !receiver;
    });
  }

  focus() {
    // On a touch screen the keyboard would cover the messages.
    if (matchMedia("(hover: hover)").matches) this.#input.focus();
    else this.#log.focus();
  }

  /** @param {Readonly<State>} state */
  #render({ lines, panel }) {
    if (panel === "chat" && this.#panel !== "chat") this.#isAtEnd = true;
    this.#panel = panel;
    const former = new Set(this.#lines.map(({ key }) => key));
    const added = lines.filter(({ key }) => !former.has(key));
    if (former.size + added.length > lines.length) this.#unseen = 0; // the chat was cleared
    this.#lines = lines;
    this.#unseen += added.filter(({ event, message }) => !event && !message?.own).length;
    if (added.some(({ message }) => message?.own)) this.#isAtEnd = true;
    this.#list.render(lines);
    releaseFiles(lines);
    slot(this.#root, "log-empty").hidden = lines.length > 0;
    if (this.#isAtEnd) this.#toEnd();
    else this.#showUnseen();
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
 * @param {Message} message
 * @param {Message | undefined} before
 * @param {() => void} resend
 */
function messageElement(message, before, resend) {
  const element = instantiate("message");
  const together = before && before.from === message.from && before.to === message.to && before.earlier === message.earlier && message.ts - before.ts < TOGETHER;
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
  slot(element, "resend").addEventListener("click", resend);
  slot(element, "copy").addEventListener("click", () => void copy(message.text, "chat"));
  slot(element, "copy").hidden = unreadable;
  return element;
}

/** With the date, unless it is today. @param {Date} at */
function timeOf(at) {
  const { lang } = document.documentElement;
  const time = { hour: /** @type {const} */ ("2-digit"), minute: /** @type {const} */ ("2-digit") };
  if (at.toDateString() === new Date().toDateString()) return at.toLocaleTimeString(lang, time);
  return at.toLocaleString(lang, { ...time, year: "numeric", month: "short", day: "numeric" });
}

/**
 * Renders the parts of a message that change.
 * @param {HTMLElement} element
 * @param {Message} message
 * @param {string} receiver
 * @param {boolean} isKeyed
 */
function renderState(element, { own, encryption, proven, earlier, to, state, error }, receiver, isKeyed) {
  const trust = encryption === "none" ? "chat.plain" : encryption === "end-to-end" && !proven && !earlier ? "chat.unproven" : null;
  show(slot(element, "private"), to && text(own ? "chat.only-to" : "chat.private", { name: receiver }));
  show(slot(element, "note"), isKeyed && trust ? text(trust) : null);
  element.dataset.delivery = state;
  slot(element, "delivery").hidden = state === "sent";
  slot(element, "resend").hidden = state !== "failed";
  show(slot(element, "delivery-text"), state === "failed" && error ? text("chat.failed", { reason: errorText(error.code) }) : text("chat.pending"));
}
