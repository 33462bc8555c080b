// `npm run dialect`: checks a dialect's table, and plays transcripts against it in the server's core.

import { resolve } from "node:path";
import { rust } from "./setup.mjs";
import { main, run } from "./task.mjs";

await main(async (args) => {
  await rust(console.error);
  // Paths are relative to the folder in which npm was called.
  const words = args.map((word) => (word.endsWith(".json") ? resolve(process.env.INIT_CWD ?? ".", word) : word));
  const { code } = await run("cargo", ["run", "--quiet", "--example", "dialect", "--", ...words], { show: true });
  return code;
});
