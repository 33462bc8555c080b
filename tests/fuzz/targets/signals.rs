//! Signals in the shapes that pages send, and their effects in the model of rooms.

use serde_json::{Map, Value, json};
use signalbox::socket::SocketId;

use super::bytes::Bytes;
use super::member::{SENDERS, SIGNALS};
use super::room_model::{Act, Model};
use crate::support::id;

/// Names of fields that may name a target, each with its rank. If several do, the lowest rank decides.
const TARGETS: [(&str, u8); 8] = [
    ("remotePeerId", TUTORIAL),
    ("targetUserId", TUTORIAL),
    ("to", 1),
    ("targetSocketId", 2),
    ("callee_id", 3),
    ("PEER", PEER),
    ("userID", 5),
    ("id", 6),
];

const TUTORIAL: u8 = 0;

/// A field of this or a higher rank may hold the name of the sender; then it names no target.
const PEER: u8 = 4;

const ROOMS: [&str; 2] = ["roomId", "meeting_code"];

/// Fields with unknown names. Such a field names a target if its value is the id or alias of another member.
const UNKNOWN: [&str; 2] = ["buddy", "zone"];

/// Names of payloads.
const PAYLOADS: [&str; 5] = ["offer", "answer", "candidate", "sdp", "data"];

type Object = Map<String, Value>;

/// The target that a signal names, if any, and the arguments to deliver.
struct Plan {
    target: Option<usize>,
    delivered: Vec<Value>,
}

impl Model {
    pub(super) fn signal(
        &mut self,
        bytes: &mut Bytes,
        who: usize,
        kind: Option<&'static str>,
    ) -> Act {
        self.said += 1;
        let kind = kind.unwrap_or_else(|| *bytes.pick(&SIGNALS));
        let args = self.arguments(bytes, kind);
        let event = Value::Array([&[json!(kind)], args.as_slice()].concat());
        let mut text = event.to_string();
        if bytes.chance(4) {
            text = text.replace(r#""from":"#, r#""fr\u006fm":"#);
        }
        if self.is_outside(who) {
            return Act::new(text, Err("room-locked"));
        }
        let plan = match self.plan_signal(who, kind, &args) {
            Ok(plan) => plan,
            Err(code) => return Act::new(text, Err(code)),
        };
        let partner = self.members[who].partner.as_deref();
        let partner = partner.filter(|_| matches!(kind, "answer" | "candidate"));
        let target = plan.target.or_else(|| self.insider(partner?));
        let mut receivers = match target {
            Some(target) => vec![target],
            None => self
                .insiders()
                .into_iter()
                .filter(|to| *to != who)
                .collect(),
        };
        let only = receivers.len() == 1;
        receivers.retain(|to| !self.is_full(*to));
        if only && receivers.is_empty() {
            return Act::new(text, Err("rate-limited"));
        }
        let act = Act::new(
            text,
            Ok(json!({ "ok": true, "delivered": receivers.len() })),
        );
        let own = self.id(who);
        let only = if let [only] = receivers[..] {
            Some(self.id(only))
        } else {
            None
        };
        let meta = json!({ "from": own, "to": only, "name": self.members[who].name, "room": "room", "cid": null });
        let mut delivered = vec![json!(kind)];
        delivered.extend(plan.delivered);
        delivered.push(meta);
        for to in &receivers {
            let owed = &mut self.members[*to].owed;
            owed.push(Value::Array(delivered.clone()));
        }
        if matches!(kind, "offer" | "answer") && only.as_ref() != Some(&own) {
            self.pair(who, only.as_ref(), &receivers);
        }
        act
    }

    /// Members exchanged an offer or answer.
    fn pair(&mut self, who: usize, only: Option<&String>, receivers: &[usize]) {
        let own = self.id(who);
        self.members[who].partner = only.cloned();
        for (to, member) in self.members.iter_mut().enumerate() {
            // A signal to many makes its sender the partner of all other sockets, even of those that miss it.
            if to != who && (only.is_none() || receivers.contains(&to)) {
                member.partner = Some(own.clone());
            }
        }
    }

    /// The arguments of a signal, in one of the shapes that pages send.
    fn arguments(&self, bytes: &mut Bytes, kind: &str) -> Vec<Value> {
        let object = self.object(bytes, kind);
        match bytes.below(12) {
            0 => vec![object, self.name(bytes)],
            1 | 2 => vec![self.name(bytes), object],
            3 => vec![json!("room"), object],
            4 => vec![json!("room"), self.name(bytes), object],
            5 => vec![object, json!("room"), self.name(bytes)],
            6 => vec![object, self.object(bytes, kind)],
            7 => vec![self.name(bytes), object, self.object(bytes, kind)],
            _ => vec![object],
        }
    }

    fn object(&self, bytes: &mut Bytes, kind: &str) -> Value {
        let text = self.said.to_string();
        let mut bare = match kind {
            "candidate" => json!({ "candidate": text }),
            "signal" => json!({ "data": text }),
            kind => json!({ "type": kind, "sdp": text }),
        };
        self.claim(bytes, &mut bare);
        let mut object = match bytes.below(8) {
            0..3 => json!({ kind: bare }),
            3 | 4 => json!({ "data": bare }),
            5 => json!({ "n": text }),
            _ => bare,
        };
        for one_in in [2, 4] {
            if bytes.chance(one_in) {
                object[bytes.pick(&TARGETS).0] = match bytes.below(16) {
                    0 => json!(null),
                    1 => json!([self.name(bytes)]),
                    _ => self.name(bytes),
                };
            }
        }
        if bytes.chance(3) {
            object[*bytes.pick(&UNKNOWN)] = self.name(bytes);
        }
        self.claim(bytes, &mut object);
        object
    }

    /// May add a sender and a room to an object.
    fn claim(&self, bytes: &mut Bytes, object: &mut Value) {
        if bytes.chance(4) {
            object[*bytes.pick(&SENDERS)] = self.name(bytes);
        }
        if bytes.chance(8) {
            object[*bytes.pick(&ROOMS)] = bytes
                .pick(&[json!("room"), json!("room"), json!(null), json!("other")])
                .clone();
        }
    }

    /// An id or an alias, of a member or unknown.
    fn name(&self, bytes: &mut Bytes) -> Value {
        match bytes.below(12) {
            0 => json!(id(999)),
            1 => json!("nobody"),
            _ => json!(self.target(bytes)),
        }
    }

    /// The delivered arguments of a signal, or the code of its refusal.
    fn plan_signal(&self, who: usize, kind: &str, args: &[Value]) -> Result<Plan, &'static str> {
        let args = match args {
            [first, rest @ ..] if !rest.is_empty() && first == "room" => rest,
            args => args,
        };
        let own = self.id(who);
        let objects: Vec<&Object> = args.iter().filter_map(Value::as_object).collect();
        if objects.iter().any(|object| is_elsewhere(object)) {
            return Err("unsupported");
        }
        let Some(first) = args[0].as_object() else {
            let name = args[0].as_str().expect("a name");
            let rest = args[1..].iter().map(|value| stated(value, &own, false));
            return Ok(Plan {
                target: Some(self.insider(name).ok_or("unknown-peer")?),
                delivered: [json!(own)].into_iter().chain(rest).collect(),
            });
        };
        let has = |least: u8| {
            let mut targets = TARGETS.iter().filter(|(_, rank)| *rank <= least);
            targets.any(|(name, _)| is_target(kind, first, name) && first[*name].is_string())
        };
        let is_text = |name: &str| first.get(name).is_some_and(Value::is_string);
        let is_bare = is_text("type") && is_text("sdp") || kind == "candidate" && is_text(kind);
        let is_alone = first
            .iter()
            .all(|(name, value)| name == kind || value.is_null());
        let payload = first.get(kind);
        let (bare, required) = match payload {
            Some(payload) if has(TUTORIAL) => (payload, false),
            _ if has(u8::MAX) => (&args[0], true),
            _ if is_bare => (&args[0], false),
            Some(payload) if kind != "signal" && is_alone => (payload, false),
            _ => (&args[0], true),
        };
        if bare.as_object().is_some_and(is_elsewhere) {
            return Err("unsupported");
        }
        let target = self.named(who, kind, args, &objects)?;
        let carries = PAYLOADS.iter().any(|name| first.contains_key(*name));
        if target.is_none() && required && kind != "signal" && !carries {
            return Err("bad-payload");
        }
        Ok(Plan {
            target,
            delivered: vec![stated(bare, &own, required)],
        })
    }

    /// The target of a signal that begins with an object.
    fn named(
        &self,
        who: usize,
        kind: &str,
        args: &[Value],
        objects: &[&Object],
    ) -> Result<Option<usize>, &'static str> {
        let mut later = None;
        for (place, name) in args[1..].iter().enumerate() {
            let Some(name) = name.as_str().filter(|name| *name != "room") else {
                continue;
            };
            match self.insider(name) {
                Some(found) if found != who => later = later.or(Some(found)),
                None if SocketId::is_id(name) => return Err("unknown-peer"),
                None if place == 0 => return Err("unsupported"),
                _ => {}
            }
        }
        let find = |value: &Value| self.find(value.as_str()?);
        let mut best: Option<(u8, &Value)> = None;
        for object in objects {
            for (name, value) in *object {
                let rank = TARGETS.iter().find(|(target, _)| target == name);
                let Some((_, rank)) = rank.filter(|_| is_target(kind, object, name)) else {
                    continue;
                };
                let is_own = *rank >= PEER && find(value) == Some(who);
                if !value.is_null() && !is_own && best.is_none_or(|(best, _)| *rank < best) {
                    best = Some((*rank, value));
                }
            }
        }
        if let Some((_, value)) = best {
            let name = value.as_str().ok_or("bad-payload")?;
            return Ok(Some(self.insider(name).ok_or("unknown-peer")?));
        }
        let mut unknown = objects
            .iter()
            .flat_map(|object| UNKNOWN.map(|name| object.get(name)));
        let other = |value: &Value| self.insider(value.as_str()?).filter(|found| *found != who);
        let by_value = unknown.find_map(|value| other(value?));
        Ok(later.or(by_value))
    }
}

/// Whether a field of an object may name a target. `id` in a candidate does not.
fn is_target(kind: &str, object: &Object, name: &str) -> bool {
    let is_candidate = kind == "candidate" && object.get(kind).is_some_and(Value::is_string);
    object.contains_key(name) && !(is_candidate && name == "id")
}

fn is_elsewhere(object: &Object) -> bool {
    let rooms = ROOMS.iter().filter_map(|name| object.get(*name));
    rooms
        .into_iter()
        .any(|room| !room.is_null() && room != "room")
}

/// A value with the true sender.
fn stated(value: &Value, own: &str, required: bool) -> Value {
    let mut value = value.clone();
    if let Some(object) = value.as_object_mut() {
        for name in SENDERS {
            if object.contains_key(name) || required && name == "from" {
                object.insert(name.to_owned(), json!(own));
            }
        }
    }
    value
}
