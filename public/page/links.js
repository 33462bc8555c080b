// @ts-check

const LINK = /https?:\/\/[^\s<>"'，。；：！？、）】》]+/giu;
const PUNCTUATION = /[.,;:!?]$/; // at the end it belongs to the sentence
const BRACKETS = { ")": "(", "]": "[", "}": "{" }; // a bracket without its pair, too

/**
 * A text as nodes, its web addresses as links. Nothing is read as markup.
 * @param {string} message
 */
export function withLinks(message) {
  /** @type {Node[]} */
  const nodes = [];
  let end = 0;
  for (const found of message.matchAll(LINK)) {
    const address = trimmed(found[0]);
    if (!URL.canParse(address)) continue;
    nodes.push(document.createTextNode(message.slice(end, found.index)), link(address));
    end = found.index + address.length;
  }
  nodes.push(document.createTextNode(message.slice(end)));
  return nodes;
}

/** Without the end of the sentence. @param {string} address */
function trimmed(address) {
  for (;;) {
    const last = address.slice(-1);
    const opening = BRACKETS[/** @type {keyof typeof BRACKETS} */ (last)];
    const isOwn = opening ? address.split(last).length <= address.split(opening).length : !PUNCTUATION.test(last);
    if (isOwn) return address;
    address = address.slice(0, -1);
  }
}

/** @param {string} address */
function link(address) {
  const anchor = document.createElement("a");
  anchor.href = address;
  anchor.textContent = address;
  anchor.target = "_blank";
  anchor.rel = "noopener noreferrer nofollow";
  return anchor;
}
