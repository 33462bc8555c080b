//! Tells the index of rooms when the first peer joins this room and when the last peer leaves.
//!
//! The room repeats the message until the index has acknowledged it, even if either object is killed. So
//! the index is correct after some time.

use std::rc::Rc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::attempts::{Attempts, failure};
use crate::index;
use crate::io::{Answer, Post};
use crate::store::Store;
use crate::time::Timestamp;

const STATE: &str = "listing";

/// The number of the request to the index. There is one at a time.
pub(super) const POST: u64 = u64::MAX;

/// The shortest time between two messages, for a room that opens and closes again and again.
const PAUSE: Duration = Duration::from_secs(10);

#[derive(Debug, Default, Serialize, Deserialize)]
struct State {
    /// The time since which there are peers.
    since: Option<Timestamp>,
    /// The value of `since` that the index has acknowledged.
    known: Option<Timestamp>,
    attempts: Attempts,
}

/// The reports to the index.
pub(super) struct Listing {
    store: Rc<Store>,
    /// Whether there is an index.
    on: bool,
    state: State,
    /// The state that the pending request reports.
    telling: Option<Timestamp>,
    unsaved: bool,
}

impl Listing {
    pub(super) fn load(store: Rc<Store>, on: bool) -> Self {
        let state = on.then(|| store.get(STATE)).flatten();
        Self {
            store,
            on,
            state: state.unwrap_or_default(),
            telling: None,
            unsaved: false,
        }
    }

    /// Everything that is stored was deleted.
    pub(super) fn reset(&mut self) {
        self.state = State::default();
        self.unsaved = false;
    }

    pub(super) fn is_on(&self) -> bool {
        self.on
    }

    /// The room has this number of peers. Returns the request to the index, if one is due.
    pub(super) fn next(&mut self, now: Timestamp, room: &str, peers: usize) -> Option<Post> {
        if !self.on {
            return None;
        }
        let occupied = peers > 0;
        if occupied != self.state.since.is_some() {
            self.state.since = occupied.then_some(now);
            self.unsaved = true;
        }
        if !self.is_busy() || !self.state.attempts.may_start(now) {
            return None;
        }
        self.state.attempts.start(now, POST);
        self.telling = self.state.since;
        self.store.promise(); // the state is stored before the index learns of it
        Some(match (self.state.since, self.state.known) {
            (Some(since), _) => index::opened(POST, room, since),
            (None, known) => index::closed(POST, room, known.unwrap_or_default()),
        })
    }

    /// The request to the index was answered, or failed.
    pub(super) fn answered(&mut self, now: Timestamp, answer: Result<Answer, String>) {
        if !self.state.attempts.end(POST) {
            return;
        }
        self.unsaved = true;
        if failure(answer).is_some() {
            self.state.attempts.failed(now);
        } else {
            self.state.known = self.telling;
            self.state.attempts.succeeded(now, PAUSE);
        }
    }

    /// Whether the room has something to tell.
    pub(super) fn is_busy(&self) -> bool {
        self.state.since != self.state.known
    }

    /// When the next request is due.
    pub(super) fn deadline(&self) -> Option<Timestamp> {
        self.is_busy().then(|| self.state.attempts.deadline())
    }

    /// Stores what changed. Once the index knows that the room is empty, nothing remains stored.
    pub(super) fn save(&mut self) {
        if !std::mem::take(&mut self.unsaved) {
            return;
        }
        if self.state.since.is_none() && self.state.known.is_none() {
            self.store.delete(STATE.to_owned());
        } else {
            self.store.put_json(STATE.to_owned(), &self.state);
        }
    }
}
