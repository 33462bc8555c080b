// `npm run deploy`: wrangler itself against a double of Cloudflare's API, and the steps after it, which find the
// address and check that the deployment runs.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { deployedUrl, health } from "../../scripts/deployment.mjs";
import { inRoot, pinnedNode } from "../../scripts/task.mjs";
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

test("a deployment is requested again until it answers", async () => {
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
    [["signalbox.me.workers.dev"], "https://signalbox.me.workers.dev"],
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

/** The API's answer to a request; 404 means that the account has no Worker so far. */
const answers = [
  [/^GET .*\/workers\/subdomain$/, { subdomain: "me" }],
  [/^POST .*\/assets-upload-session$/, { jwt: "e30.e30.e30", buckets: [] }],
  [/^PUT .*\/scripts\/signalbox$/, { id: "signalbox", tag: "t", deployment_id: "d", startup_time_ms: 1 }],
  // A host that does not exist, by its name: no request leaves this machine.
  [/^GET .*\/workers\/workers\/signalbox$/, { subdomain: { url: "https://signalbox.invalid", enabled: false } }],
  [/^POST .*\/scripts\/signalbox\/subdomain$/, { enabled: true, previews_enabled: false }],
];

test("npm run deploy uploads the Worker and the page, and requests the deployment's address", async () => {
  const requests = [];
  const api = createServer((request, response) => {
    let bytes = 0;
    request.on("data", (data) => (bytes += data.length)).on("end", () => {
      const name = `${request.method} ${request.url.split("?")[0]}`;
      requests.push({ name, bytes, authorization: request.headers.authorization });
      const [, result = null] = answers.find(([pattern]) => pattern.test(name)) ?? [];
      const errors = result ? [] : [{ code: 10007, message: "not found" }];
      response.writeHead(result ? 200 : 404, { "content-type": "application/json" });
      response.end(JSON.stringify({ success: result !== null, errors, messages: [], result }));
    });
  }).listen(0, "127.0.0.1");
  await once(api, "listening");
  const env = {
    ...process.env,
    CLOUDFLARE_API_BASE_URL: `http://127.0.0.1:${api.address().port}`,
    CLOUDFLARE_API_TOKEN: "secret",
    CLOUDFLARE_ACCOUNT_ID: "account",
  };
  const deploy = spawn(pinnedNode, [inRoot("scripts/deploy.mjs")], { env, stdio: ["ignore", "pipe", "pipe"] });
  try {
    let output = "";
    await new Promise((resolve, reject) => {
      for (const stream of [deploy.stdout, deploy.stderr]) {
        stream.on("data", (text) => {
          output += text;
          if (output.includes("asking https://signalbox.invalid/healthz")) resolve();
        });
      }
      deploy.on("close", (code) => reject(new Error(`it ended with ${code}: ${output} ${JSON.stringify(requests)}`)));
    });
  } finally {
    deploy.kill();
    api.close();
    api.closeAllConnections();
  }
  const upload = requests.find(({ name }) => name === "PUT /accounts/account/workers/scripts/signalbox");
  assert.ok(upload.bytes > 500_000, `${upload.bytes} bytes are no Worker`);
  assert.equal(upload.authorization, "Bearer secret");
});
