//! A socket in a room in the model of rooms.

use serde_json::{Value, json};

use super::room_door::Knock;
use crate::peer::Peer;

pub const SIGNALS: [&str; 4] = ["offer", "answer", "candidate", "signal"];

/// Field names by which a sender may claim to be someone else.
pub const SENDERS: [&str; 4] = ["from", "callerID", "sender_id", "mySocketId"];

#[expect(
    clippy::struct_excessive_bools,
    reason = "each of them may be true without the others"
)]
pub struct Member {
    pub peer: Peer,
    pub link: Link,
    pub name: Option<&'static str>,
    pub hand: bool,
    pub video: bool,
    /// Since when it is a peer, and its ordinal, which does not change.
    pub joined: Option<u64>,
    pub n: Option<u64>,
    pub alias: Option<&'static str>,
    /// The peer that gets its answers and candidates if they name no target.
    pub partner: Option<String>,
    /// What the others will be told of it when it is let in.
    pub knocking: Option<Knock>,
    pub denied: bool,
    /// Whether it has a secret to pass the lock: it had joined when the room was locked, or was let in later.
    pub has_secret: bool,
    /// The events that it must get, now or on its return.
    pub owed: Vec<Value>,
    /// How many signals are queued for it while it is away.
    pub waiting: usize,
    /// Whether its page was left, and whether a new socket may replace it: none may after a loss of memory.
    pub left_page: bool,
    pub replaceable: bool,
    /// Since when the server knows that its connection is lost.
    pub away_since: Option<u64>,
    /// Whether the server has stored everything that this client knows.
    pub settled: bool,
    /// The last sequence number that it received.
    seq: u64,
}

#[derive(Clone, Copy, PartialEq)]
pub enum Link {
    Present,
    /// Its connection was lost at this time, and the server has not noticed.
    Silent(u64),
    /// Its connection is lost. It may return until this time.
    Away(u64),
}

impl Member {
    pub fn new(peer: Peer) -> Self {
        Self {
            peer,
            link: Link::Present,
            name: None,
            hand: false,
            video: false,
            joined: None,
            n: None,
            alias: None,
            partner: None,
            knocking: None,
            denied: false,
            has_secret: false,
            owed: Vec::new(),
            waiting: 0,
            left_page: false,
            replaceable: false,
            away_since: None,
            settled: false,
            seq: 0,
        }
    }

    /// Removes from an event what the model cannot know, and checks that separately. Returns the
    /// sender of a signal, and whether the receiver is the polite one of the two.
    pub fn check(&mut self, event: &mut Value) -> Option<(String, bool)> {
        if !is_message_or_signal(event) {
            match event[0].as_str() {
                // Of an error only the code is compared.
                Some("room:error" | "room:denied") => event[1] = event[1]["code"].take(),
                Some("room:admitted") => *event = json!(["room:admitted"]),
                _ => {}
            }
            if let Some(fields) = event.get_mut(1).and_then(Value::as_object_mut) {
                fields.remove("joinedAt");
            }
            return None;
        }
        let chat = event[0] == "chat-message";
        let last = event.as_array_mut().and_then(|event| event.last_mut());
        let fields = last.and_then(Value::as_object_mut).expect("meta");
        fields.remove("ts").expect("a time");
        if chat {
            fields.remove("id").expect("an id");
        }
        let seq = fields.remove("seq").and_then(|seq| seq.as_u64());
        assert!(seq > Some(self.seq), "{seq:?} after {}", self.seq);
        self.seq = seq.unwrap_or_default();
        let from = fields["from"].as_str().expect("a sender").to_owned();
        let polite = fields.remove("polite")?.as_bool().expect("true or false");
        let delivered = event.as_array().into_iter().flatten();
        for object in delivered.filter_map(Value::as_object) {
            let mut claims = SENDERS.iter().filter_map(|name| object.get(*name));
            assert!(claims.all(|claim| *claim == from), "{object:?} of {from}");
        }
        Some((from, polite))
    }
}

/// Whether an event is a chat message or a signal, and not news about members or an error.
pub fn is_message_or_signal(event: &Value) -> bool {
    event[0] == "chat-message" || SIGNALS.iter().any(|name| event[0] == *name)
}

/// The object without these fields.
pub fn without(value: &Value, names: &[&str]) -> Value {
    let mut value = value.clone();
    let fields = value.as_object_mut().expect("an object");
    for name in names {
        fields.remove(*name).expect("a field");
    }
    value
}
