// How much memory a server under test uses.

import { readdirSync, readFileSync } from "node:fs";
import { WebSocket } from "ws";
import { once } from "./support.mjs";

/** The resident set of the workerd that this process started, in bytes. It is 0 on systems other than Linux, which do not report it. */
export function residentSet() {
  if (process.platform !== "linux") return 0;
  const children = readdirSync("/proc/self/task").flatMap((task) =>
    readFileSync(`/proc/self/task/${task}/children`, "utf8").trim().split(" ").filter(Boolean),
  );
  const workerd = children.find((pid) => readFileSync(`/proc/${pid}/comm`, "utf8").startsWith("workerd"));
  const [, kilobytes] = readFileSync(`/proc/${workerd}/status`, "utf8").match(/^VmRSS:\s+(\d+) kB$/m);
  return Number(kilobytes) * 1024;
}

/**
 * The memory of the isolate of the rooms after a garbage collection, in bytes: its heap, and buffers outside of it. The
 * memory of the WebAssembly is not in it. `inspector` is the port that the server was started with. The runtime collects garbage
 * in a task, which an isolate runs only while clients keep it busy.
 */
export async function isolateMemory(inspector) {
  const { call, close } = await inspect(inspector);
  await call("HeapProfiler.enable");
  await call("HeapProfiler.collectGarbage");
  const { totalSize, backingStorageSize, embedderHeapUsedSize } = await call("Runtime.getHeapUsage");
  close();
  return totalSize + backingStorageSize + embedderHeapUsedSize;
}

/**
 * Connects to the inspector of the isolate of the rooms, on the port that the server was started with. `call` sends a command
 * and resolves to its result.
 */
export async function inspect(inspector) {
  const targets = await (await fetch(`http://127.0.0.1:${inspector}/json/list`)).json();
  const { webSocketDebuggerUrl } = targets.find(({ id }) => id === "core:user:signalbox");
  const socket = new WebSocket(webSocketDebuggerUrl);
  await once(socket, "open");
  let calls = 0;
  const message = async (where) => JSON.parse((await once(socket, "message", (data) => where(JSON.parse(data))))[0]);
  const call = async (method, params) => {
    const id = (calls += 1);
    const answer = message((data) => data.id === id);
    socket.send(JSON.stringify({ id, method, params }));
    const { result, error } = await answer;
    if (error) throw new Error(`${method}: ${error.message}`);
    return result;
  };
  return { call, message, close: () => socket.close() };
}

/**
 * Resolves to a function that measures the WebAssembly's memory in bytes. Only `wasmMemory` collects garbage; the
 * function that it returns does not. An object of the Worker has to be running when `wasmMemory` is called.
 */
export async function wasmMemory({ call, message }) {
  const created = message(({ method }) => method === "Runtime.executionContextCreated");
  await call("Runtime.enable");
  const { params } = await created;
  const prototype = await call("Runtime.evaluate", { contextId: params.context.id, expression: "WebAssembly.Memory.prototype" });
  const { objects } = await call("Runtime.queryObjects", { prototypeObjectId: prototype.result.objectId });
  const sum = "function () { return this.reduce((sum, memory) => sum + memory.buffer.byteLength, 0); }";
  return async () => (await call("Runtime.callFunctionOn", { objectId: objects.objectId, functionDeclaration: sum, returnByValue: true })).result.value;
}
