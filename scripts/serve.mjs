// The process behind `npm start` and `npm run start:conformance`.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { serveAndWatch, startDevelopment, told } from "./serving.mjs";
import { inRoot, main } from "./task.mjs";

const page = inRoot("public");

/** Which files the page has, and their rules. */
const outline = () => JSON.stringify([readdirSync(page, { recursive: true }).sort(), ...["_headers", "_redirects"].map((name) => readFileSync(join(page, name), "utf8"))]);

await main(async ([port, crate]) => {
  if (crate === ".") {
    let known = outline();
    const mustRestart = () => {
      const before = known;
      known = outline();
      return known !== before;
    };
    return serveAndWatch({ port: Number(port), folder: crate, watched: page, mustRestart });
  }
  const server = await startDevelopment({ port: Number(port), folder: crate, isRoom: false });
  console.log(`${crate} is ready on http://localhost:${port}: /engine.io/ and /socket.io/`);
  await told();
  await server.dispose();
});
