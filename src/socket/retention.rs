//! How long stored data outlive the last client.

use std::rc::Rc;
use std::time::Duration;

use super::replay;
use crate::store::Store;
use crate::time::Timestamp;

const KEY: &str = "retention";

/// How long data that are worthless without clients are kept after the last client has left. Deleting
/// everything is slow, and a client that reloads its page is back within seconds.
const QUIET: Duration = Duration::from_secs(30);

/// When everything that is stored is deleted: some time after the last client has left, unless a client
/// connects before.
pub(super) struct Retention {
    store: Rc<Store>,
    /// How long it is kept; `None` for ever.
    after: Option<Duration>,
    /// When it is deleted; `None` while there are clients.
    at: Option<Timestamp>,
    /// Whether there was a client since the time was last decided.
    was_used: bool,
    /// Whether memory was lost before the time was decided.
    is_undecided: bool,
    /// Whether only worthless data were stored when the time was decided.
    was_worthless: bool,
}

impl Retention {
    pub(super) fn new(store: Rc<Store>, after: Option<Duration>) -> Self {
        Self {
            store,
            after,
            at: None,
            was_used: false,
            is_undecided: false,
            was_worthless: false,
        }
    }

    /// Memory was lost. `is_empty` tells that there are no clients.
    pub(super) fn restore(&mut self, is_empty: bool) {
        self.at = self.store.get(KEY);
        self.was_worthless = self.at.is_some() && self.is_worthless();
        // The server may have been killed before the time was stored.
        self.is_undecided = is_empty && self.at.is_none() && !self.store.platform().is_blank();
    }

    /// Checks at the end of a turn whether there are no clients. Returns whether everything that is
    /// stored is deleted with this turn.
    pub(super) fn look(&mut self, now: Timestamp, is_empty: bool) -> bool {
        if !is_empty {
            self.was_used = true;
            if self.at.take().is_some() {
                self.store.delete(KEY.to_owned());
            }
            return false;
        }
        let was_used = std::mem::take(&mut self.was_used) || self.store.has_changes();
        if was_used {
            // The last client has left: delete what was kept only for clients.
            self.store.purge();
        }
        if std::mem::take(&mut self.is_undecided) || was_used {
            self.decide(now);
        }
        let is_over = self.at.is_some_and(|at| at <= now);
        if is_over {
            self.at = None;
            self.store.erase();
        }
        is_over
    }

    /// Decides when everything that is stored is deleted.
    fn decide(&mut self, now: Timestamp) {
        let is_worthless = self.is_worthless();
        let was_worthless = std::mem::replace(&mut self.was_worthless, is_worthless);
        if self.at.is_some() && !is_worthless && !was_worthless {
            return;
        }
        let after = if !is_worthless {
            self.after
        } else if self.store.platform().is_blank() {
            Some(Duration::ZERO) // deleting nothing costs nothing
        } else {
            Some(self.after.unwrap_or(QUIET).min(QUIET))
        };
        let before = std::mem::replace(&mut self.at, after.map(|after| now + after));
        match self.at {
            Some(at) => self.store.put_json(KEY.to_owned(), &at),
            None if before.is_some() => self.store.delete(KEY.to_owned()),
            None => {}
        }
    }

    /// Whether everything that is stored is worthless without clients: the log's state about its offsets, and
    /// the time of the deletion.
    fn is_worthless(&self) -> bool {
        let stored = self.store.load("");
        stored
            .iter()
            .all(|(key, _)| key == replay::STATE || key == KEY)
    }

    /// When to check again.
    pub(super) fn deadline(&self) -> Option<Timestamp> {
        self.at
    }
}
