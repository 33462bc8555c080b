//! The effects of the events that a client of a room sends, in the model of rooms.

use serde_json::{Value, json};

use super::bytes::Bytes;
use super::member::{Link, without};
use super::room_model::{Act, Model};
use crate::peer::RoomServer;

const ALIASES: [&str; 3] = ["ann", "bob", "carol"];

impl Model {
    /// Chooses an event that a member sends, and applies its effects to the model.
    pub(super) fn plan(&mut self, server: &RoomServer, bytes: &mut Bytes, who: usize) -> Act {
        match bytes.below(16) {
            0 => self.leave(who),
            1 | 2 => self.take_alias(bytes, who),
            3 => self.raise_hand(who, bytes.chance(2)),
            4..7 => self.chat(bytes, who),
            7 | 8 => self.perform_for_host(server, bytes, who),
            _ => self.signal(bytes, who, None),
        }
    }

    pub(super) fn join(
        &mut self,
        server: &mut RoomServer,
        who: usize,
        name: Option<&'static str>,
        video: bool,
    ) {
        let id = self.id(who);
        let joining = json!({ "name": name, "media": { "video": video } });
        if let Some(code) = self.refuse_join(server, who, name, video) {
            let refused = self.members[who]
                .peer
                .refusal(server, &json!(["room:join", joining]));
            assert_eq!(refused, code);
            return;
        }
        self.free_seat(who, video);
        let who = self.find(&id).expect("it is here");
        let again = self.enter(server, who, name, video);
        let reply = self.members[who]
            .peer
            .call(server, json!(["room:join", joining]));
        assert_eq!(reply["room"]["locked"], self.locked);
        let n = reply["self"]["n"].as_u64().expect("an ordinal");
        self.number(who, n);
        assert_eq!(without(&reply["self"], &["joinedAt"]), self.peer(who));
        self.check_peers(who, &reply);
        self.tell_entry(who, again);
    }

    /// Records a member's ordinal.
    pub(super) fn number(&mut self, who: usize, n: u64) {
        assert_eq!(*self.members[who].n.get_or_insert(n), n, "an ordinal stays");
        let with_it = self.members.iter().filter(|member| member.n == Some(n));
        assert_eq!(with_it.count(), 1);
    }

    /// Checks that the reply to `room:join` lists all other peers.
    fn check_peers(&self, who: usize, reply: &Value) {
        let mut others: Vec<usize> = self.peers().filter(|other| *other != who).collect();
        others.sort_by_key(|other| self.members[*other].n);
        let others: Vec<Value> = others.into_iter().map(|other| self.peer(other)).collect();
        let listed = reply["peers"].as_array().expect("peers").iter();
        let listed: Vec<Value> = listed.map(|peer| without(peer, &["joinedAt"])).collect();
        assert_eq!(listed, others);
        assert_eq!(reply["room"]["count"], json!(others.len() + 1));
    }

    /// Makes a member a peer, or updates the peer. Returns whether it was a peer before.
    pub(super) fn enter(
        &mut self,
        server: &RoomServer,
        who: usize,
        name: Option<&'static str>,
        video: bool,
    ) -> bool {
        let id = self.id(who);
        self.host.get_or_insert(id);
        let member = &mut self.members[who];
        (member.name, member.video, member.knocking) = (name, video, None);
        member.has_secret |= self.locked;
        let again = member.joined.is_some();
        member.joined.get_or_insert(server.now());
        again
    }

    pub(super) fn tell_entry(&mut self, who: usize, again: bool) {
        let event = ["peer:joined", "peer:updated"][usize::from(again)];
        self.tell_peers(who, &json!([event, self.shown(who)]));
    }

    fn leave(&mut self, who: usize) -> Act {
        self.left(who, "left");
        Act::done(json!(["room:leave"]))
    }

    /// Tells the other peers that a peer left, and makes one of them host.
    pub(super) fn left(&mut self, who: usize, reason: &str) {
        let id = self.id(who);
        if let Some(alias) = self.members[who].alias.take() {
            self.tell_aliased(&json!(["user-left", alias]));
        }
        let member = &mut self.members[who];
        (member.name, member.hand, member.video, member.knocking) = (None, false, false, None);
        if member.joined.take().is_none() {
            return;
        }
        self.tell_peers(who, &json!(["peer:left", { "id": id, "reason": reason }]));
        if self.host.as_ref() == Some(&id) {
            let since = |who: &usize| (self.members[*who].joined, self.members[*who].n);
            self.host = self.peers().min_by_key(since).map(|who| self.id(who));
            self.tell_peers(who, &json!(["room:state", { "host": self.host }]));
            self.knock_anew();
        }
    }

    fn take_alias(&mut self, bytes: &mut Bytes, who: usize) -> Act {
        let alias = *bytes.pick(&ALIASES);
        let event = json!(["join", alias]);
        if self.is_outside(who) {
            return Act::new(event, Err("room-locked"));
        }
        let owner = self.find(alias);
        if let Some(owner) = owner.filter(|owner| *owner != who) {
            // All clients have the same address.
            if !matches!(self.members[owner].link, Link::Away(_)) {
                return Act::new(event, Err("id-taken"));
            }
            self.tell_aliased(&json!(["user-left", alias]));
            self.members[owner].alias = None;
        }
        let earlier = self.members[who].alias.replace(alias);
        if let Some(earlier) = earlier.filter(|earlier| *earlier != alias) {
            self.tell_aliased(&json!(["user-left", earlier]));
        }
        self.tell_aliased(&json!(["user-joined", alias]));
        Act::done(event)
    }

    fn raise_hand(&mut self, who: usize, hand: bool) -> Act {
        let event = json!(["peer:update", { "hand": hand }]);
        if self.is_outside(who) {
            return Act::new(event, Err("room-locked"));
        }
        if self.members[who].joined.is_none() {
            return Act::new(event, Err("not-joined"));
        }
        self.members[who].hand = hand;
        let changed = json!({ "id": self.id(who), "hand": hand });
        self.tell_peers(who, &json!(["peer:updated", changed]));
        Act::done(event)
    }

    pub(super) fn chat(&mut self, bytes: &mut Bytes, who: usize) -> Act {
        self.said += 1;
        let text = format!("{} 中文😀", self.said);
        let target = bytes.chance(3).then(|| self.target(bytes));
        let event = json!(["chat-message", { "message": text, "to": target }]);
        if self.is_outside(who) {
            return Act::new(event, Err("room-locked"));
        }
        let to = match target.map(|target| self.insider(&target)) {
            None => None,
            Some(Some(to)) if self.is_full(to) => return Act::new(event, Err("rate-limited")),
            Some(Some(to)) => Some(to),
            Some(None) => return Act::new(event, Err("unknown-peer")),
        };
        let mut message =
            json!({ "message": text, "from": self.id(who), "name": self.members[who].name });
        if let Some(to) = to {
            message["to"] = json!(self.id(to));
        }
        let told = json!(["chat-message", message]);
        for member in self.insiders() {
            if to.is_none_or(|to| to == member || who == member) {
                self.members[member].owed.push(told.clone());
            }
        }
        Act::done(event)
    }

    /// A member sends an event without an ack. A kill of the server may lose the event.
    pub(super) fn say_without_ack(
        &mut self,
        server: &mut RoomServer,
        bytes: &mut Bytes,
        who: usize,
    ) {
        let before: Vec<usize> = self
            .members
            .iter()
            .map(|member| member.owed.len())
            .collect();
        let act = if bytes.chance(2) {
            self.chat(bytes, who)
        } else {
            self.signal(bytes, who, Some("signal"))
        };
        self.members[who].peer.emit(server, &act.event);
        let told = self.members.iter().zip(before);
        let told: Vec<Value> = told
            .flat_map(|(member, old)| member.owed[old..].to_vec())
            .collect();
        self.optional.extend(told);
        if let Err(code) = act.reply {
            self.members[who].owed.push(json!(["room:error", code]));
        }
    }

    /// Whether the queue of a member that is away is full; otherwise one more signal is counted.
    pub(super) fn is_full(&mut self, who: usize) -> bool {
        let limit = self.settings.waiting;
        let member = &mut self.members[who];
        let is_away = matches!(member.link, Link::Away(_));
        let is_full = is_away && member.waiting == limit;
        member.waiting += usize::from(is_away && !is_full);
        is_full
    }

    pub(super) fn id(&self, who: usize) -> String {
        self.members[who].peer.id.clone()
    }

    /// A peer, as events show it. Its ordinal is checked separately.
    pub(super) fn shown(&self, who: usize) -> Value {
        without(&self.peer(who), &["n"])
    }

    /// A peer, as other clients see it.
    pub(super) fn peer(&self, who: usize) -> Value {
        let member = &self.members[who];
        json!({
            "id": member.peer.id, "n": member.n, "name": member.name, "hand": member.hand,
            "host": self.host.as_ref() == Some(&member.peer.id),
            "away": matches!(member.link, Link::Away(_)),
            "media": { "audio": false, "video": member.video, "screen": false },
        })
    }

    pub(super) fn peers(&self) -> impl Iterator<Item = usize> {
        (0..self.members.len()).filter(|who| self.members[*who].joined.is_some())
    }

    /// An id or an alias, of a member or unknown.
    pub(super) fn target(&self, bytes: &mut Bytes) -> String {
        match bytes.below(3) {
            0 => (*bytes.pick(&ALIASES)).to_owned(),
            _ => self.id(bytes.below(self.members.len())),
        }
    }

    pub(super) fn find(&self, name: &str) -> Option<usize> {
        let mut members = self.members.iter();
        members.position(|member| member.peer.id == name || member.alias == Some(name))
    }

    pub(super) fn tell_peers(&mut self, but: usize, event: &Value) {
        for (who, member) in self.members.iter_mut().enumerate() {
            if who != but && member.joined.is_some() {
                member.owed.push(event.clone());
            }
        }
    }

    pub(super) fn tell_aliased(&mut self, event: &Value) {
        for member in self
            .members
            .iter_mut()
            .filter(|member| member.alias.is_some())
        {
            member.owed.push(event.clone());
        }
    }
}
