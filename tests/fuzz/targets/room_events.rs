//! The effects of the events that a client of a room sends, in the model of rooms.

use serde_json::{Value, json};

use super::bytes::Bytes;
use super::member::{Link, without};
use super::room_model::{Model, WAITING};
use crate::peer::Hall;

const ALIASES: [&str; 3] = ["ann", "bob", "carol"];

impl Model {
    pub(super) fn join(&mut self, hall: &mut Hall, who: usize, name: Option<&'static str>) {
        let id = self.id(who);
        let again = self.members[who].joined.is_some();
        self.members[who].name = name;
        self.members[who].joined.get_or_insert(hall.now());
        self.host.get_or_insert_with(|| id.clone());
        let reply = self.members[who]
            .peer
            .call(hall, json!(["room:join", { "name": name }]));
        let n = reply["self"]["n"].as_u64().expect("an ordinal");
        assert_eq!(*self.members[who].n.get_or_insert(n), n, "an ordinal stays");
        assert!(
            !self
                .members
                .iter()
                .any(|m| m.n == Some(n) && m.peer.id != id)
        );
        assert_eq!(without(&reply["self"], &["joinedAt"]), self.peer(who));
        let mut others: Vec<usize> = self.peers().filter(|other| *other != who).collect();
        others.sort_by_key(|other| self.members[*other].n);
        let others: Vec<Value> = others.into_iter().map(|other| self.peer(other)).collect();
        let listed = reply["peers"].as_array().expect("peers").iter();
        let listed: Vec<Value> = listed.map(|peer| without(peer, &["joinedAt"])).collect();
        assert_eq!(listed, others);
        assert_eq!(reply["room"]["count"], json!(others.len() + 1));
        let event = ["peer:joined", "peer:updated"][usize::from(again)];
        self.tell_peers(who, &json!([event, self.peer(who)]));
    }

    pub(super) fn leave(&mut self, hall: &mut Hall, who: usize) {
        let reply = self.members[who].peer.call(hall, json!(["room:leave"]));
        assert_eq!(reply, json!({ "ok": true }));
        self.left(who, "left");
    }

    /// The other peers are told, and one becomes host.
    pub(super) fn left(&mut self, who: usize, reason: &str) {
        let id = self.id(who);
        if let Some(alias) = self.members[who].alias.take() {
            self.tell_aliased(&json!(["user-left", alias]));
        }
        let member = &mut self.members[who];
        (member.name, member.hand) = (None, false);
        if member.joined.take().is_none() {
            return;
        }
        self.tell_peers(who, &json!(["peer:left", { "id": id, "reason": reason }]));
        if self.host.as_ref() == Some(&id) {
            let since = |who: &usize| (self.members[*who].joined, self.members[*who].n);
            self.host = self.peers().min_by_key(since).map(|who| self.id(who));
            self.tell_peers(who, &json!(["room:state", { "host": self.host }]));
        }
    }

    pub(super) fn take_alias(&mut self, hall: &mut Hall, bytes: &mut Bytes, who: usize) {
        let alias = *bytes.pick(&ALIASES);
        let owner = self.find(alias);
        let reply = self.members[who].peer.call(hall, json!(["join", alias]));
        if let Some(owner) = owner.filter(|owner| *owner != who) {
            // All clients have the same address.
            if !matches!(self.members[owner].link, Link::Away(_)) {
                assert_eq!(reply["error"]["code"], "id-taken");
                return;
            }
            self.tell_aliased(&json!(["user-left", alias]));
            self.members[owner].alias = None;
        }
        assert_eq!(reply, json!({ "ok": true }));
        let earlier = self.members[who].alias.replace(alias);
        if let Some(earlier) = earlier.filter(|earlier| *earlier != alias) {
            self.tell_aliased(&json!(["user-left", earlier]));
        }
        self.tell_aliased(&json!(["user-joined", alias]));
    }

    pub(super) fn raise_hand(&mut self, hall: &mut Hall, who: usize, hand: bool) {
        let event = json!(["peer:update", { "hand": hand }]);
        let reply = self.members[who].peer.call(hall, event);
        if self.members[who].joined.is_none() {
            assert_eq!(reply["error"]["code"], "not-joined");
            return;
        }
        self.members[who].hand = hand;
        let changed = json!({ "id": self.id(who), "hand": hand });
        self.tell_peers(who, &json!(["peer:updated", changed]));
    }

    pub(super) fn chat(&mut self, hall: &mut Hall, bytes: &mut Bytes, who: usize) {
        self.said += 1;
        let text = format!("{} 中文😀", self.said);
        let target = bytes.chance(3).then(|| self.target(bytes));
        let event = json!(["chat-message", { "message": text, "to": target }]);
        let reply = self.members[who].peer.call(hall, event);
        let to = match target.map(|target| self.find(&target)) {
            None => None,
            Some(Some(to)) if self.is_full(to) => {
                assert_eq!(reply["error"]["code"], "rate-limited");
                return;
            }
            Some(Some(to)) => Some(to),
            Some(None) => {
                assert_eq!(reply["error"]["code"], "unknown-peer");
                return;
            }
        };
        assert_eq!(reply["ok"], true);
        let mut message =
            json!({ "message": text, "from": self.id(who), "name": self.members[who].name });
        if let Some(to) = to {
            message["to"] = json!(self.id(to));
        }
        let event = json!(["chat-message", message]);
        for (member, owed) in self.members.iter_mut().enumerate() {
            if to.is_none_or(|to| to == member || who == member) {
                owed.owed.push(event.clone());
            }
        }
    }

    /// Whether the queue of a member that is away is full; otherwise one more signal is counted.
    pub(super) fn is_full(&mut self, who: usize) -> bool {
        let member = &mut self.members[who];
        let is_away = matches!(member.link, Link::Away(_));
        let is_full = is_away && member.waiting == WAITING;
        member.waiting += usize::from(is_away && !is_full);
        is_full
    }

    pub(super) fn id(&self, who: usize) -> String {
        self.members[who].peer.id.clone()
    }

    /// A peer, as other clients see it.
    pub(super) fn peer(&self, who: usize) -> Value {
        let member = &self.members[who];
        json!({
            "id": member.peer.id, "n": member.n, "name": member.name, "hand": member.hand,
            "host": self.host.as_ref() == Some(&member.peer.id),
            "away": matches!(member.link, Link::Away(_)),
            "media": { "audio": false, "video": false, "screen": false },
        })
    }

    fn peers(&self) -> impl Iterator<Item = usize> {
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

    fn tell_aliased(&mut self, event: &Value) {
        for member in self
            .members
            .iter_mut()
            .filter(|member| member.alias.is_some())
        {
            member.owed.push(event.clone());
        }
    }
}
