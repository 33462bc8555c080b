//! What a dialect knows of a socket.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::table::Table;
use crate::engine::Handshake;
use crate::rate::Allowance;
use crate::socket::Json;

/// Of how many addresses it is remembered what their last socket had left of its rates.
const SPENT: usize = 100;

/// What a dialect keeps with a socket.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Peer {
    /// By what name others reach it, beside its id.
    pub(super) alias: Option<String>,
    /// What `set` kept: an object.
    pub(super) data: Option<Json>,
    /// Where it connected from.
    pub(super) address: String,
    /// The query of its URL and its `auth`, if the table needs them.
    pub(super) query: Option<String>,
    pub(super) auth: Option<Json>,
    /// Whether its connection is lost.
    pub(super) is_away: bool,
    #[serde(skip)]
    pub(super) allowance: Allowance,
}

/// The settings by which a client asks for events with exactly the arguments that were sent.
#[derive(Deserialize)]
struct Strict {
    strict: Option<bool>,
}

impl Peer {
    pub(super) fn new(table: &Table, auth: Option<Json>, handshake: &Handshake) -> Self {
        Self {
            address: handshake.address.clone(),
            query: table.uses.query.then(|| handshake.query.clone()),
            auth: auth.filter(|_| table.uses.auth),
            ..Self::default()
        }
    }
}

/// Whether a client takes one more argument with each event: the offset by which it recovers what
/// it missed.
pub(super) fn is_recoverable(auth: Option<&Json>, handshake: &Handshake) -> bool {
    let auth = auth
        .and_then(Json::read)
        .and_then(|auth: Strict| auth.strict);
    !auth.unwrap_or_else(|| handshake.parameter("strict") == Some("1"))
}

/// What sockets that are gone had left of their rates, by their addresses.
#[derive(Default)]
pub(super) struct Spent(VecDeque<(String, Allowance)>);

impl Spent {
    pub(super) fn keep(&mut self, peer: Peer) {
        if self.0.len() >= SPENT {
            self.0.pop_front();
        }
        self.0.push_back((peer.address, peer.allowance));
    }

    pub(super) fn take(&mut self, address: &str) -> Allowance {
        let last = self.0.iter().rposition(|(from, _)| from == address);
        let spent = last.and_then(|last| self.0.remove(last));
        spent.map(|(_, allowance)| allowance).unwrap_or_default()
    }
}
