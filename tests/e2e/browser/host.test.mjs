// What a host does on the page: lock, admit, deny, remove, mute, make another user the host, clear the chat, set a password.

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { startServer } from "../support.mjs";
import { startProxy } from "./proxy.mjs";
import { enter, hears, joinRoom, launch, openPage, say, sees, tile } from "./support.mjs";

let server;
let browser;
let rooms = 0;
before(async () => {
  server = await startServer();
  browser = await launch();
});
after(async () => {
  await browser.close();
  await server.stop();
});
afterEach(() => Promise.all(browser.contexts().map((context) => context.close())));

/** A room with its host and other users. */
async function gather(...names) {
  const room = `host-${(rooms += 1)}`;
  const pages = [];
  for (const name of ["Ada", ...names]) pages.push(await joinRoom(browser, server, room, name));
  for (const [index, name] of names.entries()) {
    await sees(pages[0], name);
    await tile(pages[index + 1], "Ada").waitFor();
  }
  return { room, pages };
}

/** Picks an entry of the menu behind More. */
async function more(page, entry) {
  await page.getByRole("button", { name: "More" }).click();
  await page.getByRole("button", { name: entry }).click();
}

/** Chooses an entry of a user's menu in the list of people. */
async function act(page, name, entry) {
  await page.getByRole("tab", { name: /^People/ }).click();
  await page.getByRole("tabpanel", { name: "People" }).getByRole("button", { name: `Actions for ${name}` }).click();
  await page.getByRole("button", { name: entry }).click();
}

/** Checks that a user's menu has no entry for hosts. */
async function hasNoHostEntries(page, name) {
  await tile(page, name).getByRole("button", { name: `Actions for ${name}` }).click();
  await page.locator("#person-menu").waitFor();
  for (const entry of ["Ask to mute", "Make host", "Remove"]) await page.getByRole("button", { name: entry }).waitFor({ state: "hidden" });
  await page.keyboard.press("Escape");
}

/** Opens a locked room and knocks. */
async function knock(room, name) {
  const page = await openPage(browser, `${server.url}/r/${room}`);
  await page.getByRole("textbox", { name: "Your name" }).fill(name);
  await page.getByRole("button", { name: "Join", exact: true }).click();
  await page.getByRole("heading", { name: "The host has been asked" }).waitFor();
  return page;
}

const notice = (page, words) => page.locator(".notice").filter({ hasText: words });
const inCall = (page) => page.locator('[data-view="call"]').waitFor();

test("a locked room: the host denies or admits a user who knocks, or the user gives up", async () => {
  const { room, pages: [ada] } = await gather();
  await more(ada, "Lock room");
  await ada.getByRole("img", { name: "The room is locked" }).waitFor();

  const bob = await knock(room, "Bob");
  await notice(ada, "Bob wants to come in").getByRole("button", { name: "Decline" }).click();
  await bob.getByText("The host did not let you in.").waitFor();
  await notice(ada, "Bob").waitFor({ state: "detached" });
  await bob.getByRole("button", { name: "Knock again" }).click();
  await bob.getByRole("heading", { name: "The host has been asked" }).waitFor();
  await notice(ada, "Bob wants to come in").getByRole("button", { name: "Let in" }).click();
  await inCall(bob);
  await sees(ada, "Bob");

  const cleo = await knock(room, "Cleo");
  await cleo.locator('.preview-bar [data-toggle="video"]').click(); // her camera changes after the knock; the host has to see that
  await notice(ada, "Cleo wants to come in").waitFor();
  await ada.getByRole("tab", { name: /^People/ }).click();
  await ada.getByRole("listitem").filter({ hasText: "Cleo" }).getByRole("button", { name: "Let in" }).click();
  await tile(ada, "Cleo").and(ada.locator("[data-camera-off]")).waitFor();
  await ada.getByRole("listitem").filter({ hasText: "Cleo" }).getByRole("img", { name: "Camera off" }).waitFor();

  await cleo.context().close();

  const eve = await knock(room, "Eve");
  await eve.getByRole("button", { name: "Cancel" }).click();
  await eve.getByRole("button", { name: "Join", exact: true }).waitFor();
  await eve.context().close();
  const dan = await knock(room, "Dan");
  const gil = await knock(room, "Gil");
  await ada.getByRole("button", { name: "Let all in" }).click();
  for (const page of [dan, gil]) {
    await inCall(page);
    await page.context().close();
  }

  const fay = await knock(room, "Fay");
  await notice(ada, "Fay").waitFor();
  await more(ada, "Lock room");
  await inCall(fay); // unlocking the room admits all waiting users
  await notice(ada, "Fay").waitFor({ state: "detached" });
  for (const page of [ada, bob, fay]) await page.getByRole("img", { name: "The room is locked" }).waitFor({ state: "hidden" });
  for (const page of [ada, bob, dan, eve, fay]) assert.deepEqual(page.errors, []);
});

test("the page asks the host before a user is removed, and the removed user cannot come back", async () => {
  const { room, pages: [ada, eve] } = await gather("Eve");
  const bob = await joinRoom(browser, server, room, "Bob", { extraHTTPHeaders: { "cf-connecting-ip": "198.51.100.7" } });
  await sees(ada, "Bob");
  await tile(eve, "Bob").waitFor();
  await hasNoHostEntries(eve, "Bob");
  await act(ada, "Bob", "Remove");
  const question = ada.getByRole("dialog", { name: "Remove Bob?" });
  await question.getByRole("button", { name: "Cancel" }).click();
  await question.waitFor({ state: "hidden" });
  await act(ada, "Bob", "Remove");
  await question.getByRole("button", { name: "Remove" }).click();
  await bob.getByRole("heading", { name: "You were removed from the room" }).waitFor();
  assert.equal(await bob.getByRole("button", { name: "Rejoin" }).count(), 0);
  for (const page of [ada, eve]) {
    await hears(page, "Bob was removed");
    await tile(page, "Bob").waitFor({ state: "detached" });
  }
  await bob.goto(`${server.url}/r/${room}`);
  await bob.getByRole("button", { name: "Join", exact: true }).click();
  await bob.getByText("You can come back in ten minutes").waitFor();
  await bob.getByRole("button", { name: "Back to start" }).click();
  await bob.getByRole("button", { name: "Start a room" }).waitFor();
});

test("a removed user at the host's own address has to knock", async () => {
  const { room, pages: [ada, bob] } = await gather("Bob");
  await act(ada, "Bob", "Remove");
  await ada.getByRole("dialog", { name: "Remove Bob?" }).getByRole("button", { name: "Remove" }).click();
  await bob.getByRole("heading", { name: "You were removed from the room" }).waitFor();
  const again = await knock(room, "Bob");
  await notice(ada, "Bob wants to come in").getByRole("button", { name: "Decline" }).click();
  await again.getByText("The host did not let you in.").waitFor();
  assert.deepEqual(again.errors, []);
});

test("a user who is asked to mute sees who asks, and mutes with one click or ignores it", async () => {
  const { pages: [ada, bob] } = await gather("Bob");
  const asked = notice(bob, "Ada asks you to mute yourself");
  await act(ada, "Bob", "Ask to mute");
  await asked.getByRole("button", { name: "Dismiss" }).click();
  await asked.waitFor({ state: "detached" });
  assert.equal(await bob.locator('.bar [data-toggle="audio"]').getAttribute("aria-pressed"), "true");
  const told = ada.getByText("Everyone has been asked to mute").first().waitFor(); // this notice disappears by itself
  await more(ada, "Ask all to mute");
  await told;
  await asked.getByRole("button", { name: "Mute" }).click();
  await asked.waitFor({ state: "detached" });
  await tile(ada, "Bob").getByRole("img", { name: "Microphone off" }).waitFor();
});

test("the host makes another user the host", async () => {
  const { room, pages: [ada, bob] } = await gather("Bob");
  await act(ada, "Bob", "Make host");
  const told = bob.getByText("You are the host now").first().waitFor(); // this notice disappears by itself
  await ada.getByRole("dialog").getByRole("button", { name: "Make host" }).click();
  await hears(ada, "Bob is the host now");
  await told;
  await hasNoHostEntries(ada, "Bob");
  await ada.getByRole("button", { name: "More" }).click();
  assert.equal(await ada.getByRole("button", { name: "Lock room" }).count(), 0);
  await more(bob, "Lock room");
  const eve = await knock(room, "Eve");
  await notice(bob, "Eve wants to come in").getByRole("button", { name: "Let in" }).click();
  await inCall(eve);
  assert.equal(await notice(ada, "Eve").count(), 0);
});

test("the host clears the chat, also for users who join later", async () => {
  const { room, pages: [ada, bob] } = await gather("Bob");
  await say(bob, "said too much");
  await hears(ada, "said too much");
  await more(ada, "Clear chat…");
  await ada.getByRole("dialog", { name: "Clear the chat?" }).getByRole("button", { name: "Clear" }).click();
  for (const page of [ada, bob]) {
    await hears(page, "The host cleared the chat");
    assert.equal(await page.getByText("said too much").count(), 0);
  }
  await say(bob, "said enough");
  const eve = await joinRoom(browser, server, room, "Eve");
  await hears(eve, "said enough");
  assert.equal(await eve.getByText("said too much").count(), 0);
});

test("a member of a locked room with a password reloads the page and joins again; a stranger has to knock", async () => {
  const { room, pages: [ada, bob] } = await gather("Bob");
  await more(ada, "Lock room");
  await more(ada, "Room password…");
  await ada.getByRole("textbox", { name: "New password" }).fill("correct horse");
  await ada.keyboard.press("Enter");
  await ada.getByText("The room has a password now").first().waitFor();
  for (let reloads = 0; reloads < 2; reloads += 1) { // the second reload uses the rejoin secret from the first
    await bob.reload();
    await enter(bob);
    await tile(ada, "Bob").waitFor();
  }
  const eve = await openPage(browser, `${server.url}/r/${room}`);
  await eve.getByRole("textbox", { name: "Your name" }).fill("Eve");
  await eve.getByRole("button", { name: "Join", exact: true }).click();
  await eve.locator('[data-input="password"]').fill("correct horse");
  await eve.keyboard.press("Enter");
  await eve.getByRole("heading", { name: "The host has been asked" }).waitFor();
  await notice(ada, "Eve wants to come in").waitFor();
  assert.equal(await notice(ada, "Bob").count(), 0);
  for (const page of [ada, bob]) await page.getByRole("button", { name: "Leave" }).click();
  await eve.getByText("The host did not let you in.").waitFor();
  await ada.reload(); // the room is empty, so nobody could admit her: her rejoin secret lets her in
  await enter(ada);
});

test("a member whose session expired joins a locked room again without a knock", async () => {
  const withoutRecovery = await startServer({ vars: { RECOVERY_MS: "0" } });
  const path = await startProxy(withoutRecovery);
  try {
    const [ada, bob] = [await openPage(browser, withoutRecovery.url), await openPage(browser, path.url)];
    for (const [page, name] of [[ada, "Ada"], [bob, "Bob"]]) {
      await page.evaluate(async (name) => {
        const { join } = await import("/signalbox.js");
        window.room = await join("forgotten", { name });
        window.seen = [];
        window.room.on("change", () => window.seen.push(window.room.state));
        window.room.on("knock", ({ name }) => window.seen.push(`${name} knocks`));
      }, name);
    }
    await ada.evaluate(() => window.room.host.lock(true));
    const id = await bob.evaluate(() => window.room.self.id);
    path.cut();
    path.mend();
    await bob.waitForFunction((former) => window.room.state === "connected" && window.room.self.id !== former, id);
    await ada.waitForFunction((former) => window.room.peers.size === 1 && !window.room.peers.has(former), id);
    assert.ok(!(await bob.evaluate(() => window.seen)).includes("waiting"));
    assert.deepEqual(await ada.evaluate(() => window.seen.filter((seen) => /knocks/.test(seen))), []);
  } finally {
    path.stop();
    await withoutRecovery.stop();
  }
});

test("the page asks for a password until the host removes it", async () => {
  const { room, pages: [ada] } = await gather();
  await more(ada, "Room password…");
  await ada.getByRole("textbox", { name: "New password" }).fill("correct horse");
  await ada.keyboard.press("Enter");
  await ada.getByText("The room has a password now").first().waitFor();

  const bob = await openPage(browser, `${server.url}/r/${room}`);
  const password = bob.locator('[data-input="password"]');
  assert.equal(await password.isVisible(), false);
  await bob.getByRole("textbox", { name: "Your name" }).fill("Bob");
  await bob.getByRole("button", { name: "Join", exact: true }).click();
  await bob.getByText("The room has a password. Enter it to join.").waitFor();
  await password.fill("wrong horse");
  await bob.keyboard.press("Enter");
  await bob.getByText("That is not the password.").waitFor();
  assert.equal(await password.getAttribute("aria-invalid"), "true");
  await password.fill("correct horse");
  await bob.keyboard.press("Enter");
  await inCall(bob);
  await sees(ada, "Bob");
  await bob.getByRole("button", { name: "Leave" }).click();
  await bob.getByRole("button", { name: "Rejoin" }).click();
  await bob.getByRole("button", { name: "Join", exact: true }).click();
  await inCall(bob); // the password is remembered

  await more(ada, "Room password…");
  await ada.getByRole("button", { name: "Remove password" }).click();
  await ada.getByText("The room has no password any more").first().waitFor();
  await joinRoom(browser, server, room, "Eve");
});
