//! Counts the rows that a platform would write for a core's outputs. It uses the outbox and the
//! journal of the shell. The time comes from the `Script` that drives the core.

use signalbox::io::{Output, Record};
use signalbox::journal::Bounds;
use signalbox::outbox::Outbox;

use crate::disk::{Disk, State};
use crate::support::at;

pub struct Meter {
    outbox: Outbox,
    pub disk: Disk,
    purging: bool,
    /// How many rows were written.
    pub rows: u64,
    /// The times of the writes in milliseconds, with the number of rows.
    pub written: Vec<(u64, usize)>,
}

impl Default for Meter {
    fn default() -> Self {
        Self {
            outbox: Outbox::default(),
            disk: Disk::new(Bounds::default()),
            purging: false,
            rows: 0,
            written: Vec::new(),
        }
    }
}

impl Meter {
    /// Takes the records of a turn.
    pub fn turn(&mut self, now: u64, outputs: &[Output]) {
        let mut records = Vec::new();
        for output in outputs {
            match output {
                Output::Commit(all) => records.push(Output::Commit(all.clone())),
                Output::CommitSoon(all) => records.push(Output::CommitSoon(all.clone())),
                _ => {}
            }
        }
        let (disk, purging) = (&mut self.disk, &mut self.purging);
        self.outbox.push(at(now), records, |records| {
            for record in records {
                match record {
                    Record::Stored { key, value } => disk.set(&key, &value),
                    Record::Deleted { key } => disk.delete(&key),
                    Record::Purged => *purging = true,
                    Record::Erased => *disk = Disk::new(Bounds::default()),
                }
            }
        });
        self.until(now);
    }

    /// Makes the commits that are due up to this time.
    pub fn until(&mut self, now: u64) {
        while let Some(due) = self.outbox.commit_at()
            && (due <= at(now) || self.outbox.is_commit_due(at(now)))
        {
            self.commit(due.as_millis().min(now));
        }
    }

    fn commit(&mut self, now: u64) {
        self.outbox.flush(at(now), || {
            let puts = if std::mem::take(&mut self.purging) {
                self.disk.purge()
            } else {
                self.disk.commit()
            };
            self.rows += puts.len() as u64;
            self.written.push((now, puts.len()));
            let bytes = puts.iter().map(|put| put.bytes.len()).sum();
            Some((puts.len(), bytes))
        });
    }

    /// Makes all commits, as before hibernation, and returns the stored rows.
    pub fn sleep(&mut self) -> State {
        while let Some(due) = self.outbox.commit_at() {
            self.commit(due.as_millis());
        }
        self.disk.reopen();
        self.disk.state()
    }

    /// Continues after a kill with these stored rows.
    pub fn kill(&mut self, stored: &State) {
        self.outbox = Outbox::default();
        self.disk.reopen();
        for key in self.disk.state().keys() {
            if !stored.contains_key(key) {
                self.disk.delete(key);
            }
        }
        for (key, value) in stored {
            self.disk.set(key, value);
        }
        self.disk.commit();
    }

    /// The maximum number of rows that were written within a second.
    pub fn most_in_a_second(&self) -> usize {
        let within = |from: u64| {
            let written = self.written.iter();
            written.filter(move |(at, _)| (from..from + 1_000).contains(at))
        };
        let starts = self.written.iter().map(|(at, _)| *at);
        let counts = starts.map(|from| within(from).map(|(_, rows)| rows).sum());
        counts.max().unwrap_or_default()
    }
}
