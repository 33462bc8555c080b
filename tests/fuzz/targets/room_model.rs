//! A room beside a naive model of it: who is in, who is host, and what everyone hears, in order,
//! over both transports and their upgrade, whenever memory is lost.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::bytes::Bytes;
use crate::peer::{Hall, Peer, hall};

const NAMES: [&str; 3] = ["Ann", "Bob", "中文😀"];
const ALIASES: [&str; 3] = ["ann", "bob", "carol"];
const SIGNALS: [&str; 4] = ["offer", "answer", "candidate", "signal"];

/// What the model knows of a socket.
struct Member {
    peer: Peer,
    name: Option<&'static str>,
    hand: bool,
    /// Since when it is a peer, and its ordinal, which stays.
    joined: Option<u64>,
    n: Option<u64>,
    alias: Option<&'static str>,
    /// Whom its answers are for, unless they say.
    partner: Option<String>,
    /// What it is to hear.
    owed: Vec<Value>,
    /// The last sequence number that it heard.
    seq: u64,
}

#[derive(Default)]
struct Model {
    members: Vec<Member>,
    host: Option<String>,
    /// What each was told of another: whether it is the polite one.
    polite: BTreeMap<(String, String), bool>,
    said: usize,
    heard: usize,
}

/// Returns how many events were heard.
pub fn room_model(bytes: &[u8]) -> usize {
    let mut bytes = Bytes::new(bytes);
    let mut hall = hall();
    let mut model = Model::default();
    while !bytes.is_empty() {
        model.step(&mut hall, &mut bytes);
        model.listen(&mut hall);
    }
    model.heard
}

impl Model {
    fn step(&mut self, hall: &mut Hall, bytes: &mut Bytes) {
        let count = self.members.len();
        match bytes.below(24) {
            0 | 1 if count < 5 => self.connect(hall, bytes.chance(2)),
            2 => {
                hall.lose_memory();
            }
            3 => {
                let then = hall.now() + *bytes.pick(&[1, 1_000, 30_000]);
                hall.until(then);
            }
            kind @ 4.. if count > 0 => {
                let who = bytes.below(count);
                match kind {
                    4..8 => self.join(hall, who, NAMES.get(bytes.below(4)).copied()),
                    8 => self.leave(hall, who),
                    9 | 10 => self.take_alias(hall, bytes, who),
                    11 => self.raise_hand(hall, who, bytes.chance(2)),
                    12..15 => self.chat(hall, bytes, who),
                    15..21 => self.signal(hall, bytes, who),
                    21 => {
                        let losses: Vec<bool> = (0..3).map(|_| bytes.chance(3)).collect();
                        let mut losses = losses.into_iter();
                        self.members[who].peer.upgrade(hall, |hall| {
                            if losses.next() == Some(true) {
                                hall.lose_memory();
                            }
                        });
                    }
                    _ if bytes.chance(2) => self.lose(hall, who, bytes.chance(2)),
                    _ => {}
                }
            }
            _ => {}
        }
    }

    fn connect(&mut self, hall: &mut Hall, polling: bool) {
        let peer = if polling {
            Peer::connect_polling(hall)
        } else {
            Peer::connect(hall)
        };
        self.members.push(Member {
            peer,
            name: None,
            hand: false,
            joined: None,
            n: None,
            alias: None,
            partner: None,
            owed: Vec::new(),
            seq: 0,
        });
    }

    fn join(&mut self, hall: &mut Hall, who: usize, name: Option<&'static str>) {
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

    fn leave(&mut self, hall: &mut Hall, who: usize) {
        let reply = self.members[who].peer.call(hall, json!(["room:leave"]));
        assert_eq!(reply, json!({ "ok": true }));
        self.left(who, "left");
    }

    /// The connection is lost, or the namespace left.
    fn lose(&mut self, hall: &mut Hall, who: usize, politely: bool) {
        if politely {
            self.members[who].peer.write(hall, "41");
            self.left(who, "left");
        } else {
            self.members[who].peer.vanish(hall);
            self.left(who, "timeout");
        }
        self.members.remove(who);
    }

    /// Those who stay are told, and find a host.
    fn left(&mut self, who: usize, reason: &str) {
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

    fn take_alias(&mut self, hall: &mut Hall, bytes: &mut Bytes, who: usize) {
        let alias = *bytes.pick(&ALIASES);
        let owner = self.find(alias);
        let reply = self.members[who].peer.call(hall, json!(["join", alias]));
        if owner.is_some_and(|owner| owner != who) {
            assert_eq!(reply["error"]["code"], "id-taken");
            return;
        }
        assert_eq!(reply, json!({ "ok": true }));
        let earlier = self.members[who].alias.replace(alias);
        if let Some(earlier) = earlier.filter(|earlier| *earlier != alias) {
            self.tell_aliased(&json!(["user-left", earlier]));
        }
        self.tell_aliased(&json!(["user-joined", alias]));
    }

    fn raise_hand(&mut self, hall: &mut Hall, who: usize, hand: bool) {
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

    fn chat(&mut self, hall: &mut Hall, bytes: &mut Bytes, who: usize) {
        self.said += 1;
        let text = format!("{} 中文😀", self.said);
        let target = bytes.chance(3).then(|| self.target(bytes));
        let event = json!(["chat-message", { "message": text, "to": target }]);
        let reply = self.members[who].peer.call(hall, event);
        let to = match target.map(|target| self.find(&target)) {
            None => None,
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

    fn signal(&mut self, hall: &mut Hall, bytes: &mut Bytes, who: usize) {
        self.said += 1;
        let kind = *bytes.pick(&SIGNALS);
        let target = bytes.chance(2).then(|| self.target(bytes));
        let sent = match (&target, kind) {
            (Some(target), _) => json!({ "to": target, "data": self.said }),
            (None, "signal") => json!({ "data": self.said }),
            (None, "candidate") => json!({ "candidate": self.said.to_string() }),
            (None, kind) => json!({ "type": kind, "sdp": self.said.to_string() }),
        };
        let reply = self.members[who].peer.call(hall, json!([kind, sent]));
        let partner = self.members[who].partner.clone();
        let partner = partner.filter(|_| matches!(kind, "answer" | "candidate"));
        let receivers = match (
            target.map(|target| self.find(&target)),
            partner.map(|id| self.find(&id)),
        ) {
            (Some(Some(to)), _) | (None, Some(Some(to))) => vec![to],
            (Some(None), _) => {
                assert_eq!(reply["error"]["code"], "unknown-peer");
                return;
            }
            (None, _) => (0..self.members.len()).filter(|to| *to != who).collect(),
        };
        assert_eq!(reply, json!({ "ok": true, "delivered": receivers.len() }));
        let id = self.id(who);
        let mut delivered = sent;
        if delivered.get("data").is_some() {
            delivered["from"] = json!(id);
        }
        let only = if let [only] = receivers[..] {
            Some(self.id(only))
        } else {
            None
        };
        let meta = json!({ "from": id, "to": only, "name": self.members[who].name, "room": "room", "cid": null });
        for to in &receivers {
            self.members[*to].owed.push(json!([kind, delivered, meta]));
        }
        if matches!(kind, "offer" | "answer") {
            self.members[who].partner = only.filter(|only| *only != id);
            for to in receivers.into_iter().filter(|to| *to != who) {
                self.members[to].partner = Some(id.clone());
            }
        }
    }

    /// Takes what everyone heard: it is what the model says.
    fn listen(&mut self, hall: &mut Hall) {
        for who in 0..self.members.len() {
            let mut heard = self.members[who].peer.heard(hall);
            for event in &mut heard {
                self.check(who, event);
            }
            self.heard += heard.len();
            let member = &mut self.members[who];
            let owed = std::mem::take(&mut member.owed);
            assert_eq!(heard, owed, "polling: {}", member.peer.polls());
        }
    }

    /// Takes out of an event what the model cannot know, and checks it by itself.
    fn check(&mut self, who: usize, event: &mut Value) {
        let chat = event[0] == "chat-message";
        if chat || SIGNALS.iter().any(|name| event[0] == *name) {
            let last = event.as_array_mut().and_then(|event| event.last_mut());
            let fields = last.and_then(Value::as_object_mut).expect("meta");
            fields.remove("ts").expect("a time");
            if chat {
                fields.remove("id").expect("an id");
            }
            let seq = fields.remove("seq").and_then(|seq| seq.as_u64());
            let earlier = self.members[who].seq;
            assert!(seq > Some(earlier), "{seq:?} after {earlier}");
            self.members[who].seq = seq.unwrap_or_default();
            let from = fields["from"].as_str().unwrap_or_default().to_owned();
            if let Some(polite) = fields.remove("polite").and_then(|polite| polite.as_bool()) {
                self.check_polite(who, from, polite);
            }
        } else if let Some(fields) = event[1].as_object_mut() {
            fields.remove("joinedAt");
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

    fn id(&self, who: usize) -> String {
        self.members[who].peer.id.clone()
    }

    /// A peer as others see it.
    fn peer(&self, who: usize) -> Value {
        let member = &self.members[who];
        json!({
            "id": member.peer.id, "n": member.n, "name": member.name, "hand": member.hand,
            "host": self.host.as_ref() == Some(&member.peer.id), "away": false,
            "media": { "audio": false, "video": false, "screen": false },
        })
    }

    fn peers(&self) -> impl Iterator<Item = usize> {
        (0..self.members.len()).filter(|who| self.members[*who].joined.is_some())
    }

    /// An id or an alias, of somebody or nobody.
    fn target(&self, bytes: &mut Bytes) -> String {
        match bytes.below(3) {
            0 => (*bytes.pick(&ALIASES)).to_owned(),
            _ => self.id(bytes.below(self.members.len())),
        }
    }

    fn find(&self, name: &str) -> Option<usize> {
        let mut members = self.members.iter();
        members.position(|member| member.peer.id == name || member.alias == Some(name))
    }

    fn tell_peers(&mut self, but: usize, event: &Value) {
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

fn without(value: &Value, names: &[&str]) -> Value {
    let mut value = value.clone();
    for name in names {
        value
            .as_object_mut()
            .and_then(|fields| fields.remove(*name))
            .expect("a field");
    }
    value
}
