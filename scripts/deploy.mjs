// `npm run deploy`: builds, deploys with the pinned Node.js, checks that the deployment runs, and prints its address.

import { buildSteps } from "./build.mjs";
import { asksForHelp, deploy } from "./deployment.mjs";
import { main, root, steps } from "./task.mjs";

await main(async (args) => {
  if (!asksForHelp(args)) await steps(buildSteps);
  return deploy(root, args); // the options are those of wrangler deploy
});
