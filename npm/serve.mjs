// The process of `signalbox start`: serves a project, and watches its folder `public/`.

import { existsSync, watch } from "node:fs";
import { join } from "node:path";
import { startDevelopment, told } from "../scripts/serving.mjs";
import { main } from "../scripts/task.mjs";
import { buildSite } from "./site.mjs";

const calm = 100; // ms to wait for another change

await main(async ([port, project]) => {
  const start = () => startDevelopment({ port: Number(port), folder: project, isRoom: true });
  buildSite(project);
  let server = await start();

  async function update() {
    if (buildSite(project)) {
      await server.dispose();
      server = await start();
    }
    console.log("changes in public/ are served");
  }

  let timer;
  let work = Promise.resolve(); // one update at a time
  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(() => (work = work.then(update).catch(console.error)), calm);
  };
  const own = join(project, "public");
  const watcher = existsSync(own) && watch(own, { recursive: true }, later);
  console.log(`Signalbox is ready on http://localhost:${port}`);
  await told();
  if (watcher) watcher.close();
  clearTimeout(timer);
  await work;
  await server.dispose();
});
