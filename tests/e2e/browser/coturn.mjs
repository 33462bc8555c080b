// Starts a TURN server for one test: coturn on 127.0.0.1, configured as the documents say. Its folder is deleted
// when it stops.

import { execFile, spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { example } from "../documents.mjs";
import { freePort } from "../support.mjs";

/** Ports above those that the system gives to clients. */
const relayPorts = ["--min-port", "61000", "--max-port", "65535"];

/** How long coturn may take until it answers, in milliseconds. */
const timeoutMs = 15_000;

/**
 * Starts coturn and resolves once it answers. The caller stops it: `after(() => coturn.stop())`.
 * The result's `vars` are the settings of a deployment that uses this relay. With `tls` coturn also serves over TLS, on the
 * result's `tlsPort`.
 */
export async function startCoturn({ secret = "north", tls = false } = {}) {
  const port = await freePort();
  const tlsPort = tls ? await freePort() : undefined;
  const folder = mkdtempSync(join(tmpdir(), "signalbox-coturn-"));
  const configuration = join(folder, "turnserver.conf");
  const documented = example("coturn").replace(/^(static-auth-secret=).*$/m, `$1${secret}`);
  writeFileSync(configuration, documented + (tls ? await overTls(folder, tlsPort) : "no-tls\n"));
  const child = spawn(
    process.env.TURNSERVER ?? "/usr/bin/turnserver",
    [
      ...["-c", configuration],
      ...["--listening-ip", "127.0.0.1", "--relay-ip", "127.0.0.1", "--listening-port", String(port), ...relayPorts],
      ...["--allow-loopback-peers", "--no-cli", "--no-dtls"],
      ...["--log-file", "stdout", "--simple-log", "--pidfile", join(folder, "pid"), "--userdb", join(folder, "users")],
    ],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (output += text));
  const exited = once(child, "exit");
  const stop = async () => {
    child.kill("SIGKILL"); // it may be frozen
    await exited;
    rmSync(folder, { recursive: true });
  };
  try {
    const ended = exited.then(([code]) => Promise.reject(new Error(`coturn ended with ${code}`)));
    await Promise.race([answers(port), ended]);
  } catch (error) {
    if (child.exitCode === null) await stop();
    throw new Error(`${error.message}:\n${output}`, { cause: error });
  }
  return {
    port,
    tlsPort,
    vars: { TURN_URLS: `turn:127.0.0.1:${port}`, TURN_SECRET: secret },
    /** Stops the relay silently: neither end gets an error. */
    freeze: () => child.kill("SIGSTOP"),
    thaw: () => child.kill("SIGCONT"),
    stop,
  };
}

/** The documented lines for TLS, with this port and a certificate that is made for the test. */
async function overTls(folder, port) {
  const [cert, pkey] = ["cert.pem", "pkey.pem"].map((name) => join(folder, name));
  const request = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=turn.example.com", "-out", cert, "-keyout", pkey];
  await promisify(execFile)("openssl", request);
  const values = { "tls-listening-port": port, cert, pkey };
  return example("coturn-tls").replaceAll(/^([\w-]+)=.*$/gm, (_, name) => `${name}=${values[name]}`);
}

/** The password that coturn expects for a username. */
export const password = (secret, username) => createHmac("sha1", secret).update(username).digest("base64");

/** Resolves when a STUN server answers on a UDP port. */
async function answers(port) {
  const socket = createSocket("udp4").on("error", () => {}); // nobody listens yet
  const request = Buffer.from("0001" + "0000" + "2112a442" + "00".repeat(12), "hex"); // RFC 5389, section 6
  const ask = () => socket.send(request, port, "127.0.0.1");
  const asking = setInterval(ask, 50);
  try {
    await once(socket, "message", { signal: AbortSignal.timeout(timeoutMs) });
  } catch (error) {
    throw new Error(`coturn did not answer within ${timeoutMs} ms`, { cause: error });
  } finally {
    clearInterval(asking);
    socket.close();
  }
}
