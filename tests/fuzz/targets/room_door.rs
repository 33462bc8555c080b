//! The lock, the clients that wait outside, and the places for media, in the model of rooms.

use serde_json::json;
use signalbox::socket::SocketId;

use super::bytes::Bytes;
use super::member::Link;
use super::room_model::{Act, Model};
use crate::peer::RoomServer;

/// What the others will be told of a waiting client when it is let in.
#[derive(Clone, Copy)]
pub struct Knock {
    name: Option<&'static str>,
    video: bool,
    since: u64,
}

impl Model {
    /// Whether a member is outside: it can neither send nor receive.
    pub(super) fn is_outside(&self, who: usize) -> bool {
        self.locked && self.members[who].joined.is_none()
    }

    pub(super) fn insiders(&self) -> Vec<usize> {
        let members = 0..self.members.len();
        members.filter(|who| !self.is_outside(*who)).collect()
    }

    /// The member inside with this id or alias.
    pub(super) fn insider(&self, name: &str) -> Option<usize> {
        self.find(name).filter(|who| !self.is_outside(*who))
    }

    /// Why a member may not join, or `None` if it may. If the reason is `waiting`, the member knocks.
    pub(super) fn refuse_join(
        &mut self,
        server: &RoomServer,
        who: usize,
        name: Option<&'static str>,
        video: bool,
    ) -> Option<&'static str> {
        if !self.has_seat(who, video) {
            return Some("room-full");
        }
        let member = &mut self.members[who];
        if !self.locked || member.joined.is_some() || member.has_secret {
            return None;
        }
        if member.denied {
            return Some("denied");
        }
        if self.host.is_none() {
            return Some("room-locked");
        }
        let earlier = member.knocking;
        let since = earlier.map_or(server.now(), |earlier| earlier.since);
        member.knocking = Some(Knock { name, video, since });
        if earlier.is_none_or(|earlier| earlier.name != name) {
            self.knock(who);
        }
        Some("waiting")
    }

    /// Whether a place for a member's media is free. Peers that are away give theirs up.
    fn has_seat(&self, who: usize, video: bool) -> bool {
        let seated = self.seated(who);
        let taken = seated.filter(|other| !self.is_away(*other)).count();
        !video || taken < self.settings.peers
    }

    fn seated(&self, but: usize) -> impl Iterator<Item = usize> {
        self.peers()
            .filter(move |other| *other != but && self.members[*other].video)
    }

    fn is_away(&self, who: usize) -> bool {
        matches!(self.members[who].link, Link::Away(_))
    }

    /// The peer that has been away longest gives its place up.
    pub(super) fn free_seat(&mut self, who: usize, video: bool) {
        if !video || self.seated(who).count() < self.settings.peers {
            return;
        }
        let away = self.seated(who).filter(|other| self.is_away(*other));
        if let Some(longest) = self.away_for_longest(away) {
            self.remove(longest, "timeout");
        }
    }

    pub(super) fn away_for_longest(&self, away: impl Iterator<Item = usize>) -> Option<usize> {
        away.min_by_key(|who| {
            let member = &self.members[*who];
            (member.away_since, SocketId::parse(&member.peer.id))
        })
    }

    /// Tells the host that a client waits, unless the connection of the host is lost.
    fn knock(&mut self, who: usize) {
        let id = self.id(who);
        let name = self.members[who].knocking.and_then(|knock| knock.name);
        let host = self.host.as_ref().and_then(|host| self.find(host));
        if let Some(host) = host.filter(|host| self.members[*host].link == Link::Present) {
            let knock = json!(["host:knock", { "id": id, "name": name }]);
            self.members[host].owed.push(knock);
        }
    }

    /// The waiting clients, in the order of arrival.
    fn knocking(&self) -> Vec<String> {
        let waiting = self.members.iter().filter_map(|member| {
            let since = member.knocking?.since;
            Some((
                since,
                SocketId::parse(&member.peer.id),
                member.peer.id.clone(),
            ))
        });
        let mut waiting: Vec<_> = waiting.collect();
        waiting.sort();
        waiting.into_iter().map(|(_, _, id)| id).collect()
    }

    /// Tells a new host, or a host that has come back, which clients wait. Without a host they are refused.
    pub(super) fn knock_anew(&mut self) {
        for id in self.knocking() {
            let who = self.find(&id).expect("it waits");
            if self.host.is_some() {
                self.knock(who);
            } else {
                self.deny(who, "denied");
            }
        }
    }

    fn deny(&mut self, who: usize, code: &str) {
        let member = &mut self.members[who];
        member.knocking = None;
        member.owed.push(json!(["room:denied", code]));
    }

    /// Something that only the host may do.
    pub(super) fn perform_for_host(
        &mut self,
        server: &RoomServer,
        bytes: &mut Bytes,
        who: usize,
    ) -> Act {
        let id = self.target(bytes);
        let (event, on) = match bytes.below(6) {
            0 | 1 => (json!(["host:lock", { "on": true }]), true),
            2 => (json!(["host:lock", { "on": false }]), false),
            3 => (json!(["host:deny", { "id": id }]), false),
            _ => (json!(["host:admit", { "id": id }]), true),
        };
        if self.is_outside(who) {
            return Act::new(event, Err("room-locked"));
        }
        if self.host != Some(self.id(who)) {
            return Act::new(event, Err("forbidden"));
        }
        if event[0] == "host:lock" {
            self.lock(server, on);
            return Act::done(event);
        }
        let knocking = self
            .find(&id)
            .filter(|who| self.members[*who].knocking.is_some());
        let Some(knocking) = knocking else {
            return Act::new(event, Err("unknown-peer"));
        };
        if on {
            let reply = self.admit(server, &id);
            return Act::new(event, reply.map(|()| json!({ "ok": true })));
        }
        self.members[knocking].denied = true;
        self.deny(knocking, "denied");
        Act::done(event)
    }

    fn lock(&mut self, server: &RoomServer, on: bool) {
        if self.locked != on {
            self.locked = on;
            self.tell_peers(usize::MAX, &json!(["room:state", { "locked": on }]));
            for member in &mut self.members {
                member.has_secret = on && member.joined.is_some();
            }
            let mut outside: Vec<String> = (0..self.members.len())
                .filter(|who| self.is_outside(*who) && self.members[*who].alias.is_some())
                .map(|who| self.id(who))
                .collect();
            outside.sort_by_key(|id| SocketId::parse(id));
            // All sockets outside lose their aliases first, so none of them is told.
            let aliases = outside.iter().map(|id| {
                let who = self.find(id).expect("it is outside");
                self.members[who].alias.take()
            });
            for alias in aliases.collect::<Vec<_>>() {
                self.tell_aliased(&json!(["user-left", alias]));
            }
        }
        if !on {
            for id in self.knocking() {
                let _ = self.admit(server, &id); // a refused client is told
            }
            for member in &mut self.members {
                member.denied = false;
            }
        }
    }

    /// Lets a waiting client in.
    fn admit(&mut self, server: &RoomServer, id: &str) -> Result<(), &'static str> {
        let Some(who) = self.find(id) else {
            return Ok(()); // it has given its place up
        };
        let Some(knock) = self.members[who].knocking else {
            return Ok(());
        };
        if !self.has_seat(who, knock.video) {
            self.deny(who, "room-full");
            return Err("room-full");
        }
        self.free_seat(who, knock.video);
        let who = self.find(id).expect("it is let in");
        self.enter(server, who, knock.name, knock.video);
        // The model learns the ordinal from these events: see `Model::check_ordinal`.
        self.tell_entry(who, false);
        self.members[who].owed.push(json!(["room:admitted"]));
        Ok(())
    }
}
