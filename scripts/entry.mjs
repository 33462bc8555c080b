// The entry point of a Worker made of WebAssembly. The build appends the classes of its Durable Objects.
//
// All objects of an isolate share one WebAssembly instance. After a panic the instance's memory cannot be trusted. So the next
// call makes a new instance, and each object is created again from what it stored.

import * as bindings from "./bindings.js";

let instance = 0; // how many instances were replaced
let isBroken = false;
const pending = new Set(); // for each request that the Worker has not answered yet, a function that ends it

/** Notes that the instance is broken, if the error is a panic. */
function notePanic(error) {
  isBroken ||= error instanceof WebAssembly.RuntimeError || error instanceof RangeError; // a trap, or no stack left
}

/** Makes a new instance if the present one panicked. */
function renewInstance() {
  if (!isBroken) return;
  bindings.__wbg_reset_state();
  isBroken = false;
  instance += 1;
  for (const end of pending) end();
  console.log("the WebAssembly instance was replaced after a panic");
}

// An error in a timer, or in a promise that nothing awaits, is reported only here.
addEventListener("error", ({ error }) => notePanic(error));
addEventListener("unhandledrejection", ({ reason }) => notePanic(reason));

export default {
  async fetch(request, env) {
    renewInstance();
    const { promise: ended, resolve: end } = Promise.withResolvers();
    pending.add(end);
    try {
      const answer = await Promise.race([bindings.fetch(request, env), ended]);
      return answer ?? new Response("the server had to start again: try once more", { status: 503 });
    } catch (error) {
      notePanic(error);
      throw error;
    } finally {
      pending.delete(end);
    }
  },
};

/** A Durable Object whose handlers are those of `Class`, a class in WebAssembly. */
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
        notePanic(error);
        throw error;
      }
    }

    /** The object in the present instance. */
    #current() {
      renewInstance();
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
        notePanic(error);
        throw error;
      }
    }

    async #ask(handler, ...event) {
      try {
        return await this.#call(handler, ...event);
      } catch (error) {
        notePanic(error); // also the error of a promise
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
