//! The log: the last events that were sent, for those who lose their connection and come back.
//!
//! Each event is a row under its offset, which the client gets as the event's last argument. The
//! log is bounded by number and bytes. What is too much is taken from the receivers who have most
//! in it, and those alone have a gap; what is old is given up as well, unless somebody is away.

use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::args::Json;
use super::client::Socket;
use super::socket_id::SocketId;
use crate::engine::{Message, payload};
use crate::io::{Platform, Record, numbered};
use crate::map::Map;
use crate::time::Timestamp;

const PREFIX: &str = "log/";

/// Which part of the log goes at once when it is full.
const AT_ONCE: usize = 8;

/// Whose gaps are where.
const GAPS: &str = "log/gaps";

/// How many offsets a millisecond has, unless it needs more.
const PER_MILLI: u64 = 1024;

/// An event's place among all that a server sends. Offsets grow with time, so they also do across
/// losses of memory; as texts they sort alike.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Offset(u64);

impl Offset {
    fn at(now: Timestamp) -> Self {
        Self(now.as_millis().saturating_mul(PER_MILLI))
    }

    /// What a client gets as an event's last argument.
    pub(super) fn json(self) -> Json {
        let mut text = numbered("\"", self.0);
        text.push('"');
        Json::written(text)
    }

    fn time(self) -> Timestamp {
        Timestamp::from_millis(self.0 / PER_MILLI)
    }

    /// `None` if no event can have this offset.
    pub(super) fn parse(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }
}

/// How much the log may hold.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) events: usize,
    pub(super) bytes: usize,
    /// What is older has reached everyone who is not away.
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

/// The row of an event: a line of this as JSON, then the messages as they are.
#[derive(Serialize, Deserialize)]
struct Row {
    to: Receivers,
    name: String,
    #[serde(skip)]
    messages: String,
}

/// Whom an event is for: the shorter of two lists.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Receivers {
    Only(Vec<SocketId>),
    AllBut(Vec<SocketId>),
}

/// What is in memory of a row.
struct Entry {
    offset: Offset,
    to: Receivers,
    name: String,
    bytes: usize,
}

pub(super) struct Log {
    platform: Rc<dyn Platform>,
    bounds: Bounds,
    /// Until then what is old may be missed by somebody who was lost without a word.
    aging_from: Timestamp,
    /// Read when first needed: most wakes need none of it.
    index: Option<Index>,
}

/// How soon a record is to be kept: at once, if anything is promised in the turn.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Urgency {
    Now,
    Soon,
}

/// What is in memory of the log.
#[derive(Default)]
struct Index {
    entries: VecDeque<Entry>,
    bytes: usize,
    last: Offset,
    /// Of what was sent to these, something up to here may be gone before they had it.
    gaps: Vec<(SocketId, Offset)>,
}

impl Log {
    /// The log as it was left.
    pub(super) fn new(platform: Rc<dyn Platform>, bounds: Bounds) -> Self {
        Self {
            platform,
            bounds,
            aging_from: Timestamp::default(),
            index: None,
        }
    }

    fn index(&mut self) -> &mut Index {
        self.index.get_or_insert_with(|| {
            let mut index = Index::default();
            for row in self.platform.load(PREFIX) {
                if row.0 == GAPS {
                    index.gaps = serde_json::from_str(&row.1).unwrap_or_default();
                } else if let Some((offset, Row { to, name, .. }, bytes)) = read(&row) {
                    index.push(offset, to, name, bytes);
                }
            }
            index
        })
    }

    /// Some may have been lost together with the server, without anybody having noticed: for a
    /// while nothing is given up as old.
    pub(super) fn spare(&mut self, now: Timestamp) {
        self.aging_from = now + self.bounds.age;
    }

    /// The offset of the newest event.
    pub(super) fn last(&mut self) -> Offset {
        self.index().last
    }

    /// The offset of the next event.
    pub(super) fn next(&mut self, now: Timestamp) -> Offset {
        let index = self.index();
        let next = Offset(index.last.0.saturating_add(1));
        index.last = next.max(Offset::at(now));
        index.last
    }

    /// Takes an event in. With `aging`, those that are old are given up.
    pub(super) fn append(&mut self, now: Timestamp, sent: Sent, aging: bool) -> Vec<Record> {
        let mut saves = Vec::new();
        let (bounds, aging) = (self.bounds, aging && self.aging_from <= now);
        let index = self.index();
        if aging {
            index.give_up(bounds.age, sent.offset, &mut saves);
        }
        let row = Row {
            to: Receivers::of(sent.to, sent.among),
            name: sent.name,
            messages: String::new(),
        };
        if let Ok(mut value) = serde_json::to_string(&row) {
            value.push('\n');
            let value = payload::pack(value, sent.messages);
            index.trim(bounds, sent.among, value.len(), &mut saves);
            index.push(sent.offset, row.to, row.name, value.len());
            let key = key(sent.offset);
            saves.push(Record::Stored { key, value });
        }
        saves
    }

    /// Takes out all events of this name; nobody misses them.
    pub(super) fn forget(&mut self, name: &str) -> Vec<Record> {
        let index = self.index();
        let mut saves = Vec::new();
        let mut at = 0;
        while let Some(entry) = index.entries.get(at) {
            if entry.name == name {
                index.remove(at, &mut saves);
            } else {
                at = at.saturating_add(1);
            }
        }
        saves
    }

    /// What a socket missed after `after`, each event as its messages, oldest first; `None` if that
    /// cannot be told any more. `pending` is what this turn is yet to save.
    pub(super) fn missed(
        &mut self,
        id: SocketId,
        after: Offset,
        pending: &[(Record, Urgency)],
    ) -> Option<Vec<Vec<Message>>> {
        let mut gaps = self.index().gaps.iter();
        if gaps.any(|(of, gap)| *of == id && after < *gap) {
            return None;
        }
        let mut rows = self.platform.load(PREFIX);
        rows.extend(pending.iter().filter_map(|(record, _)| match record {
            Record::Stored { key, value } => Some((key.clone(), value.clone())),
            _ => None,
        }));
        let rows = rows.iter().filter_map(read);
        let missed = rows.filter(|(offset, row, _)| *offset > after && row.to.includes(id));
        Some(
            missed
                .map(|(_, row, _)| payload::unpack(&row.messages))
                .collect(),
        )
    }
}

impl Index {
    fn push(&mut self, offset: Offset, to: Receivers, name: String, bytes: usize) {
        self.last = self.last.max(offset);
        self.bytes = self.bytes.saturating_add(bytes);
        self.entries.push_back(Entry {
            offset,
            to,
            name,
            bytes,
        });
    }

    fn remove(&mut self, at: usize, saves: &mut Vec<Record>) -> Option<Entry> {
        let entry = self.entries.remove(at)?;
        self.bytes = self.bytes.saturating_sub(entry.bytes);
        let key = key(entry.offset);
        saves.push(Record::Deleted { key });
        Some(entry)
    }

    /// Takes out what is old.
    fn give_up(&mut self, age: Duration, next: Offset, saves: &mut Vec<Record>) {
        let is_old = |entry: &Entry| entry.offset.time() + age < next.time();
        while self.entries.front().is_some_and(is_old) {
            self.remove(0, saves);
        }
    }

    /// Makes room for an event of this size and, as each time looks at all there is, for some more.
    fn trim(
        &mut self,
        bounds: Bounds,
        among: &Map<SocketId, Socket>,
        size: usize,
        saves: &mut Vec<Record>,
    ) {
        let is_over = |index: &Self, events, bytes| {
            index.entries.len() >= events || index.bytes.saturating_add(size) > bytes
        };
        if !is_over(self, bounds.events, bounds.bytes) {
            return;
        }
        let less = |bound: usize| bound - bound / AT_ONCE;
        // Each event takes this at least, as their number is bounded, too.
        let least = bounds.bytes.checked_div(bounds.events).unwrap_or_default();
        let mut shares = self.shares(least);
        while is_over(self, less(bounds.events), less(bounds.bytes)) {
            // The oldest of those receivers whose events take most of the log: whoever fills it
            // pushes out nothing that is for others.
            let Some((to, share)) = shares.iter_mut().max_by_key(|(_, share)| *share) else {
                break;
            };
            let at = self.entries.iter().position(|entry| entry.to == *to);
            let Some(entry) = at.and_then(|at| self.remove(at, saves)) else {
                break;
            };
            *share = share.saturating_sub(entry.bytes.max(least));
            for id in everyone(among).filter(|id| entry.to.includes(*id)) {
                match self.gaps.iter_mut().find(|(of, _)| *of == id) {
                    Some((_, gap)) => *gap = entry.offset.max(*gap),
                    None => self.gaps.push((id, entry.offset)),
                }
            }
        }
        self.gaps.retain(|(id, _)| among.contains_key(id));
        if let Ok(value) = serde_json::to_string(&self.gaps) {
            let key = GAPS.to_owned();
            saves.push(Record::Stored { key, value });
        }
    }

    /// How many bytes the events for the same receivers take together, each `least` or more.
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

/// All who could have got an event.
fn everyone(among: &Map<SocketId, Socket>) -> impl Iterator<Item = SocketId> {
    let accepted = among.iter().filter(|(_, socket)| socket.is_accepted());
    accepted.map(|(id, _)| *id)
}

impl Receivers {
    fn of(to: Vec<SocketId>, among: &Map<SocketId, Socket>) -> Self {
        if to.len() <= among.len() / 2 {
            return Self::Only(to);
        }
        // Apps mostly have their sockets in order.
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

fn key(offset: Offset) -> String {
    numbered(PREFIX, offset.0)
}

/// A row as it is stored: its offset, what it says, its size.
fn read((key, value): &(String, String)) -> Option<(Offset, Row, usize)> {
    let offset = key.strip_prefix(PREFIX).and_then(Offset::parse)?;
    let (row, messages) = value.split_once('\n')?;
    let mut row: Row = serde_json::from_str(row).ok()?;
    messages.clone_into(&mut row.messages);
    Some((offset, row, value.len()))
}
