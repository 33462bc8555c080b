// @ts-check
import { Emitter } from "./emitter.js";
import { FileOffers } from "./file-offers.js";
import { FILE_PROTOCOL, OutgoingFile } from "./file.js";
import { HeldChannels } from "./held-channels.js";
import { Link } from "./link.js";
import { DATA_PROTOCOL, PeerData } from "./peer-data.js";
import { SignalboxError } from "./protocol.js";
/** @import { Connection, LeaveReason, Mesh, PeerEvents, PeerInfo } from "./types.js" */

/** Somebody else in the room. The public members are described in signalbox.d.ts. @extends {Emitter<PeerEvents>} */
export class Peer extends Emitter {
  stream = new MediaStream();

  #screen = new MediaStream();
  /** Received tracks, shown or not. A screen's sound is an audio track, too. @type {{ audio: MediaStreamTrack[], video: MediaStreamTrack | null }} */
  #tracks = { audio: [], video: null };
  /** The connection of the audio tracks. @type {Connection | null} */
  #source = null;
  #held = new HeldChannels();
  #data;
  #isGone = false;
  #link;

  /**
   * @param {PeerInfo} info
   * @param {Mesh} mesh
   */
  constructor(info, mesh) {
    super();
    this.id = info.id;
    this.joinOrder = info.joinOrder;
    this.name = info.name ?? "";
    this.host = info.host;
    this.media = info.media;
    this.handRaised = info.handRaised;
    this.away = info.away;
    const link = new Link(this, mesh);
    const files = new FileOffers(this, (file) => this.emit("file", file));
    this.#data = new PeerData((name) => this.#createDataChannel(name), (name, value) => mesh.deliver(name, value, this));
    link.on("change", () => {
      this.#show();
      if (!link.isWithheld) this.#held.release();
      this.#updateData();
      this.emit("change");
    });
    link.on("quality", () => this.emit("quality"));
    link.on("renewed", () => this.#data.suspend());
    link.on("connected", () => this.#updateData());
    link.on("track", (track, connection) => this.#addTrack(track, connection));
    link.on("screen", (track) => this.#setScreen(track));
    link.on("channel", (channel, connection) => {
      const take = () => {
        if (channel.protocol === FILE_PROTOCOL) files.take(channel, connection);
        else if (channel.protocol === DATA_PROTOCOL) this.#data.take(channel);
        else this.emit("channel", channel);
      };
      if (link.isWithheld) this.#held.hold(channel, take);
      else take();
    });
    this.#link = link;
  }

  get link() {
    return this.#link;
  }

  get state() {
    return this.#link.state;
  }

  get verified() {
    return this.#link.verified;
  }

  get withheld() {
    return this.#link.isWithheld;
  }

  get quality() {
    return this.#link.quality;
  }

  get level() {
    return this.#link.connection?.level ?? 0;
  }

  get screen() {
    return this.media.screen && !this.withheld && this.#screen.getTracks().length > 0 ? this.#screen : null;
  }

  /**
   * A new listener also gets the tracks that are already there.
   * @type {Emitter<PeerEvents>["added"]}
   */
  added(name, listener) {
    if (name === "track") for (const track of this.stream.getTracks()) listener(track, this.stream);
  }

  async stats() {
    return (await this.#link.connection?.stats()) ?? null;
  }

  /**
   * @param {string} label
   * @param {RTCDataChannelInit} [options]
   */
  createChannel(label, options) {
    const { connection } = this.#link;
    if (!connection) throw new SignalboxError("not-connected", `No connection to ${this.name || this.id} yet: wait for its state to be connected.`);
    if (this.withheld) throw new SignalboxError("not-verified", `${this.name || this.id} is not verified: wait until it is, or call trust().`);
    return connection.createChannel(label, options);
  }

  /** @param {Blob & { name?: string }} file */
  sendFile(file) {
    if (!isSecureContext) throw new SignalboxError("insecure-origin", "Files need https or localhost: elsewhere they cannot be checked.");
    const channel = this.createChannel("file", { protocol: FILE_PROTOCOL });
    const transfer = new OutgoingFile(this, channel, file);
    this.#link.connection?.on("closed", () => transfer.lose());
    return transfer;
  }

  /**
   * @param {string} name
   * @param {import("./peer-data.js").Frame} frame
   */
  async sendData(name, frame) {
    if (!this.#isGone && !this.#link.isPlain) await this.#data.send(name, frame);
  }

  /** @param {string} name */
  releaseData(name) {
    this.#data.release(name);
  }

  retry() {
    this.#link.retry();
  }

  trust() {
    this.#link.trust();
  }

  /** @param {Partial<PeerInfo>} fields */
  update(fields) {
    const { name = this.name, host = this.host, media = this.media, handRaised = this.handRaised, away = this.away } = fields;
    Object.assign(this, { name: name ?? "", host, media: { ...this.media, ...media }, handRaised, away });
    this.#show();
    this.emit("change");
  }

  /**
   * The same person joined again, under a new id.
   * @param {Peer} newcomer
   */
  adoptIdentity(newcomer) {
    this.id = newcomer.id;
    this.joinOrder = newcomer.joinOrder;
    this.update(newcomer);
    this.#link.repeat();
  }

  /** @param {LeaveReason} reason */
  close(reason) {
    this.#isGone = true;
    this.#data.clear();
    this.#link.close();
    this.emit("left", reason);
  }

  #updateData() {
    if (this.#link.isPlain) this.#data.clear(); // stock clients get none
    else if (this.withheld) this.#data.suspend();
    else this.#data.open();
  }

  /** @param {string} name */
  #createDataChannel(name) {
    const { connection } = this.#link;
    if (connection?.state !== "connected" || this.withheld) return null;
    return connection.createChannel(name, { protocol: DATA_PROTOCOL });
  }

  /**
   * @param {MediaStreamTrack} track
   * @param {Connection} connection
   */
  #addTrack(track, connection) {
    if (connection !== this.#source) this.#tracks.audio = [];
    this.#source = connection;
    if (track.kind === "audio") this.#tracks.audio.push(track);
    else this.#tracks.video = track;
    for (const event of ["mute", "unmute"]) track.addEventListener(event, () => this.#show());
    this.#show();
  }

  /**
   * Puts the tracks into the stream. A camera that is off is left out: an element would wait for its
   * picture before it plays the sound.
   */
  #show() {
    const { audio, video } = this.#tracks;
    const isOn = video && !video.muted && (this.media.video || this.#link.isPlain);
    const shown = this.withheld ? [] : isOn ? [...audio, video] : audio;
    const { stream } = this;
    for (const former of stream.getTracks()) if (!shown.includes(former)) stream.removeTrack(former);
    for (const track of shown) {
      if (stream.getTracks().includes(track)) continue;
      stream.addTrack(track);
      this.emit("track", track, stream);
    }
  }

  /** @param {MediaStreamTrack} track */
  #setScreen(track) {
    for (const former of this.#screen.getTracks()) this.#screen.removeTrack(former);
    this.#screen.addTrack(track);
    this.emit("change");
  }
}
