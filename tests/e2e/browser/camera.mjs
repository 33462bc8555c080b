// A camera for tests. Its picture is small, because the processor encodes and decodes each frame.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const [width, height] = [160, 120];
const pictures = 10;

let path;

/** A file that Chromium plays as its only camera, five frames a second. It is deleted when this process exits. */
export function cameraFile() {
  if (path) return path;
  const folder = mkdtempSync(join(tmpdir(), "signalbox-camera-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  path = join(folder, "camera.y4m");
  const parts = [Buffer.from(`YUV4MPEG2 W${width} H${height} F5:1 Ip A1:1 C420mpeg2\n`)];
  for (let index = 0; index < pictures; index += 1) parts.push(Buffer.from("FRAME\n"), picture(index));
  writeFileSync(path, Buffer.concat(parts));
  return path;
}

/** One picture in YUV 4:2:0: a ramp that moves to the left. */
function picture(index) {
  const luma = Buffer.alloc(width * height);
  for (let place = 0; place < luma.length; place += 1) luma[place] = (place % width) + 8 * index;
  return Buffer.concat([luma, Buffer.alloc(luma.length / 2, 128)]);
}
