//! Random input, the same in every run: nothing panics, and what must always hold, holds.
//!
//! [`Script`] itself checks that each request is answered at most once, that nothing is sent to a
//! closed connection, and that after a wake the deadline lies ahead.

use std::rc::Rc;

use serde_json::json;
use signalbox::engine::{ClientPacket, Message, Query, ServerPacket, payload};
use signalbox::io::{Data, Input, Method};
use signalbox::socket::{Decoder, Packet};

use crate::peer::{Hall, Peer, hall};
use crate::random::Random;
use crate::raw::{conformance, script};
use crate::support::{Core, Done, Script, sid_of};

/// What packets, payloads and queries are made of, and what they are not.
const PIECES: [&str; 62] = [
    "0",
    "1",
    "2",
    "3",
    "4",
    "5",
    "6",
    "7",
    "b",
    "\x1e",
    "2probe",
    "42",
    "43",
    "45",
    "46",
    "40",
    "41",
    "44",
    "-",
    "/",
    ",",
    "/admin,",
    "?",
    "1-",
    "2-",
    "10-",
    "11-",
    "0-",
    "[",
    "]",
    "{",
    "}",
    "\"",
    ":",
    "null",
    "true",
    "1.5e3",
    "\"a\"",
    "[\"x\"]",
    "[\"offer\",{\"to\":\"bob\"}]",
    "{\"_placeholder\":true,\"num\":0}",
    "\\",
    "\\ud800",
    "\u{0}",
    "é",
    "中",
    "😀",
    "AQID",
    "==",
    "&",
    "=",
    "EIO=4",
    "transport=polling",
    "transport=websocket",
    "sid=",
    "b64=1",
    "%41",
    "+",
    "[\"room:join\",{}]",
    "[\"chat-message\",\"hi\"]",
    "[\"join\",\"bob\"]",
    "[\"candidate\",null]",
];

fn junk(random: &mut Random) -> String {
    let pieces = 1 + random.below(8);
    (0..pieces).map(|_| *random.pick(&PIECES)).collect()
}

fn junk_bytes(random: &mut Random) -> Vec<u8> {
    let mut bytes = junk(random).into_bytes();
    if random.chance(4) {
        let place = random.below(bytes.len());
        bytes[place] = random.next().to_be_bytes()[0];
    }
    bytes
}

#[test]
fn engine_parsers() {
    let mut random = Random::new(1);
    for _ in 0..100_000 {
        let text = junk(&mut random);
        let query = Query::parse(&text);
        assert!(text.contains(query.sid) && text.contains(query.transport));
        if let Ok(ClientPacket::Message(message)) = ClientPacket::parse(&Rc::from(text)) {
            let written = payload::encode(&[ServerPacket::Message(message.clone())]);
            let again = ClientPacket::parse(&Rc::from(written));
            assert_eq!(again, Ok(ClientPacket::Message(message)));
        }
        let packets = payload::parse(&junk_bytes(&mut random));
        let bad = packets.iter().position(Result::is_err);
        assert!(!packets.is_empty() && bad.is_none_or(|bad| bad + 1 == packets.len()));
    }
}

/// What was read, written and read again is the same.
#[test]
fn socket_parser() {
    let mut random = Random::new(2);
    let mut read = 0;
    for _ in 0..200_000 {
        let mut decoder = Decoder::default();
        let text = junk(&mut random);
        let mut pushed = decoder.push(&Message::text(&text));
        let mut attachments = Vec::new();
        while pushed == Ok(None) {
            let bytes = Message::binary(junk_bytes(&mut random));
            attachments.push(bytes.clone());
            pushed = decoder.push(&bytes);
            assert!(attachments.len() <= 10, "{text}");
        }
        if let Ok(Some(packet)) = pushed {
            read += 1;
            assert_eq!(again(&packet, &attachments), packet, "{text}");
        }
    }
    assert!(read > 1_000, "most of it is no packet: {read}");
}

fn again(packet: &Packet, attachments: &[Message]) -> Packet {
    let mut decoder = Decoder::default();
    let mut read = decoder.push(&Message::text(packet));
    for bytes in attachments {
        read = decoder.push(bytes);
    }
    read.unwrap().expect("a packet")
}

/// A shell, its clients and its platform at their worst.
struct Chaos<C> {
    script: Script<C>,
    random: Random,
    sids: Vec<String>,
    /// Connections that were opened and not yet lost, closed ones included.
    open: Vec<u64>,
}

impl<C: Core> Chaos<C> {
    fn new(script: Script<C>, seed: u64) -> Self {
        Self {
            script,
            random: Random::new(seed),
            sids: Vec::new(),
            open: Vec::new(),
        }
    }

    fn run(&mut self, steps: usize) {
        for _ in 0..steps {
            self.step();
            self.note();
        }
        // Nobody says anything any more: all sessions expire.
        let now = self.script.now();
        self.script.until(now + 1_000_000);
        assert!(self.script.requests.is_empty(), "all requests are answered");
        assert!(
            self.script.connections.is_empty(),
            "all connections are closed"
        );
        assert_eq!(self.script.core.deadline(), None, "nothing is left to do");
        let rows = self.script.platform.rows.borrow();
        assert!(!rows.keys().any(|key| key.starts_with("session/")));
    }

    /// Remembers what was opened.
    fn note(&mut self) {
        for done in self.script.take() {
            match done {
                Done::Accepted(connection) => self.open.push(connection),
                Done::Responded(_, 200, _, body) if body.starts_with("0{") => {
                    self.sids.push(sid_of(&body));
                }
                _ => {}
            }
        }
    }

    fn query(&mut self) -> String {
        let transport = *self.random.pick(&["polling", "polling", "websocket"]);
        let mut query = format!("EIO=4&transport={transport}");
        match self.random.below(8) {
            0 => {}
            1 => query = junk(&mut self.random),
            _ if !self.sids.is_empty() => {
                let sid = self.random.pick(&self.sids);
                query = format!("{query}&sid={sid}");
            }
            _ => {}
        }
        query
    }

    fn step(&mut self) {
        match self.random.below(20) {
            0..5 => {
                let query = self.query();
                self.script.get(&query);
            }
            5..8 => {
                let query = self.query();
                let body = junk_bytes(&mut self.random);
                self.script
                    .request(Method::Post, &query, "text/plain", body);
            }
            8 | 9 => {
                let query = self.query();
                self.script.upgrade(&query);
            }
            10..15 if !self.open.is_empty() => {
                let connection = *self.random.pick(&self.open);
                let binary = self.random.chance(5);
                let text = match self.random.below(6) {
                    0 => "2probe".to_owned(),
                    1 => "5".to_owned(),
                    2 => "3".to_owned(),
                    3 => "40".to_owned(),
                    4 => "4bye".to_owned(),
                    _ => junk(&mut self.random),
                };
                let data = if binary {
                    Data::Binary(text.as_bytes().into())
                } else {
                    Data::Text(text.into())
                };
                let from = signalbox::io::ConnectionId::new(connection);
                self.script.handle(Input::Received { from, data });
            }
            15 if !self.open.is_empty() => {
                let place = self.random.below(self.open.len());
                let connection = self.open.swap_remove(place);
                self.script.lost(connection);
            }
            16 => {
                let waiting: Vec<u64> = self.script.requests.keys().copied().collect();
                if !waiting.is_empty() {
                    let request = *self.random.pick(&waiting);
                    if self.random.chance(3) {
                        self.script.aborted(request);
                    } else {
                        self.script.overdue(request);
                    }
                }
            }
            17 => {
                self.script.lose_memory();
            }
            _ => {
                let limit = *self.random.pick(&[2, 120, 400]);
                let then = self.script.now() + u64::try_from(self.random.below(limit)).unwrap();
                if self.random.chance(2) {
                    self.script.until(then);
                } else {
                    self.script.late(then).wake();
                }
            }
        }
    }
}

#[test]
fn an_engine_in_chaos() {
    for seed in 0..400 {
        Chaos::new(script(conformance()), seed).run(300);
    }
}

#[test]
fn a_room_in_chaos() {
    for seed in 0..200 {
        let mut hall = hall();
        hall.platform
            .rows
            .borrow_mut()
            .insert("session/junk".to_owned(), junk(&mut Random::new(seed)));
        hall.lose_memory();
        Chaos::new(hall, seed).run(300);
    }
}

/// Clients that keep to the rules keep their sessions, whenever memory is lost, and each message
/// reaches each of them once and in order, over an upgrade too.
#[test]
fn honest_clients_miss_nothing() {
    for seed in 0..60 {
        let mut random = Random::new(seed);
        let mut hall = hall();
        let mut peers: Vec<(Peer, Vec<String>)> = Vec::new();
        let mut said: Vec<String> = Vec::new();
        for step in 0..150 {
            match random.below(10) {
                0 if peers.len() < 6 => {
                    let peer = if random.chance(2) {
                        Peer::connect(&mut hall)
                    } else {
                        Peer::connect_polling(&mut hall)
                    };
                    peers.push((peer, Vec::new()));
                    let (_, heard) = peers.last_mut().unwrap();
                    heard.clone_from(&said); // what was said before is not missed
                }
                1 if !peers.is_empty() => {
                    let place = random.below(peers.len());
                    let mut losses =
                        [random.chance(3), random.chance(3), random.chance(3)].into_iter();
                    peers[place].0.upgrade(&mut hall, |hall| {
                        if losses.next() == Some(true) {
                            hall.lose_memory();
                        }
                    });
                }
                2 => {
                    hall.lose_memory();
                }
                3 => {
                    let then = hall.now() + u64::try_from(random.below(30_000)).unwrap();
                    hall.until(then);
                    listen(&mut hall, &mut peers);
                }
                4 => listen(&mut hall, &mut peers),
                _ if !peers.is_empty() => {
                    let (peer, _) = random.pick(&peers);
                    let text = format!("{seed} {step} 中文😀");
                    peer.emit(&mut hall, json!(["chat-message", text]));
                    said.push(text);
                }
                _ => {}
            }
        }
        listen(&mut hall, &mut peers);
        for (peer, heard) in &peers {
            assert_eq!(*heard, said, "seed {seed}, polling: {}", peer.polls());
            peer.join(&mut hall, "still here");
            listen_to(&mut hall, peer);
        }
    }
}

fn listen(hall: &mut Hall, peers: &mut [(Peer, Vec<String>)]) {
    for (peer, heard) in peers {
        heard.extend(listen_to(hall, peer));
    }
}

/// The chat messages that arrived.
fn listen_to(hall: &mut Hall, peer: &Peer) -> Vec<String> {
    let events = peer.heard(hall).into_iter();
    let chat = events.filter(|event| event[0] == "chat-message");
    chat.map(|event| event[1]["message"].as_str().unwrap().to_owned())
        .collect()
}
