//! Random input, the same in every run: nothing panics, and what must always hold, holds.
//!
//! [`Script`] itself checks that each request is answered at most once, that nothing is sent to a
//! closed connection, and that after a wake the deadline lies ahead.

use std::rc::Rc;

use serde_json::json;
use signalbox::engine::{ClientPacket, Message, Query, ServerPacket, payload};
use signalbox::io::{Core, Data, Input, Method};
use signalbox::socket::{Decoder, Packet};

use crate::peer::{Hall, Peer, hall};
use crate::random::Random;
use crate::raw::{conformance, script};
use crate::support::{Done, Script, sid_of};

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

/// Packets that open and close things, rightly or not.
const CONTROL: [&str; 8] = ["2probe", "5", "3", "1", "40", "41", "4bye", "451-[\"x\"]"];

/// Events that mean something to a room.
const EVENTS: [&str; 10] = [
    r#"42["room:join",{"name":"x"}]"#,
    r#"421["room:join"]"#,
    r#"42["room:leave"]"#,
    r#"42["join","bob"]"#,
    r#"421["chat-message",{"message":"hi","mid":"m"}]"#,
    r#"42["offer",{"type":"offer","sdp":""}]"#,
    r#"421["answer",{}]"#,
    r#"421["signal",{"to":"bob","data":1}]"#,
    r#"42["peer:update",{"hand":true}]"#,
    r#"423["chat:history",{"limit":1}]"#,
];

fn packet(random: &mut Random) -> String {
    match random.below(40) {
        0 => junk(random),
        1 | 2 => (*random.pick(&CONTROL)).to_owned(),
        _ => (*random.pick(&EVENTS)).to_owned(),
    }
}

/// Mostly one of the last, which may still be open.
fn recent<'a, T>(random: &mut Random, items: &'a [T]) -> &'a T {
    let oldest = if random.chance(10) {
        0
    } else {
        items.len().saturating_sub(3)
    };
    random.pick(&items[oldest..])
}

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
    /// What the clients got to see.
    seen: Vec<String>,
}

impl<C: Core> Chaos<C> {
    fn new(script: Script<C>, seed: u64) -> Self {
        Self {
            script,
            random: Random::new(seed),
            sids: Vec::new(),
            open: Vec::new(),
            seen: Vec::new(),
        }
    }

    /// Returns what the clients got to see.
    fn run(mut self, steps: usize) -> Vec<String> {
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
        drop(rows);
        self.seen
    }

    /// Remembers what was opened; some of it joins a namespace as a client would.
    fn note(&mut self) {
        for done in self.script.take() {
            let joins = !self.random.chance(4);
            match done {
                Done::Accepted(connection) => self.open.push(connection),
                Done::Responded(_, 200, _, body) if body.starts_with("0{") => {
                    let sid = sid_of(&body);
                    if joins {
                        self.script.send(&sid, "40");
                    }
                    self.sids.push(sid);
                }
                Done::Sent(connection, open) if open.starts_with("0{") && joins => {
                    self.script.text(connection, "40");
                }
                Done::Responded(_, _, _, text) => self.seen.push(text),
                Done::Sent(connection, text) => {
                    if text == "3probe"
                        && joins
                        && self.script.connections.contains_key(&connection)
                    {
                        self.script.text(connection, "5");
                    }
                    self.seen.push(text);
                }
                Done::SentBytes(..) | Done::Closed(..) | Done::Dismissed(_) => {}
            }
        }
    }

    fn query(&mut self, usual: &str) -> String {
        let other = self.random.pick(&["polling", "websocket"]);
        let transport = if self.random.chance(10) { other } else { usual };
        let mut query = format!("EIO=4&transport={transport}");
        match self.random.below(8) {
            0..3 => {}
            3 if self.random.chance(2) => query = junk(&mut self.random),
            _ if !self.sids.is_empty() => {
                let sid = recent(&mut self.random, &self.sids);
                query = format!("{query}&sid={sid}");
            }
            _ => {}
        }
        query
    }

    fn step(&mut self) {
        match self.random.below(20) {
            // A second poll ends a session: most do not get that far.
            0..5 if self.script.requests.is_empty() || self.random.chance(8) => {
                let query = self.query("polling");
                self.script.get(&query);
            }
            5..8 => {
                let query = self.query("polling");
                let body = if self.random.chance(3) {
                    junk_bytes(&mut self.random)
                } else {
                    packet(&mut self.random).into_bytes()
                };
                self.script
                    .request(Method::Post, &query, "text/plain", body);
            }
            8 | 9 => {
                let query = self.query("websocket");
                let connection = self.script.upgrade(&query);
                let open = self.script.connections.contains_key(&connection);
                if open && query.contains("sid") && !self.random.chance(4) {
                    self.script.text(connection, "2probe");
                }
            }
            10..15 if !self.open.is_empty() => {
                let connection = *recent(&mut self.random, &self.open);
                let binary = self.random.chance(20);
                let text = packet(&mut self.random);
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
                let limit = *self.random.pick(&[2, 60, 400]);
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

/// That the chaos got so far: in all runs together, clients saw each of these this often.
fn expect_seen(seen: &[String], least: usize, parts: &[&str]) {
    for part in parts {
        let count = seen.iter().filter(|text| text.contains(part)).count();
        assert!(count >= least, "{part} was seen {count} times");
    }
}

#[test]
fn an_engine_in_chaos() {
    let runs = (0..150).map(|seed| Chaos::new(script(conformance()), seed).run(300));
    let seen: Vec<String> = runs.flatten().collect();
    expect_seen(&seen, 100, &["3probe", "b", "unknown", "Bad request"]);
}

#[test]
fn a_room_in_chaos() {
    let runs = (0..80).map(|seed| {
        let mut hall = hall();
        let junk = junk(&mut Random::new(seed));
        let mut rows = hall.platform.rows.borrow_mut();
        rows.insert("session/junk".to_owned(), junk);
        drop(rows);
        hall.lose_memory();
        Chaos::new(hall, seed).run(300)
    });
    let seen: Vec<String> = runs.flatten().collect();
    let told = [
        "peer:joined",
        "peer:away",
        "user-joined",
        "\"polite\":",
        "\"ok\":true",
        "\"ok\":false",
    ];
    expect_seen(&seen, 50, &told);
}

/// Clients that keep to the rules keep their sessions, whenever memory is lost, and each message
/// reaches each of them once and in order, over an upgrade too.
#[test]
fn honest_clients_miss_nothing() {
    for seed in 0..30 {
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
