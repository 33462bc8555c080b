//! The room's counters, which clients see, and its host.

use serde::{Deserialize, Serialize};

use crate::socket::SocketId;
use crate::store::Store;

const KEY: &str = "room/ledger";

/// How many sequence numbers one write reserves.
const BLOCK: u64 = 1000;

/// The other peer of an exchange of offer and answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Partner {
    pub(super) id: SocketId,
    /// The sequence number of the signal that made it the partner.
    pub(super) seq: u64,
}

#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Counters {
    /// The last join ordinal.
    n: u64,
    /// The last reserved sequence number: none above it was used.
    seq_limit: u64,
    pub(super) host: Option<SocketId>,
    /// The socket that last sent an offer or answer to several sockets, with its sequence number.
    pub(super) caller: Option<Partner>,
    /// The last sequence number used.
    #[serde(skip)]
    seq: u64,
    #[serde(skip)]
    pub(super) unsaved: bool,
}

impl Counters {
    pub(super) fn load(store: &Store) -> Self {
        let mut counters: Self = store.get(KEY).unwrap_or_default();
        counters.seq = counters.seq_limit;
        counters
    }

    /// The next join ordinal.
    pub(super) fn next_n(&mut self) -> u64 {
        self.unsaved = true;
        self.n = self.n.saturating_add(1);
        self.n
    }

    /// The next sequence number. An object that has lost its memory skips some numbers, but repeats none.
    /// A kill is different: if an event was not stored before the kill, its number may be used again. Then
    /// no client that got this event is recovered.
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

    /// Resets everything except the counters. Clients may still know these, so they go on while the
    /// object is in memory.
    pub(super) fn forget(&mut self) {
        *self = Self {
            n: self.n,
            seq: self.seq,
            seq_limit: self.seq,
            ..Self::default()
        };
    }

    /// Deletes the stored state, until it changes again.
    pub(super) fn delete(store: &Store) {
        store.delete(KEY.to_owned());
    }

    /// Stores the state, if it changed.
    pub(super) fn save(&mut self, store: &Store) {
        if std::mem::take(&mut self.unsaved) {
            store.put_json(KEY.to_owned(), self);
        }
    }
}
