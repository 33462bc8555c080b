//! A valid table.

use super::action::Action;
use super::place::TableError;
use super::read;
use crate::map::Map;
use crate::socket::Namespace;

/// The actions of a server for each kind of event.
#[derive(Debug, Default)]
pub struct Table {
    pub(super) about: String,
    pub(super) namespace: Namespace,
    pub(super) connect: Vec<Action>,
    pub(super) disconnect: Vec<Action>,
    pub(super) events: Map<String, Vec<Action>>,
    /// The actions for any other event.
    pub(super) any: Option<Vec<Action>>,
    pub(super) uses: Uses,
    pub(super) names: Names,
}

/// The connect data that actions use. The rest is not stored.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Uses {
    pub(super) query: bool,
    pub(super) auth: bool,
}

/// How actions use names.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Names {
    /// Whether an action joins a room.
    pub(super) join: bool,
    /// Whether an event is sent to a name that may belong to a socket or to a room.
    pub(super) mix: bool,
}

impl Table {
    /// Reads a table.
    ///
    /// # Errors
    ///
    /// All errors in the table.
    pub fn parse(json: &str) -> Result<Self, Vec<TableError>> {
        read::table(json)
    }

    /// The table's description of itself.
    #[must_use]
    pub fn about(&self) -> &str {
        &self.about
    }

    /// The namespace that clients connect to.
    #[must_use]
    pub fn namespace(&self) -> &Namespace {
        &self.namespace
    }
}
