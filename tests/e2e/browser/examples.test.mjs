// Two clients open the page of each example. What one client does appears on the page of the other.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startServer } from "../support.mjs";
import { launch, openPage } from "./support.mjs";

let browser;
before(async () => {
  browser = await launch({ devices: false });
});
after(() => browser.close());

/** Serves an example to two pages while `play` runs. The pages load nothing from other servers, and have no errors. */
async function visit(example, play) {
  const server = await startServer({ crate: `examples/${example}` });
  try {
    const [ann, bob] = [await openPage(browser, server.url), await openPage(browser, server.url)];
    await play(ann, bob);
    for (const { requests, errors } of [ann, bob]) {
      assert.deepEqual(errors, []);
      const urls = requests.filter((url) => !url.startsWith("data:"));
      for (const url of urls) assert.equal(new URL(url).host, new URL(server.url).host);
    }
    for (const page of [ann, bob]) await page.context().close();
  } finally {
    await server.stop();
  }
}

test("chat: both users see a message of one of them", () =>
  visit("chat", async (ann, bob) => {
    const enter = async (page, name) => {
      await page.getByPlaceholder("Room").fill("den");
      await page.getByPlaceholder("Your name").fill(name);
      await page.getByRole("button", { name: "Enter" }).click();
    };
    await enter(ann, "Ann");
    await ann.getByPlaceholder("Message").fill("first");
    await ann.getByPlaceholder("Message").press("Enter");
    await ann.getByText("Ann: first").waitFor(); // she is in the room
    await enter(bob, "Bob");
    await ann.getByText("Bob is here").waitFor();
    await bob.getByPlaceholder("Message").fill("hello");
    await bob.getByPlaceholder("Message").press("Enter");
    for (const page of [ann, bob]) await page.getByText("Bob: hello").waitFor();
  }));

test("cursors: the other user sees a dot where one user points", () =>
  visit("cursors", async (ann, bob) => {
    const dot = bob.locator("i");
    while ((await dot.count()) === 0) {
      // A move of the mouse is lost if it comes before both pages are connected.
      await ann.mouse.move(320, 100);
      await ann.mouse.move(640, 200);
      await bob.evaluate(() => new Promise(requestAnimationFrame));
    }
    await bob.waitForFunction(() => document.querySelector("i").style.left === "50%");
  }));

test("game: the move of one player appears on both boards", () =>
  visit("game", async (ann, bob) => {
    const state = (page, side) => page.getByText(`You are ${side}.`).waitFor();
    await Promise.any([state(ann, "x"), state(ann, "o")]);
    const [x, o] = (await ann.getByText("You are x.").count()) ? [ann, bob] : [bob, ann];
    await state(o, "o");
    await x.locator("main button").nth(4).click();
    for (const page of [x, o]) await page.locator("main button").nth(4).filter({ hasText: "x" }).waitFor();
    await o.locator("main button").nth(4).click();
    await o.getByText("this field is taken").waitFor();
  }));
