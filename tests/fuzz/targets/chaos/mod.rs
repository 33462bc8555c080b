//! Clients and a platform that do anything: nothing panics, and the invariants hold.
//!
//! [`Script`] checks that each request is answered at most once, that nothing is sent to a closed
//! connection, and that the deadline is in the future after a wake.

mod packets;

use std::rc::Rc;
use std::time::Duration;

use signalbox::engine::{self, Engine};
use signalbox::io::{ConnectionId, ContentType, Core, Data, Input, Method};
use signalbox::room::config::Limits;
use signalbox::room::{Config, Room, RoomName};
use signalbox::socket::{self, Runner, Server};
use signalbox::store::Store;

use packets::recent;

use super::bytes::Bytes;
use crate::peer::{RoomServer, high_rates};
use crate::raw::{conformance, script};
use crate::support::{Done, Script, sid_of};

/// Sessions with a server that echoes messages. Returns what the clients received.
pub fn session(bytes: &[u8]) -> Vec<String> {
    Chaos::new(script(conformance()), bytes).run()
}

/// A room, in half of the runs with extreme settings. Returns what the clients received.
pub fn room(bytes: &[u8]) -> Vec<String> {
    let mut chooser = Bytes::new(bytes);
    let server = corner(&mut chooser);
    Chaos::new(server, chooser.rest()).run()
}

/// A room. In half of the runs, many of its settings are very small, very large or at their defaults.
fn corner(bytes: &mut Bytes) -> RoomServer {
    let mut limits = high_rates();
    let mut engine = engine::Config::default();
    let mut socket = socket::Config::default();
    if bytes.chance(2) {
        limits = Limits {
            peers: *bytes.pick(&[1, 8]),
            sockets: *bytes.pick(&[1, 2, 100]),
            history: *bytes.pick(&[0, 1, 200]),
            waiting: *bytes.pick(&[0, 1, 64]),
            wrong_passwords: *bytes.pick(&[1, 5]),
            chat: *bytes.pick(&[1, 4000]),
            name: *bytes.pick(&[16, 64]),
            ..limits
        };
        if bytes.chance(3) {
            limits.rates = Limits::default().rates;
        }
        engine.max_queued = *bytes.pick(&[0, 100, 524_288]);
        engine.max_sessions = *bytes.pick(&[1, 3, 1_000]);
        engine.max_payload = *bytes.pick(&[64, 131_072]);
        engine.absorb_pongs = bytes.chance(2);
        let window = *bytes.pick(&[None, Some(1), Some(30_000), Some(86_400_000)]);
        socket.recovery = window.map(|millis| socket::Recovery {
            window: Duration::from_millis(millis),
            events: *bytes.pick(&[1, 3, 1_000]),
        });
    }
    Script::new(move |store: Rc<Store>| {
        let config = Config {
            limits: limits.clone(),
            ..Config::default()
        };
        let server = Server::new(socket.clone(), Engine::new(engine.clone(), store.clone()));
        Runner::new(server, Room::new(RoomName::lobby(), config, store))
    })
}

struct Chaos<'a, C> {
    script: Script<C>,
    bytes: Bytes<'a>,
    /// The opened sessions, with their revisions.
    sids: Vec<(String, &'static str)>,
    /// Connections that were opened and are not lost, including those that the server closed.
    open: Vec<u64>,
    /// What the clients received, without handshakes.
    seen: Vec<String>,
    /// What the clients need to recover: each `pid`, and the last offset.
    pids: Vec<String>,
    offset: String,
}

impl<'a, C: Core> Chaos<'a, C> {
    fn new(script: Script<C>, bytes: &'a [u8]) -> Self {
        Self {
            script,
            bytes: Bytes::new(bytes),
            sids: Vec::new(),
            open: Vec::new(),
            seen: Vec::new(),
            pids: Vec::new(),
            offset: String::new(),
        }
    }

    fn run(mut self) -> Vec<String> {
        while !self.bytes.is_empty() {
            self.step();
            self.note();
        }
        // No client sends anything any more, so all sessions expire.
        let now = self.script.now();
        self.script.until(now + 1_000_000);
        assert!(self.script.requests.is_empty(), "all requests are answered");
        assert!(
            self.script.connections.is_empty(),
            "all connections are closed"
        );
        let day = 86_400_000; // the longest window of recovery
        self.script.until(self.script.now() + day);
        let rows = self.script.platform.stored();
        let lasting = |key: &String| {
            let kinds = ["chat/", "room/", "log/state", "retention"];
            kinds.iter().any(|kind| key.starts_with(kind))
        };
        assert!(rows.keys().all(lasting), "{:?}", rows.keys());
        self.script.until(self.script.now() + day); // the retention
        assert_eq!(self.script.core.deadline(), None, "nothing is left to do");
        let rows = self.script.platform.stored();
        assert!(rows.is_empty(), "{:?} outlive the retention", rows.keys());
        for text in &self.seen {
            let mut secrets = self.sids.iter().filter(|(_, revision)| *revision == "4");
            let told = secrets.any(|(sid, _)| text.contains(sid));
            assert!(!told, "a sid is sent after the handshake: {text}");
        }
        self.seen
    }

    /// Records opened sessions and what clients received. Most sessions connect to a namespace, as a client does.
    fn note(&mut self) {
        for done in self.script.take() {
            let joins = !self.bytes.chance(16);
            match done {
                Done::Accepted(connection) => self.open.push(connection),
                Done::Responded(_, 200, _, body) if body.starts_with("0{") => {
                    let sid = sid_of(&body);
                    if joins {
                        let connect = self.connect();
                        self.script.send(&sid, &connect);
                    }
                    self.sids.push((sid, "4"));
                }
                // Revision 3: more packets may follow the open packet.
                Done::Responded(_, 200, ContentType::Text, body) if body.contains(":0{") => {
                    let (_, open) = body.split_once(':').unwrap();
                    let (open, _) = open.split_once('}').unwrap();
                    self.sids.push((sid_of(&format!("{open}}}")), "3"));
                }
                Done::Sent(connection, open) if open.starts_with("0{") => {
                    let is_old = !open.contains("maxPayload");
                    self.sids
                        .push((sid_of(&open), if is_old { "3" } else { "4" }));
                    if joins && !is_old {
                        let connect = self.connect();
                        self.script.text(connection, connect);
                    }
                }
                Done::Responded(_, _, _, text) => self.see(text),
                Done::Sent(connection, text) => {
                    if text == "3probe"
                        && joins
                        && self.script.connections.contains_key(&connection)
                    {
                        self.script.text(connection, "5");
                    }
                    self.see(text);
                }
                Done::SentBytes(..) | Done::Closed(..) | Done::Dismissed(_) => {}
                Done::Halted(reason) => panic!("the object halted: {reason}"),
            }
        }
    }

    fn see(&mut self, text: String) {
        for packet in text.split('\x1e') {
            if let Some((_, pid)) = packet.rsplit_once(r#""pid":""#) {
                self.pids.extend(pid.get(..20).map(str::to_owned));
            } else if let Some((_, offset)) = packet.rsplit_once(r#",""#) {
                offset
                    .trim_end_matches(r#""]"#)
                    .clone_into(&mut self.offset);
            }
        }
        self.seen.push(text);
    }

    fn step(&mut self) {
        self.script.address = (*self.bytes.pick(&["192.0.2.1", "192.0.2.2", ""])).to_owned();
        let known = self.script.set_cookie.clone();
        let known = known.filter(|_| !self.bytes.chance(4));
        self.script.cookies = known.unwrap_or_default();
        if self.bytes.chance(60) {
            let back = u64::try_from(self.bytes.below(10_000)).unwrap();
            let back = back.min(self.script.now());
            self.script.set_clock_back(back);
        }
        match self.bytes.below(20) {
            // A second poll ends a session, so it is rare.
            0..5 if self.script.requests.is_empty() || self.bytes.chance(8) => {
                let query = self.query("polling");
                self.script.get(&query);
            }
            5..8 => {
                let query = self.query("polling");
                let body = self.body(query.starts_with("EIO=3"));
                if self.bytes.chance(100) {
                    self.script.crash_after(self.bytes.below(16));
                }
                self.script
                    .request(Method::Post, &query, "text/plain", body);
            }
            8 | 9 => {
                let query = self.query("websocket");
                let connection = self.script.upgrade(&query);
                let open = self.script.connections.contains_key(&connection);
                if open && query.contains("sid") && !self.bytes.chance(4) {
                    self.script.text(connection, "2probe");
                }
            }
            10..15 if !self.open.is_empty() => {
                let connection = *recent(&mut self.bytes, &self.open);
                let binary = self.bytes.chance(20);
                let text = self.packet();
                let awaited = text.starts_with("451-") && !self.bytes.chance(4);
                let data = if binary {
                    Data::Binary(text.as_bytes().into())
                } else {
                    Data::Text(text.into())
                };
                let from = ConnectionId::new(connection);
                if self.bytes.chance(100) {
                    self.script.crash_after(self.bytes.below(16));
                }
                self.script.handle(Input::Received { from, data });
                if awaited {
                    self.script.bytes(connection, b"attached");
                }
            }
            15 if !self.open.is_empty() => {
                let place = self.bytes.below(self.open.len());
                let connection = self.open.swap_remove(place);
                if self.bytes.chance(8) {
                    self.script.went_away(connection);
                } else {
                    self.script.lost(connection);
                }
            }
            16 => {
                let waiting: Vec<u64> = self.script.requests.keys().copied().collect();
                if !waiting.is_empty() {
                    let request = *self.bytes.pick(&waiting);
                    if self.bytes.chance(3) {
                        self.script.aborted(request);
                    } else {
                        self.script.overdue(request);
                    }
                }
            }
            17 => {
                if self.bytes.chance(6) {
                    let action = *self.bytes.pick(&["", "emit", "close", "junk"]);
                    let body = *self.bytes.pick(&["", "{}", r#"{"event":"x"}"#, "junk"]);
                    self.script.try_operate(action, body);
                } else if self.bytes.chance(8) {
                    self.script.kill();
                } else {
                    self.script.lose_memory();
                }
            }
            _ => {
                let limit = *self.bytes.pick(&[2, 2, 60, 60, 60, 400, 700, 50_000]);
                let then = self.script.now() + u64::try_from(self.bytes.below(limit)).unwrap();
                if self.bytes.chance(2) {
                    self.script.until(then);
                } else {
                    self.script.skip_to(then).wake();
                }
            }
        }
    }
}
