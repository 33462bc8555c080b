// Handles an event for the servers that Signalbox is compared with. Like a tutorial's server it checks nothing. It sends
// Signalbox's fields, so that all servers send the same bytes.

const relayed = new Set(["offer", "answer", "candidate"]);
let seq = 0;

/** The output for an event: its name, its arguments, and the id of its target; without a target it goes to all. */
export function deliver(room, from, [name, payload]) {
  seq += 1;
  const ts = Date.now();
  if (name === "chat-message") {
    return { to: null, event: [name, { message: payload, id: `${from}${seq}`, seq, ts, from, name: null }] };
  }
  if (!relayed.has(name)) return null;
  const to = payload.to;
  payload.from = from;
  return { to, event: [name, payload, { from, to, room, ts, seq, cid: null, polite: true, name: null }] };
}
