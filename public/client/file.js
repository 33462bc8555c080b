// @ts-check
import { toBase64 } from "./bytes.js";
import { Emitter } from "./emitter.js";
import { sizeOf } from "./peer-data.js";
import { parse, SignalboxError } from "./protocol.js";
/** @import { ErrorCode, FileEvents, FileInfo, Peer, TransferState } from "./types.js" */

/** Marks the data channels that carry a file each. */
export const FILE_PROTOCOL = "signalbox-file";

const CHUNK = 65_536; // every browser accepts this size
const BUFFER_LOW = 1_048_576;
const BUFFER_HIGH = 4_194_304;
const WINDOW = 8_388_608; // the most bytes that are sent before they are stored
const TOLD_EVERY = 1_048_576;
const IN_MEMORY = 8_388_608; // then bytes become a Blob, which may be on disk
const LONGEST_NAME = 255;

/**
 * A file sent or received: see FileMessage.
 *
 * @extends {Emitter<FileEvents>}
 */
class Transfer extends Emitter {
  /** @type {TransferState} */
  state = "offered";
  transferred = 0;
  /** @type {SignalboxError | null} */
  error = null;
  /** @type {Blob | null} */
  blob = null;

  /** @type {PromiseWithResolvers<void>} */
  ended = Promise.withResolvers();
  #shown = 0;

  /**
   * @param {Peer} peer
   * @param {RTCDataChannel} channel
   * @param {FileInfo} info
   */
  constructor(peer, channel, { name, size, type }) {
    super();
    this.peer = peer;
    this.channel = channel;
    Object.assign(channel, { binaryType: "arraybuffer", bufferedAmountLowThreshold: BUFFER_LOW });
    this.name = name;
    this.size = size;
    this.type = type;
    channel.addEventListener("close", () => this.lose());
  }

  get active() {
    return this.state === "offered" || this.state === "moving";
  }

  cancel() {
    if (!this.active) return;
    this.tell({ cancel: true });
    this.end("cancelled");
  }

  /** The connection was lost. */
  lose() {
    this.fail("connection-lost", `The connection was lost while ${this.name} was on its way.`);
  }

  /**
   * @param {ErrorCode} code
   * @param {string} message
   */
  fail(code, message) {
    if (!this.active) return;
    this.tell({ cancel: true });
    this.end("failed", new SignalboxError(code, message));
  }

  /** @param {object} message */
  tell(message) {
    if (this.channel.readyState === "open") this.channel.send(JSON.stringify(message));
  }

  /** @param {number} bytes */
  progress(bytes) {
    if (!this.active) return;
    this.transferred = bytes;
    const percent = Math.floor((100 * bytes) / Math.max(1, this.size));
    if (percent === this.#shown) return;
    this.#shown = percent;
    this.emit("change");
  }

  /** @param {"moving" | "done"} state */
  become(state) {
    if (!this.active) return;
    this.state = state;
    this.emit("change");
  }

  /**
   * @param {TransferState} state
   * @param {SignalboxError} [error]
   */
  end(state, error) {
    if (!this.active) return;
    this.state = state;
    this.error = error ?? null;
    this.channel.close();
    this.ended.resolve();
    this.emit("change");
  }
}

export class OutgoingFile extends Transfer {
  outgoing = /** @type {const} */ (true);
  #file;
  /** Bytes that the receiver has stored. */
  #stored = 0;
  #goOn = () => {};

  /**
   * @param {Peer} peer
   * @param {RTCDataChannel} channel
   * @param {Blob & { name?: string }} file
   */
  constructor(peer, channel, file) {
    const { name = "file", size, type } = file;
    super(peer, channel, { name, size, type });
    this.#file = file;
    channel.addEventListener("open", () => this.tell({ name, size, type }));
    channel.addEventListener("message", ({ data }) => this.#receive(parse(data)));
    channel.addEventListener("bufferedamountlow", () => this.#goOn());
  }

  /** @param {Record<string, unknown>} message */
  #receive({ accept, stored, received, cancel }) {
    if (cancel) {
      this.end("cancelled");
    } else if (accept === false) {
      this.end("refused");
    } else if (accept && this.state === "offered") {
      this.become("moving");
      void this.#send();
    } else if (stored) {
      this.#stored = Number(stored);
      this.#goOn();
    } else if (received) {
      this.progress(this.size);
      this.end("done");
    }
  }

  async #send() {
    const { channel, size } = this;
    const digest = new Digest();
    for (let offset = 0; offset < size; offset += CHUNK) {
      let chunk;
      try {
        chunk = await this.#file.slice(offset, offset + CHUNK).arrayBuffer();
      } catch (cause) {
        this.fail("unreadable", String(cause));
        return;
      }
      await digest.add(chunk);
      while (this.active && (channel.bufferedAmount > BUFFER_HIGH || offset - this.#stored > WINDOW)) {
        const { promise, resolve } = /** @type {PromiseWithResolvers<void>} */ (Promise.withResolvers());
        this.#goOn = resolve;
        await Promise.race([promise, this.ended.promise]);
      }
      if (!this.active || channel.readyState !== "open") return;
      channel.send(chunk);
      this.progress(offset + chunk.byteLength - Math.min(channel.bufferedAmount, offset + chunk.byteLength));
    }
    this.tell({ digest: digest.value });
  }
}

export class IncomingFile extends Transfer {
  outgoing = /** @type {const} */ (false);
  #digest = new Digest();
  /** @type {(Blob | ArrayBuffer)[]} */
  #parts = [];
  #inMemory = 0;
  #arrived = 0;
  #told = 0;
  /** Bytes that are not handled yet. */
  #waiting = 0;
  /** @type {WritableStreamDefaultWriter<ArrayBuffer> | null} */
  #writer = null;
  /** Keeps the order of messages. */
  #queue = Promise.resolve();

  /**
   * Waits for an offer. Any other first message closes the channel.
   * @param {Peer} peer
   * @param {RTCDataChannel} channel
   * @param {(file: IncomingFile) => void} offered
   */
  static await(peer, channel, offered) {
    channel.addEventListener("message", ({ data }) => {
      const { name, size, type } = parse(data);
      if (typeof name === "string" && Number.isSafeInteger(size) && Number(size) >= 0 && typeof type === "string") {
        offered(new IncomingFile(peer, channel, { name: name.slice(0, LONGEST_NAME), size: Number(size), type }));
      } else {
        channel.close();
      }
    }, { once: true });
  }

  /**
   * @param {Peer} peer
   * @param {RTCDataChannel} channel
   * @param {FileInfo} info
   */
  constructor(peer, channel, info) {
    super(peer, channel, info);
    channel.addEventListener("message", ({ data }) => {
      if (!this.active) return;
      this.#waiting += sizeOf(data);
      if (this.#waiting > 2 * WINDOW) {
        this.#spoil();
        return;
      }
      this.#queue = this.#queue.then(async () => {
        await this.#receive(data);
        this.#waiting -= sizeOf(data);
      });
    });
  }

  /** @param {WritableStream} [sink] */
  accept(sink) {
    if (this.state !== "offered") return;
    this.#writer = sink?.getWriter() ?? null;
    this.become("moving");
    this.tell({ accept: true });
  }

  refuse() {
    if (this.state !== "offered") return;
    this.tell({ accept: false });
    this.end("refused");
  }

  /** @param {ArrayBuffer | string} data */
  async #receive(data) {
    if (!this.active) return;
    if (typeof data === "string") {
      const { cancel, digest } = parse(data);
      if (cancel) this.end("cancelled");
      else if (digest !== undefined && this.state === "moving") await this.#complete(digest);
      return;
    }
    this.#arrived += data.byteLength;
    if (this.state !== "moving" || this.#arrived > this.size) {
      this.#spoil();
      return;
    }
    await this.#digest.add(data);
    try {
      if (this.#writer) await this.#writer.write(data);
      else this.#keep(data);
    } catch (cause) {
      this.fail("not-saved", String(cause));
    }
    this.progress(this.#arrived);
    if (this.#arrived - this.#told < TOLD_EVERY) return;
    this.#told = this.#arrived;
    this.tell({ stored: this.#told });
  }

  /** @param {ArrayBuffer} chunk */
  #keep(chunk) {
    this.#parts.push(chunk);
    this.#inMemory += chunk.byteLength;
    if (this.#inMemory < IN_MEMORY) return;
    this.#parts = [new Blob(this.#parts)];
    this.#inMemory = 0;
  }

  /** @param {unknown} digest */
  async #complete(digest) {
    if (this.#arrived !== this.size || digest !== this.#digest.value) {
      this.#spoil();
      return;
    }
    try {
      await this.#writer?.close();
    } catch (cause) {
      this.fail("not-saved", String(cause));
      return;
    }
    if (!this.#writer) this.blob = new Blob(this.#parts); // no type: an HTML page could run scripts in our origin
    this.tell({ received: true });
    this.become("done"); // the sender closes the channel
  }

  #spoil() {
    this.fail("damaged", `${this.name} is not what was offered.`);
  }

  /**
   * @param {TransferState} state
   * @param {SignalboxError} [error]
   */
  end(state, error) {
    if (this.active) this.#writer?.abort(error).catch(() => {});
    super.end(state, error);
  }
}

/** SHA-256 over the previous digest and each chunk: browsers cannot digest a stream. */
class Digest {
  #last = new Uint8Array();

  /** @param {ArrayBuffer} chunk */
  async add(chunk) {
    const joined = new Uint8Array(this.#last.length + chunk.byteLength);
    joined.set(this.#last);
    joined.set(new Uint8Array(chunk), this.#last.length);
    this.#last = new Uint8Array(await crypto.subtle.digest("SHA-256", joined));
  }

  get value() {
    return toBase64(this.#last);
  }
}
