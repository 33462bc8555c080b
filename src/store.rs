//! The stored state: a map of keys and texts, with the uncommitted changes of the turn on top.
//!
//! All layers of a core share one [`Store`]. A read sees the earlier changes of the same turn. At
//! the end of the turn the changes become one commit, by one rule:
//!
//! - If the turn promised anything, such as an ack, the commit comes before all other outputs of
//!   the turn.
//! - Otherwise the other outputs come first, and the commit follows soon.
//! - If a value that was read is damaged, or has another version, the turn's only output is
//!   [`Output::Halt`]. To continue without it would open locked rooms and reuse numbers.

use std::cell::RefCell;
use std::rc::Rc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::io::{Output, Platform, Record};
use crate::map::Map;

/// The version of everything that is stored. It is the first character of each stored value and
/// each attachment.
pub(crate) const VERSION: char = '1';

/// Adds the version to a text, for storage.
pub(crate) fn seal(text: &str) -> String {
    let mut sealed = begin(text.len());
    sealed.push_str(text);
    sealed
}

/// Begins a value for [`Store::put_sealed`], with capacity for this many more bytes.
pub(crate) fn begin(bytes: usize) -> String {
    let mut sealed = String::with_capacity(bytes.saturating_add(1));
    sealed.push(VERSION);
    sealed
}

/// Reverses [`seal`]; `None` if another version wrote the text.
pub(crate) fn open(sealed: &str) -> Option<&str> {
    sealed.strip_prefix(VERSION)
}

/// See the [module](self).
pub struct Store {
    platform: Rc<dyn Platform>,
    turn: RefCell<Turn>,
}

/// The state of a turn.
#[derive(Default)]
struct Turn {
    /// The changed values; `None` if deleted.
    changes: Map<String, Option<String>>,
    promised: bool,
    purged: bool,
    erased: bool,
    fault: Option<String>,
}

impl Store {
    /// A store on this platform, without changes.
    #[must_use]
    pub fn new(platform: Rc<dyn Platform>) -> Rc<Self> {
        Rc::new(Self {
            platform,
            turn: RefCell::default(),
        })
    }

    /// The platform.
    #[must_use]
    pub fn platform(&self) -> &dyn Platform {
        &*self.platform
    }

    /// Stores a value. It replaces an earlier value of the key.
    pub fn put(&self, key: String, value: &str) {
        self.put_sealed(key, seal(value));
    }

    /// Stores a value that began with [`begin`], without copying it.
    pub(crate) fn put_sealed(&self, key: String, sealed: String) {
        self.turn.borrow_mut().changes.insert(key, Some(sealed));
    }

    /// Stores a value as JSON. Records are structs of texts and numbers, which always serialize.
    pub fn put_json(&self, key: String, value: &impl Serialize) {
        self.put(key, &serde_json::to_string(value).unwrap_or_default());
    }

    /// Deletes a value.
    pub fn delete(&self, key: String) {
        self.turn.borrow_mut().changes.insert(key, None);
    }

    /// All values whose keys begin with `prefix`, sorted by key. If the storage cannot be read, the
    /// result has only the changes of this turn, and the turn ends with [`Output::Halt`].
    #[must_use]
    pub fn load(&self, prefix: &str) -> Vec<(String, String)> {
        let stored = self.platform.load(prefix).unwrap_or_else(|reason| {
            self.fail(&reason);
            Vec::new()
        });
        let mut rows = Map::default();
        for (key, value) in stored {
            rows.insert(key, value);
        }
        let turn = self.turn.borrow();
        let changes = turn.changes.iter();
        for (key, value) in changes.filter(|(key, _)| key.starts_with(prefix)) {
            match value {
                Some(value) => rows.insert(key.clone(), value.clone()),
                None => drop(rows.remove(key)),
            }
        }
        drop(turn);
        let mut opened = Vec::with_capacity(rows.len());
        for (key, value) in rows {
            if let Some(text) = open(&value) {
                opened.push((key, text.to_owned()));
            } else {
                self.damaged(&key, "another version wrote it");
            }
        }
        opened
    }

    /// The value of one key, read as JSON. If it cannot be read, the result is `None` and the turn
    /// ends with [`Output::Halt`].
    #[must_use]
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        let rows = self.load(key);
        let (_, value) = rows.iter().find(|(found, _)| found == key)?;
        self.read(key, value)
    }

    /// Reads a value of [`Store::load`] as JSON, like [`Store::get`].
    #[must_use]
    pub fn read<T: DeserializeOwned>(&self, key: &str, value: &str) -> Option<T> {
        let read = serde_json::from_str(value);
        read.inspect_err(|error| self.damaged(key, &format!("{:?} error", error.classify())))
            .ok()
    }

    /// Reports that the value of this key cannot be used: the turn ends with [`Output::Halt`]. The
    /// log shows only the part of the key that is not secret.
    pub fn damaged(&self, key: &str, reason: &str) {
        let kind = key.split('/').next().unwrap_or_default();
        self.fail(&format!(
            "a stored record of kind {kind:?} cannot be read: {reason}"
        ));
    }

    /// Removes from storage all traces of the values that this turn deletes.
    pub fn purge(&self) {
        self.turn.borrow_mut().purged = true;
    }

    /// Deletes everything that is stored, including the changes of this turn.
    pub(crate) fn erase(&self) {
        self.turn.borrow_mut().erased = true;
    }

    /// Whether the turn has changed anything.
    pub(crate) fn has_changes(&self) -> bool {
        !self.turn.borrow().changes.is_empty()
    }

    fn fail(&self, reason: &str) {
        let fault = &mut self.turn.borrow_mut().fault;
        fault.get_or_insert_with(|| reason.to_owned());
    }

    /// Marks that an output of this turn tells a client that the changes are stored.
    pub(crate) fn promise(&self) {
        self.turn.borrow_mut().promised = true;
    }

    /// Ends the turn: returns its outputs and its commit, ordered by the [rule](self).
    pub(crate) fn end_turn(&self, mut effects: Vec<Output>) -> Vec<Output> {
        let Turn {
            changes,
            promised,
            purged,
            erased,
            fault,
        } = self.turn.take();
        if let Some(reason) = fault {
            return vec![Output::Halt(reason)];
        }
        let record = |(key, value)| match value {
            Some(value) => Record::Stored { key, value },
            None => Record::Deleted { key },
        };
        let mut records: Vec<Record> = if erased {
            vec![Record::Erased]
        } else {
            changes.into_iter().map(record).collect()
        };
        if purged && !erased {
            records.push(Record::Purged);
        }
        if records.is_empty() {
            return effects;
        }
        if promised {
            effects.insert(0, Output::Commit(records));
        } else {
            effects.push(Output::CommitSoon(records));
        }
        effects
    }
}
