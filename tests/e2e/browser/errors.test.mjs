// Each error is shown in plain words, with one thing to do about it.

import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { startServer } from "../support.mjs";
import { enter, hears, joinRoom, launch, openPage, otherSite, say } from "./support.mjs";

const operator = "operators-secret-0123456789";
let server;
let browser;
before(async () => {
  server = await startServer({ vars: { MAX_PEERS: 1, CHAT_RATE: "2/1", API_TOKEN: operator } });
  browser = await launch();
});
after(async () => {
  await browser.close();
  await server.stop();
});
afterEach(() => Promise.all(browser.contexts().map((context) => context.close())));

const problem = (page) => page.locator('[data-slot="join-problem"]');
const clickJoin = (page) => page.getByRole("button", { name: "Join", exact: true }).click();

test("a full room is joined with chat only, and a camera switched on there is refused", async () => {
  const ada = await joinRoom(browser, server, "full", "Ada");
  const bob = await openPage(browser, `${server.url}/r/full`);
  await clickJoin(bob);
  await problem(bob).getByText("The room is full.").waitFor();
  await problem(bob).getByRole("button", { name: "Join with chat only" }).click();
  await say(bob, "only words");
  await hears(ada, "only words");
  const camera = bob.locator('.bar [data-toggle="video"]');
  await camera.click();
  await bob.locator(".toast").getByText("The room is full.").waitFor();
  assert.equal(await camera.getAttribute("aria-pressed"), "false");
});

test("a message that was refused by the rate limit is sent again with one click", async () => {
  const ada = await joinRoom(browser, server, "many", "Ada");
  const failed = ada.locator('.message[data-delivery="failed"]');
  while ((await failed.count()) === 0) await say(ada, "quick");
  await failed.first().getByText("That was too fast.").waitFor();
  const retry = () => {
    document.querySelector('[data-delivery="failed"] [data-slot="resend"]')?.click();
    return !document.querySelector('.message:not([data-delivery="sent"])');
  };
  await ada.waitForFunction(retry, null, { polling: 300 }); // until the rate limit accepts it
});

test("a server that cannot be reached is tried again with one click", async () => {
  const ada = await openPage(browser, `${server.url}/r/unreachable`);
  await ada.context().setOffline(true);
  await clickJoin(ada);
  await problem(ada).getByText("The server cannot be reached.").waitFor();
  await ada.context().setOffline(false);
  await problem(ada).getByRole("button", { name: "Try again" }).click();
  await ada.locator(".alone-card").waitFor();
});

/** A page whose module arrives when `release` is called, and that counts how often it asks for devices. */
async function withSlowModule(path, wanted = "on") {
  const page = await openPage(browser, "about:blank");
  const { promise: released, resolve: release } = Promise.withResolvers();
  await page.route("**/signalbox.js", async (route) => {
    await released;
    await route.continue();
  });
  await page.addInitScript((wanted) => {
    for (const kind of ["audio", "video"]) localStorage.setItem(kind, wanted);
    window.asked = 0;
    const { getUserMedia } = MediaDevices.prototype;
    MediaDevices.prototype.getUserMedia = function (constraints) {
      window.asked += 1;
      return getUserMedia.call(this, constraints);
    };
  }, wanted);
  await page.goto(server.url + path, { waitUntil: "commit" });
  return Object.assign(page, { release, asked: () => page.evaluate(() => window.asked) });
}

test("a part of the page that could not be loaded is loaded with one click", async () => {
  const ada = await openPage(browser, "about:blank");
  await ada.route("**/client/room.js", (route) => route.abort());
  await ada.goto(`${server.url}/r/part`);
  await clickJoin(ada);
  await problem(ada).getByText("Part of this page could not be loaded.").waitFor();
  await ada.unroute("**/client/room.js");
  await problem(ada).getByRole("button", { name: "Reload" }).click();
  await clickJoin(ada);
  await ada.locator(".alone-card").waitFor();
});

test("the camera stays off for a user who joins with chat only while the module loads", async () => {
  const ada = await withSlowModule("/r/slow-chat");
  await ada.getByText("The browser will ask for your permission.").waitFor();
  await ada.getByRole("button", { name: "Join with chat only" }).click();
  ada.release();
  await ada.locator(".alone-card").waitFor();
  assert.equal(await ada.asked(), 0);
});

test("a device that is switched on and off again while the module loads stays off", async () => {
  const ada = await withSlowModule("/r/slow-switch", "off");
  const camera = ada.locator('.preview-bar [data-toggle="video"]');
  await camera.and(ada.locator('[aria-pressed="false"]')).click();
  await camera.and(ada.locator('[aria-pressed="true"]')).click();
  ada.release();
  await clickJoin(ada);
  await ada.locator(".alone-card").waitFor();
  assert.equal(await ada.asked(), 0);
});

test("the camera stays off for a user who goes back while the module loads", async () => {
  const ada = await withSlowModule("/r/slow-back");
  await ada.locator('.preview-bar [data-toggle="video"]').click(); // off
  await ada.locator('.preview-bar [data-toggle="video"]').click(); // and on
  await ada.locator(".prejoin-head .brand").click();
  ada.release();
  await ada.getByRole("button", { name: "Start a room" }).waitFor();
  await ada.evaluate(() => import("/signalbox.js"));
  assert.equal(await ada.asked(), 0);
});

test("a second click on Start does not open a second room", async () => {
  const ada = await withSlowModule("/");
  const start = ada.getByRole("button", { name: "Start a room" });
  await start.click();
  await start.click();
  ada.release();
  await ada.getByRole("heading", { name: "Ready to join?" }).waitFor();
  await ada.goBack();
  await start.waitFor();
});

for (const [what, remove] of Object.entries({
  "has no WebRTC": () => delete window.RTCPeerConnection,
  "is too old": () => delete Promise.withResolvers,
})) {
  test(`a user whose browser ${what} is told to use another one, and can copy the link`, async () => {
    const page = await openPage(browser, server.url, { permissions: ["clipboard-read", "clipboard-write"] });
    await page.addInitScript(remove);
    await page.goto(`${server.url}/r/old`);
    await clickJoin(page);
    await problem(page).getByText("This browser cannot make calls.").waitFor();
    await problem(page).getByRole("button", { name: "Copy link" }).click();
    await page.locator(".toast").getByText("Link copied").waitFor();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), `${server.url}/r/old`);
  });
}

test("a user who opens a link with a key on http is offered a button that opens the page on https", async () => {
  const page = await openPage(browser, server.url);
  await page.addInitScript(() => Object.defineProperty(window, "isSecureContext", { value: false }));
  await page.goto(`${server.url}/r/plain#k=AAAAAAAAAAAAAAAAAAAAAA`);
  await clickJoin(page);
  await problem(page).getByText("Browsers allow this only on https or localhost.").waitFor();
  await problem(page).getByRole("button", { name: "Open on https" }).waitFor();
});

test("a user who blocks the camera can still use the microphone", async () => {
  const asking = await launch({ sharedTab: "none" }); // it blocks what is not granted
  try {
    const ada = await openPage(asking, `${server.url}/r/blocked`, { permissions: ["microphone"] });
    await ada.getByRole("button", { name: "Allow camera and microphone" }).click();
    await ada.locator(".notes").getByText("Camera: permission denied.").waitFor();
    assert.equal(await ada.locator('.preview-bar [data-toggle="audio"]').getAttribute("aria-pressed"), "true");
  } finally {
    await asking.close();
  }
});

test("when a button disappears on its click, the focus moves to the content of the page", async () => {
  const bare = await launch({ devices: false });
  try {
    const ada = await joinRoom(bare, server, "focus", "Ada", { storageState: { cookies: [], origins: [] } });
    await ada.locator('.bar [data-toggle="audio"]').click();
    await ada.locator(".notice").getByRole("button", { name: "Dismiss" }).last().press("Enter");
    await ada.waitForFunction(() => document.activeElement?.id === "content");
  } finally {
    await bare.close();
  }
});

test("the page says that the operator closed the room, with the reason", async () => {
  const ada = await joinRoom(browser, server, "closing", "Ada");
  const headers = { authorization: `Bearer ${operator}`, "content-type": "application/json" };
  await fetch(`${server.url}/api/rooms/closing/close`, { method: "POST", headers, body: JSON.stringify({ reason: "Back at noon." }) });
  await ada.getByText("The room was closed. Back at noon.").waitFor();
  await ada.getByRole("button", { name: "Rejoin" }).waitFor();
});

test("a user who is disconnected for sending too much is told so, and not that the host did it", async () => {
  const ada = await joinRoom(browser, server, "flood", "Ada");
  const code = await ada.evaluate(async () => {
    const { join } = await import("/signalbox.js");
    const room = await join("flood-too");
    const closed = new Promise((resolve) => room.on("closed", ({ code }) => resolve(code)));
    for (let count = 0; count < 1_000; count += 1) room.chat.send("flood");
    return closed;
  });
  assert.equal(code, "rate-limited");
});

test("an invalid room name is refused with the server's message, and the devices are closed", async () => {
  const ada = await openPage(browser, server.url);
  const { code, message, states } = await ada.evaluate(async () => {
    const tracks = [];
    const { getUserMedia } = MediaDevices.prototype;
    MediaDevices.prototype.getUserMedia = async function (constraints) {
      const stream = await getUserMedia.call(this, constraints);
      tracks.push(...stream.getTracks());
      return stream;
    };
    const { join } = await import("/signalbox.js");
    const { code, message } = await join("no room", { media: { audio: true, video: true } }).catch((error) => error);
    return { code, message, states: tracks.map(({ readyState }) => readyState) };
  });
  assert.equal(code, "bad-room");
  assert.match(message, /1 to 64|letters/);
  assert.ok(message.startsWith(`${server.url}: `), message);
  assert.deepEqual(states, ["ended", "ended"]);
});

describe("a site that ALLOWED_ORIGINS does not name", () => {
  let site;
  let page;
  before(async () => {
    site = await otherSite(server, "");
  });
  beforeEach(async () => {
    page = await openPage(browser, site.url);
  });
  after(() => site.close());

  test("join rejects with the reason", async () => {
    const refusal = await page.evaluate(async (origin) => {
      const { join } = await import(`${origin}/signalbox.js`);
      return join("elsewhere").then(() => "joined", ({ code, message }) => [code, message]);
    }, server.url);
    assert.deepEqual(refusal, ["origin-not-allowed", `${server.url}: ALLOWED_ORIGINS does not name this page, ${site.url}.`]);
  });

  test("a stock client is told why it may not connect", async () => {
    const refusal = await page.evaluate(async (url) => {
      const { io } = await import(`${url}/vendor/socket.io.esm.min.js`);
      const socket = io(url, { reconnection: false });
      return new Promise((resolve) => {
        socket.on("connect", () => resolve("it connected"));
        socket.on("connect_error", ({ description, context }) => resolve({ status: description, body: context.responseText }));
      });
    }, server.url);
    assert.equal(refusal.status, 403);
    assert.match(JSON.parse(refusal.body).message, /ALLOWED_ORIGINS/);
  });

  test("a WebSocket is refused", async () => {
    const outcome = await page.evaluate((url) => {
      const socket = new WebSocket(`${url.replace("http", "ws")}/socket.io/?EIO=4&transport=websocket`);
      return new Promise((resolve) => {
        socket.onopen = () => resolve("it opened");
        socket.onerror = () => resolve("refused");
      });
    }, server.url);
    assert.equal(outcome, "refused");
  });
});

test("an invalid token is refused, and a valid one is not part of the link to copy", async () => {
  const { createHmac } = await import("node:crypto");
  const secret = "a secret of thirty-two characters or more";
  const closed = await startServer({ vars: { TOKENS: "required", TOKEN_SECRET: secret } });
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const signed = `${part({ alg: "HS256", typ: "JWT" })}.${part({ room: "closed", name: "Ada Lovelace", exp: Math.floor(Date.now() / 1000) + 600 })}`;
  const token = `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
  try {
    const page = await openPage(browser, `${closed.url}/r/closed#token=none`);
    await clickJoin(page);
    await problem(page).getByText("This invitation is not valid.").waitFor();
    await problem(page).getByRole("button", { name: "Back to start" }).waitFor();
    await page.goto(`${closed.url}/r/closed#token=${token}`);
    await enter(page, "Somebody");
    const link = page.locator(".alone-card .link");
    await link.waitFor();
    assert.ok(!(await link.textContent()).includes("token"));
  } finally {
    await closed.stop();
  }
});
