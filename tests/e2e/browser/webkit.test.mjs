// The page in WebKit, in a build that has no WebRTC.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { inRoot } from "../../../scripts/task.mjs";
import { connect, once, startServer } from "../support.mjs";
import { launchWebKit } from "./webkit.mjs";

const axe = readFileSync(inRoot("node_modules/axe-core/axe.min.js"), "utf8");

describe("WebKit", { skip: process.platform === "linux" ? false : "WebKitGTK is for Linux" }, () => {
  let server;
  let page;
  before(async () => {
    server = await startServer();
    page = await launchWebKit();
  });
  after(async () => {
    await page.close();
    await server.stop();
  });

  const shows = (view) => page.waitForFunction((view) => document.querySelector(`[data-view="${view}"]`)?.hidden === false, view);

  /** What axe finds, which controls are too small for a finger, and whether the page scrolls sideways. */
  const faults = async () => {
    await page.evaluate(`() => { ${axe} }`);
    return page.evaluate(async () => {
      await Promise.allSettled(document.getAnimations().filter(({ effect }) => effect.getComputedTiming().iterations !== Infinity).map(({ finished }) => finished));
      const { violations } = await window.axe.run(document, { resultTypes: ["violations"] });
      const buttons = [...document.querySelectorAll("button, input:not([type=checkbox]), select")].filter((element) => element.checkVisibility({ visibilityProperty: true }));
      const small = buttons.map((element) => [element, element.getBoundingClientRect()]).filter(([, { width, height }]) => width > 0 && (width < 44 || height < 44));
      return [
        ...violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html }) => html.slice(0, 200)).join(" | ")}`),
        ...small.map(([element, { width, height }]) => `${element.outerHTML.slice(0, 120)}: ${width} x ${height}`),
        ...(document.documentElement.scrollWidth > innerWidth ? ["the page scrolls sideways"] : []),
      ];
    });
  };

  test("the pages before a call have their layout, wide and narrow", async () => {
    for (const [width, height] of [[1280, 900], [460, 844]]) { // WebKitGTK's windows cannot be narrower
      await page.setWindow(width, height);
      await page.waitForFunction((width) => innerWidth <= width && innerWidth > width - 50, width);
      for (const [path, view] of [["/", "home"], ["/r/webkit", "prejoin"]]) {
        await page.goto(server.url + path);
        await shows(view);
        assert.deepEqual(await faults(), [], `${view}, ${width} wide`);
      }
    }
  });

  for (const [how, button] of [["joins", '[data-slot="join"]'], ["joins with chat only", '[data-action="chat-only"]']]) {
    test(`a user who ${how} is told that this browser makes no calls`, async () => {
      await page.goto(`${server.url}/r/webkit`);
      await shows("prejoin");
      assert.equal(await page.evaluate(() => typeof RTCPeerConnection), "undefined", "this build of WebKit has WebRTC: test calls with it");
      await page.fill('[data-view="prejoin"] [data-input="name"]', "Ada");
      await page.click(button);
      await page.waitForFunction(() => document.querySelector('[data-slot="join-problem"]').checkVisibility());
      const told = await page.evaluate(() => document.querySelector('[data-slot="join-problem"]').innerText);
      assert.match(told, /This browser cannot make calls\./);
    });
  }

  test("a stock client in WebKit chats with the room", async () => {
    const bob = await connect(server, { room: "webkit-chat" });
    const heard = once(bob, "chat-message");
    await page.goto(server.url);
    const reply = await page.evaluate(async (url) => {
      const { io } = await import("/vendor/socket.io.esm.min.js");
      const socket = (window.socket = io(url, { path: "/r/webkit-chat/socket.io" }));
      window.heard = new Promise((hear) => socket.on("chat-message", ({ message, from }) => from !== socket.id && hear(message)));
      return socket.emitWithAck("chat-message", "hello from WebKit");
    }, server.url);
    assert.equal(reply.ok, true);
    assert.equal((await heard)[0].message, "hello from WebKit");
    bob.emit("chat-message", "hello, WebKit");
    assert.equal(await page.evaluate(() => window.heard), "hello, WebKit");
  });
});
