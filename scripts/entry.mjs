// What Cloudflare calls in a Worker made of WebAssembly. The build puts the classes of its Durable Objects below.
//
// All objects of an isolate share one WebAssembly instance. After a panic its memory is not to be trusted: the next call
// makes the instance anew, and each object with it, from what it stored.

import * as bindings from "./bindings.js";

let instance = 0; // how often it was made anew
let isBroken = false;
const inHand = new Set(); // what ends each request of the Worker's that the instance has not answered

/** Takes note of what was thrown, if it was a panic. */
function judge(error) {
  isBroken ||= error instanceof WebAssembly.RuntimeError || error instanceof RangeError; // a trap, or no stack left
}

/** Makes the instance anew if it panicked. */
function mend() {
  if (!isBroken) return;
  bindings.__wbg_reset_state();
  isBroken = false;
  instance += 1;
  for (const end of inHand) end();
  console.log("the WebAssembly instance is made anew after a panic");
}

// What a promise or a timer throws reaches nobody else.
addEventListener("error", ({ error }) => judge(error));
addEventListener("unhandledrejection", ({ reason }) => judge(reason));

export default {
  async fetch(request, env) {
    mend();
    const { promise: ended, resolve: end } = Promise.withResolvers();
    inHand.add(end);
    try {
      const answer = await Promise.race([bindings.fetch(request, env), ended]);
      return answer ?? new Response("the server had to start anew: try again", { status: 503 });
    } catch (error) {
      judge(error);
      throw error;
    } finally {
      inHand.delete(end);
    }
  },
};

/** A Durable Object whose handlers are those of `Class`, which is WebAssembly's. */
function durableObject(Class) {
  return class {
    #arguments;
    #object;
    #instance;

    constructor(state, env) {
      this.#arguments = [state, env];
      try {
        this.#current();
      } catch (error) {
        judge(error);
        throw error;
      }
    }

    /** The object, of the instance that there is now. */
    #current() {
      mend();
      if (this.#instance !== instance) {
        this.#object = new Class(...this.#arguments);
        this.#instance = instance;
      }
      return this.#object;
    }

    #call(handler, ...event) {
      try {
        return this.#current()[handler](...event);
      } catch (error) {
        judge(error);
        throw error;
      }
    }

    async #ask(handler, ...event) {
      try {
        return await this.#call(handler, ...event);
      } catch (error) {
        judge(error); // of a promise, too
        throw error;
      }
    }

    fetch(request) {
      return this.#ask("fetch", request);
    }

    alarm() {
      return this.#ask("alarm");
    }

    webSocketMessage(socket, data) {
      this.#call("webSocketMessage", socket, data);
    }

    webSocketClose(socket, code) {
      this.#call("webSocketClose", socket, code);
    }

    webSocketError(socket) {
      this.#call("webSocketError", socket);
    }
  };
}
