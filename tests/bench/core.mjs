// The core alone, natively: time and allocations of each event. With valgrind it also counts instructions, which are
// the same on a noisy machine.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { benchProgram } from "../../scripts/setup.mjs";
import { ask, mustRun, works } from "../../scripts/task.mjs";

/** The program's operations, without the commits of the journal. */
const kinds = ["decode", "encode", "offer", "candidate", "chat-8", "chat-64", "dialect-offer", "dialect-chat-8", "dialect-chat-64"];
const rounds = [500, 1500];

export async function measureCore() {
  console.log("\nthe core, natively, per event");
  await mustRun(benchProgram("core"), []);
  if (!(await works("valgrind", "--version"))) {
    console.log("  instructions are counted where valgrind is installed");
    return;
  }
  for (const kind of kinds) {
    const [few, many] = [await instructions(kind, rounds[0]), await instructions(kind, rounds[1])];
    console.log(`  ${kind}: ${Math.round((many - few) / (rounds[1] - rounds[0])).toLocaleString("en")} instructions`);
  }
}

/** All instructions of the program, including its start. */
async function instructions(kind, count) {
  const folder = mkdtempSync(join(tmpdir(), "signalbox-bench-"));
  try {
    const file = join(folder, "callgrind.out");
    await ask("valgrind", "--tool=callgrind", `--callgrind-out-file=${file}`, benchProgram("core"), kind, String(count));
    return Number(/^(?:summary|totals): (\d+)/m.exec(readFileSync(file, "utf8"))[1]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
