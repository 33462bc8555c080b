// Installs what the commands need, unless it is there.

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { ask, executable, inRoot, isWindows, mustRun, npm, pinnedNode, Problem, works } from "./task.mjs";

export const wasmTarget = "wasm32-unknown-unknown";

/** The npm packages of package-lock.json. */
export async function npmPackages(busy) {
  if (Number(process.versions.node.split(".")[0]) < 20) {
    throw new Problem(`Node.js ${process.versions.node} is too old: install Node.js 20 or newer, then run this again`);
  }
  if (isInstalled(".") && existsSync(pinnedNode)) return "in place";
  busy("installing, about half a minute");
  return npmInstall(".");
}

/** The socket.io-clients of tests/interop/package-lock.json. */
export async function interopPackages(busy) {
  const folder = "tests/interop";
  if (isInstalled(folder)) return "in place";
  busy("installing, some seconds");
  return npmInstall(folder);
}

/** npm writes its hidden lock file last, so its time tells whether the installation is complete and up to date. */
function isInstalled(folder) {
  const installed = inRoot(folder, "node_modules/.package-lock.json");
  const changed = (file) => statSync(file).mtimeMs;
  return existsSync(installed) && changed(installed) >= changed(inRoot(folder, "package-lock.json"));
}

async function npmInstall(folder) {
  await npm(["ci", "--prefix", folder, "--no-audit", "--no-fund", "--loglevel=error"], {
    remedy: "check that the npm registry can be reached, then run this again",
  });
  return "installed";
}

/** The servers on Node that the benchmarks compare with. */
export async function benchPackages(busy) {
  const folder = "tests/bench";
  if (isInstalled(folder)) return "in place";
  busy("installing, some seconds");
  return npmInstall(folder);
}

/** The program of the workerd of this version: the pinned one, unless a version is given. */
export const workerdProgram = (version) =>
  inRoot(version ? `.tools/workerd-${version}` : ".", "node_modules/workerd/bin/workerd");

/** A workerd of another version than the pinned one. */
export async function workerd(busy, version) {
  if (existsSync(workerdProgram(version))) return "in place";
  busy("installing, some seconds");
  const folder = inRoot(`.tools/workerd-${version}`);
  mkdirSync(folder, { recursive: true });
  await npm(["install", "--prefix", folder, "--no-save", "--no-audit", "--no-fund", "--loglevel=error", `workerd@${version}`], {
    remedy: "give a version that `npm view workerd versions` lists, such as 1.20261117.1",
  });
  return "installed";
}

/** cargo, a linker and the wasm target. */
export async function rust(busy) {
  const version = await ask("cargo", "--version");
  if (!version) {
    throw new Problem("Rust is missing: install it from https://rustup.rs, then run this again in a new terminal");
  }
  await linker(busy);
  const libraries = await ask("rustc", "--print", "target-libdir", "--target", wasmTarget);
  if (!libraries || !existsSync(libraries)) {
    if (!(await works("rustup", "--version"))) {
      throw new Problem(`Rust's ${wasmTarget} target is missing and there is no rustup to add it: install Rust from https://rustup.rs, then run this again`);
    }
    busy(`adding the target ${wasmTarget}`);
    await mustRun("rustup", ["target", "add", wasmTarget], {
      remedy: "check that rustup's server can be reached, then run this again",
    });
  }
  return version;
}

/** The linker for the build's own programs. On Windows rustup installs it, or says where to get it. */
async function linker(busy) {
  if (isWindows || (await works("cc", "--version"))) return;
  if (process.platform === "darwin") throw new Problem("a C compiler is missing: run xcode-select --install, then run this again");
  await debianPackages(busy, "a C compiler", "gcc", "libc6-dev");
}

/** rustfmt and clippy, which a minimal Rust lacks. */
export async function rustLints(busy) {
  const missing = [];
  if (!(await works("cargo", "fmt", "--version"))) missing.push("rustfmt");
  if (!(await works("cargo", "clippy", "--version"))) missing.push("clippy");
  if (missing.length === 0) return "in place";
  busy(`adding ${missing.join(" and ")}`);
  await mustRun("rustup", ["component", "add", ...missing], {
    remedy: "install these components of Rust, then run this again",
  });
  return "installed";
}

const bindgenTarget = "target/bindgen";
/** The program of tools/bindgen. */
export const bindgen = executable(inRoot(bindgenTarget, "debug", "signalbox-bindgen"));

/** The version of a package in a lock file of cargo's. */
function lockedVersion(lock, name) {
  return new RegExp(`name = "${name}"\nversion = "([^"]+)"`).exec(readFileSync(inRoot(lock), "utf8"))?.[1];
}

/** Compiles tools/bindgen. The program can only read the output of its own version of wasm-bindgen. */
export async function rustTools() {
  const wanted = lockedVersion("Cargo.lock", "wasm-bindgen");
  const present = lockedVersion("tools/bindgen/Cargo.lock", "wasm-bindgen-cli-support");
  if (wanted !== present) {
    throw new Problem(`Cargo.lock has wasm-bindgen ${wanted}, tools/bindgen ${present}: set the version in tools/bindgen/Cargo.toml, then run cargo update there`);
  }
  await mustRun("cargo", ["build", "--quiet", "--locked", "--manifest-path", "tools/bindgen/Cargo.toml"], {
    env: { CARGO_TARGET_DIR: inRoot(bindgenTarget) },
    yields: true, // the Worker is compiled at the same time, and takes longer
    remedy: "check that the crates registry can be reached, then run this again",
  });
}

/** The library OpenSSL, which some crates link on Linux. */
async function opensslLibrary(busy) {
  if (process.platform !== "linux" || process.env.OPENSSL_DIR || (await works("pkg-config", "--exists", "openssl"))) return;
  await debianPackages(busy, "OpenSSL's development package", "pkg-config", "libssl-dev");
}

const interopTarget = "target/interop";
/** A program of tests/interop/rust. */
export const rustPeer = (name) => executable(inRoot(interopTarget, "debug", name));

/** The programs of tests/interop/rust, compiled. */
export async function interopRust(busy) {
  await opensslLibrary(busy); // the clients support TLS
  const isFirst = !existsSync(rustPeer("socketio"));
  if (isFirst) busy("compiling rust_socketio, one to two minutes the first time");
  await mustRun("cargo", ["build", "--quiet", "--locked", "--manifest-path", "tests/interop/rust/Cargo.toml"], {
    env: { CARGO_TARGET_DIR: inRoot(interopTarget) },
    remedy: "check that the crates registry can be reached, then run this again",
  });
  return isFirst ? "compiled" : "up to date";
}

const benchTarget = "target/bench";

export const benchProgram = (name) => executable(inRoot(benchTarget, "release", name));

/** The programs of the benchmarks. */
export const benchRust = (busy) => benchCrate(busy, "tests/bench");

/** The native server that the benchmarks compare with. */
export const benchSocketioxide = (busy) => benchCrate(busy, "tests/bench/socketioxide");

async function benchCrate(busy, folder) {
  busy("compiling, a minute the first time");
  await mustRun("cargo", ["build", "--quiet", "--locked", "--release", "--manifest-path", `${folder}/Cargo.toml`], {
    env: { CARGO_TARGET_DIR: inRoot(benchTarget) },
    remedy: "check that the crates registry can be reached, then run this again",
  });
  return "compiled";
}

/** The update of Debian's lists of packages. One is enough for a run. */
let updated;

/** Installs Debian packages if it may; otherwise says which to install. */
async function debianPackages(busy, what, ...packages) {
  const command = `apt-get install ${packages.join(" ")}`;
  if (process.getuid?.() !== 0 || !(await works("apt-get", "--version"))) {
    throw new Problem(`${what} is missing: install it (on Debian: sudo ${command}), then run this again`);
  }
  busy(`${what} is missing, running ${command}`);
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  const remedy = "check that Debian's package server can be reached, then run this again";
  updated ??= mustRun("apt-get", ["update", "-q"], { env, remedy });
  await updated;
  await mustRun("apt-get", ["install", "-q", "-y", "--no-install-recommends", ...packages], { env, remedy });
}

/** The Python of the system, and that of a virtual environment. */
const systemPython = isWindows ? "python" : "python3";
const pythonIn = (folder) => executable(`${folder}/${isWindows ? "Scripts" : "bin"}/python`);

const pythonFolder = inRoot(".tools/python");
/** A Python with the packages of tests/e2e/requirements.txt. */
export const pythonPath = pythonIn(pythonFolder);

/** Installs it. */
export const python = (busy) => pythonPackages(busy, pythonFolder, "tests/e2e/requirements.txt");

const oldPythonFolder = inRoot(".tools/python-4");
/** A Python with python-socketio 4: the packages of tests/interop/requirements-4.txt. */
export const oldPythonPath = pythonIn(oldPythonFolder);

/** Installs it. */
export const oldPython = (busy) => pythonPackages(busy, oldPythonFolder, "tests/interop/requirements-4.txt");

async function pythonPackages(busy, folder, file) {
  const requirements = inRoot(file);
  const wanted = createHash("sha256").update(readFileSync(requirements)).digest("hex");
  const stamp = `${folder}/requirements.sha256`;
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return "in place";
  if (!(await works(systemPython, "-c", "import ensurepip, venv"))) {
    await debianPackages(busy, "Python's venv", "python3", "python3-venv");
  }
  busy("installing python-socketio, some seconds");
  mkdirSync(inRoot(".tools"), { recursive: true });
  await mustRun(systemPython, ["-m", "venv", "--clear", folder]);
  await mustRun(pythonIn(folder), ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement", requirements], {
    remedy: "check that the Python package index can be reached, then run this again",
  });
  writeFileSync(stamp, wanted);
  return "installed";
}

/** The Chromium that the browser tests drive. */
export const chromiumPath = () => process.env.CHROMIUM || "/usr/bin/chromium";

/** The Firefox that the browser tests drive. */
export const firefoxPath = () => process.env.FIREFOX || "/usr/bin/firefox-esr";

/** The TURN server of the browser tests. */
export const coturnPath = () => process.env.TURNSERVER || "/usr/bin/turnserver";

export const chromium = (busy) => program(busy, chromiumPath(), "CHROMIUM", "chromium");
export const firefox = (busy) => program(busy, firefoxPath(), "FIREFOX", "firefox-esr");
export const coturn = (busy) => program(busy, coturnPath(), "TURNSERVER", "coturn");

/** The program that makes the certificate of the TURN server. */
export const openssl = (busy) => onPath(busy, "openssl", "version");

/** The program that runs the documented requests to the API. */
export const curl = (busy) => onPath(busy, "curl", "--version");

/** A virtual display for browsers that need one. */
export async function display(busy) {
  if (process.platform !== "linux") return "not Linux: browsers use the display there is";
  return program(busy, process.env.XVFB || "/usr/bin/Xvfb", "XVFB", "xvfb");
}

/** WebKitGTK's driver. */
export async function webkit(busy) {
  if (process.platform !== "linux") return "not Linux: the tests of WebKit will be skipped";
  return program(busy, process.env.WEBKIT_DRIVER || "/usr/bin/WebKitWebDriver", "WEBKIT_DRIVER", "webkit2gtk-driver");
}

/** The tools of the network tests. Where these tests cannot run, they are skipped and say why. */
export async function networkTools(busy) {
  if (process.platform !== "linux" || process.getuid() !== 0) return "not root: the tests of networks will be skipped";
  if (!(await works("ip", "-V")) || !(await works("nft", "--version"))) await debianPackages(busy, "ip or nft", "iproute2", "nftables");
  return "in place";
}

/** A program that is called by its name. Its Debian package has that name. `argument` makes it print its version. */
async function onPath(busy, name, argument) {
  if (!(await works(name, argument))) await debianPackages(busy, name, name);
  return "in place";
}

/** A program of a Debian package, or the one that the environment variable names. */
async function program(busy, path, variable, packageName) {
  if (!existsSync(path)) {
    if (process.env[variable]) throw new Problem(`${variable} names ${path}, which does not exist: correct it or unset it`);
    await debianPackages(busy, `${path} (or another, named by ${variable})`, packageName);
  }
  return path;
}
