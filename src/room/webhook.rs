//! Webhooks: requests that report the room's events to the operator's server.
//!
//! ```text
//! event ─▶ numbered, stored in the journal ─▶ Post ─▶ accepted (2xx) ─▶ deleted
//!                                             ▲ └─ failed ─▶ waits ─┐
//!                                             └─────────────────────┘
//! ```
//!
//! The events of a room are sent one after another, in order. An event is sent only after it is
//! stored, so no number is used for two events, even if the server is killed. An event may arrive
//! twice, with the same id. `docs/webhooks.md` has the promises to receivers.

use std::collections::VecDeque;
use std::fmt::Write;
use std::rc::Rc;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::attempts::{Attempts, failure};
use super::config::Webhook;
use crate::io::{Answer, Post, Recipient, numbered};
use crate::socket::{Object, SocketId};
use crate::store::Store;
use crate::time::Timestamp;

const STATE: &str = "webhook/state";

/// The prefix of the keys of events.
const EVENTS: &str = "webhook/event/";

/// The maximum number of events that wait, and their maximum size. The oldest are dropped first.
const MAX_EVENTS: usize = 1000;
const MAX_BYTES: usize = 1_048_576;

/// An event that is not accepted within this time is dropped.
const MAX_AGE: Duration = Duration::from_secs(86_400);

/// How long the receiver may take to answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The header of the signature.
const SIGNATURE: &str = "x-signalbox-signature";

/// The state that is stored beside the events.
#[derive(Debug, Default, Serialize, Deserialize)]
struct State {
    /// The id of the stream in which the events are numbered. When a room's storage is deleted, its next
    /// event begins another stream.
    stream: String,
    /// The number of the last event.
    seq: u64,
    /// The host that the receiver knows of.
    host: Option<SocketId>,
    /// Whether the receiver knows that the room has peers.
    occupied: bool,
    /// Whether the stream ends with the events that wait, because the room was closed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    ending: bool,
    attempts: Attempts,
}

/// An event that waits.
struct Waiting {
    seq: u64,
    at: Timestamp,
    body: String,
}

/// The part of a stored event that is needed to send it.
#[derive(Deserialize)]
struct Stamp {
    seq: u64,
    ts: Timestamp,
}

/// The events that wait, and the one that is being sent.
pub(super) struct Deliveries {
    store: Rc<Store>,
    /// `None` if webhooks are off.
    webhook: Option<Webhook>,
    state: State,
    /// Oldest first.
    queue: VecDeque<Waiting>,
    /// The bytes of the events.
    bytes: usize,
    /// How many events were dropped since [`Deliveries::take_dropped`].
    dropped: usize,
    unsaved: bool,
}

impl Deliveries {
    pub(super) fn load(store: Rc<Store>, webhook: Option<Webhook>) -> Self {
        let mut deliveries = Self {
            store,
            webhook,
            state: State::default(),
            queue: VecDeque::new(),
            bytes: 0,
            dropped: 0,
            unsaved: false,
        };
        if deliveries.webhook.is_some() {
            deliveries.state = deliveries.store.get(STATE).unwrap_or_default();
            for (key, body) in deliveries.store.load(EVENTS) {
                if let Some(Stamp { seq, ts: at }) = deliveries.store.read(&key, &body) {
                    deliveries.enqueue(Waiting { seq, at, body });
                }
            }
        }
        deliveries
    }

    /// Everything that is stored was deleted.
    pub(super) fn reset(&mut self) {
        *self = Self::load(Rc::clone(&self.store), None).with(self.webhook.take());
    }

    fn with(self, webhook: Option<Webhook>) -> Self {
        Self { webhook, ..self }
    }

    pub(super) fn is_on(&self) -> bool {
        self.webhook.is_some()
    }

    /// Whether the receiver gets chat messages.
    pub(super) fn wants_chat(&self) -> bool {
        self.webhook.as_ref().is_some_and(|webhook| webhook.chat)
    }

    /// Stores an event of this room, to be sent.
    pub(super) fn push(
        &mut self,
        now: Timestamp,
        room: &str,
        event: &str,
        fields: impl FnOnce(Object) -> Object,
    ) {
        if !self.is_on() {
            return;
        }
        if self.state.stream.is_empty() {
            self.state.stream = SocketId::new(self.store.platform().mint()).to_string();
        }
        let seq = self.state.seq.saturating_add(1);
        let stream = &self.state.stream;
        let head = Object::new()
            .with("id", &format!("{stream}-{seq}"))
            .with("stream", stream)
            .with("seq", &seq)
            .with("ts", &now)
            .with("room", room)
            .with("event", event);
        let body = fields(head).json().as_str().to_owned();
        self.state.seq = seq;
        self.unsaved = true;
        self.store.put(key(seq), &body);
        let at = now;
        self.enqueue(Waiting { seq, at, body });
        while self.queue.len() > MAX_EVENTS || (self.bytes > MAX_BYTES && self.queue.len() > 1) {
            self.drop_oldest();
        }
    }

    /// Stores an event for a new host, and one when the last peer has left, if the receiver does not know
    /// of them.
    pub(super) fn settle(
        &mut self,
        now: Timestamp,
        room: &str,
        host: Option<SocketId>,
        peers: usize,
    ) {
        if !self.is_on() {
            return;
        }
        if self.state.host != host {
            self.state.host = host;
            self.unsaved = true;
            if let Some(host) = host {
                let peer = Object::new().with("id", &host).json();
                self.push(now, room, "host", |event| event.with_json("peer", &peer));
            }
        }
        let occupied = peers > 0;
        if self.state.occupied != occupied {
            self.state.occupied = occupied;
            self.state.ending &= !occupied;
            self.unsaved = true;
            if !occupied {
                self.push(now, room, "empty", |event| event);
            }
        }
    }

    /// The request to send now, if one is due.
    pub(super) fn next(&mut self, now: Timestamp) -> Option<Post> {
        let webhook = self.webhook.clone()?;
        if !self.state.attempts.may_start(now) {
            return None;
        }
        while self.queue.front()?.at + MAX_AGE <= now {
            self.drop_oldest();
        }
        let oldest = self.queue.front()?;
        self.state.attempts.start(now, oldest.seq);
        self.store.promise(); // the event is stored before it is sent
        Some(Post {
            number: oldest.seq,
            to: Recipient::Server(webhook.url),
            headers: vec![(SIGNATURE, sign(&webhook.secret, now, &oldest.body))],
            body: oldest.body.clone(),
            timeout: TIMEOUT,
        })
    }

    /// The request was answered, or failed. Returns the reason of the first failure after a success.
    pub(super) fn answered(
        &mut self,
        now: Timestamp,
        number: u64,
        answer: Result<Answer, String>,
    ) -> Option<String> {
        let was_under_way = self.state.attempts.end(number);
        if !was_under_way || self.queue.front()?.seq != number {
            return None; // it was dropped meanwhile
        }
        let attempts = &mut self.state.attempts;
        if let Some(failure) = failure(answer) {
            self.unsaved = true;
            return attempts.failed(now).then_some(failure);
        }
        self.unsaved |= attempts.succeeded(now, Duration::ZERO);
        self.dequeue();
        None
    }

    /// How many events were dropped since the last call.
    pub(super) fn take_dropped(&mut self) -> usize {
        std::mem::take(&mut self.dropped)
    }

    /// Whether an event waits.
    pub(super) fn is_busy(&self) -> bool {
        !self.queue.is_empty()
    }

    /// When [`Deliveries::next`] returns a request, unless an answer arrives before.
    pub(super) fn deadline(&self) -> Option<Timestamp> {
        self.queue.front()?;
        Some(self.state.attempts.deadline())
    }

    /// The room was closed, and its storage is to be deleted. So the next event begins another stream,
    /// unless a peer joins before the events that wait are sent.
    pub(super) fn end(&mut self) {
        self.state.ending = self.is_on();
        self.unsaved |= self.is_on();
    }

    /// Stores what changed beside the events.
    pub(super) fn save(&mut self) {
        if self.state.ending && self.queue.is_empty() {
            self.state = State::default();
            self.unsaved = false;
            self.store.delete(STATE.to_owned());
        } else if std::mem::take(&mut self.unsaved) {
            self.store.put_json(STATE.to_owned(), &self.state);
        }
    }

    fn enqueue(&mut self, event: Waiting) {
        self.bytes = self.bytes.saturating_add(event.body.len());
        self.queue.push_back(event);
    }

    fn dequeue(&mut self) {
        if let Some(event) = self.queue.pop_front() {
            self.bytes = self.bytes.saturating_sub(event.body.len());
            self.store.delete(key(event.seq));
        }
    }

    fn drop_oldest(&mut self) {
        self.dequeue();
        self.dropped = self.dropped.saturating_add(1);
    }
}

fn key(seq: u64) -> String {
    numbered(EVENTS, seq)
}

/// The value of the signature's header: the time in seconds, and the HMAC-SHA-256 of that time, a full
/// stop and the body.
fn sign(secret: &str, now: Timestamp, body: &str) -> String {
    let mut signature = format!("t={},v1=", now.as_millis() / 1000);
    // HMAC takes a key of any length.
    if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) {
        mac.update(format!("{}.", now.as_millis() / 1000).as_bytes());
        mac.update(body.as_bytes());
        for byte in mac.finalize().into_bytes() {
            let _ = write!(signature, "{byte:02x}"); // writing to a string cannot fail
        }
    }
    signature
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures() {
        let at = Timestamp::from_millis(1_700_000_000_999);
        // From `printf '1700000000.{"a":"ä"}' | openssl dgst -sha256 -hmac north`.
        assert_eq!(
            sign("north", at, r#"{"a":"ä"}"#),
            "t=1700000000,v1=4a879f007a8c2f8ff9dca0d2a891d982de993fad212bd46f9b99d192afbb8b86"
        );
    }
}
