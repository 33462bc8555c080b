//! The connections in the model of rooms: they open, are lost, and return in time or too late.

use serde_json::json;
use signalbox::socket::SocketId;

use super::bytes::Bytes;
use super::member::{Link, Member};
use super::room_model::Model;
use crate::peer::{Hall, Peer};

/// How long a client whose page was left may be away (V-4).
const LEFT_PAGE: u64 = 5_000;

impl Model {
    pub(super) fn connect(&mut self, hall: &mut Hall, polling: bool) {
        self.replace_left_page();
        if !self.make_place() {
            return;
        }
        let peer = if polling {
            Peer::connect_polling(hall)
        } else {
            Peer::connect(hall)
        };
        self.members.push(Member::new(peer));
    }

    /// Whether there is a place for one more socket. A socket inside that is away gives its place
    /// up.
    fn make_place(&mut self) -> bool {
        let inside = self.insiders();
        let alike = if self.locked {
            self.members.len() - inside.len()
        } else {
            inside.len()
        };
        if alike < self.settings.sockets {
            return true;
        }
        let away = |who: &usize| matches!(self.members[*who].link, Link::Away(_));
        let away = inside
            .into_iter()
            .filter(away)
            .collect::<Vec<_>>()
            .into_iter();
        let ghost = self.away_for_longest(away).filter(|_| !self.locked);
        if let Some(ghost) = ghost {
            self.remove(ghost, "timeout");
        }
        ghost.is_some()
    }

    pub(super) fn upgrade(&mut self, hall: &mut Hall, bytes: &mut Bytes, who: usize) {
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

    /// Memory is lost: queue lengths, and which connections belonged to left pages, are not stored.
    pub(super) fn forget(&mut self) {
        for member in &mut self.members {
            member.waiting = 0;
            member.replaceable = false;
        }
    }

    /// A page is loaded: the socket of the page from this address that was left first leaves.
    pub(super) fn replace_left_page(&mut self) {
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

    /// A connection is lost, or silent from now on, or the client leaves the namespace or the page.
    pub(super) fn lose(&mut self, hall: &mut Hall, bytes: &mut Bytes, who: usize) {
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
                member.link = Link::Away(hall.now() + LEFT_PAGE.min(self.settings.window));
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

    pub(super) fn away(&mut self, who: usize, now: u64) {
        self.members[who].link = Link::Away(now + self.settings.window);
        self.members[who].away_since = Some(now);
        if self.members[who].joined.is_some() {
            self.tell_peers(who, &json!(["peer:away", { "id": self.id(who) }]));
        }
    }

    /// The server is killed, and restarted after a while. It notices lost connections at once, but
    /// not lost polls. If any is lost, all clients that are away get a new time limit.
    pub(super) fn kill(&mut self, hall: &mut Hall, millis: u64) {
        self.end_silence(hall, 0);
        hall.platform.flush();
        let then = hall.now() + millis;
        hall.kill_until(then);
        self.killed(hall, then);
    }

    /// The server was killed, and its records are stored.
    pub(super) fn killed(&mut self, hall: &mut Hall, then: u64) {
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
                self.members[who].link = Link::Away(then + self.settings.window);
            }
        }
        lost.sort_by_key(|who| self.id(*who));
        for who in lost {
            self.away(who, then);
        }
        self.until(hall, then);
    }

    /// Lets time pass. Clients that are away for too long leave.
    pub(super) fn until(&mut self, hall: &mut Hall, then: u64) {
        hall.until(then);
        self.expire(then);
    }

    pub(super) fn expire(&mut self, now: u64) {
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

    pub(super) fn remove(&mut self, who: usize, reason: &str) {
        self.left(who, reason);
        let member = self.members.remove(who);
        self.gone.push(member.peer);
    }

    /// A client returns and is the same socket. If its loss is unnoticed, its earlier connection is
    /// first checked by a ping.
    pub(super) fn come_back(&mut self, hall: &mut Hall, who: usize) {
        let id = self.id(who);
        // It returns after the millisecond of its last packet.
        self.until(hall, hall.now() + 1);
        let Some(who) = self.find(&id) else {
            return; // its time limit had just passed
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
        (self.members[who].away_since, self.members[who].settled) = (None, false);
        if self.host.as_ref() == Some(&id) {
            self.knock_anew();
        }
        if self.members[who].joined.is_some() {
            self.tell_peers(who, &json!(["peer:back", self.shown(who)]));
        }
    }

    /// A client returns that had left.
    pub(super) fn come_anew(&mut self, hall: &mut Hall) {
        if !self.make_place() {
            return;
        }
        let gone = self.gone.swap_remove(0);
        let peer = gone.reconnect(hall);
        assert!(!peer.recovered && self.find(&peer.id).is_none() && peer.id != gone.id);
        self.members.push(Member::new(peer));
    }

    /// Clients that lost their connection unnoticed this long ago return.
    pub(super) fn end_silence(&mut self, hall: &mut Hall, millis: u64) {
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

    pub(super) fn with_link(&self, is: impl Fn(Link) -> bool) -> Vec<usize> {
        let members = 0..self.members.len();
        members.filter(|who| is(self.members[*who].link)).collect()
    }
}
