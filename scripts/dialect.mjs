// `npm run dialect`: checks a dialect's table, and plays transcripts against it in the server's core.

import { resolve } from "node:path";
import { rust } from "./setup.mjs";
import { main, run } from "./task.mjs";

await main(async (args) => {
  await rust(console.error);
  // Paths are relative to the folder in which npm was called.
  const isFile = (word, at) => args[0] === "check" && at > 0 && !word.startsWith("--");
  const words = args.map((word, at) => (isFile(word, at) ? resolve(process.env.INIT_CWD ?? ".", word) : word));
  const env = {};
  if (words[1]?.endsWith(".toml")) {
    const { unstable_readConfig: readConfig } = await import("wrangler");
    const { DIALECTS } = readConfig({ config: words[1] }).vars;
    if (DIALECTS !== undefined) env.DIALECTS = String(DIALECTS);
    words[1] = "DIALECTS";
  }
  const { code } = await run("cargo", ["run", "--quiet", "--example", "dialect", "--", ...words], { env, show: true });
  return code;
});
