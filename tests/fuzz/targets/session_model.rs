//! Sessions compared with a naive model of what their clients must receive: each message once and
//! in order, as soon as possible. Polls, upgrades, losses of memory, late alarms, a clock that is
//! set back and killed servers come in any order. The clients follow the rules; some disconnect,
//! are disconnected or are lost.

use signalbox::engine::Config;

use super::bytes::Bytes;
use super::client::{BASE64, BINARY, Client, Link, part};
use crate::raw::{Raw, defaults, script};
use crate::support::{
    Done, POLLING_3, Script, WEBSOCKET_3, accepted, at, closed, dismissed, ok, refused,
};

/// How long a poll is held during an upgrade (U-8), and how long one that came just before it.
const HOLD: u64 = 100;
const OVERTAKING: u64 = 20;

/// How long clients may be silent: less than pingTimeout.
const QUIET: u64 = 15_000;

struct Model<'a> {
    script: Script<Raw>,
    bytes: Bytes<'a>,
    clients: Vec<Client>,
    /// Connections that the server must close.
    closing: Vec<u64>,
    quiet: u64,
    late: bool,
    /// By how much the clock was set back, in milliseconds: deadlines pass later by this.
    back: u64,
    /// Whether the platform answers pongs.
    absorbs: bool,
    said: usize,
    received: usize,
}

/// Returns how many messages were received.
pub fn session_model(bytes: &[u8]) -> usize {
    let mut bytes = Bytes::new(bytes);
    let absorbs = bytes.chance(2);
    let config = if absorbs {
        Config::default()
    } else {
        defaults()
    };
    let mut model = Model {
        script: script(config),
        bytes,
        clients: Vec::new(),
        closing: Vec::new(),
        quiet: 0,
        late: false,
        back: 0,
        absorbs,
        said: 0,
        received: 0,
    };
    while !model.bytes.is_empty() {
        model.step();
        model.settle();
    }
    model.pass(1);
    for _ in 0..100 {
        model.everyone_polls(); // a response of revision 3 has at most 16 packets
    }
    model.settle();
    assert!(model.clients.iter().all(|client| client.owed.is_empty()));
    assert!(model.closing.is_empty(), "{:?} are open", model.closing);
    model.received
}

impl Model<'_> {
    fn step(&mut self) {
        let count = self.clients.len();
        match self.bytes.below(32) {
            0 if count < 3 => self.open(),
            16 => self.set_clock_back(),
            17 if self.bytes.chance(4) => self.kill(),
            1 => {
                self.script.lose_memory();
            }
            2 | 3 => {
                let millis = *self.bytes.pick(&[1, 50, 99, 100, 1_000, 5_000, 12_000]);
                self.pass(millis);
            }
            kind @ 4.. if count > 0 => {
                let who = self.bytes.below(count);
                match kind {
                    4..=6 | 26..30 => self.poll(who),
                    7 | 8 | 18..25 => self.say(who),
                    9 | 25 => self.probe(who),
                    10..=13 => self.on_probe(who, kind),
                    30.. => self.on_probe(who, kind - 20),
                    14 => self.overdue(who),
                    _ => match self.bytes.below(8) {
                        0 => self.lose(who),
                        1 => self.end(who, "1", "6"),
                        2 => self.end(who, "4bye", "1"),
                        _ => {}
                    },
                }
            }
            _ => {}
        }
    }

    fn open(&mut self) {
        let old = self.bytes.chance(3).then(|| *self.bytes.pick(&BASE64));
        let (sid, link) = if self.bytes.chance(3) {
            let connection = match old {
                None => self.script.open_websocket(),
                Some(end) => {
                    let query = format!("{WEBSOCKET_3}{end}");
                    let connection = self.script.upgrade(&query);
                    self.script.take_of(connection);
                    connection
                }
            };
            (String::new(), Link::WebSocket(connection))
        } else {
            let sid = match old {
                None => self.script.open_polling(),
                Some(end) => {
                    let query = format!("{POLLING_3}{end}");
                    let session = self.script.open_revision_3(&query);
                    session.rsplit('=').next().unwrap().to_owned()
                }
            };
            (sid, Link::Polling)
        };
        self.clients.push(Client::new(sid, old, link));
    }

    fn poll(&mut self, who: usize) {
        let client = &self.clients[who];
        if client.poll.is_some() || client.sid.is_empty() {
            return;
        }
        self.give_up_probe(who);
        let client = &mut self.clients[who];
        let poll = self.script.get(&client.query("polling"));
        if let Link::WebSocket(_) = client.link {
            let code = if client.old.is_some() { 1 } else { 3 };
            assert_eq!(self.script.take_of(poll), [refused(poll, code)]);
        } else {
            client.poll = Some(poll);
            client.polled = self.script.now();
            client.released = matches!(client.link, Link::Probing { probed: true, .. });
        }
    }

    /// All clients poll, and clients of revision 3 ping.
    fn everyone_polls(&mut self) {
        for who in 0..self.clients.len() {
            if self.clients[who].old.is_some() {
                self.clients[who].owed.push_back("3".to_owned());
                self.write(who, "2");
            }
            self.poll(who);
        }
        self.settle();
    }

    /// A client sends some messages, on polling in one request: texts, which all clients get, and
    /// bytes, which only it gets.
    fn say(&mut self, who: usize) {
        let mut packets = Vec::new();
        for _ in 0..=self.bytes.below(4) {
            if self.bytes.chance(4) {
                let (_, part) = *self.bytes.pick(&BINARY);
                self.clients[who].owed.push_back(part.to_owned());
                packets.push(part.to_owned());
                continue;
            }
            self.said += 1;
            let message = format!("4all {} 中", self.said);
            for client in &mut self.clients {
                client.owed.push_back(message.clone());
            }
            packets.push(message);
        }
        self.write_all(who, &packets);
    }

    fn write(&mut self, who: usize, packet: &str) {
        self.write_all(who, &[packet.to_owned()]);
    }

    fn write_all(&mut self, who: usize, packets: &[String]) {
        let client = &self.clients[who];
        if let Link::WebSocket(connection) = client.link {
            for packet in packets {
                let known = BINARY.iter().find(|(_, part)| part == packet);
                match known {
                    Some((bytes, _)) => self.script.bytes(connection, &client.frame(bytes)),
                    None => self.script.text(connection, packet),
                };
            }
        } else {
            let post = self
                .script
                .post(&client.query("polling"), &client.body(packets));
            assert_eq!(self.script.take_of(post), [ok(post)]);
            self.give_up_probe(who);
        }
    }

    /// A client opens a WebSocket for a session: a probe, or one WebSocket too many.
    fn probe(&mut self, who: usize) {
        let since = self.script.now();
        let base64 = *self.bytes.pick(&["", "&b64=1"]);
        if self.clients[who].sid.is_empty() {
            return;
        }
        self.give_up_probe(who);
        let client = &mut self.clients[who];
        let query = client.query("websocket") + base64;
        let probe = self.script.upgrade(&query);
        let mut expected = accepted(probe);
        if let Link::Polling = client.link {
            let probed = false;
            client.link = Link::Probing {
                probe,
                probed,
                since,
            };
        } else {
            expected = dismissed(probe);
        }
        assert_eq!(self.script.take_of(probe), [expected]);
    }

    /// Something happens on the WebSocket that is being probed.
    fn on_probe(&mut self, who: usize, kind: usize) {
        if self.clients[who].probe_is_late(self.script.now()) {
            self.script.wake(); // the hold of the poll may end now
            self.settle();
        }
        let client = &mut self.clients[who];
        let Link::Probing { probe, since, .. } = client.link else {
            return;
        };
        match kind {
            10 | 11 => {
                let probed = true;
                client.link = Link::Probing {
                    probe,
                    probed,
                    since,
                };
                client.released = true;
                self.script.text(probe, "2probe");
                self.settle();
                let client = &self.clients[who];
                let held = client.polled + OVERTAKING > self.script.now();
                assert!(held || client.poll.is_none(), "polls are released");
            }
            12 => {
                client.link = Link::WebSocket(probe);
                self.script.text(probe, "5");
            }
            _ if self.bytes.chance(2) => {
                client.link = Link::Polling;
                self.closing.push(probe);
                let junk = *self.bytes.pick(&["42[\"x\"]", "2", "3probe", ""]);
                self.script.text(probe, junk);
            }
            _ => {
                client.link = Link::Polling;
                self.script.lost(probe);
            }
        }
    }

    fn overdue(&mut self, who: usize) {
        let client = &mut self.clients[who];
        if let Some(poll) = client.poll {
            client.released = true;
            self.script.overdue(poll);
            self.settle();
            assert_eq!(self.clients[who].poll, None, "it is answered");
        }
    }

    /// A client is lost, and its session ends.
    fn lose(&mut self, who: usize) {
        match (self.clients[who].link, self.clients[who].poll) {
            (Link::WebSocket(gone), _) if self.bytes.chance(2) => self.script.went_away(gone),
            (Link::WebSocket(connection), _) => self.script.lost(connection),
            (_, Some(poll)) => self.script.aborted(poll),
            _ => return,
        };
        self.gone(who);
    }

    /// The server closes a session: its client gets its queue, and `last`.
    fn end(&mut self, who: usize, packet: &str, last: &str) {
        self.catch_up();
        self.write(who, packet);
        let client = &mut self.clients[who];
        if let Link::WebSocket(connection) = client.link {
            let done = self.script.take_of(connection);
            assert_eq!(done.last(), Some(&closed(connection)));
        } else {
            let mut parts: Vec<String> = Vec::new();
            // The queue comes in a response of its own.
            while parts.last().is_none_or(|part| part != last) {
                let poll = client.poll.take();
                let poll = poll.unwrap_or_else(|| self.script.get(&client.query("polling")));
                let done = self.script.take_of(poll);
                let [Done::Responded(_, 200, kind, body)] = &done[..] else {
                    panic!("no farewell: {done:?}");
                };
                parts.extend(client.packets(*kind, body));
            }
            parts.retain(|part| part.starts_with(['3', '4', 'b']));
            assert_eq!(client.owed, parts);
        }
        self.gone(who);
    }

    fn gone(&mut self, who: usize) {
        let client = self.clients.remove(who);
        if let Link::Probing { probe, .. } = client.link {
            self.closing.push(probe);
        }
        if !client.sid.is_empty() {
            let poll = self.script.get(&client.query("polling"));
            assert_eq!(self.script.take_of(poll), [refused(poll, 1)]);
        }
    }

    /// Runs a late alarm.
    fn catch_up(&mut self) {
        if std::mem::take(&mut self.late) {
            self.script.wake();
            self.settle();
        }
    }

    fn set_clock_back(&mut self) {
        let back = *self.bytes.pick(&[1, 100, 5_000]);
        let back = back.min(self.script.now());
        self.script.set_clock_back(back);
        self.back += back;
    }

    /// The server is killed. Queues of polling sessions are stored; sessions on a WebSocket are lost.
    fn kill(&mut self) {
        self.catch_up();
        self.script.platform.flush();
        self.script.kill();
        self.closing.clear();
        for who in (0..self.clients.len()).rev() {
            let client = &mut self.clients[who];
            (client.poll, client.released) = (None, false);
            if let Link::WebSocket(_) = client.link {
                self.gone(who);
            } else {
                client.link = Link::Polling;
            }
        }
    }

    /// Lets time pass. Once, alarms may be late.
    fn pass(&mut self, millis: u64) {
        self.catch_up();
        if self.quiet + millis > QUIET {
            self.everyone_polls();
            self.quiet = 0;
        }
        self.quiet += millis;
        let held: Vec<(usize, u64)> = (0..self.clients.len())
            .filter(|who| self.clients[*who].released && millis >= HOLD + self.back)
            .filter_map(|who| Some((who, self.clients[who].poll?)))
            .collect();
        self.back = self.back.saturating_sub(millis);
        let then = self.script.now() + millis;
        if self.bytes.chance(3) {
            self.script.late(then);
            self.late = true;
            return;
        }
        self.script.until(then);
        self.settle();
        for (who, poll) in held {
            assert_ne!(self.clients[who].poll, Some(poll), "it was held too long");
        }
    }

    /// An expired probe ends at its client's next request, or earlier.
    fn give_up_probe(&mut self, who: usize) {
        let client = &mut self.clients[who];
        if let Link::Probing { probe, .. } = client.link
            && client.probe_is_late(self.script.now())
        {
            client.link = Link::Polling;
            self.closing.push(probe);
        }
    }

    /// Takes what the clients received, and answers pings.
    fn settle(&mut self) {
        loop {
            let done = self.script.take();
            if done.is_empty() {
                break;
            }
            for done in done {
                self.done(done);
            }
            for who in 0..self.clients.len() {
                if std::mem::take(&mut self.clients[who].pinged) {
                    self.answer(who);
                }
            }
        }
        for client in &self.clients {
            let listens = matches!(client.link, Link::WebSocket(_)) || client.poll.is_some();
            assert!(!listens || client.owed.is_empty(), "{:?}", client.owed);
        }
    }

    fn answer(&mut self, who: usize) {
        match self.clients[who].link {
            Link::WebSocket(connection) if self.absorbs => {
                let mut answered = self.script.platform.auto_responses.borrow_mut();
                answered.insert(connection, at(self.script.now()));
            }
            _ => self.write(who, "3"),
        }
    }

    fn done(&mut self, done: Done) {
        match done {
            Done::Responded(request, ..) => {
                let mut clients = self.clients.iter_mut();
                let client = clients.find(|client| client.poll == Some(request));
                let client = client.unwrap_or_else(|| panic!("nobody waits for {done:?}"));
                client.poll = None;
                match (client.link, done) {
                    (link, Done::Responded(_, 200, kind, body))
                        if client.packets(kind, &body) == ["6"] =>
                    {
                        assert!(client.released, "a poll was released without a reason");
                        let overtaken = matches!(link, Link::WebSocket(_));
                        assert!(!overtaken, "a poll was released after `5`");
                    }
                    (Link::WebSocket(_), done) => assert_eq!(done, refused(request, 3)),
                    (_, Done::Responded(_, 200, kind, body)) => {
                        for part in client.packets(kind, &body) {
                            self.received += client.gets(&part);
                        }
                    }
                    (_, done) => panic!("a poll failed: {done:?}"),
                }
            }
            Done::Sent(connection, frame) => {
                let mut clients = self.clients.iter_mut();
                let client = clients.find(|client| client.connection() == Some(connection));
                let client = client.unwrap_or_else(|| panic!("nobody gets {frame:?}"));
                if let Link::Probing { probed, .. } = client.link {
                    assert!(probed && frame == "3probe");
                    return;
                }
                let base64 = frame.strip_prefix("b4").filter(|_| client.old.is_some());
                let part = base64.map_or(frame.clone(), |base64| format!("b{base64}"));
                self.received += client.gets(&part);
            }
            Done::SentBytes(connection, bytes) => {
                let mut clients = self.clients.iter();
                let of = |client: &&Client| client.connection() == Some(connection);
                let old = clients.find(of).is_some_and(|client| client.old.is_some());
                let bytes = bytes.strip_prefix(&[4]).filter(|_| old).unwrap_or(&bytes);
                self.done(Done::Sent(connection, part(bytes)));
            }
            Done::Closed(connection, None) => {
                let mut clients = self.clients.iter_mut();
                let probing = clients.find(|client| client.connection() == Some(connection));
                if let Some(client) = probing {
                    let late = client.probe_is_late(self.script.now());
                    assert!(late, "{:?} was closed", client.link);
                    client.link = Link::Polling;
                    return;
                }
                let place = self.closing.iter().position(|open| *open == connection);
                let place = place.unwrap_or_else(|| panic!("closed {connection} for no reason"));
                self.closing.swap_remove(place);
            }
            done => panic!("nobody asked for {done:?}"),
        }
    }
}
