// `npm run deploy`: wrangler itself, with a local server in place of Cloudflare's API, and the steps after it, which find
// the address and check that the deployment runs.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
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

test("a deployment with an invalid setting is an error that names the setting", async () => {
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

test("the address is the first target in the report of wrangler that has a host name and no path", () => {
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

/** The API's answers, by request. Each other request is answered with 404: the account has no Worker so far. */
const answers = [
  [/^GET .*\/workers\/subdomain$/, { subdomain: "me" }],
  [/^POST .*\/assets-upload-session$/, { jwt: "e30.e30.e30", buckets: [] }],
  [/^PUT .*\/scripts\/signalbox$/, { id: "signalbox", tag: "t", deployment_id: "d", startup_time_ms: 1 }],
  // No host has a name in `.invalid`, so no request leaves this machine.
  [/^GET .*\/workers\/workers\/signalbox$/, { subdomain: { url: "https://signalbox.invalid", enabled: false } }],
  [/^POST .*\/scripts\/signalbox\/subdomain$/, { enabled: true, previews_enabled: false }],
];

test("npm run deploy uploads the Worker and the page, and requests the deployment's address", async () => {
  const requests = [];
  const api = createServer((request, response) => {
    const body = [];
    request.on("data", (data) => body.push(data)).on("end", () => {
      const name = `${request.method} ${request.url.split("?")[0]}`;
      requests.push({ name, body: Buffer.concat(body), authorization: request.headers.authorization });
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
  let output = "";
  const deploy = spawn(pinnedNode, [inRoot("scripts/deploy.mjs")], { env, stdio: ["ignore", "pipe", "pipe"] });
  try {
    await new Promise((resolve, reject) => {
      for (const stream of [deploy.stdout, deploy.stderr]) {
        stream.on("data", (text) => {
          output += text;
          if (output.includes("asking https://signalbox.invalid/healthz")) resolve();
        });
      }
      deploy.on("close", (code) => reject(new Error(`npm run deploy ended with ${code}: ${output} ${requests.map(({ name }) => name)}`)));
    });
  } finally {
    deploy.kill();
    api.close();
    api.closeAllConnections();
  }
  const upload = requests.find(({ name }) => name === "PUT /accounts/account/workers/scripts/signalbox");
  assert.ok(upload.body.length > 500_000, `${upload.body.length} bytes are too few for a Worker`);
  assert.equal(upload.authorization, "Bearer secret");
  // What wrangler.toml asks of the platform.
  const [, metadata] = /name="metadata"\r\n\r\n(.*)\r\n/.exec(upload.body);
  const { observability, code_update_strategy, bindings } = JSON.parse(metadata);
  assert.deepEqual(observability, { enabled: true, logs: { invocation_logs: false } });
  assert.deepEqual(code_update_strategy, { mode: "deferred", max_delay: 300 }, "five minutes, as docs/operations.md says");
  const bound = Object.fromEntries(bindings.map(({ name, type }) => [name, type]));
  const { ROOM, HANDSHAKES, ADDRESSES, VERSION } = bound;
  assert.deepEqual([ROOM, HANDSHAKES, ADDRESSES, VERSION], ["durable_object_namespace", "ratelimit", "ratelimit", "version_metadata"]);
  assert.doesNotMatch(output, /WARNING|unexpected/i, "wrangler knows every line of wrangler.toml");
});

test("npm run deploy -- --help shows the options of wrangler deploy, and builds nothing", () => {
  for (const option of ["--help", "-h"]) {
    const output = execFileSync(pinnedNode, [inRoot("scripts/deploy.mjs"), option], { encoding: "utf8" });
    assert.match(output, /^ +--dry-run /m);
    assert.doesNotMatch(output, /^\[\d+\/\d+\] /m);
  }
});
