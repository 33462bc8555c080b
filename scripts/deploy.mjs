// `npm run deploy`: builds, deploys with the pinned Node.js, asks the deployment whether it runs, prints its address.

import { buildSteps } from "./build.mjs";
import { deploy } from "./deployment.mjs";
import { main, root, steps } from "./task.mjs";

await main(async (args) => {
  await steps(buildSteps);
  return deploy(root, args); // the options are those of wrangler deploy
});
