//! Compares a room with a naive model: who is in, who waits outside, who is away, who is host, and what each
//! client hears, once and in order. Clients use both transports and upgrade, and send several packets in a
//! request. The clock goes back, memory and connections are lost, and the server is killed.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use serde_json::{Value, json};
use signalbox::engine::{self, Engine};
use signalbox::room::{Config, Room, RoomName};
use signalbox::socket::{self, Runner, Server};
use signalbox::store::Store;

use super::bytes::Bytes;
use super::member::{Link, Member};
use crate::peer::{Peer, RoomServer, high_rates};
use crate::support::Script;

/// How long a lost connection may stay unnoticed. In so short a time, the server does not notice that a pong is
/// missing.
const SILENCE: u64 = 20_000;

/// How many members there are at most.
const MEMBERS: usize = 5;

const NAMES: [&str; 3] = ["Ann", "Bob", "中文😀"];

/// The settings that the model takes into account.
pub(super) struct Settings {
    /// For how long a client may be away (K-6), in milliseconds.
    pub(super) window: u64,
    /// How many signals may wait for a socket that is away.
    pub(super) waiting: usize,
    pub(super) peers: usize,
    pub(super) sockets: usize,
    pub(super) history: usize,
    pub(super) max_payload: usize,
}

pub(super) struct Model {
    pub(super) settings: Settings,
    pub(super) members: Vec<Member>,
    /// Clients whose sockets were removed.
    pub(super) gone: Vec<Peer>,
    pub(super) host: Option<String>,
    pub(super) locked: bool,
    /// For each receiver and sender: whether the receiver was told that it is the polite one of the two.
    pub(super) polite: BTreeMap<(String, String), bool>,
    /// What was sent without an ack since the last commit: a kill may lose it.
    pub(super) optional: Vec<Value>,
    /// When the server was killed within a turn. The clock does not go back beyond this time, because then a new
    /// event could get the offset of a lost event.
    pub(super) killed_at: u64,
    pub(super) said: usize,
    pub(super) heard: usize,
}

/// Returns how many events were heard.
pub fn room_model(bytes: &[u8]) -> usize {
    let mut bytes = Bytes::new(bytes);
    let settings = Settings::choose(&mut bytes);
    let mut server = settings.server();
    let mut model = Model {
        settings,
        members: Vec::new(),
        gone: Vec::new(),
        host: None,
        locked: false,
        polite: BTreeMap::new(),
        optional: Vec::new(),
        killed_at: 0,
        said: 0,
        heard: 0,
    };
    while !bytes.is_empty() {
        model.step(&mut server, &mut bytes);
        model.listen(&mut server);
    }
    model.heard
}

impl Settings {
    /// Usual or extreme settings. Usually few signals may wait, so that queues do become full.
    fn choose(bytes: &mut Bytes) -> Self {
        let mut settings = Self {
            window: 30_000,
            waiting: 3,
            peers: 8,
            sockets: 100,
            history: 200,
            max_payload: 131_072,
        };
        if bytes.chance(2) {
            settings.window = *bytes.pick(&[1, 1_000, 60_000]);
            settings.waiting = *bytes.pick(&[0, 1, 10_000]);
            settings.peers = *bytes.pick(&[1, 2]);
            settings.sockets = *bytes.pick(&[2, 3, 32_768]);
            settings.history = *bytes.pick(&[0, 1, 10_000]);
            settings.max_payload = *bytes.pick(&[2048, 1_000_000]);
        }
        settings
    }

    fn server(&self) -> RoomServer {
        let mut limits = high_rates();
        limits.waiting = self.waiting;
        limits.peers = self.peers;
        limits.sockets = self.sockets;
        limits.history = self.history;
        limits.max_payload = self.max_payload;
        let engine = engine::Config {
            max_payload: self.max_payload,
            ..engine::Config::default()
        };
        let recovery = socket::Recovery {
            window: Duration::from_millis(self.window),
            ..socket::Recovery::default()
        };
        Script::new(move |store: Rc<Store>| {
            let engine = Engine::new(engine.clone(), Rc::clone(&store));
            let server = socket::Config {
                recovery: Some(recovery.clone()),
                // The model does not know that a room forgets its lock when it was empty for a day.
                retention: None,
                ..socket::Config::default()
            };
            let room = Config {
                limits: limits.clone(),
                ..Config::default()
            };
            let name = RoomName::parse("room").unwrap();
            Runner::new(Server::new(server, engine), Room::new(name, room, store))
        })
    }
}

impl Model {
    fn step(&mut self, server: &mut RoomServer, bytes: &mut Bytes) {
        self.end_silence(server, SILENCE);
        let present = self.with_link(|link| link == Link::Present);
        let lost = self.with_link(|link| link != Link::Present);
        match bytes.below(40) {
            0 | 1 if self.members.len() < MEMBERS => self.connect(server, bytes.chance(2)),
            2 => {
                server.lose_memory();
                self.forget();
            }
            3 => self.kill(server, *bytes.pick(&[0, 1_000, 36_000_000])),
            4 => {
                self.end_silence(server, 0);
                self.until(
                    server,
                    server.now() + *bytes.pick(&[1, 25, 1_000, 29_999, 30_000]),
                );
            }
            5 => {
                let back = *bytes.pick(&[1, 999, 5_000]);
                server.set_clock_back(back.min(server.now() - self.killed_at));
                for member in &mut self.members {
                    if let Link::Silent(since) = &mut member.link {
                        *since = server.now().min(*since);
                    }
                }
            }
            6 => self.crash(server, bytes),
            7..10 if !lost.is_empty() => self.come_back(server, *bytes.pick(&lost)),
            7 if !self.gone.is_empty() && self.members.len() < MEMBERS => self.come_anew(server),
            kind @ 10.. if !present.is_empty() => {
                let who = *bytes.pick(&present);
                match kind {
                    10..14 => {
                        let name = NAMES.get(bytes.below(4)).copied();
                        self.join(server, who, name, bytes.chance(2));
                    }
                    14..29 => {
                        let act = self.plan(server, bytes, who);
                        let reply = self.members[who].peer.call(server, &act.event);
                        act.check(&reply);
                    }
                    29 | 30 => self.say_without_ack(server, bytes, who),
                    31..34 => self.burst(server, bytes, who),
                    34 => self.elsewhere(server, who),
                    35 => self.misuse(server, bytes, who),
                    36 => self.upgrade(server, bytes, who),
                    _ => self.lose(server, bytes, who),
                }
            }
            _ => {}
        }
    }

    /// Takes what all clients heard, and compares it with the model.
    pub(super) fn listen(&mut self, server: &mut RoomServer) {
        let mut listeners = Vec::new();
        for who in self.with_link(|link| link == Link::Present) {
            let heard = self.members[who].peer.heard(server);
            let heard = self.check(who, heard);
            if !heard.is_empty() {
                listeners.push(who);
            }
            let member = &mut self.members[who];
            let owed = std::mem::take(&mut member.owed);
            assert_eq!(heard, owed, "polling: {}", member.peer.polls());
        }
        self.note_commit(server, &listeners);
    }

    /// After a commit, a kill cannot lose anything that a client knows.
    fn note_commit(&mut self, server: &RoomServer, listeners: &[usize]) {
        if server.platform.is_committed() {
            self.optional.clear();
            for member in &mut self.members {
                member.settled = true;
            }
        } else {
            for who in listeners {
                self.members[*who].settled = false;
            }
        }
    }

    /// Removes from each event what the model cannot predict, such as times and ordinals, and checks some of it.
    pub(super) fn check(&mut self, who: usize, mut heard: Vec<Value>) -> Vec<Value> {
        for event in &mut heard {
            self.check_ordinal(event);
            if let Some((from, polite)) = self.members[who].check(event) {
                self.check_polite(who, from, polite);
            }
        }
        self.heard += heard.len();
        heard
    }

    /// Takes a peer's ordinal from an event that shows the peer, and checks it.
    fn check_ordinal(&mut self, event: &mut Value) {
        let is_admission = event[0] == "room:admitted";
        let is_peer = event[0]
            .as_str()
            .is_some_and(|name| name.starts_with("peer:"));
        if !is_admission && !is_peer {
            return;
        }
        let peer = event.get_mut(1);
        let peer = peer.and_then(|first| {
            if is_admission {
                first.get_mut("self")
            } else {
                Some(first)
            }
        });
        let Some(fields) = peer.and_then(Value::as_object_mut) else {
            return;
        };
        let id = fields.get("id").and_then(Value::as_str).map(str::to_owned);
        if let (Some(id), Some(n)) = (id, fields.remove("n"))
            && let Some(who) = self.find(&id)
        {
            self.number(who, n.as_u64().expect("an ordinal"));
        }
    }

    /// Of two peers, the one with the greater ordinal is polite.
    fn check_polite(&mut self, who: usize, from: String, polite: bool) {
        let id = self.id(who);
        let sender = self.members.iter().find(|member| member.peer.id == from);
        if let (Some(own), Some(other)) = (self.members[who].n, sender.and_then(|m| m.n)) {
            assert_eq!(polite, own > other);
        }
        if let Some(other) = self.polite.get(&(from.clone(), id.clone())) {
            assert!(*other != polite || from == id, "{id} and {from}");
        }
        self.polite.insert((id, from), polite);
    }
}

/// An event that a member sends, and the reply that the model expects.
pub(super) struct Act {
    pub(super) event: String,
    pub(super) reply: Result<Value, &'static str>,
}

impl Act {
    pub(super) fn done(event: impl ToString) -> Self {
        Self::new(event, Ok(json!({ "ok": true })))
    }

    #[expect(
        clippy::needless_pass_by_value,
        reason = "callers write an event in the call"
    )]
    pub(super) fn new(event: impl ToString, reply: Result<Value, &'static str>) -> Self {
        let event = event.to_string();
        Self { event, reply }
    }

    pub(super) fn check(&self, reply: &Value) {
        match &self.reply {
            // A chat message is answered with more, such as its id.
            Ok(expected) => {
                let fields = expected.as_object().into_iter().flatten();
                for (name, value) in fields {
                    assert_eq!(reply[name], *value, "{}", self.event);
                }
            }
            Err(code) => assert_eq!(reply["error"]["code"], *code, "{}", self.event),
        }
    }
}
