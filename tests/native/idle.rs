//! The cost of an idle room, and the limits of its heartbeat. The clients are silent. The object
//! behaves as on the platform: it hibernates, it sets its one alarm as the shell does, and the
//! alarm may be late.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use signalbox::time::Timestamp;

use crate::peer::{Hall, hall};
use crate::random::Random;
use crate::support::{Done, WEBSOCKET_3, at};
use crate::webhook::status;

/// An object hibernates after this long without an event.
const HIBERNATES: u64 = 10_000;

/// The Worker asks for the answer to a poll after this long.
const RELEASES: u64 = 25_000;

/// A client answers after this long.
const ROUND_TRIP: u64 = 50;

pub const SECOND: u64 = 1_000;
pub const HOUR: u64 = 3_600 * SECOND;

/// How long a client waits for a ping: pingInterval plus pingTimeout.
const CLIENT_WAITS: u64 = 120 * SECOND;

/// The time at which all pings of a room are sent together.
pub const SETTLED: u64 = 200 * SECOND;

/// The delay of an alarm.
const LATEST: u64 = 60 * SECOND;

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    WebSocket,
    Polling,
    /// A WebSocket of revision 3, whose client pings.
    Old,
}

use Kind::{Old, Polling, WebSocket};

const ROOMS: [(&str, [Kind; 4]); 3] = [
    ("WebSocket", [WebSocket; 4]),
    ("polling", [Polling; 4]),
    ("mixed", [WebSocket, Polling, WebSocket, Polling]),
];

/// A room whose clients send the pings themselves.
const OLD_ROOM: (&str, [Kind; 4]) = ("revision 3", [Old; 4]);

/// The interval of these pings.
const PING_INTERVAL: u64 = 45 * SECOND;

pub struct Client {
    kind: Kind,
    sid: String,
    /// The connection, or the pending poll.
    number: u64,
    /// Whether the client vanished: it sends nothing more.
    ghost: bool,
    last_ping: u64,
    longest_silence: u64,
    /// When the client last sent something, and when the others were told that it is gone.
    last_sign: u64,
    missed: Option<u64>,
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

/// The billed events, without attachments and outgoing frames.
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
    attached: u64,
    sent: u64,
    pub wakes: u64,
}

pub struct Object {
    pub hall: Hall,
    clients: Vec<Client>,
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
        Self::of(hall(), kinds, lateness)
    }

    /// The same with other settings.
    pub fn of(hall: Hall, kinds: &[Kind], lateness: impl FnMut() -> u64 + 'static) -> Self {
        let start = hall.now();
        let mut object = Self {
            hall,
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
            WebSocket => (String::new(), self.hall.open_websocket()),
            Polling => (self.hall.open_polling(), 0),
            Old => (String::new(), self.hall.upgrade(WEBSOCKET_3)),
        };
        self.hall.take_of(number);
        let now = self.hall.now();
        let place = self.clients.len();
        self.clients.push(Client {
            kind,
            sid,
            number,
            ghost: false,
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
        client.last_sign = self.hall.now();
        match client.kind {
            WebSocket | Old => drop(self.hall.text(client.number, packet)),
            Polling => drop(self.hall.send(&client.sid.clone(), packet)),
        }
    }

    fn poll(&mut self, place: usize) {
        let client = &mut self.clients[place];
        client.last_sign = self.hall.now();
        client.number = self.hall.poll(&client.sid.clone());
        let release = (self.hall.now() + RELEASES, Next::Release(client.number));
        self.agenda.insert(release);
    }

    /// Lets time pass until this point.
    pub fn run(&mut self, until: u64) {
        while let Some((time, next)) = self.agenda.first().copied()
            && time <= until
        {
            self.agenda.pop_first();
            self.hall.late(time);
            self.step(next);
        }
        self.hall.late(until);
    }

    fn step(&mut self, next: Next) {
        match next {
            Next::Ping(place) => {
                self.wake();
                self.cost.frames += 1;
                self.say(place, "2");
                self.settle();
            }
            Next::Pong(place) if self.clients[place].ghost => {}
            Next::Pong(place) if self.clients[place].kind == WebSocket => {
                // The platform absorbs the pong; the object keeps hibernating.
                self.clients[place].last_sign = self.hall.now();
                let mut answered = self.hall.platform.auto_responses.borrow_mut();
                answered.insert(self.clients[place].number, at(self.hall.now()));
            }
            Next::Pong(place) => {
                self.wake();
                self.cost.requests += 1;
                self.say(place, "3");
                self.settle();
            }
            Next::Poll(place) if self.clients[place].ghost => {}
            Next::Poll(place) => {
                self.wake();
                self.cost.requests += 1;
                self.poll(place);
                self.settle();
            }
            Next::Release(poll) if self.hall.requests.contains_key(&poll) => {
                self.wake();
                self.cost.frames += 1;
                self.hall.overdue(poll);
                self.settle();
            }
            Next::Release(_) => {}
            Next::Alarm => {
                self.wake();
                self.alarm = None;
                self.cost.alarms_run += 1;
                self.hall.wake();
                self.settle();
            }
        }
    }

    /// An event reaches the object, which may have hibernated.
    pub fn wake(&mut self) {
        let now = self.hall.now();
        if now >= self.last_event + HIBERNATES {
            self.hall.lose_memory();
            self.cost.wakes += 1;
        }
        self.last_event = now;
    }

    /// After an event, clients and other servers get the outputs, and the alarm is set as the shell
    /// sets it.
    pub fn settle(&mut self) {
        while !self.hall.posts.is_empty() {
            self.hall.late(self.hall.now() + ROUND_TRIP);
            self.hall.answer_post(status(204));
            self.cost.posts += 1;
        }
        for done in self.hall.take() {
            self.cost.sent += 1;
            match done {
                Done::Sent(number, frame) => self.deliver(number, &frame),
                Done::Responded(number, 200, _, body) => self.answer(number, &body),
                Done::Closed(number, _) => {
                    let gone = self.client(number).expect("a client");
                    assert!(self.clients[gone].ghost, "client {gone} was dropped");
                }
                other => panic!("nobody asked for {other:?}"),
            }
        }
        self.cost.rows += std::mem::take(&mut self.hall.meter.rows);
        self.cost.attached += std::mem::take(&mut self.hall.attached);
        self.arm();
    }

    fn arm(&mut self) {
        use signalbox::io::Core;
        let Some(deadline) = self.hall.core.deadline().map(Timestamp::as_millis) else {
            return;
        };
        if self.alarm.is_none_or(|alarm| deadline < alarm) {
            self.agenda.retain(|(_, next)| *next != Next::Alarm);
            let late = (self.lateness)();
            let time = deadline.max(self.hall.now()) + late;
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
        let now = self.hall.now();
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
        if packet.contains("peer:away") && !self.clients[place].ghost {
            for client in self.clients.iter_mut().filter(|client| client.ghost) {
                client.missed.get_or_insert(now);
            }
        }
    }

    /// A response to a poll, or to a POST, whose number belongs to no client.
    fn answer(&mut self, number: u64, body: &str) {
        let Some(place) = self.client(number) else {
            assert!(body == "ok" || body.starts_with('0'), "{body}");
            return;
        };
        for packet in body.split('\x1e') {
            self.deliver(number, packet);
        }
        let again = self.hall.now() + ROUND_TRIP;
        self.agenda.insert((again, Next::Poll(place)));
    }
}

pub fn punctual() -> u64 {
    0
}

fn late(seed: u64) -> impl FnMut() -> u64 {
    let mut random = Random::new(seed);
    move || match random.next() % 3 {
        0 => 0,
        1 => LATEST,
        _ => random.next() % LATEST,
    }
}

/// In 45 s one alarm runs and one alarm is set, and nothing else is written. A polling client adds
/// two polls, a pong and a release; a client of revision 3 adds one frame, its ping.
#[test]
fn an_idle_room_costs_its_alarm_and_its_polls() {
    println!("an idle room of 4, pinged every 45 s, in an hour:");
    println!(
        "room       alarm runs   sets   rows written   requests   frames in   wakes   attached   sent"
    );
    for (name, kinds) in ROOMS.into_iter().chain([OLD_ROOM]) {
        let mut room = Object::new(&kinds, punctual);
        room.run(SETTLED);
        room.cost = Cost::default();
        room.run(SETTLED + HOUR);
        let cost = &room.cost;
        println!(
            "{name:<10} {:>10} {:>6} {:>14} {:>10} {:>11} {:>7} {:>10} {:>6}",
            cost.alarms_run,
            cost.alarms_set,
            cost.rows,
            cost.requests,
            cost.frames,
            cost.wakes,
            cost.attached,
            cost.sent
        );
        let awake = kinds.iter().filter(|kind| **kind != WebSocket);
        let pings = awake.map(|_| HOUR / (45 * SECOND)).sum::<u64>();
        assert!(cost.alarms_run <= 80, "{name}: {cost:?}");
        assert!(cost.alarms_set <= 80, "{name}: {cost:?}");
        assert_eq!(cost.rows, 0, "{name}: {cost:?}");
        assert!(cost.requests <= 3 * pings, "{name}: {cost:?}");
        assert!(cost.frames <= pings, "{name}: {cost:?}");
        assert!(cost.wakes <= 80 + pings, "{name}: {cost:?}");
    }
}

/// With alarms up to a minute late, every client is pinged in time and none is disconnected.
#[test]
fn late_alarms_drop_no_client() {
    for (name, kinds) in ROOMS {
        for seed in 0..5 {
            let mut room = Object::new(&kinds, late(seed));
            room.run(HOUR);
            assert!(room.cost.alarms_run > 30, "{name}, seed {seed}");
            for client in &room.clients {
                let since = room.hall.now() - client.last_ping;
                let silence = client.longest_silence.max(since);
                assert!(silence < CLIENT_WAITS, "{name}, seed {seed}: {silence} ms");
            }
        }
    }
}

/// A vanished client leaves for the others when it expires, or with the late alarm.
#[test]
fn a_ghost_goes() {
    for (name, kinds) in ROOMS {
        let ghosts = if kinds[0] == kinds[1] { 1 } else { 2 };
        for ghost in 0..ghosts {
            for lateness in [0, LATEST] {
                let mut slowest = 0;
                for phase in 0..10 {
                    let mut room = Object::new(&kinds, move || lateness);
                    room.run(SETTLED + phase * 4_777);
                    let vanished = room.hall.now();
                    room.clients[ghost].ghost = true;
                    room.run(vanished + 400 * SECOND);
                    let client = &room.clients[ghost];
                    let missed = client.missed.expect("the others were told");
                    let silent = missed - client.last_sign;
                    assert!(silent <= CLIENT_WAITS + lateness, "{name}: {silent} ms");
                    slowest = slowest.max(missed - vanished);
                }
                println!(
                    "{name}, one vanishes ({:?}), alarms late by {} s: gone after {} s at most",
                    kinds[ghost],
                    lateness / SECOND,
                    slowest.div_ceil(SECOND)
                );
            }
        }
    }
}

/// If the alarm never comes, any other event sends the overdue pings.
#[test]
fn any_event_sends_overdue_pings() {
    let pinged = |room: &Object| room.clients.iter().map(|client| client.last_ping).min();
    for (name, kinds) in ROOMS {
        let mut room = Object::new(&kinds, || HOUR);
        if kinds.contains(&Polling) {
            room.run(45 * SECOND + RELEASES);
            assert!(pinged(&room) > Some(45 * SECOND), "{name}: by a poll");
        } else {
            room.run(100 * SECOND);
            assert!(
                pinged(&room) < Some(45 * SECOND),
                "{name}: nothing happened"
            );
            room.wake();
            room.say(0, "42[\"chat:history\"]");
            room.settle();
            assert_eq!(pinged(&room), Some(100 * SECOND), "{name}: by a message");
        }
        assert_eq!(room.cost.alarms_run, 0);
    }
}
