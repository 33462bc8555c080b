// Reads the files in which the local runtime stores the rooms.

import { copyFileSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { deserialize } from "node:v8";

const numberAt = 8; // where a journal's row has the number of its segment: see docs/journal.md

/** Calls `use` with a database of a stopped server, and closes it. */
export function withDatabase(file, use) {
  const database = new DatabaseSync(file);
  try {
    return use(database);
  } finally {
    database.close();
  }
}

/** The files of the rooms' databases. The local runtime makes one for each object that gets a request, and keeps it. */
export function files(server) {
  const names = readdirSync(server.storage, { recursive: true }).filter((name) => name.endsWith(".sqlite") && !name.endsWith("metadata.sqlite"));
  return names.map((name) => join(server.storage, name));
}

/** The files of the databases that have tables. A database has none before its object stores something. */
export function databases(server) {
  const tables = (file) => withCopy(file, (database) => database.prepare("SELECT name FROM sqlite_master").all());
  return files(server).filter((file) => tables(file).length > 0);
}

/** Calls `use` with a copy of a database, because the runtime that has it open expects no other reader. */
function withCopy(file, use) {
  const folder = mkdtempSync(join(tmpdir(), "signalbox-copy-"));
  try {
    for (const ending of ["", "-wal"]) if (existsSync(file + ending)) copyFileSync(file + ending, join(folder, `copy${ending}`));
    return withDatabase(join(folder, "copy"), use);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** How many rows the journal in this file has written: the number of the newest segment. Each row holds one segment, and the first has the number 1. */
export function rowsWritten(file) {
  const numbers = rowsOf(file).map((row) => row.readBigUInt64LE(numberAt));
  return Math.max(0, ...numbers.map(Number));
}

/** The rows of the journal in this file. */
export function rowsOf(file) {
  const rows = withDatabase(file, (database) => database.prepare("SELECT value FROM _cf_KV").all());
  return rows.map(({ value }) => Buffer.from(deserialize(value)));
}
