// A network for one test, made of network namespaces. It has two homes, each behind a router. Between the routers is an
// internet with the server and a TURN server. The test decides what each router does to packets.
//
//   ada 10.212.1.2 ── router 10.211.1.2 ──┐
//                                         ├── internet 10.211.0.1: the server, coturn
//   bob 10.212.2.2 ── router 10.211.2.2 ──┘

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

const internet = "10.211.0.1";
const turnPort = 3478;
const secret = "north";
const prefix = `signalbox-${process.pid}`;

/** Why this process cannot make networks, or null. */
export function obstacle() {
  if (process.getuid?.() !== 0) return "only root may make network namespaces";
  const name = `${prefix}-try`;
  const isMade = spawnSync("ip", ["netns", "add", name]).status === 0;
  if (!isMade) return "this system makes no network namespaces";
  const filters = spawnSync("ip", ["netns", "exec", name, "nft", "list", "ruleset"]).status === 0;
  spawnSync("ip", ["netns", "delete", name]);
  return filters ? null : "this system has no nft";
}

function run(command, ...args) {
  const { status, stderr, stdout } = spawnSync(command, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${[command, ...args].join(" ")} ended with ${status}: ${stderr}`);
  return stdout;
}

const namespace = (name) => `${prefix}-${name}`;
const within = (name, ...words) => run("ip", "netns", "exec", namespace(name), ...words);
const ip = (name, words) => run("ip", "-n", namespace(name), ...words.split(" "));

/** Connects two namespaces: `[name, interface, address]` each. */
function wire(...ends) {
  const [[one, near], [other, far]] = ends;
  run("ip", "link", "add", "name", near, "netns", namespace(one), "type", "veth", "peer", "name", far, "netns", namespace(other));
  for (const [name, device, address] of ends) {
    ip(name, `address add ${address}/24 dev ${device}`);
    ip(name, `link set ${device} up`);
  }
}

/** One of the two home networks. */
class Home {
  #name;
  #number;
  #address;

  constructor(name, number) {
    this.#name = name;
    this.#number = number;
    this.#address = `10.212.${number}.2`;
    for (const part of [name, this.#router]) {
      run("ip", "netns", "add", namespace(part));
      // Without the check for duplicates, addresses of IPv6 are valid at once. Else they come a second or two later, and
      // browsers drop the requests under way, because the network changed.
      within(part, "sh", "-c", "echo 0 > /proc/sys/net/ipv6/conf/default/accept_dad");
      ip(part, "link set lo up");
    }
    wire([name, "eth", this.#address], [this.#router, "lan", `10.212.${number}.1`]);
    wire([this.#router, "wan", `10.211.${number}.2`], ["internet", name, `10.211.${number}.1`]);
    this.#useGateway();
    ip(this.#router, `route add default via 10.211.${number}.1`);
    ip("internet", `route add 10.212.${number}.0/24 via 10.211.${number}.2`);
    within(this.#router, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward");
    this.mend();
  }

  get #router() {
    return `${this.#name}-router`;
  }

  /** The router forwards every packet again. */
  mend() {
    this.#filter("");
  }

  /** Replaces the router's table: `rules` apply to the packets that it forwards, `more` are further chains. */
  #filter(rules, more = "") {
    const table = `flush ruleset\ntable ip home {\n chain forward {\n type filter hook forward priority 0;\n${rules}\n }\n${more}\n}\n`;
    const { status, stderr } = spawnSync("ip", ["netns", "exec", namespace(this.#router), "nft", "-f", "-"], { input: table, encoding: "utf8" });
    if (status !== 0) throw new Error(stderr);
  }

  /** Drops the packets of existing connections without an error. New connections work. */
  loseFlows() {
    const sockets = within(this.#name, "ss", "-Htuan").split("\n");
    const ports = sockets.map((line) => /:(\d+)$/.exec(line.trim().split(/\s+/)[4] ?? "")?.[1]).filter(Boolean);
    const set = `{ ${[...new Set(ports)].join(", ")} }`;
    this.#filter(["sport", "dport"].map((port) => `meta l4proto { tcp, udp } ip ${port === "sport" ? "saddr" : "daddr"} ${this.#address} th ${port} ${set} drop`).join("\n"));
  }

  /** Gives the home another address. */
  changeAddress() {
    const former = this.#address;
    this.#address = `10.212.${this.#number}.${Number(former.split(".")[3]) + 1}`;
    ip(this.#name, `address delete ${former}/24 dev eth`);
    ip(this.#name, `address add ${this.#address}/24 dev eth`);
    this.#useGateway();
  }

  #useGateway() {
    ip(this.#name, `route replace default via 10.212.${this.#number}.1 src ${this.#address}`);
  }

  blockUdp() {
    this.#filter("meta l4proto udp drop");
  }

  /** Drops this percentage of the packets in each direction. */
  lose(percent) {
    this.#filter(`numgen random mod 100 < ${percent} drop`);
  }

  /** The router is a symmetric NAT: each flow gets its own port, and packets from outside pass only in answer to a flow. */
  translate() {
    this.#filter('iifname "wan" ct state new drop', 'chain source {\n type nat hook postrouting priority 100;\n oifname "wan" masquerade fully-random\n }');
  }

  /** The path of a script that runs Chromium in this home. This Chromium trusts `origin` as if it used HTTPS. */
  chromium(folder, origin) {
    const path = join(folder, this.#name);
    const program = process.env.CHROMIUM ?? "/usr/bin/chromium";
    writeFileSync(path, `#!/bin/sh\nexec ip netns exec ${namespace(this.#name)} ${program} --unsafely-treat-insecure-origin-as-secure=${origin} "$@"\n`);
    chmodSync(path, 0o700);
    return path;
  }
}

/** The settings of a server that clients reach over this network. */
export const vars = {
  ICE_SERVERS: JSON.stringify([{ urls: `stun:${internet}:${turnPort}` }]),
  TURN_URLS: `turn:${internet}:${turnPort},turn:${internet}:${turnPort}?transport=tcp`,
  TURN_SECRET: secret,
};

/** Makes the network, with the server in it. The caller removes it: `after(() => network.remove())`. */
export async function makeNetwork(server) {
  const folder = mkdtempSync(join(tmpdir(), "signalbox-network-"));
  const programs = [];
  const remove = async () => {
    await Promise.all(programs.map((stop) => stop()));
    for (const name of ["ada", "ada-router", "bob", "bob-router", "internet"]) spawnSync("ip", ["netns", "delete", namespace(name)]);
    rmSync(folder, { recursive: true });
  };
  try {
    return { ...(await make(server, folder, programs)), remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

async function make(server, folder, programs) {
  const url = `http://${internet}:${server.port}`;
  run("ip", "netns", "add", namespace("internet"));
  ip("internet", "link set lo up");
  ip("internet", `address add ${internet}/32 dev lo`);
  within("internet", "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward");
  const homes = { ada: new Home("ada", 1), bob: new Home("bob", 2) };
  programs.push(await openGate(server, folder), await startCoturn(folder));
  return { url, ...homes, executablePath: (home) => home.chromium(folder, url) };
}

/** Starts a program in the internet and waits until it listens on `port`. Resolves to a function that ends it. */
async function startInInternet(port, ...words) {
  const child = spawn("ip", ["netns", "exec", namespace("internet"), ...words], { stdio: "ignore" });
  const exited = once(child, "exit");
  while (!within("internet", "ss", "-Hln", `sport = :${port}`)) {
    if (child.exitCode !== null) throw new Error(`${words[0]} ended with ${child.exitCode}`);
    await pause(100);
  }
  return async () => {
    child.kill("SIGKILL");
    await exited;
  };
}

/** Connects the network to the server, which runs outside of it, through a Unix socket in `folder`. */
async function openGate(server, folder) {
  const path = join(folder, "gate");
  const pass = (near, far) => {
    near.pipe(far).pipe(near);
    for (const end of [near, far]) end.on("error", () => {}).on("close", () => [near, far].forEach((other) => other.destroy()));
  };
  const listener = createServer((near) => pass(near, connect(server.port, "127.0.0.1"))).listen(path);
  await once(listener, "listening");
  const script = `const { connect, createServer } = require("node:net"); const pass = ${pass};
    createServer((near) => pass(near, connect(${JSON.stringify(path)}))).listen(${server.port}, "${internet}");`;
  const stop = await startInInternet(server.port, process.execPath, "-e", script);
  return async () => {
    listener.close();
    await stop();
  };
}

function startCoturn(folder) {
  return startInInternet(
    turnPort,
    process.env.TURNSERVER ?? "/usr/bin/turnserver",
    "-n", // no configuration file
    ...["--listening-ip", internet, "--relay-ip", internet, "--listening-port", String(turnPort)],
    ...["--use-auth-secret", "--static-auth-secret", secret, "--realm", "signalbox", "--no-cli", "--no-tls", "--no-dtls"],
    ...["--log-file", "stdout", "--simple-log", "--pidfile", join(folder, "pid"), "--userdb", join(folder, "users")],
  );
}
