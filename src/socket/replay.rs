//! The replay log: the last events that were sent, for clients that lose their connection and recover.
//!
//! Each event is a row under its offset, which the client gets as the event's last argument. The log is
//! bounded by number and bytes. If it is full, events are dropped for the receivers that have most in it,
//! and only these have a gap. Old events are deleted unless a socket is away, and all events are deleted
//! when no socket is left that could recover.

use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::client::Socket;
use super::offset::Offset;
use super::socket_id::SocketId;
use crate::engine::{Message, payload};
use crate::map::Map;
use crate::store::{self, Store};
use crate::time::Timestamp;

const PREFIX: &str = "log/";

/// When the log is full, an eighth of it is dropped at once.
const AT_ONCE: usize = 8;

/// Where the [`State`] is stored.
pub(super) const STATE: &str = "log/state";

/// How much the log may hold.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) events: usize,
    pub(super) bytes: usize,
    /// An event that is older has reached every client that is not away.
    pub(super) age: Duration,
}

/// An event that was sent.
pub(super) struct Sent<'a> {
    pub(super) offset: Offset,
    pub(super) name: String,
    pub(super) to: Vec<SocketId>,
    /// All sockets.
    pub(super) among: &'a Map<SocketId, Socket>,
    pub(super) messages: &'a [Message],
}

/// The row of an event: one line of JSON, and then the messages, unchanged.
#[derive(Serialize, Deserialize)]
struct Row {
    to: Receivers,
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    follows: Option<Offset>,
    #[serde(skip)]
    messages: String,
}

/// The receivers of an event, as the shorter of two lists.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Receivers {
    Only(Vec<SocketId>),
    AllBut(Vec<SocketId>),
}

/// The part of a row that is in memory.
struct Entry {
    offset: Offset,
    to: Receivers,
    name: String,
    /// For the first event after a loss of memory: the newest offset that was stored then. Offsets between the two belong
    /// to no event, or to events that the server has forgotten.
    follows: Option<Offset>,
    bytes: usize,
}

pub(super) struct Replay {
    store: Rc<Store>,
    bounds: Bounds,
    /// Nothing expires before this: clients may have vanished unnoticed during a restart.
    aging_from: Timestamp,
    /// Read when first needed, because most wakes do not need it.
    index: Option<Index>,
}

/// The state that does not follow from the entries.
#[derive(Default, Serialize, Deserialize)]
struct State {
    /// The offset of the newest event, which may have been deleted.
    last: Offset,
    /// For each of these sockets: events up to this offset may have been deleted before the socket got
    /// them.
    gaps: Vec<(SocketId, Offset)>,
    /// The offset of the newest event that was deleted by `delete` or `trim`. They may keep earlier events. So an
    /// offset up to this one that is not in the log may be that of a deleted event.
    #[serde(default, skip_serializing_if = "Offset::is_none")]
    deleted: Offset,
}

/// The part of the log that is in memory.
#[derive(Default)]
struct Index {
    entries: VecDeque<Entry>,
    bytes: usize,
    state: State,
    /// The newest offset that was stored when the index was read. It becomes `None` when the next event is added.
    stored: Option<Offset>,
}

impl Replay {
    /// The log as it is stored.
    pub(super) fn new(store: Rc<Store>, bounds: Bounds) -> Self {
        Self {
            store,
            bounds,
            aging_from: Timestamp::default(),
            index: None,
        }
    }

    fn index(&mut self) -> &mut Index {
        self.index.get_or_insert_with(|| {
            let mut index = Index::default();
            for (key, value) in self.store.load(PREFIX) {
                if key == STATE {
                    let state: State = self.store.read(&key, &value).unwrap_or_default();
                    index.state.last = index.state.last.max(state.last);
                    (index.state.gaps, index.state.deleted) = (state.gaps, state.deleted);
                } else if let Some((offset, row)) = read(&key, &value) {
                    index.push(offset, row, value.len());
                } else {
                    self.store.damaged(&key, "it is no event");
                }
            }
            index.stored = Some(index.state.last);
            index
        })
    }

    /// Clients may have vanished unnoticed together with the server, so nothing expires for a while.
    pub(super) fn spare(&mut self, now: Timestamp) {
        self.aging_from = now + self.bounds.age;
    }

    /// The offset of the newest event.
    pub(super) fn last(&mut self) -> Offset {
        self.index().state.last
    }

    /// The offset of the next event.
    pub(super) fn next(&mut self, now: Timestamp) -> Offset {
        let store = Rc::clone(&self.store);
        let index = self.index();
        let last = index.state.last;
        index.state.last = if index.stored.is_some_and(|stored| !stored.is_none()) {
            let [high, low, ..] = store.platform().mint();
            last.next_after_loss(now, u16::from_be_bytes([high, low]))
        } else {
            last.next(now)
        };
        index.state.last
    }

    /// Adds an event. With `aging`, old events are deleted.
    pub(super) fn append(&mut self, now: Timestamp, sent: Sent, aging: bool) {
        let (bounds, aging) = (self.bounds, aging && self.aging_from <= now);
        let store = Rc::clone(&self.store);
        let index = self.index();
        if aging {
            index.expire(bounds.age, sent.offset, &store);
        }
        let row = Row {
            to: Receivers::of(sent.to, sent.among),
            name: sent.name,
            follows: index.stored.take(),
            messages: String::new(),
        };
        if let Ok(head) = serde_json::to_string(&row) {
            let separated = |message: &Message| message.size().saturating_add(2);
            let messages: usize = sent.messages.iter().map(separated).sum();
            let mut value = store::begin(head.len().saturating_add(1).saturating_add(messages));
            value.push_str(&head);
            value.push('\n');
            let value = payload::pack(value, sent.messages);
            let bytes = value.len().saturating_sub(1); // without the version
            index.trim(bounds, sent.among, bytes, &store);
            index.push(sent.offset, row, bytes);
            store.put_sealed(sent.offset.key(PREFIX), value);
        }
    }

    /// Deletes the events of this name. No client has a gap because of that.
    pub(super) fn forget(&mut self, name: &str) {
        self.delete(|entry| entry.name == name);
    }

    /// Deletes all events, because there is no client that could recover.
    pub(super) fn clear(&mut self) {
        let store = Rc::clone(&self.store);
        let index = self.index();
        if index.state.gaps.is_empty() && index.entries.is_empty() {
            return;
        }
        while index.remove(0, &store).is_some() {}
        index.state = State {
            last: index.state.last,
            ..State::default()
        };
        store.put_json(STATE.to_owned(), &index.state);
    }

    /// Forgets what is in memory. It deletes nothing: the store erases everything in this turn.
    pub(super) fn reset(&mut self) {
        self.index = None;
    }

    fn delete(&mut self, is_due: impl Fn(&Entry) -> bool) {
        let store = Rc::clone(&self.store);
        let index = self.index();
        let mut at = 0;
        while let Some(entry) = index.entries.get(at) {
            if is_due(entry) {
                index.state.deleted = index.state.deleted.max(entry.offset);
                index.remove(at, &store);
            } else {
                at = at.saturating_add(1);
            }
        }
        // The newest event may be among them, and its offset has to be kept.
        store.put_json(STATE.to_owned(), &index.state);
    }

    /// The events that a socket missed, oldest first, each as its messages. The socket was accepted at
    /// `since`, and the last event that it got is `had`. `None` if the missed events are not known: some
    /// were deleted, or the server did not send the event `had` to this socket, or lost it in a kill.
    pub(super) fn missed(
        &mut self,
        id: SocketId,
        had: Option<Offset>,
        since: Offset,
    ) -> Option<Vec<Vec<Message>>> {
        let after = had.unwrap_or_default().max(since);
        let index = self.index();
        let mut gaps = index.state.gaps.iter();
        if after > index.state.last || gaps.any(|(of, gap)| *of == id && after < *gap) {
            return None;
        }
        if after > since && !index.may_have_had(id, after) {
            return None;
        }
        let rows = self.store.load(PREFIX);
        let rows = rows.iter().filter_map(|(key, value)| read(key, value));
        let missed = rows.filter(|(offset, row)| *offset > after && row.to.includes(id));
        Some(
            missed
                .map(|(_, row)| payload::unpack(&row.messages))
                .collect(),
        )
    }
}

impl Index {
    fn push(&mut self, offset: Offset, row: Row, bytes: usize) {
        self.state.last = self.state.last.max(offset);
        self.bytes = self.bytes.saturating_add(bytes);
        self.entries.push_back(Entry {
            offset,
            to: row.to,
            name: row.name,
            follows: row.follows,
            bytes,
        });
    }

    /// Whether a socket may have had this event: the event was sent to it, or is deleted now.
    fn may_have_had(&self, id: SocketId, offset: Offset) -> bool {
        let first = self.entries.front();
        let is_older = first.is_none_or(|first| match first.follows {
            Some(stored) => offset <= stored,
            None => offset < first.offset,
        });
        let mut entries = self.entries.iter();
        is_older
            || offset <= self.state.deleted
            || entries.any(|entry| entry.offset == offset && entry.to.includes(id))
    }

    fn remove(&mut self, at: usize, store: &Store) -> Option<Entry> {
        let entry = self.entries.remove(at)?;
        self.bytes = self.bytes.saturating_sub(entry.bytes);
        store.delete(entry.offset.key(PREFIX));
        Some(entry)
    }

    /// Deletes old events.
    fn expire(&mut self, age: Duration, next: Offset, store: &Store) {
        let is_old = |entry: &Entry| entry.offset.time() + age < next.time();
        while self.entries.front().is_some_and(is_old) {
            self.remove(0, store);
        }
    }

    /// Makes space for an event of this size. A call looks at all entries, so it also makes space for later
    /// events.
    fn trim(&mut self, bounds: Bounds, among: &Map<SocketId, Socket>, size: usize, store: &Store) {
        let is_over = |index: &Self, events, bytes| {
            index.entries.len() >= events || index.bytes.saturating_add(size) > bytes
        };
        if !is_over(self, bounds.events, bounds.bytes) {
            return;
        }
        let less = |bound: usize| bound - bound / AT_ONCE;
        // Each event counts at least this many bytes, because the number of events is bounded, too.
        let least = bounds.bytes.checked_div(bounds.events).unwrap_or_default();
        let mut shares = self.shares(least);
        while is_over(self, less(bounds.events), less(bounds.bytes)) {
            // Drops the oldest event of the receivers whose events take most of the log. So a receiver
            // that fills the log does not push out events for others.
            let Some((to, share)) = shares.iter_mut().max_by_key(|(_, share)| *share) else {
                break;
            };
            let at = self.entries.iter().position(|entry| entry.to == *to);
            let Some(entry) = at.and_then(|at| self.remove(at, store)) else {
                break;
            };
            *share = share.saturating_sub(entry.bytes.max(least));
            self.state.deleted = self.state.deleted.max(entry.offset);
            let gaps = &mut self.state.gaps;
            for id in everyone(among).filter(|id| entry.to.includes(*id)) {
                match gaps.iter_mut().find(|(of, _)| *of == id) {
                    Some((_, gap)) => *gap = entry.offset.max(*gap),
                    None => gaps.push((id, entry.offset)),
                }
            }
        }
        self.state.gaps.retain(|(id, _)| among.contains_key(id));
        store.put_json(STATE.to_owned(), &self.state);
    }

    /// The bytes of all events for the same receivers, each counted as `least` or more.
    fn shares(&self, least: usize) -> Vec<(Receivers, usize)> {
        let mut shares: Vec<(Receivers, usize)> = Vec::new();
        for entry in &self.entries {
            let size = entry.bytes.max(least);
            match shares.iter_mut().find(|(to, _)| *to == entry.to) {
                Some((_, sum)) => *sum = sum.saturating_add(size),
                None => shares.push((entry.to.clone(), size)),
            }
        }
        shares
    }
}

/// All sockets that could have got an event.
fn everyone(among: &Map<SocketId, Socket>) -> impl Iterator<Item = SocketId> {
    let accepted = among.iter().filter(|(_, socket)| socket.is_accepted());
    accepted.map(|(id, _)| *id)
}

impl Receivers {
    fn of(to: Vec<SocketId>, among: &Map<SocketId, Socket>) -> Self {
        if to.len() <= among.len() / 2 {
            return Self::Only(to);
        }
        // Applications usually give the sockets in order.
        let sorted = to.is_sorted();
        let has_it = |id: &SocketId| {
            if sorted {
                to.binary_search(id).is_ok()
            } else {
                to.contains(id)
            }
        };
        Self::AllBut(everyone(among).filter(|id| !has_it(id)).collect())
    }

    fn includes(&self, id: SocketId) -> bool {
        match self {
            Self::Only(ids) => ids.contains(&id),
            Self::AllBut(ids) => !ids.contains(&id),
        }
    }
}

/// Reads a stored row: its offset and its content.
fn read(key: &str, value: &str) -> Option<(Offset, Row)> {
    let offset = key.strip_prefix(PREFIX).and_then(Offset::parse)?;
    let (row, messages) = value.split_once('\n')?;
    let mut row: Row = serde_json::from_str(row).ok()?;
    messages.clone_into(&mut row.messages);
    Some((offset, row))
}
