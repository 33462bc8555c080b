// Development: pages of other servers on the same machine may connect under `npm start`, others may not; mistakes in files of
// settings are reported; the set-up of `npm test` names a missing program.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { curl, openssl } from "../../scripts/setup.mjs";
import { mistakes } from "../../scripts/settings.mjs";
import { client, connect, enginePath, http, once, startServer } from "./support.mjs";

let server;
let deployed;
before(async () => {
  [server, deployed] = await Promise.all([startServer({ development: true }), startServer()]);
});
after(() => Promise.all([server.stop(), deployed.stop()]));

const page = (origin) => ({ extraHeaders: { origin } });

for (const origin of ["http://localhost:5173", "http://127.0.0.1:5500", "http://[::1]:8080", "https://app.localhost"]) {
  test(`a page of ${origin} connects under npm start, and not to a deployment`, async () => {
    const socket = await connect(server, page(origin));
    assert.ok(socket.id);
    const refused = client(deployed, page(origin));
    const [error] = await once(refused, "connect_error");
    assert.ok(error);
    const { status } = await http(deployed, enginePath("lobby", { transport: "polling" }), { headers: { origin } });
    assert.equal(status, 403);
  });
}

test("a page of another site does not connect, and a page of this machine does not connect to another host", async () => {
  const status = async (headers) => (await http(server, enginePath("lobby", { transport: "polling" }), { headers })).status;
  for (const origin of ["https://evil.example", "http://localhost.evil.example", "null"]) assert.equal(await status({ origin }), 403);
  assert.equal(await status({ origin: "http://localhost:5173", host: "calls.example" }), 403);
  assert.equal(await status({ origin: "http://localhost:5173", host: "localhost:3000" }), 200);
});

test("a jurisdiction, which the local runtime does not support, is ignored under npm start", async () => {
  const bounded = await startServer({ development: true, vars: { JURISDICTION: "eu" } });
  try {
    await connect(bounded);
  } finally {
    await bounded.stop();
  }
});

test("ignored lines of .dev.vars, and secrets in wrangler.toml, are reported", () => {
  const devVars = [
    "# a comment", "", "TOKEN_SECRET=x", "export API_TOKEN = 'y'  ", 'TURN_SECRET="of', 'two lines"',
    "TOKEN_SECRET: x", "  API_TOKEN", "",
  ].join("\n");
  const vars = { TOKENS: "required", API_TOKEN: "z", TOKEN_SECRET: "", TOKEN_SECRET_OLD: "x", MAX_PEERS: "8" };
  const told = mistakes({ devVars, vars }).map((line) => line.split(/,? (?:has|is) /)[0]);
  assert.deepEqual(told, [".dev.vars, line 7", ".dev.vars, line 8", "API_TOKEN", "TOKEN_SECRET_OLD"]);
  assert.deepEqual(mistakes({}), []);
});

for (const [name, step] of Object.entries({ curl, openssl })) {
  test(`the set-up says that ${name} is missing where it cannot install it`, async (t) => {
    const path = process.env.PATH;
    t.after(() => (process.env.PATH = path));
    assert.equal(await step(), "in place");
    process.env.PATH = "";
    const message = `${name} is missing: install it (on Debian: sudo apt-get install ${name}), then run this again`;
    await assert.rejects(step(), { message });
  });
}
