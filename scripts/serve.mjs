// The process behind `npm start` and `npm run start:conformance`.

import { startDevelopment, told } from "./serving.mjs";
import { main } from "./task.mjs";

await main(async ([port, crate]) => {
  const isRoom = crate === ".";
  const server = await startDevelopment({ port: Number(port), folder: crate, isRoom });
  const paths = isRoom ? "" : ": /engine.io/ and /socket.io/";
  console.log(`${isRoom ? "Signalbox" : crate} is ready on http://localhost:${port}${paths}`);
  await told();
  await server.dispose();
});
