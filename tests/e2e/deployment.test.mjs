// What `npm run deploy` does after wrangler: it finds the address and asks whether the deployment runs.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { deployedUrl, health } from "../../scripts/deployment.mjs";
import { once, startServer } from "./support.mjs";

let server;
let wrong;
before(async () => {
  [server, wrong] = await Promise.all([startServer(), startServer({ vars: { ALLOWED_ORIGINS: "example.com" } })]);
});
after(() => Promise.all([server.stop(), wrong.stop()]));

test("a deployment that runs says its version", async () => {
  const { ok, version } = await health(server.url);
  assert.equal(ok, true);
  assert.match(version, /^\d/);
});

test("a deployment whose settings are wrong is a problem that names them", async () => {
  await assert.rejects(health(wrong.url), { message: /^http.*: .*ALLOWED_ORIGINS in wrangler\.toml has to be/ });
});

test("a deployment is asked again until it answers", async () => {
  let asked = 0;
  const site = createServer((_, response) => {
    asked += 1;
    if (asked === 1) response.writeHead(404).end("There is nothing here yet");
    else response.end('{"ok":true,"version":"1.2.3"}');
  }).listen(0, "127.0.0.1");
  await once(site, "listening");
  const url = `http://127.0.0.1:${site.address().port}`;
  assert.deepEqual(await health(url), { ok: true, version: "1.2.3" });
  assert.equal(asked, 2);
  site.close();
  site.closeAllConnections();
  await once(site, "close");
  await assert.rejects(health(url, { wait: 0 }), { message: /does not answer as it should: .*ECONNREFUSED/ });
});

test("the address is the first host in what wrangler reports", () => {
  const report = (targets) => ['{"type":"wrangler-session","version":1}', JSON.stringify({ type: "deploy", version: 1, targets }), ""].join("\n");
  for (const [targets, url] of [
    [["https://signalbox.me.workers.dev"], "https://signalbox.me.workers.dev"],
    [["calls.example.com (custom domain)"], "https://calls.example.com"],
    [["schedule: 0 0 * * *", "example.com/* (zone name: example.com)", "calls.example.com (custom domain - zone name: example.com)"], "https://calls.example.com"],
    [["example.com/*"], undefined],
    [[], undefined],
    [undefined, undefined],
  ]) {
    assert.equal(deployedUrl(report(targets)), url, JSON.stringify(targets));
  }
});
