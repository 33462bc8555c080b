//! The data that a dialect keeps with a socket.

use serde::{Deserialize, Serialize};

use super::table::Table;
use crate::engine::Handshake;
use crate::rate::Allowance;
use crate::socket::Json;

/// The data that a dialect keeps with a socket.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Peer {
    /// The name by which others reach it, beside its id.
    pub(super) alias: Option<String>,
    /// What `set` kept: an object.
    pub(super) data: Option<Json>,
    /// Its address.
    pub(super) address: String,
    /// The query of its URL and its `auth`, if the table needs them.
    pub(super) query: Option<String>,
    pub(super) auth: Option<Json>,
    /// Whether its connection is lost.
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
