//! The platform of a test: storage, log and data points in memory, and ids that are the same in each run.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use signalbox::io::{ConnectionId, Platform, Point, Record};
use signalbox::socket::SocketId;
use signalbox::time::Timestamp;

use crate::random::Random;

pub fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis)
}

/// The socket id from the platform's `n`th random bytes, counted from 1. The order of ids is not that of
/// their creation.
pub fn id(n: u64) -> String {
    SocketId::new(minted(n)).to_string()
}

/// The session id from the same bytes, which has the same form.
pub fn session_id(n: u64) -> String {
    id(n)
}

fn minted(n: u64) -> [u8; 15] {
    let mut bytes = [0; 15];
    bytes[..8].copy_from_slice(&Random::new(n).next().to_be_bytes());
    bytes[8..].copy_from_slice(&n.to_be_bytes()[1..]);
    bytes
}

/// The platform of a core: its storage, and the answers to its questions.
#[derive(Default)]
pub struct Virtual {
    minted: Cell<u64>,
    pub rows: RefCell<BTreeMap<String, String>>,
    /// The records of delayed commits.
    pub(super) soon: RefCell<Vec<Record>>,
    /// The uncommitted records that the last kill of the server lost.
    pub(super) lost: RefCell<Vec<Record>>,
    /// The error of reading the storage.
    pub broken: RefCell<Option<String>>,
    /// Whether something was stored since everything was deleted.
    pub written: Cell<bool>,
    /// The operators' log.
    pub lines: RefCell<Vec<String>>,
    /// The data points: event, detail, value and peers.
    pub points: RefCell<Vec<(String, String, f64, f64)>>,
    /// When the platform last answered a frame on each connection.
    pub auto_responses: RefCell<BTreeMap<u64, Timestamp>>,
}

impl Platform for Virtual {
    fn mint(&self) -> [u8; 15] {
        self.minted.set(self.minted.get() + 1);
        minted(self.minted.get())
    }

    fn last_auto_response(&self, connection: ConnectionId) -> Option<Timestamp> {
        let answered = self.auto_responses.borrow();
        answered.get(&connection.number()).copied()
    }

    fn load(&self, prefix: &str) -> Result<Vec<(String, String)>, String> {
        if let Some(reason) = self.broken.borrow().clone() {
            return Err(reason);
        }
        self.flush();
        let rows = self.rows.borrow();
        let rows = rows.iter().filter(|(key, _)| key.starts_with(prefix));
        Ok(rows
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect())
    }

    fn is_blank(&self) -> bool {
        self.flush();
        !self.written.get()
    }

    fn log(&self, line: &str) {
        self.lines.borrow_mut().push(line.to_owned());
    }

    fn is_measuring(&self) -> bool {
        true
    }

    fn measure(&self, point: &Point) {
        let (event, detail) = (point.event.to_owned(), point.detail.to_owned());
        let mut points = self.points.borrow_mut();
        points.push((event, detail, point.value, point.peers));
    }
}

impl Virtual {
    /// Commits the delayed records.
    pub fn flush(&self) {
        for record in self.soon.take() {
            self.keep(record);
        }
    }

    /// Whether a committed value has a key that begins with this.
    pub fn has_rows(&self, prefix: &str) -> bool {
        let rows = self.rows.borrow();
        rows.keys().any(|key| key.starts_with(prefix))
    }

    /// The stored values, after all commits.
    pub fn stored(&self) -> BTreeMap<String, String> {
        self.flush();
        self.rows.borrow().clone()
    }

    /// Whether all uncommitted records only concern packets that wait for polls.
    pub fn is_committed(&self) -> bool {
        self.soon.borrow().iter().all(is_of_queue)
    }

    /// Whether the last kill of the server lost only records of packets that wait for polls.
    pub fn lost_nothing(&self) -> bool {
        self.lost.borrow().iter().all(is_of_queue)
    }

    pub(super) fn keep(&self, record: Record) {
        let mut rows = self.rows.borrow_mut();
        match record {
            Record::Stored { key, value } => {
                rows.insert(key, value);
                self.written.set(true);
            }
            Record::Deleted { key } => {
                rows.remove(&key);
            }
            Record::Erased => {
                rows.clear();
                self.written.set(false);
            }
            Record::Purged => {}
        }
    }
}

pub(super) fn is_of_session(record: &Record) -> bool {
    match record {
        Record::Stored { key, .. } | Record::Deleted { key } => {
            key.starts_with("session/") || key.starts_with("farewell/")
        }
        Record::Purged | Record::Erased => true,
    }
}

/// Whether a record only concerns packets that wait for polls. A record that deletes the row of a session itself
/// concerns more: an upgrade may have deleted the row, and then the client has a WebSocket.
fn is_of_queue(record: &Record) -> bool {
    let is_upgrade = matches!(record, Record::Deleted { key } if key.split('/').count() == 2);
    is_of_session(record) && !is_upgrade && *record != Record::Erased
}
