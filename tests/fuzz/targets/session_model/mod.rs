//! Sessions compared with a naive model of what their clients must receive: each message once and
//! in order, as soon as possible. Polls, upgrades, losses of memory, late alarms, a clock that is
//! set back and killed servers come in any order. The clients follow the rules; some disconnect,
//! are disconnected or are lost.

mod actions;

use signalbox::engine::Config;

use super::bytes::Bytes;
use super::client::{Client, Link, part};
use crate::raw::{Raw, defaults, script};
use crate::support::{Done, Script, at, refused};

/// How long a poll is held during an upgrade (U-8).
const HOLD: u64 = 100;

/// How long a poll is held if it came just before the probe (U-8).
const OVERTAKING: u64 = 20;

/// How long clients may be silent: less than pingTimeout.
const QUIET: u64 = 15_000;

struct Model<'a> {
    script: Script<Raw>,
    bytes: Bytes<'a>,
    clients: Vec<Client>,
    /// Connections that the server must close.
    closing: Vec<u64>,
    /// The time since all clients polled, in milliseconds.
    quiet: u64,
    /// Whether a late alarm has not run yet.
    late: bool,
    /// How far the clock was set back, in milliseconds. Each deadline passes that many milliseconds later.
    back: u64,
    /// Whether the platform answers pongs.
    absorbs: bool,
    /// How many texts the clients sent.
    said: usize,
    /// How many messages the clients received.
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

    /// Lets time pass. An alarm may run late, but it runs before time passes again.
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
            self.script.skip_to(then);
            self.late = true;
            return;
        }
        self.script.until(then);
        self.settle();
        for (who, poll) in held {
            assert_ne!(self.clients[who].poll, Some(poll), "it was held too long");
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
