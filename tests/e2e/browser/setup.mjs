// The set-up for tests of the module: a server, a page of another site, and a browser.

import { after, afterEach } from "node:test";
import { startServer } from "../support.mjs";
import { launch, otherSite } from "./support.mjs";

/**
 * Starts all three for a file of tests. They stop after its tests, and the browser's contexts close after each test.
 * `vars` and `metrics` are the server's, `body(url)` is the page of the other site, and the rest is for `launch`.
 */
export async function setUp({ vars = { ALLOWED_ORIGINS: "*" }, metrics, body = () => "", ...options } = {}) {
  const server = await startServer({ vars, metrics });
  after(() => server.stop());
  const site = await otherSite(server, body(server.url));
  after(() => site.close());
  const browser = await launch(options);
  after(() => browser.close());
  afterEach(() => Promise.all(browser.contexts().map((context) => context.close())));
  return { server, site, browser };
}
