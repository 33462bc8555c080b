// A server for tests that kill it. Its arguments are the port, the storage, the crate of the Worker and the settings.

import { serve } from "../../scripts/server.mjs";
import { inRoot } from "../../scripts/task.mjs";
import { high_rates } from "./support.mjs";

const [port, storage, crate, settings] = process.argv.slice(2);
const { vars, ratelimits } = JSON.parse(settings);
const envFiles = [inRoot("tests/e2e/no-secrets")];
await serve({ port: Number(port), storage, crate, vars: { ...high_rates, ...vars }, ratelimits, envFiles });
process.on("disconnect", () => process.kill(-process.pid, "SIGKILL")); // the test has ended
process.send("ready");
