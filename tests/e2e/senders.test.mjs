// How the client module changes what a connection sends, beside stand-ins for the browser's senders.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { Senders } from "../../public/client/senders.js";

const camera = { kind: "video", getSettings: () => ({ width: 1280, height: 720 }) };
let set; // the values of `active` that the camera's sender got
let release; // lets the call of setParameters under way end
let senders;
let transceiver;

beforeEach(async () => {
  set = [];
  const waiting = [];
  release = async () => {
    waiting.shift()?.();
    await turn();
  };
  const sender = {
    track: camera,
    replaceTrack: async (track) => (sender.track = track),
    getParameters: () => ({ encodings: [{}], codecs: [] }),
    setParameters: ({ encodings: [{ active }] }) => {
      set.push(active);
      return new Promise((resolve) => waiting.push(resolve));
    },
  };
  transceiver = { sender, receiver: { track: { kind: "video" } } };
  const pc = { signalingState: "stable", getTransceivers: () => [transceiver] };
  const media = { track: (kind) => (kind === "video" ? camera : null) };
  senders = new Senders(pc, media, () => false);
  senders.limit({ bitrate: 1_000_000, height: 720 });
  await turn();
  assert.deepEqual(set.splice(0), [true]);
});

test("a refresh stops the encoder and starts it, once", async () => {
  await release();
  senders.refresh();
  senders.update();
  for (let count = 0; count < 4; count += 1) await release();
  assert.deepEqual(set, [false, true, true]);
});

test("a refresh in the middle of another update is not lost", async () => {
  senders.refresh();
  for (let count = 0; count < 4; count += 1) await release();
  assert.deepEqual(set, [false, true]);
});

test("after a refresh that failed halfway, the camera sends again", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  t.mock.method(console, "warn", () => {});
  await release();
  const { setParameters } = transceiver.sender;
  transceiver.sender.setParameters = async ({ encodings: [{ active }] }) => {
    set.push(active);
    if (active) throw new Error("refused");
  };
  senders.refresh();
  await turn();
  assert.deepEqual(set, [false, true]);
  transceiver.sender.setParameters = setParameters;
  t.mock.timers.tick(1_000);
  await turn();
  await release();
  assert.deepEqual(set, [false, true, true]);
});

test("a refresh without a camera does nothing", async () => {
  await release();
  transceiver.receiver.track.kind = "audio";
  senders.refresh();
  await turn();
  assert.deepEqual(set, []);
});
