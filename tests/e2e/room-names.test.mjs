// The page and the Worker have the same rule for names of rooms. Its cases are in tests/room-names.json, which also tests
// src/room/name.rs.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { roomName } from "../../public/page/route.js";
import { inRoot } from "../../scripts/task.mjs";
import { enginePath, http, startServer } from "./support.mjs";

const { names, refused, marks } = JSON.parse(readFileSync(inRoot("tests/room-names.json"), "utf8"));

let server;
before(async () => {
  server = await startServer();
});
after(() => server.stop());

const handshake = (name) => http(server, enginePath(name, { transport: "polling" }));

test("the page accepts exactly the valid names", () => {
  for (const name of names) assert.equal(roomName(name.normalize("NFD")), name);
  for (const name of Object.keys(refused)) assert.equal(roomName(name), null, JSON.stringify(name));
});

test("the page accepts exactly the valid characters", () => {
  const point = (text) => Number.parseInt(text, 16);
  const ranges = marks.map((range) => range.split("-").map(point));
  const isMark = (code) => ranges.some(([first, last = first]) => first <= code && code <= last);
  for (let code = 0; code <= 0x10ffff; code++) {
    const name = String.fromCodePoint(code);
    const isAllowed = /[\p{Alphabetic}\p{N}._~-]/u.test(name) || isMark(code);
    assert.equal(roomName(`x${name}`) !== null, isAllowed, `U+${code.toString(16)}`);
  }
});

test("R-1: the Worker accepts the valid names, in any normal form", async () => {
  for (const name of names) {
    for (const form of ["NFC", "NFD"]) {
      assert.equal((await handshake(name.normalize(form))).status, 200, JSON.stringify([name, form]));
    }
  }
});

test("the Worker refuses all other names, and says why", async () => {
  const reasons = { empty: /at least one/, character: /none of them/, dots: /cannot be/, long: /at most 64/ };
  for (const [name, reason] of Object.entries(refused)) {
    if (reason === "dots") continue; // clients resolve dots as steps in the path, and send another name
    const { status, body } = await handshake(name);
    assert.equal(status, 400, JSON.stringify(name));
    assert.match(JSON.parse(body).message, reasons[reason], JSON.stringify(name));
  }
  for (const dots of [".", ".."]) {
    const { status, body } = await http(server, `/socket.io/?EIO=4&transport=polling&room=${dots}`);
    assert.equal(status, 400);
    assert.match(JSON.parse(body).message, reasons.dots);
  }
});
