//! The state that a dialect stores for each socket.

use serde::{Deserialize, Serialize};

use super::table::Table;
use crate::engine::Handshake;
use crate::rate::Allowance;
use crate::socket::Json;

/// The state of one socket.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Peer {
    /// The alias, by which others address the socket beside its id.
    pub(super) alias: Option<String>,
    /// The object that `set` stored.
    pub(super) data: Option<Json>,
    /// The client's address.
    pub(super) address: String,
    /// The query of the URL and the `auth`, if the table uses them.
    pub(super) query: Option<String>,
    pub(super) auth: Option<Json>,
    /// Whether the connection is lost and the client may recover it.
    pub(super) is_away: bool,
    #[serde(skip)]
    pub(super) allowance: Allowance,
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
