// @ts-check

const LINK = /https?:\/\/[^\s<>"'，。；：！？、）】》]+/giu;
const TRAILING = /[.,;:!?)\]}]+$/;

/**
 * A text as nodes, its web addresses as links. Nothing of it is ever read as markup.
 * @param {string} message
 */
export function withLinks(message) {
  /** @type {Node[]} */
  const nodes = [];
  let end = 0;
  for (const found of message.matchAll(LINK)) {
    const address = found[0].replace(TRAILING, "");
    if (!URL.canParse(address)) continue;
    nodes.push(document.createTextNode(message.slice(end, found.index)), link(address));
    end = found.index + address.length;
  }
  nodes.push(document.createTextNode(message.slice(end)));
  return nodes;
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
