// Drives WebKit over WebDriver: the MiniBrowser of WebKitGTK, on a display of its own.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { freePort } from "../support.mjs";
import { startDisplay } from "./display.mjs";

const timeoutMs = 30_000;
const browsers = ["4.1", "6.0"].map((version) => `/usr/lib/x86_64-linux-gnu/webkit2gtk-${version}/MiniBrowser`);

/** Starts WebKit with one window; `close` ends it. */
export async function launchWebKit() {
  const display = await startDisplay();
  const port = await freePort();
  const driver = spawn(process.env.WEBKIT_DRIVER ?? "/usr/bin/WebKitWebDriver", [`--port=${port}`], {
    env: { ...process.env, DISPLAY: display.name, WEBKIT_DISABLE_COMPOSITING_MODE: "1", NO_AT_BRIDGE: "1" },
    stdio: "ignore",
  });
  const ask = async (method, path, body) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { method, ...(body && { body: JSON.stringify(body) }) });
    const { value } = await response.json();
    if (!response.ok) throw new Error(`${method} ${path}: ${value?.error}: ${value?.message}`);
    return value;
  };
  const stop = async () => {
    driver.kill();
    if (driver.exitCode === null) await once(driver, "exit");
    await display.stop();
  };
  try {
    const binary = process.env.WEBKIT ?? browsers.find((path) => existsSync(path));
    await until("the driver", () => ask("GET", "/status").then(({ ready }) => ready, () => false));
    const options = { binary, args: ["--automation"] };
    const { sessionId } = await ask("POST", "/session", { capabilities: { alwaysMatch: { "webkitgtk:browserOptions": options } } });
    return page((method, path, body) => ask(method, `/session/${sessionId}${path}`, body), stop);
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The window, with as much of Playwright's interface as the tests need. */
function page(ask, stop) {
  const evaluate = (action, ...args) => {
    const script = `const done = arguments[arguments.length - 1];
      (async () => (${action})(...[].slice.call(arguments, 0, -1)))().then((value) => done({ value }), (error) => done({ error: String(error) }));`;
    return ask("POST", "/execute/async", { script, args }).then(({ value, error }) => {
      if (error) throw new Error(error);
      return value;
    });
  };
  return {
    evaluate,
    goto: (url) => ask("POST", "/url", { url }),
    waitForFunction: (predicate, ...args) => until(String(predicate), () => evaluate(predicate, ...args)),
    setWindow: (width, height) => ask("POST", "/window/rect", { width, height }),
    async click(selector) {
      await ask("POST", `/element/${await find(selector)}/click`, {});
    },
    async fill(selector, value) {
      const element = await find(selector);
      await ask("POST", `/element/${element}/clear`, {});
      await ask("POST", `/element/${element}/value`, { text: value });
    },
    async close() {
      await ask("DELETE", "");
      await stop();
    },
  };

  async function find(selector) {
    const element = await ask("POST", "/element", { using: "css selector", value: selector });
    return Object.values(element)[0];
  }
}

async function until(what, holds) {
  for (const deadline = performance.now() + timeoutMs; performance.now() < deadline; await pause(100)) {
    if (await holds()) return;
  }
  throw new Error(`not within ${timeoutMs} ms: ${what}`);
}
