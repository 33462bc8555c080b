//! The connections in the model of rooms: they open, are lost, and return in time or too late.

use serde_json::json;
use signalbox::socket::SocketId;

use super::bytes::Bytes;
use super::member::{Link, Member};
use super::room_model::Model;
use crate::peer::{Peer, RoomServer};

/// How long a client whose page was left may be away (V-4).
const LEFT_PAGE: u64 = 5_000;

impl Model {
    pub(super) fn connect(&mut self, server: &mut RoomServer, polling: bool) {
        // If pages at this address were left, the socket of the first of them gives its place up.
        let left = self.left_page();
        if !self.make_place(left) {
            return;
        }
        if let Some(left) = left {
            self.remove(left, "left");
        }
        let peer = if polling {
            Peer::connect_polling(server)
        } else {
            Peer::connect(server)
        };
        self.members.push(Member::new(peer));
    }

    /// Whether there is a place for one more socket, when the socket of the page that was left is removed. If necessary, a
    /// socket inside that is away gives up its place.
    fn make_place(&mut self, left: Option<usize>) -> bool {
        let inside = self.insiders();
        // The place of a new socket is outside a locked room, and inside any other.
        let alike = (0..self.members.len()).filter(|who| inside.contains(who) != self.locked);
        if alike.filter(|who| Some(*who) != left).count() < self.settings.sockets {
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

    pub(super) fn upgrade(&mut self, server: &mut RoomServer, bytes: &mut Bytes, who: usize) {
        let peer = &mut self.members[who].peer;
        let mut lost = false;
        peer.upgrade(server, |server| {
            if bytes.chance(3) {
                server.lose_memory();
                lost = true;
            }
        });
        if lost {
            self.forget();
        }
        self.expire(server.now()); // the upgrade took a moment
    }

    /// Memory is lost. The lengths of queues are not stored, nor which connections belonged to pages that were left.
    pub(super) fn forget(&mut self) {
        for member in &mut self.members {
            member.waiting = 0;
            member.replaceable = false;
        }
    }

    /// Of the pages that were left, the socket that expires first.
    fn left_page(&self) -> Option<usize> {
        let left = self.members.iter().enumerate();
        let left = left.filter_map(|(who, member)| match member.link {
            Link::Away(until) if member.replaceable => {
                Some((until, SocketId::parse(&member.peer.id), who))
            }
            _ => None,
        });
        left.min().map(|(_, _, who)| who)
    }

    /// A connection is lost, or silent from now on, or the client leaves the namespace or the page.
    pub(super) fn lose(&mut self, server: &mut RoomServer, bytes: &mut Bytes, who: usize) {
        let peer = &self.members[who].peer;
        match bytes.below(8) {
            0 => {
                peer.write(server, "41");
                self.remove(who, "left");
            }
            1 if !peer.polls() => {
                server.went_away(peer.connection());
                self.away(who, server.now());
                let member = &mut self.members[who];
                member.link = Link::Away(server.now() + LEFT_PAGE.min(self.settings.window));
                (member.left_page, member.replaceable) = (true, true);
            }
            2 => {
                peer.vanish(server);
                self.away(who, server.now());
            }
            3 => {
                peer.write(server, "1");
                self.away(who, server.now());
            }
            4 | 5 => self.members[who].link = Link::Silent(server.now()),
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
    /// not lost polls. If a connection is lost, all clients that are away get a new time limit.
    pub(super) fn kill(&mut self, server: &mut RoomServer, millis: u64) {
        self.end_silence(server, 0);
        server.platform.flush();
        let then = server.now() + millis;
        server.kill_until(then);
        self.killed(server, then);
    }

    /// The server was killed, and its records are stored.
    pub(super) fn killed(&mut self, server: &mut RoomServer, then: u64) {
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
        self.until(server, then);
    }

    /// Lets time pass. Clients that are away for too long leave.
    pub(super) fn until(&mut self, server: &mut RoomServer, then: u64) {
        server.until(then);
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
    pub(super) fn come_back(&mut self, server: &mut RoomServer, who: usize) {
        let id = self.id(who);
        // It returns after the millisecond of its last packet.
        self.until(server, server.now() + 1);
        let Some(who) = self.find(&id) else {
            return; // its time limit had just passed
        };
        let back = self.members[who].peer.reconnect(server);
        assert!(
            back.recovered && back.id == id,
            "{id} came back as {}",
            back.id
        );
        self.expire(server.now());
        let who = self.find(&id).expect("it is in");
        if let Link::Silent(_) = self.members[who].link {
            self.away(who, server.now());
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

    /// A client that had left returns.
    pub(super) fn come_anew(&mut self, server: &mut RoomServer) {
        if !self.make_place(None) {
            return;
        }
        let gone = self.gone.swap_remove(0);
        let peer = gone.reconnect(server);
        assert!(!peer.recovered && self.find(&peer.id).is_none() && peer.id != gone.id);
        self.members.push(Member::new(peer));
    }

    /// Clients whose connection was lost at least `millis` ago return, if the server has not noticed the loss.
    pub(super) fn end_silence(&mut self, server: &mut RoomServer, millis: u64) {
        let now = server.now();
        let silent = |link| matches!(link, Link::Silent(since) if since + millis <= now);
        let silent = self.with_link(silent).into_iter();
        for id in silent.map(|who| self.id(who)).collect::<Vec<_>>() {
            let who = self.find(&id).expect("only sockets that are away expire");
            self.come_back(server, who);
        }
        self.listen(server);
    }

    pub(super) fn with_link(&self, is: impl Fn(Link) -> bool) -> Vec<usize> {
        let members = 0..self.members.len();
        members.filter(|who| is(self.members[*who].link)).collect()
    }
}
