// What the servers beside Signalbox do with an event: as a tutorial's server would, and with no check, but with the same
// fields as Signalbox, so that all send the same bytes.

const relayed = new Set(["offer", "answer", "candidate"]);
let seq = 0;

/** What comes of an event: its name, its arguments, and the id of who is to get it; nobody in particular is everybody. */
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
