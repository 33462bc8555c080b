// Deploys a folder with a wrangler.toml to Cloudflare, and checks that the deployment runs.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { environment, mustBeInstalled, Problem, wrangler } from "./task.mjs";

const maxWait = 120_000; // ms; it takes some seconds until every name server knows a new host name
const pause = 2_000; // ms

/** Whether the options of `wrangler deploy` ask only for its help, which needs no project and no build. */
export const asksForHelp = (args) => args.includes("--help") || args.includes("-h");

/** Runs `wrangler deploy`, which asks the user to log in if necessary; resolves to its exit code. */
export async function deploy(folder, args) {
  mustBeInstalled();
  const reports = mkdtempSync(join(tmpdir(), "signalbox-"));
  const report = join(reports, "wrangler.ndjson"); // wrangler writes a line of JSON for each step
  try {
    const [command, ...words] = wrangler("deploy", ...args);
    const child = spawn(command, words, { cwd: folder, env: environment({ WRANGLER_OUTPUT_FILE_PATH: report }), stdio: "inherit" });
    const [code] = await once(child, "exit");
    if (code !== 0) throw new Problem(`wrangler deploy ended with ${code}; its output is above`);
    const url = existsSync(report) && deployedUrl(readFileSync(report, "utf8"));
    if (!url) return 0; // help, a dry run, or a deployment without its own host name
    console.log(`\nasking ${url}/healthz …`);
    const { version } = await health(url);
    console.log(`Signalbox ${version} runs on ${url}`);
    return 0;
  } finally {
    rmSync(reports, { recursive: true });
  }
}

/** The first address in wrangler's report, if there is one. */
export function deployedUrl(report) {
  const entries = report.split("\n").filter(Boolean).map((line) => JSON.parse(line));
  const targets = entries.find(({ type }) => type === "deploy")?.targets ?? [];
  const [host] = targets.map((target) => /^(?:https:\/\/)?([^\s/]+\.[^\s/]+)(?: \(custom domain.*)?$/.exec(target)?.[1]).filter(Boolean);
  return host && `https://${host}`;
}

/** The answer of /healthz, as soon as there is one. Throws a `Problem` if the settings are invalid, or if no answer comes in time. */
export async function health(url, { wait = maxWait } = {}) {
  const end = Date.now() + wait;
  for (;;) {
    const answer = await ask(`${url}/healthz`);
    if (answer.body?.ok === true) return answer.body;
    if (answer.body?.message) throw new Problem(`${url}: ${answer.body.message}`);
    if (Date.now() + pause > end) throw new Problem(`it is deployed, but ${url}/healthz does not answer as it should: ${answer.problem ?? "its JSON has neither ok nor a message"}`);
    await sleep(pause);
  }
}

/** The JSON of an answer, or the problem. */
async function ask(url) {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(10_000) });
    const text = await response.text();
    try {
      return { body: JSON.parse(text) };
    } catch {
      return { problem: `${response.status} ${text.slice(0, 100)}` };
    }
  } catch (error) {
    return { problem: (error.cause ?? error).message };
  }
}
