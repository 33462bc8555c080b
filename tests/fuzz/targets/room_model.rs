//! A room beside a naive model of it: who is in, who is away, who is host, and what everyone hears,
//! once and in order, over both transports and their upgrade, whenever memory is lost, a connection,
//! or the server.

use std::collections::BTreeMap;

use serde_json::json;
use signalbox::room::Config;
use signalbox::socket::SocketId;

use super::bytes::Bytes;
use super::member::{Link, Member};
use crate::peer::{Hall, Peer, hall_with, unhurried};

/// For how long a client may be away (K-6).
const WINDOW: u64 = 30_000;

/// For how long a client may be away whose page was left (V-4).
const LEFT_PAGE: u64 = 5_000;

/// How long a connection that is lost without a word may stay so, for its pings not to count.
const SILENCE: u64 = 20_000;

/// How many signals may wait for one that is away: few, to get there.
pub(super) const WAITING: usize = 3;

const NAMES: [&str; 3] = ["Ann", "Bob", "中文😀"];

#[derive(Default)]
pub(super) struct Model {
    pub(super) members: Vec<Member>,
    /// Clients whose sockets are no more.
    pub(super) gone: Vec<Peer>,
    pub(super) host: Option<String>,
    /// What each was told of another: whether it is the polite one.
    pub(super) polite: BTreeMap<(String, String), bool>,
    pub(super) said: usize,
    pub(super) heard: usize,
}

/// Returns how many events were heard.
pub fn room_model(bytes: &[u8]) -> usize {
    let mut bytes = Bytes::new(bytes);
    let mut config = Config {
        limits: unhurried(),
        ..Config::default()
    };
    config.limits.waiting = WAITING;
    let mut hall = hall_with(config);
    let mut model = Model::default();
    while !bytes.is_empty() {
        model.step(&mut hall, &mut bytes);
        model.listen(&mut hall);
    }
    model.heard
}

impl Model {
    fn step(&mut self, hall: &mut Hall, bytes: &mut Bytes) {
        self.end_silence(hall, SILENCE);
        let present = self.with_link(|link| link == Link::Present);
        let lost = self.with_link(|link| link != Link::Present);
        match bytes.below(28) {
            0 | 1 if self.members.len() < 5 => self.connect(hall, bytes.chance(2)),
            2 => {
                hall.lose_memory();
                self.forget();
            }
            3 => self.kill(hall, *bytes.pick(&[0, 1_000, 36_000_000])),
            4 => {
                self.end_silence(hall, 0);
                self.until(hall, hall.now() + *bytes.pick(&[1, 1_000, 29_999, 30_000]));
            }
            5..8 if !lost.is_empty() => self.come_back(hall, *bytes.pick(&lost)),
            5 if !self.gone.is_empty() => self.come_anew(hall),
            kind @ 8.. if !present.is_empty() => {
                let who = *bytes.pick(&present);
                match kind {
                    8..12 => self.join(hall, who, NAMES.get(bytes.below(4)).copied()),
                    12 => self.leave(hall, who),
                    13 | 14 => self.take_alias(hall, bytes, who),
                    15 => self.raise_hand(hall, who, bytes.chance(2)),
                    16..19 => self.chat(hall, bytes, who),
                    19..25 => self.signal(hall, bytes, who),
                    25 => self.upgrade(hall, bytes, who),
                    _ => self.lose(hall, bytes, who),
                }
            }
            _ => {}
        }
    }

    fn connect(&mut self, hall: &mut Hall, polling: bool) {
        self.replace_left_page();
        let peer = if polling {
            Peer::connect_polling(hall)
        } else {
            Peer::connect(hall)
        };
        self.members.push(Member::new(peer));
    }

    fn upgrade(&mut self, hall: &mut Hall, bytes: &mut Bytes, who: usize) {
        let peer = &mut self.members[who].peer;
        let mut lost = false;
        peer.upgrade(hall, |hall| {
            if bytes.chance(3) {
                hall.lose_memory();
                lost = true;
            }
        });
        if lost {
            self.forget();
        }
        self.expire(hall.now()); // the upgrade took a moment
    }

    /// How many signals wait is not kept, nor which connections were those of left pages.
    fn forget(&mut self) {
        for member in &mut self.members {
            member.waiting = 0;
            member.replaceable = false;
        }
    }

    /// A page is loaded: the socket of the page that was left first, from the same address, is gone.
    fn replace_left_page(&mut self) {
        let left = self.members.iter().enumerate();
        let left = left.filter_map(|(who, member)| match member.link {
            Link::Away(until) if member.replaceable => {
                Some((until, SocketId::parse(&member.peer.id), who))
            }
            _ => None,
        });
        if let Some((_, _, who)) = left.min() {
            self.remove(who, "left");
        }
    }

    /// A connection is lost, or silent from now on, or the namespace or the page is left.
    fn lose(&mut self, hall: &mut Hall, bytes: &mut Bytes, who: usize) {
        let peer = &self.members[who].peer;
        match bytes.below(8) {
            0 => {
                peer.write(hall, "41");
                self.remove(who, "left");
            }
            1 if !peer.polls() => {
                hall.went_away(peer.connection());
                self.away(who, hall.now());
                let member = &mut self.members[who];
                member.link = Link::Away(hall.now() + LEFT_PAGE);
                (member.left_page, member.replaceable) = (true, true);
            }
            2 => {
                peer.vanish(hall);
                self.away(who, hall.now());
            }
            3 => {
                peer.write(hall, "1");
                self.away(who, hall.now());
            }
            4 | 5 => self.members[who].link = Link::Silent(hall.now()),
            _ => {}
        }
    }

    fn away(&mut self, who: usize, now: u64) {
        self.members[who].link = Link::Away(now + WINDOW);
        if self.members[who].joined.is_some() {
            self.tell_peers(who, &json!(["peer:away", { "id": self.id(who) }]));
        }
    }

    /// The server is killed, and started again after a while. It knows at once which connections are
    /// lost, polls aside; if any, all who are away have their time anew.
    fn kill(&mut self, hall: &mut Hall, millis: u64) {
        self.end_silence(hall, 0);
        hall.platform.flush();
        let then = hall.now() + millis;
        hall.kill_until(then);
        self.forget();
        let present = self.with_link(|link| link == Link::Present);
        let (polling, mut lost): (Vec<_>, Vec<_>) = present
            .into_iter()
            .partition(|who| self.members[*who].peer.polls());
        for who in polling {
            self.members[who].link = Link::Silent(then);
        }
        if !lost.is_empty() {
            for who in self.with_link(|link| matches!(link, Link::Away(_))) {
                self.members[who].link = Link::Away(then + WINDOW);
            }
        }
        lost.sort_by_key(|who| self.id(*who));
        for who in lost {
            self.away(who, then);
        }
        self.until(hall, then);
    }

    /// Time passes, and those who are away are given up in time.
    fn until(&mut self, hall: &mut Hall, then: u64) {
        hall.until(then);
        self.expire(then);
    }

    fn expire(&mut self, now: u64) {
        let until = |(_, member): &(usize, &Member)| match member.link {
            Link::Away(until) if until <= now => Some((until, SocketId::parse(&member.peer.id))),
            _ => None,
        };
        let next = |model: &Self| {
            let due = model.members.iter().enumerate();
            let due = due.filter(|member| until(member).is_some());
            due.min_by_key(until).map(|(who, _)| who)
        };
        while let Some(who) = next(self) {
            let left_page = self.members[who].left_page;
            self.remove(who, if left_page { "left" } else { "timeout" });
        }
    }

    fn remove(&mut self, who: usize, reason: &str) {
        self.left(who, reason);
        let member = self.members.remove(who);
        self.gone.push(member.peer);
    }

    /// A client comes back: it is who it was. If nobody knew that it was lost, its earlier
    /// connection is first asked for a sign of life.
    fn come_back(&mut self, hall: &mut Hall, who: usize) {
        let id = self.id(who);
        // Not in the millisecond of its last sign of life.
        self.until(hall, hall.now() + 1);
        let Some(who) = self.find(&id) else {
            return; // it was about to be given up
        };
        let back = self.members[who].peer.reconnect(hall);
        assert!(
            back.recovered && back.id == id,
            "{id} came back as {}",
            back.id
        );
        self.expire(hall.now());
        let who = self.find(&id).expect("it is in");
        if let Link::Silent(_) = self.members[who].link {
            self.away(who, hall.now());
        }
        self.members[who].peer = back;
        self.members[who].link = Link::Present;
        self.members[who].waiting = 0;
        (self.members[who].left_page, self.members[who].replaceable) = (false, false);
        if self.members[who].joined.is_some() {
            self.tell_peers(who, &json!(["peer:back", self.peer(who)]));
        }
    }

    /// A client comes back that was given up.
    fn come_anew(&mut self, hall: &mut Hall) {
        let gone = self.gone.swap_remove(0);
        let peer = gone.reconnect(hall);
        assert!(!peer.recovered && self.find(&peer.id).is_none() && peer.id != gone.id);
        self.members.push(Member::new(peer));
    }

    /// Those whose connection was lost this long ago without a word come back.
    fn end_silence(&mut self, hall: &mut Hall, millis: u64) {
        let now = hall.now();
        let silent = |link| matches!(link, Link::Silent(since) if since + millis <= now);
        let silent = self.with_link(silent).into_iter();
        for id in silent.map(|who| self.id(who)).collect::<Vec<_>>() {
            let who = self
                .find(&id)
                .expect("only those who are away are given up");
            self.come_back(hall, who);
        }
        self.listen(hall);
    }

    fn with_link(&self, is: impl Fn(Link) -> bool) -> Vec<usize> {
        let members = 0..self.members.len();
        members.filter(|who| is(self.members[*who].link)).collect()
    }

    /// Takes what everyone heard: it is what the model says.
    fn listen(&mut self, hall: &mut Hall) {
        for who in self.with_link(|link| link == Link::Present) {
            let mut heard = self.members[who].peer.heard(hall);
            for event in &mut heard {
                if let Some((from, polite)) = self.members[who].check(event) {
                    self.check_polite(who, from, polite);
                }
            }
            self.heard += heard.len();
            let member = &mut self.members[who];
            let owed = std::mem::take(&mut member.owed);
            assert_eq!(heard, owed, "polling: {}", member.peer.polls());
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
