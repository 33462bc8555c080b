// The documents and their blocks of code. A block that a test runs has its name in a comment above it:
// `<!-- example: NAME -->`. The test takes it by `example("NAME")`, so there is no second copy of it.

import { readdirSync, readFileSync } from "node:fs";
import { inRoot } from "../../scripts/task.mjs";

/** The documents for users, by their paths. */
export const documents = ["README.md", "README.zh-CN.md", "npm/README.md", "template/README.md", ...readdirSync(inRoot("docs")).filter((name) => name.endsWith(".md")).sort().map((name) => `docs/${name}`)];

/** Pairs of a translation in docs/ and its original. A translation has the same blocks, without names. */
export const translations = documents.filter((name) => name.startsWith("docs/") && name.includes(".zh-CN.")).map((name) => [name, name.replace(".zh-CN", "")]);

export const textOf = (document) => readFileSync(inRoot(document), "utf8");

const fenced = /^(?:<!-- example: ([\w-]+) -->\n+)?( *)```(\w*)\n(.*?)^\2```$/gms;

/** The blocks of code of a document: `{document, line, name, language, code}` each, with the indentation of the block removed. */
export function blocksOf(document) {
  const text = textOf(document);
  return [...text.matchAll(fenced)].map(({ index, 1: name, 2: indentation, 3: language, 4: code }) => ({
    document,
    line: text.slice(0, index).split("\n").length,
    name,
    language,
    code: code.replaceAll(new RegExp(`^${indentation}`, "gm"), ""),
  }));
}

/** The code of the block with this name. */
export function example(name) {
  const found = documents.flatMap(blocksOf).filter((block) => block.name === name);
  if (found.length !== 1) throw new Error(`${found.length} blocks of the documents have the name ${name}`);
  return found[0].code;
}
