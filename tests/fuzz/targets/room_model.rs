//! A room beside a naive model of it: who is in, who waits outside, who is away, who is host, and what
//! everyone hears, once and in order. It holds over both transports and their upgrade, with several packets
//! in a request, with a clock that goes back, and whenever memory is lost, a connection, or the server.

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
use crate::peer::{Hall, Peer, unhurried};
use crate::support::Script;

/// How long a connection that is lost without a word may stay so, for its pings not to count.
const SILENCE: u64 = 20_000;

/// How many members there are at most.
const MEMBERS: usize = 5;

const NAMES: [&str; 3] = ["Ann", "Bob", "中文😀"];

/// The settings that the model takes into account.
pub(super) struct Settings {
    /// For how long a client may be away (K-6), in milliseconds.
    pub(super) window: u64,
    /// How many signals may wait for one that is away.
    pub(super) waiting: usize,
    pub(super) peers: usize,
    pub(super) sockets: usize,
    pub(super) history: usize,
    pub(super) max_payload: usize,
}

pub(super) struct Model {
    pub(super) settings: Settings,
    pub(super) members: Vec<Member>,
    /// Clients whose sockets are no more.
    pub(super) gone: Vec<Peer>,
    pub(super) host: Option<String>,
    pub(super) locked: bool,
    /// What each was told of another: whether it is the polite one.
    pub(super) polite: BTreeMap<(String, String), bool>,
    /// What was sent without an ack since the last commit: a kill may lose it.
    pub(super) optional: Vec<Value>,
    pub(super) said: usize,
    pub(super) heard: usize,
}

/// Returns how many events were heard.
pub fn room_model(bytes: &[u8]) -> usize {
    let mut bytes = Bytes::new(bytes);
    let settings = Settings::choose(&mut bytes);
    let mut hall = settings.hall();
    let mut model = Model {
        settings,
        members: Vec::new(),
        gone: Vec::new(),
        host: None,
        locked: false,
        polite: BTreeMap::new(),
        optional: Vec::new(),
        said: 0,
        heard: 0,
    };
    while !bytes.is_empty() {
        model.step(&mut hall, &mut bytes);
        model.listen(&mut hall);
    }
    model.heard
}

impl Settings {
    /// The usual ones, or those at a corner. Few signals may wait, to get there.
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

    fn hall(&self) -> Hall {
        let mut limits = unhurried();
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
    fn step(&mut self, hall: &mut Hall, bytes: &mut Bytes) {
        self.end_silence(hall, SILENCE);
        let present = self.with_link(|link| link == Link::Present);
        let lost = self.with_link(|link| link != Link::Present);
        match bytes.below(40) {
            0 | 1 if self.members.len() < MEMBERS => self.connect(hall, bytes.chance(2)),
            2 => {
                hall.lose_memory();
                self.forget();
            }
            3 => self.kill(hall, *bytes.pick(&[0, 1_000, 36_000_000])),
            4 => {
                self.end_silence(hall, 0);
                self.until(
                    hall,
                    hall.now() + *bytes.pick(&[1, 25, 1_000, 29_999, 30_000]),
                );
            }
            5 => {
                let back = *bytes.pick(&[1, 999, 5_000]);
                hall.set_clock_back(back.min(hall.now()));
                for member in &mut self.members {
                    if let Link::Silent(since) = &mut member.link {
                        *since = hall.now().min(*since);
                    }
                }
            }
            6 => self.crash(hall, bytes),
            7..10 if !lost.is_empty() => self.come_back(hall, *bytes.pick(&lost)),
            7 if !self.gone.is_empty() && self.members.len() < MEMBERS => self.come_anew(hall),
            kind @ 10.. if !present.is_empty() => {
                let who = *bytes.pick(&present);
                match kind {
                    10..14 => {
                        let name = NAMES.get(bytes.below(4)).copied();
                        self.join(hall, who, name, bytes.chance(2));
                    }
                    14..29 => {
                        let act = self.plan(hall, bytes, who);
                        let reply = self.members[who].peer.call(hall, &act.event);
                        act.check(&reply);
                    }
                    29 | 30 => self.say_without_ack(hall, bytes, who),
                    31..34 => self.burst(hall, bytes, who),
                    34 => self.elsewhere(hall, who),
                    35 => self.misuse(hall, bytes, who),
                    36 => self.upgrade(hall, bytes, who),
                    _ => self.lose(hall, bytes, who),
                }
            }
            _ => {}
        }
    }

    /// Takes what everyone heard: it is what the model says.
    pub(super) fn listen(&mut self, hall: &mut Hall) {
        let mut listeners = Vec::new();
        for who in self.with_link(|link| link == Link::Present) {
            let heard = self.members[who].peer.heard(hall);
            let heard = self.check(who, heard);
            if !heard.is_empty() {
                listeners.push(who);
            }
            let member = &mut self.members[who];
            let owed = std::mem::take(&mut member.owed);
            assert_eq!(heard, owed, "polling: {}", member.peer.polls());
        }
        self.note_commit(hall, &listeners);
    }

    /// After a commit, nothing of what anybody knows can be lost.
    fn note_commit(&mut self, hall: &Hall, listeners: &[usize]) {
        if hall.platform.is_committed() {
            self.optional.clear();
            self.members
                .iter_mut()
                .for_each(|member| member.settled = true);
        } else {
            for who in listeners {
                self.members[*who].settled = false;
            }
        }
    }

    /// Checks events by themselves, and takes out of them what a model cannot know.
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

    /// An event that shows a peer tells its ordinal.
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

    /// Of two, one is polite: the one with the greater ordinal.
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

/// An event that a member sends, and what the model says that it is answered with.
pub(super) struct Act {
    pub(super) event: String,
    pub(super) reply: Result<Value, &'static str>,
}

impl Act {
    pub(super) fn done(event: impl ToString) -> Self {
        Self::new(event, Ok(json!({ "ok": true })))
    }

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
