//! What the room itself must not forget: counters that clients see, and who is host.

use serde::{Deserialize, Serialize};

use crate::io::{Platform, Record};
use crate::socket::SocketId;

const KEY: &str = "room/ledger";

/// How many sequence numbers are used between two writes.
const BLOCK: u64 = 1000;

#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Ledger {
    /// The last join ordinal given.
    n: u64,
    /// No sequence number above this one was used.
    seq_limit: u64,
    pub(super) host: Option<SocketId>,
    /// The last sequence number used.
    #[serde(skip)]
    seq: u64,
    #[serde(skip)]
    pub(super) unsaved: bool,
}

impl Ledger {
    pub(super) fn load(platform: &dyn Platform) -> Self {
        let rows = platform.load(KEY);
        let mut ledger: Self = rows
            .first()
            .and_then(|(_, value)| serde_json::from_str(value).ok())
            .unwrap_or_default();
        ledger.seq = ledger.seq_limit;
        ledger
    }

    /// The next join ordinal.
    pub(super) fn next_n(&mut self) -> u64 {
        self.unsaved = true;
        self.n = self.n.saturating_add(1);
        self.n
    }

    /// The next sequence number. After memory was lost some are skipped, none is used twice.
    pub(super) fn next_seq(&mut self) -> u64 {
        self.seq = self.seq.saturating_add(1);
        if self.seq > self.seq_limit {
            self.seq_limit = self.seq.saturating_add(BLOCK);
            self.unsaved = true;
        }
        self.seq
    }

    /// The last sequence number that was used.
    pub(super) fn last_seq(&self) -> u64 {
        self.seq
    }

    /// The record to keep, if what is kept is out of date.
    pub(super) fn save(&mut self) -> Option<Record> {
        if !std::mem::take(&mut self.unsaved) {
            return None;
        }
        Some(Record::Stored {
            key: KEY.to_owned(),
            value: serde_json::to_string(self).ok()?,
        })
    }
}
