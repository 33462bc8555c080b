// An X display for browsers that do not run without a display.

import { spawn } from "node:child_process";
import { once } from "node:events";

/** An X server whose screen is in memory, with the first free display number. Systems other than Linux have their own display. */
export async function startDisplay() {
  if (process.platform !== "linux") return { name: process.env.DISPLAY, stop() {} };
  const server = spawn(process.env.XVFB ?? "/usr/bin/Xvfb", ["-displayfd", "3", "-screen", "0", "1400x1000x24", "-nolisten", "tcp"], { stdio: ["ignore", "ignore", "ignore", "pipe"] });
  const [number] = await once(server.stdio[3].setEncoding("utf8"), "data");
  return {
    name: `:${number.trim()}`,
    async stop() {
      server.kill();
      await once(server, "exit");
    },
  };
}
