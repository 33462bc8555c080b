// `npm run token` and `signalbox token`: makes a token, or checks one as a room does, and says why the room would refuse it.

import { createHmac, timingSafeEqual } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, parseEnv } from "node:util";
import { main, Problem, root } from "./task.mjs";

const about = (command) => `${command} make ROOM [options]    prints a token for a room
${command} check TOKEN [options]  says whether a token is valid, and why not

  --name NAME    make: the name of the peer
  --sub ID       make: the subject; a kick bans it
  --ref TEXT     make: the text that identifies the peer in the log
  --host         make: the peer is host
  --for TIME     make: how long the token is valid, such as 45s, 30m, 12h or 7d; 1h by default
  --room ROOM    check: the room that the token should be for

The secret is TOKEN_SECRET in the environment or in .dev.vars. A check also accepts TOKEN_SECRET_OLD. It does not know MAX_TOKEN_LIFE.`;

const flags = { name: {}, sub: {}, ref: {}, for: {}, room: {}, host: { type: "boolean" }, help: { type: "boolean" } };
const skew = 60; // seconds; clocks may differ by this
const milliseconds = 1e11; // a larger time is in milliseconds by mistake

/** Why a token is refused. */
class Refused extends Error {}

function refuse(why) {
  throw new Refused(why);
}

/**
 * Makes or checks a token, as `args` say, with the .dev.vars of `folder`. Users type `name` before these arguments.
 * Returns 1 if it refuses a token.
 */
export function token(args, name, folder) {
  const { values, positionals } = read(args, name);
  const [command, subject, ...more] = positionals;
  if (values.help || !command) return console.log(about(name));
  if (!subject || more.length > 0 || !["make", "check"].includes(command)) {
    throw new Problem(`${name} takes make ROOM or check TOKEN: see ${name} --help`);
  }
  const secrets = knownSecrets(folder);
  if (command === "make") return console.log(make(secrets[0], subject, values));
  try {
    console.log(`valid: ${describe(check(secrets, subject, values.room))}`);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    console.log(`refused: ${error.message}`);
    return 1;
  }
}

function read(args, name) {
  const options = Object.fromEntries(Object.entries(flags).map(([name, flag]) => [name, { type: "string", ...flag }]));
  try {
    return parseArgs({ args, options, allowPositionals: true });
  } catch (error) {
    throw new Problem(`${error.message.split(". ")[0]}: see ${name} --help`);
  }
}

/** The secret that signs, and the previous one if there is one. */
function knownSecrets(folder) {
  const file = join(folder, ".dev.vars");
  const known = { ...(existsSync(file) ? parseEnv(readFileSync(file, "utf8")) : {}), ...process.env };
  const secrets = [known.TOKEN_SECRET, known.TOKEN_SECRET_OLD].map((secret) => secret?.trim());
  if (!secrets[0]) throw new Problem(`there is no TOKEN_SECRET: put it into the environment or ${file}`);
  if (secrets.some((secret) => secret && Buffer.byteLength(secret) < 32)) {
    throw new Problem("a secret has 32 or more bytes: `openssl rand -base64 48` makes one");
  }
  return secrets.filter(Boolean);
}

function make(secret, room, { name, sub, ref, host, for: time = "1h" }) {
  const [, number, unit] = /^(\d+)([smhd])$/.exec(time) ?? [];
  if (!Number(number)) throw new Problem(`--for is ${time}: give a time such as 45s, 30m, 12h or 7d`);
  const exp = Math.floor(Date.now() / 1000) + number * { s: 1, m: 60, h: 3600, d: 86_400 }[unit];
  if (exp >= milliseconds) throw new Problem(`--for is ${time}: give a shorter time, such as 7d`);
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const claims = { room: room.normalize(), exp, name, sub, ref, role: host ? "host" : undefined };
  const signed = `${part({ alg: "HS256", typ: "JWT" })}.${part(claims)}`;
  return `${signed}.${sign(secret, signed).toString("base64url")}`;
}

function sign(secret, text) {
  return createHmac("sha256", secret).update(text).digest();
}

/** The claims of a token that one of these secrets signed. The checks have the same order as in a room. */
function check(secrets, token, room) {
  const [header, payload, signature, ...more] = token.split(".");
  const { alg, crit } = decode(header) ?? {};
  if (signature === undefined || more.length > 0 || typeof alg !== "string" || isTwice(header, "alg")) refuse("it is no JWT");
  if (alg !== "HS256" || crit !== undefined) refuse("it is not signed with HS256");
  const shown = Buffer.from(signature, "base64url");
  const signs = (secret) => {
    const expected = sign(secret, `${header}.${payload}`);
    return shown.length === expected.length && timingSafeEqual(shown, expected);
  };
  if (!secrets.some(signs)) refuse("its signature is wrong");
  const claims = decode(payload);
  if (typeof claims !== "object" || claims === null || Array.isArray(claims)) refuse("it is no JWT");
  const get = (name, type, form) => {
    if (isTwice(payload, name)) refuse(`its ${name} is there twice`);
    const value = claims[name] ?? undefined;
    const fits = typeof value === type && (type !== "number" || Number.isFinite(value));
    if (value !== undefined && !fits) refuse(`its ${name} has to be ${form}`);
    return value;
  };
  const text = (name) => get(name, "string", "a text");
  const time = (name) => get(name, "number", "a number of seconds since 1970");
  const found = { room: text("room") ?? refuse("its room is missing"), exp: time("exp") ?? refuse("its exp is missing"), nbf: time("nbf") };
  for (const name of ["exp", "nbf"]) {
    if (found[name] >= milliseconds) refuse(`its ${name} is in milliseconds: it has to be in seconds`);
  }
  for (const name of ["sub", "name", "role"]) found[name] = text(name);
  if (found.role !== "host" && found.role?.trim().toLowerCase() === "host") refuse('its role has to be written "host"');
  found.ref = text("ref");
  if (room !== undefined && found.room !== room.normalize()) refuse("it is for another room");
  const now = Date.now() / 1000;
  if (found.exp + skew <= now) refuse("it has expired");
  if (found.nbf - skew > now) refuse("it is not valid yet");
  return found;
}

function decode(part = "") {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(Buffer.from(part, "base64url")));
  } catch {
    return undefined;
  }
}

/** Whether an object has several fields of this name. */
function isTwice(part, name) {
  return topNames(Buffer.from(part, "base64url").toString()).filter((known) => known === name).length > 1;
}

/** The names of an object's fields, with repetitions. (JSON.parse keeps only the last field of a name.) */
function topNames(json) {
  const names = [];
  let depth = 0;
  for (const [token] of json.matchAll(/"(?:[^"\\]|\\.)*"(?:\s*:)?|[{}[\]]/g)) {
    if ("{[".includes(token)) depth += 1;
    else if ("}]".includes(token)) depth -= 1;
    else if (depth === 1 && token.endsWith(":")) names.push(JSON.parse(token.slice(0, -1)));
  }
  return names;
}

function describe({ room, exp, name, sub, ref, role }) {
  const minutes = Math.round((exp - Date.now() / 1000) / 60);
  const known = Object.entries({ name, sub, ref }).filter(([, value]) => value !== undefined);
  const claims = known.map(([claim, value]) => `, ${claim} ${JSON.stringify(value)}`);
  return `for the room ${room}${claims.join("")}${role === "host" ? ", as host" : ""}, until ${new Date(exp * 1000).toISOString()} (${minutes} min)`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main((args) => token(args, "npm run token --", root));
