// The process of `signalbox start`: serves a project, and watches its folder `public/`.

import { join } from "node:path";
import { serveAndWatch } from "../scripts/serving.mjs";
import { main } from "../scripts/task.mjs";
import { buildSite } from "./site.mjs";

await main(async ([port, project]) => {
  buildSite(project);
  await serveAndWatch({ port: Number(port), folder: project, watched: join(project, "public"), mustRestart: () => buildSite(project) });
});
