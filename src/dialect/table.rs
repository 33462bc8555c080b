//! A table, as it was read.

use super::action::Action;
use super::place::TableError;
use super::read;
use crate::map::Map;
use crate::socket::Namespace;

/// What a server does, by what happened.
#[derive(Debug, Default)]
pub struct Table {
    pub(super) about: String,
    pub(super) namespace: Namespace,
    pub(super) connect: Vec<Action>,
    pub(super) disconnect: Vec<Action>,
    pub(super) events: Map<String, Vec<Action>>,
    /// What is done for any other event.
    pub(super) any: Option<Vec<Action>>,
    pub(super) uses: Uses,
    pub(super) names: Names,
}

/// What a socket said on connecting that an action needs; it is kept then.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Uses {
    pub(super) query: bool,
    pub(super) auth: bool,
}

/// What actions do with names.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Names {
    /// Whether an action joins a room.
    pub(super) join: bool,
    /// Whether an event is sent to a name that may be that of a socket or that of a room.
    pub(super) mix: bool,
}

impl Table {
    /// Reads a table.
    ///
    /// # Errors
    ///
    /// All that is wrong with it.
    pub fn parse(json: &str) -> Result<Self, Vec<TableError>> {
        read::table(json)
    }

    /// What the table is of, in its own words.
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
