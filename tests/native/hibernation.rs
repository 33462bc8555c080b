//! A room and its silent clients, as on the platform: the object hibernates, it sets its one alarm as the
//! shell does, and the alarm may be late. What the platform bills is counted.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use signalbox::time::Timestamp;

use crate::peer::{RoomServer, server};
use crate::support::{Done, WEBSOCKET_3, at};
use crate::webhook::status;

/// An object hibernates after this long without an event.
const HIBERNATES: u64 = 10_000;

/// The Worker asks for the answer to a poll after this long.
pub const RELEASES: u64 = 25_000;

/// A client answers after this long.
const ROUND_TRIP: u64 = 50;

pub const SECOND: u64 = 1_000;
pub const HOUR: u64 = 3_600 * SECOND;

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    WebSocket,
    Polling,
    /// A WebSocket of revision 3, whose client pings.
    Old,
}

use Kind::{Old, Polling, WebSocket};

/// The interval of the pings of clients of revision 3.
const PING_INTERVAL: u64 = 45 * SECOND;

pub struct Client {
    kind: Kind,
    sid: String,
    /// The connection, or the pending poll.
    number: u64,
    /// Whether the client vanished: it sends nothing more.
    pub has_vanished: bool,
    pub last_ping: u64,
    pub longest_silence: u64,
    /// When the client last sent something.
    pub last_sign: u64,
    /// When the others were told that the client is away.
    pub missed: Option<u64>,
}

/// The next event. Events of the same time come in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Next {
    Alarm,
    /// A ping of this client arrives.
    Ping(usize),
    /// A pong of this client arrives.
    Pong(usize),
    /// This client polls.
    Poll(usize),
    /// The Worker asks for the answer to this poll.
    Release(u64),
}

/// The counted events. The platform does not bill attachments (`attached`) and outgoing frames (`sent`).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cost {
    pub alarms_run: u64,
    pub alarms_set: u64,
    pub rows: u64,
    /// HTTP requests to the object: polls, and pongs by POST.
    pub requests: u64,
    /// Frames to the object: releases, and packets on a WebSocket.
    pub frames: u64,
    /// Requests to other servers.
    pub posts: u64,
    pub attached: u64,
    pub sent: u64,
    pub wakes: u64,
}

pub struct Object {
    pub server: RoomServer,
    pub clients: Vec<Client>,
    /// The clients' peer ids.
    pub ids: Vec<String>,
    agenda: BTreeSet<(u64, Next)>,
    /// The time for which the alarm is set.
    alarm: Option<u64>,
    /// The delay of the next alarm.
    lateness: Box<dyn FnMut() -> u64>,
    last_event: u64,
    pub cost: Cost,
}

impl Object {
    /// A room whose members joined one after another.
    pub fn new(kinds: &[Kind], lateness: impl FnMut() -> u64 + 'static) -> Self {
        Self::of(server(), kinds, lateness)
    }

    /// A room as that of [`Object::new`], on this server.
    pub fn of(server: RoomServer, kinds: &[Kind], lateness: impl FnMut() -> u64 + 'static) -> Self {
        let start = server.now();
        let mut object = Self {
            server,
            clients: Vec::new(),
            ids: Vec::new(),
            agenda: BTreeSet::new(),
            alarm: None,
            lateness: Box::new(lateness),
            last_event: 0,
            cost: Cost::default(),
        };
        for (place, kind) in kinds.iter().enumerate() {
            object.run(start + place as u64 * 3_700);
            object.connect(*kind);
        }
        object
    }

    pub fn connect(&mut self, kind: Kind) {
        let (sid, number) = match kind {
            WebSocket => (String::new(), self.server.open_websocket()),
            Polling => (self.server.open_polling(), 0),
            Old => (String::new(), self.server.upgrade(WEBSOCKET_3)),
        };
        self.server.take_for(number);
        let now = self.server.now();
        let place = self.clients.len();
        self.clients.push(Client {
            kind,
            sid,
            number,
            has_vanished: false,
            last_ping: now,
            longest_silence: 0,
            last_sign: now,
            missed: None,
        });
        if kind == Old {
            self.agenda.insert((now + PING_INTERVAL, Next::Ping(place)));
        } else {
            self.say(place, "40");
        }
        self.say(place, &format!("42{}", json!(["room:join", {}])));
        if kind == Polling {
            self.poll(place);
        }
        self.settle();
    }

    pub fn say(&mut self, place: usize, packet: &str) {
        let client = &mut self.clients[place];
        client.last_sign = self.server.now();
        match client.kind {
            WebSocket | Old => drop(self.server.text(client.number, packet)),
            Polling => drop(self.server.send(&client.sid.clone(), packet)),
        }
    }

    fn poll(&mut self, place: usize) {
        let client = &mut self.clients[place];
        client.last_sign = self.server.now();
        client.number = self.server.poll(&client.sid.clone());
        let release = (self.server.now() + RELEASES, Next::Release(client.number));
        self.agenda.insert(release);
    }

    /// Lets time pass until this point.
    pub fn run(&mut self, until: u64) {
        while let Some((time, next)) = self.agenda.first().copied()
            && time <= until
        {
            self.agenda.pop_first();
            self.server.skip_to(time);
            self.step(next);
        }
        self.server.skip_to(until);
    }

    fn step(&mut self, next: Next) {
        match next {
            Next::Ping(place) => {
                self.wake();
                self.cost.frames += 1;
                self.say(place, "2");
                self.settle();
            }
            Next::Pong(place) if self.clients[place].has_vanished => {}
            Next::Pong(place) if self.clients[place].kind == WebSocket => {
                // The platform absorbs the pong; the object keeps hibernating.
                self.clients[place].last_sign = self.server.now();
                let mut answered = self.server.platform.auto_responses.borrow_mut();
                answered.insert(self.clients[place].number, at(self.server.now()));
            }
            Next::Pong(place) => {
                self.wake();
                self.cost.requests += 1;
                self.say(place, "3");
                self.settle();
            }
            Next::Poll(place) if self.clients[place].has_vanished => {}
            Next::Poll(place) => {
                self.wake();
                self.cost.requests += 1;
                self.poll(place);
                self.settle();
            }
            Next::Release(poll) if self.server.requests.contains_key(&poll) => {
                self.wake();
                self.cost.frames += 1;
                self.server.overdue(poll);
                self.settle();
            }
            Next::Release(_) => {}
            Next::Alarm => {
                self.wake();
                self.alarm = None;
                self.cost.alarms_run += 1;
                self.server.wake();
                self.settle();
            }
        }
    }

    /// An event reaches the object, which may have hibernated.
    pub fn wake(&mut self) {
        let now = self.server.now();
        if now >= self.last_event + HIBERNATES {
            self.server.lose_memory();
            self.cost.wakes += 1;
        }
        self.last_event = now;
    }

    /// After an event, clients and other servers get the outputs, and the alarm is set as the shell
    /// sets it.
    pub fn settle(&mut self) {
        while !self.server.posts.is_empty() {
            self.server.skip_to(self.server.now() + ROUND_TRIP);
            self.server.answer_post(status(204));
            self.cost.posts += 1;
        }
        for done in self.server.take() {
            self.cost.sent += 1;
            match done {
                Done::Sent(number, frame) => self.deliver(number, &frame),
                Done::Responded(number, 200, _, body) => self.answer(number, &body),
                Done::Closed(number, _) => {
                    let gone = self.client(number).expect("a client");
                    assert!(self.clients[gone].has_vanished, "client {gone} was dropped");
                }
                other => panic!("an unexpected output: {other:?}"),
            }
        }
        self.cost.rows += std::mem::take(&mut self.server.meter.rows);
        self.cost.attached += std::mem::take(&mut self.server.attached);
        self.arm();
    }

    fn arm(&mut self) {
        use signalbox::io::Core;
        let Some(deadline) = self.server.core.deadline().map(Timestamp::as_millis) else {
            return;
        };
        if self.alarm.is_none_or(|alarm| deadline < alarm) {
            self.agenda.retain(|(_, next)| *next != Next::Alarm);
            let late = (self.lateness)();
            let time = deadline.max(self.server.now()) + late;
            self.agenda.insert((time, Next::Alarm));
            self.alarm = Some(deadline);
            self.cost.alarms_set += 1;
        }
    }

    fn client(&self, number: u64) -> Option<usize> {
        self.clients
            .iter()
            .position(|client| client.number == number)
    }

    fn deliver(&mut self, number: u64, packet: &str) {
        if let Some(connected) = packet.strip_prefix("40") {
            let connected: Value = serde_json::from_str(connected).expect("JSON");
            self.ids
                .push(connected["sid"].as_str().expect("an id").to_owned());
        }
        let place = self.client(number).expect("a client");
        let now = self.server.now();
        if packet == "3" {
            self.agenda.insert((now + PING_INTERVAL, Next::Ping(place)));
        }
        if packet == "2" {
            let client = &mut self.clients[place];
            let silence = now - client.last_ping;
            client.longest_silence = client.longest_silence.max(silence);
            client.last_ping = now;
            self.agenda.insert((now + ROUND_TRIP, Next::Pong(place)));
        }
        if packet.contains("peer:away") && !self.clients[place].has_vanished {
            for client in self.clients.iter_mut().filter(|client| client.has_vanished) {
                client.missed.get_or_insert(now);
            }
        }
    }

    /// Handles a response. A response to a poll has the number of a client; one to a handshake or a POST has not.
    fn answer(&mut self, number: u64, body: &str) {
        let Some(place) = self.client(number) else {
            assert!(body == "ok" || body.starts_with('0'), "{body}");
            return;
        };
        for packet in body.split('\x1e') {
            self.deliver(number, packet);
        }
        let again = self.server.now() + ROUND_TRIP;
        self.agenda.insert((again, Next::Poll(place)));
    }
}

pub fn punctual() -> u64 {
    0
}
