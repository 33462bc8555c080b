// dialects/schema.json, with a validator like those of editors: it accepts every table that the server accepts.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import Ajv from "ajv";
import { example } from "./documents.mjs";

const root = new URL("../../", import.meta.url);
const read = (path) => JSON.parse(readFileSync(new URL(path, root), "utf8"));
const validate = new Ajv({ strict: false }).compile(read("dialects/schema.json"));

const isTable = (name) => name.endsWith(".json") && name !== "schema.json" && !name.endsWith("-transcript.json");
const tables = ["dialects/", "tests/dialects/"].flatMap((folder) =>
  readdirSync(new URL(folder, root)).filter(isTable).map((name) => folder + name),
);

test("there are tables", () => assert.ok(tables.length >= 20, `${tables.length}`));

for (const path of tables) {
  test(path, () => assert.ok(validate(read(path)), JSON.stringify(validate.errors)));
}

test("accepted: the guide's example of a table, and the table in the guide's example of the variable DIALECTS", () => {
  const [, variable] = /^DIALECTS = '''\n(.*)'''\n$/s.exec(example("dialect-of-your-own"));
  for (const table of [JSON.parse(example("dialect-table")), JSON.parse(variable).mine]) {
    assert.ok(validate(table), JSON.stringify(validate.errors));
  }
});

for (const [what, table] of [
  ["no events", {}],
  ["an unknown key", { on: {}, no: 1 }],
  ["an unknown key of an action", { on: { x: [{ jion: "$0" }] } }],
  ["an unknown key of a condition", { on: { x: [{ when: { member: 2 }, stop: true }] } }],
  ["an invalid comparison", { on: { x: [{ when: { members: "two" }, stop: true }] } }],
  ["an event's name that is not a text", { on: { x: [{ emit: 1 }] } }],
  ["a stop that is not true", { on: { x: [{ stop: false }] } }],
  ["a list of actions that is a text", { on: { x: "y" } }],
  ["a condition that always holds", { on: { x: [{ when: "0.room", stop: true }] } }],
  ["a text in place of a boolean", { on: { x: [{ emit: "y", volatile: "true" }] } }],
  ["an about that is not a text", { about: 5, on: {} }],
  ["a namespace without a slash", { on: {}, namespace: "x" }],
]) {
  test(`refused: ${what}`, () => assert.equal(validate(table), false));
}
