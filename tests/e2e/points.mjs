// A script in place of the data set of metrics. It prints the data points, so that tests can read them.

/** The script of a data set that prints its points: an option of `startServer`. */
export const metrics = `
import { WorkerEntrypoint } from "cloudflare:workers";
export default class extends WorkerEntrypoint {
  writeDataPoint(point) { console.log("point " + JSON.stringify(point)); }
}`;

/** The points that a server with this data set has written. */
export const points = (server) =>
  server.logs.filter(({ message }) => message.startsWith("point ")).map(({ message }) => JSON.parse(message.slice("point ".length)));
