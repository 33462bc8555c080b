// A local server stands in for Cloudflare's API, which issues credentials of relays: whatever it does, a join succeeds.

import assert from "node:assert/strict";
import { once as happens } from "node:events";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { ask, connect, freePort, http, once, startServer } from "./support.mjs";

const token = "hunter2";
const stun = { urls: "stun:stun.cloudflare.com:3478" };
const relay = {
  urls: ["turn:turn.cloudflare.com:3478?transport=udp", "turns:turn.cloudflare.com:5349?transport=tcp"],
  username: "u",
  credential: "c",
};

/** The API's answer; tests replace parts of it. */
const granted = {
  iceServers: [
    { urls: ["stun:stun.cloudflare.com:3478", "stun:stun.cloudflare.com:53"] },
    { ...relay, urls: [...relay.urls, "turn:turn.cloudflare.com:53?transport=udp"] },
  ],
};

let api;
let server;
/** Takes the next request to the API: `(request, response)`; `request.text` is its body. */
let answer;
before(async () => {
  api = createServer(async (request, response) => {
    request.text = "";
    for await (const chunk of request) request.text += chunk;
    answer(request, response);
  }).listen(await freePort(), "127.0.0.1");
  await happens(api, "listening");
  server = await startServer({
    vars: {
      CLOUDFLARE_TURN_API: `http://127.0.0.1:${api.address().port}`,
      CLOUDFLARE_TURN_KEY_ID: "key1",
      CLOUDFLARE_TURN_TOKEN: token,
      TURN_TTL_S: "7200",
    },
  });
});
after(async () => {
  await server.stop();
  api.closeAllConnections();
  api.close();
});

const send = (response, status, body) => response.writeHead(status, { "content-type": "application/json" }).end(body);
const grant = (response, username = "u") =>
  send(response, 201, JSON.stringify(granted).replace('"username":"u"', `"username":"${username}"`));

/** The reason in the first `no-relay` line of the log after its first `count` lines: why peers got no relay. */
const noRelay = async (count) => JSON.parse(await server.logged(/"event":"no-relay"/, count)).reason;

test("a join and ice:get get Cloudflare's servers without those on port 53, with new credentials each time", async () => {
  const requests = [];
  answer = (request, response) => {
    requests.push(request);
    grant(response, `user-${requests.length}`);
  };
  const ada = await connect(server, { room: "granted" });
  assert.equal((await ask(ada, "ice:get")).error.code, "not-joined");
  assert.equal(requests.length, 0);
  const { ok, ice } = await ask(ada, "room:join", { name: "Ada" });
  assert.equal(ok, true);
  assert.deepEqual(ice, { iceServers: [stun, { ...relay, username: "user-1" }], ttl: 7200 });
  const fresh = await ask(ada, "ice:get");
  assert.deepEqual(fresh, { ok: true, iceServers: [stun, { ...relay, username: "user-2" }], ttl: 7200 });
  for (const { method, url, headers, text } of requests) {
    assert.equal(`${method} ${url}`, "POST /v1/turn/keys/key1/credentials/generate-ice-servers");
    assert.equal(headers.authorization, `Bearer ${token}`);
    assert.equal(headers["content-type"], "application/json");
    assert.deepEqual(JSON.parse(text), { ttl: 7200 });
  }
});

for (const transports of [["websocket"], ["polling"]]) {
  test(`many joins at once on ${transports} make one request to the API; until it is answered, the host sees the new peers join`, async () => {
    let requests = 0;
    const room = `many-${transports}`;
    answer = (_, response) => grant(response);
    const host = await connect(server, { room, transports });
    await ask(host, "room:join", {});
    const asked = new Promise((resolve) => {
      answer = (_, response) => {
        requests += 1;
        resolve(response);
      };
    });
    const newcomers = await Promise.all(Array.from({ length: 5 }, () => connect(server, { room, transports })));
    const all = new Set(newcomers.map(({ id }) => id));
    const seen = once(host, "peer:joined", ({ id }) => all.delete(id) && all.size === 0);
    const joins = newcomers.map((socket) => ask(socket, "room:join", {}));
    await seen; // none has its answer yet
    grant(await asked);
    for (const { ice, room: { count } } of await Promise.all(joins)) {
      assert.deepEqual(ice.iceServers[1], relay);
      assert.equal(count, 6);
    }
    assert.equal(requests, 1);
  });
}

for (const [what, status, body, reason] of [
  ["500", 500, "oops", "it answered with 500"],
  ["a wrong token", 401, '{"errors":[]}', "it answered with 401"],
  ["a redirect", 302, "", "it answered with 302"],
  ["not JSON", 201, "<html>", "its answer has no iceServers"],
  ["no servers", 201, '{"iceServers":[]}', "its answer has no relay"],
  ["invalid servers", 201, '{"iceServers":[{"urls":"https://a"}]}', "server 1 has a URL that is no stun:host:port or turn:host:port, with ?transport=udp or tcp behind turn:"],
]) {
  test(`${what}: a join without a relay, a line in the log, and a new request with the next ice:get`, async () => {
    const count = server.logs.length;
    let requests = 0;
    answer = (_, response) => {
      requests += 1;
      response.setHeader("location", `http://127.0.0.1:${api.address().port}/elsewhere`);
      send(response, status, body);
    };
    const ada = await connect(server, { room: what.replaceAll(/\W/g, "-") });
    const { ok, ice } = await ask(ada, "room:join", { name: "Ada" });
    assert.equal(ok, true);
    assert.deepEqual(ice, { iceServers: [stun], ttl: 60 });
    assert.equal(requests, 1);
    assert.equal(await noRelay(count), reason);
    answer = (_, response) => grant(response);
    assert.deepEqual((await ask(ada, "ice:get")).iceServers, [stun, relay]);
  });
}

for (const [what, begin] of [
  ["no answer at all", () => {}],
  ["half an answer", (response) => response.writeHead(201).write('{"iceServers":[')],
]) {
  test(`${what}: a timeout, a join without a relay, and the object hibernates again`, async () => {
    const count = server.logs.length;
    const closed = new Promise((resolve) => {
      answer = (_, response) => {
        response.on("close", resolve);
        begin(response);
      };
    });
    const room = what.replaceAll(" ", "-");
    const ada = await connect(server, { room, transports: ["websocket"] });
    const { ok, ice } = await ask(ada, "room:join", { name: "Ada" });
    assert.equal(ok, true);
    assert.deepEqual(ice, { iceServers: [stun], ttl: 60 });
    await closed; // the request ends with its timeout
    assert.match(await noRelay(count), /time|abort/i);
    await server.evict(room); // this waits for whatever holds the object
  });
}

test("an unreachable API: a join without a relay", async () => {
  const count = server.logs.length;
  answer = (request) => request.socket.destroy();
  const { ok, ice } = await ask(await connect(server, { room: "gone" }), "room:join", {});
  assert.equal(ok, true);
  assert.deepEqual(ice, { iceServers: [stun], ttl: 60 });
  await noRelay(count);
});

test("a client that leaves during the request does not affect others", async () => {
  const asked = new Promise((resolve) => (answer = (_, response) => resolve(response)));
  const room = "leaver";
  const [ada, grace] = [await connect(server, { room }), await connect(server, { room })];
  ada.emit("room:join", { name: "Ada" }, () => {});
  const response = await asked;
  const came = once(ada, "peer:joined");
  const join = ask(grace, "room:join", { name: "Grace" });
  await came;
  const left = once(grace, "peer:left");
  ada.emit("room:leave");
  assert.equal((await left)[0].id, ada.id);
  ada.disconnect();
  grant(response);
  const { peers, self, ice } = await join;
  assert.deepEqual([peers, self.host, ice.iceServers[1]], [[], true, relay]);
});

test("the token is in no log", () => {
  assert.ok(server.logs.length > 0);
  assert.ok(!JSON.stringify(server.logs).includes(token));
});

test("incomplete or contradictory relay settings are errors that show no secrets", async () => {
  for (const [vars, named] of [
    [{ TURN_URLS: "turn:a" }, "the secret TURN_SECRET has to be"],
    [{ CLOUDFLARE_TURN_TOKEN: token }, "CLOUDFLARE_TURN_KEY_ID in wrangler.toml has to be"],
    [
      { TURN_URLS: "turn:a", TURN_SECRET: token, CLOUDFLARE_TURN_KEY_ID: "k", CLOUDFLARE_TURN_TOKEN: token },
      "CLOUDFLARE_TURN_KEY_ID in wrangler.toml has to be empty while TURN_URLS is set",
    ],
  ]) {
    const misconfigured = await startServer({ vars });
    try {
      const { status, body } = await http(misconfigured, "/socket.io/?EIO=4&transport=polling");
      assert.equal(status, 500);
      assert.ok(JSON.parse(body).message.includes(named), body);
      await misconfigured.logged(new RegExp(`^${named}`));
      assert.ok(!`${body}${JSON.stringify(misconfigured.logs)}`.includes(token));
    } finally {
      await misconfigured.stop();
    }
  }
});
