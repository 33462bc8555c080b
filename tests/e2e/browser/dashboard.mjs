// Draws docs/metrics.svg: node tests/e2e/browser/dashboard.mjs
// Browsers and stock clients use rooms of a local server for a minute. The queries of docs/metrics.md then run over the points that
// it wrote, with SQLite in place of the platform.

import { writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { inRoot } from "../../../scripts/task.mjs";
import { blocksOf } from "../documents.mjs";
import { metrics, points } from "../points.mjs";
import { ask, connect, once, startServer } from "../support.mjs";
import { startCoturn } from "./coturn.mjs";
import { connected, joinAs, moduleUser } from "./module-user.mjs";
import { launch, otherSite } from "./support.mjs";

const coturn = await startCoturn();
const server = await startServer({ metrics, vars: { ...coturn.vars, ALLOWED_ORIGINS: "*", MAX_PEERS: "4", RECOVERY_MS: "5000" } });
const site = await otherSite(server, "");
const browser = await launch();
try {
  await use();
  writeFileSync(inRoot("docs/metrics.svg"), drawing(results(points(server))));
} finally {
  await browser.close();
  await site.close();
  await server.stop();
  await coturn.stop();
}

/** What happens in the rooms. */
async function use() {
  const come = async (room, options) => {
    const page = await moduleUser({ browser, site, server });
    await joinAs(page, room, "Ada", { reportOutcomes: true, ...options });
    return page;
  };
  const rooms = { standup: [3, {}], lesson: [4, {}], clinic: [2, { iceTransportPolicy: "relay" }] };
  const pages = [];
  for (const [room, [size, options]] of Object.entries(rooms)) {
    const here = [];
    for (let n = 0; n < size; n++) here.push(await come(room, options));
    for (const page of here) await connected(page, size - 1);
    pages.push(...here);
  }

  coturn.freeze();
  const [blocked] = [await come("blocked", rooms.clinic[1]), await come("blocked", rooms.clinic[1])];
  await blocked.waitForFunction(() => [...window.room.peers.values()][0].state === "failed");
  coturn.thaw();

  const host = await connect(server, { room: "members" });
  await ask(host, "room:join", {});
  await ask(host, "host:password", { password: "sesame" });
  for (const password of ["open", "please"]) await ask(await connect(server, { room: "members" }), "room:join", { password });
  for (let n = 0; n < 5; n++) await ask(await connect(server, { room: "town-hall" }), "room:join", { media: { audio: true } });

  const watcher = await connect(server, { room: "lobby" });
  await ask(watcher, "room:join", {});
  for (let n = 0; n < 6; n++) {
    const socket = await connect(server, { room: "lobby", transports: ["websocket"], reconnection: n > 0 });
    await ask(socket, "room:join", {});
    const end = once(watcher, n > 0 ? "peer:back" : "peer:left");
    socket.io.engine.close();
    await end;
  }
  for (const page of pages) await page.evaluate(() => window.room.leave());
  await server.logged(/"leave","clinic"/);
}

/** The rows of each query of docs/metrics.md, in their order. */
function results(points) {
  const database = new DatabaseSync(":memory:");
  database.exec("CREATE TABLE signalbox (_sample_interval, blob1, blob2, blob3, double1, double2)");
  const insert = database.prepare("INSERT INTO signalbox VALUES (1, ?, ?, ?, ?, ?)");
  for (const { blobs, doubles } of points) insert.run(...blobs, ...doubles);
  database.aggregate("quantile", {
    start: () => [],
    step: (values, level, value, weight) => [...values, { level, value, weight }],
    result(values) {
      const sorted = values.toSorted((one, other) => one.value - other.value);
      let rest = (sorted[0]?.level ?? 0) * sorted.reduce((sum, { weight }) => sum + weight, 0);
      return sorted.find(({ weight }) => (rest -= weight) <= 0)?.value ?? null;
    },
  });
  const ofSqlite = (query) => query
    .replace("toStartOfInterval(timestamp, INTERVAL '1' HOUR)", "0")
    .replace("timestamp > NOW() - INTERVAL '1' DAY", "TRUE")
    .replaceAll(/quantileExactWeighted\(([\d.]+)\)\(/g, "quantile($1, ")
    .replaceAll("IF(", "IIF(");
  const queries = blocksOf("docs/metrics.md").filter(({ language }) => language === "sql");
  return queries.map(({ code }) => database.prepare(ofSqlite(code)).all());
}

/** The results as an image: a panel with bars for each. */
function drawing([joins, [recoveries], leaves, outcomes, rooms]) {
  const ms = (value) => `${Math.round(value)} ms`;
  const connections = outcomes.filter(({ outcome }) => ["direct", "relayed"].includes(outcome));
  const panels = [
    ["Joins and refusals", joins.map(({ event, reason, times }) => [`${event} ${reason}`, times, times])],
    ["Leaves, by reason", leaves.map(({ reason, leaves }) => [reason, leaves, leaves])],
    ["Outcomes of connections", outcomes.map(({ outcome, times }) => [outcome, times, times])],
    ["Until connected", connections.flatMap(({ outcome, median_ms, p95_ms }) => [[`${outcome}, median`, median_ms, ms(median_ms)], [`${outcome}, 95 %`, p95_ms, ms(p95_ms)]])],
    [`Away until back, ${recoveries.recoveries} times`, [["median", recoveries.median_ms, ms(recoveries.median_ms)], ["95 %", recoveries.p95_ms, ms(recoveries.p95_ms)]]],
    ["Signals, by room", rooms.slice(0, 5).map(({ room, peers, signals }) => [`${room}, ${peers} peers`, signals, signals])],
  ];
  const rowHeight = 22;
  const height = 60 + Math.max(...panels.map(([, rows]) => rows.length)) * rowHeight;
  const panel = ([title, rows], index) => {
    const longest = Math.max(...rows.map(([, value]) => value), 1);
    const bars = rows.map(([label, value, shown], row) => {
      const y = 54 + row * rowHeight;
      const width = Math.max(1, Math.round((110 * value) / longest));
      return `<text x="138" y="${y}" text-anchor="end">${label.trim()}</text><rect x="146" y="${y - 12}" width="${width}" height="15" fill="#4a7ab8"/><text x="${152 + width}" y="${y}">${shown}</text>`;
    });
    return `<g transform="translate(${16 + (index % 2) * 372} ${16 + Math.floor(index / 2) * (height + 12)})">
    <rect width="356" height="${height}" rx="8" fill="#fff" stroke="#8fa6c2"/>
    <text x="14" y="26" font-size="14" font-weight="600">${title}</text>
    ${bars.join("\n    ")}
  </g>`;
  };
  const total = 20 + 3 * (height + 12);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 ${total}" role="img" aria-labelledby="title" font-family="system-ui, sans-serif" font-size="12" fill="#1d2a3a">
  <title id="title">The results of the queries, as bars</title>
  <rect width="760" height="${total}" rx="12" fill="#f6f8fb"/>
  ${panels.map(panel).join("\n  ")}
</svg>
`;
}
