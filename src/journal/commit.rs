//! Commits: which rows are written, and which values are carried.
//!
//! To carry a value is to write it again in a newer segment. A row is free for writing when all
//! live values of its segment have been carried. Segments are carried in order of age. The work is
//! spread over the commits: each carries the number of bytes that is enough if all later commits
//! carry the same number.

use std::borrow::Cow;
use std::cmp::Reverse;

use super::error::{Corrupt, Error, Fault};
use super::segment::{EMPTY, Header, Writer, entries, size};
use super::{Journal, Map, Put, Row};

/// What a commit carries.
#[derive(Default)]
struct Carried {
    /// How many segments are fully carried: they do not count any more.
    segments: usize,
    /// The row of the next segment if it was carried in part, and its bytes if they were read.
    part: Option<(Row, Option<Vec<u8>>)>,
}

impl Journal {
    /// Returns the rows to store so that the pending changes survive: none without changes,
    /// otherwise nearly always one. Store them in one transaction; if that fails, open the journal
    /// again. `read` reads a row. After an error all changes are still pending.
    pub fn commit(&mut self, read: impl Fn(Row) -> Option<Vec<u8>>) -> Result<Vec<Put>, Error> {
        if self.pending.keys().next().is_none() {
            return Ok(Vec::new());
        }
        self.write(read, false)
    }

    /// Like a commit, but rewrites every row, so that no deleted value is left in storage. A commit
    /// leaves deleted values until their rows are written again.
    pub fn purge(&mut self, read: impl Fn(Row) -> Option<Vec<u8>>) -> Result<Vec<Put>, Error> {
        self.write(read, true)
    }

    fn write(
        &mut self,
        read: impl Fn(Row) -> Option<Vec<u8>>,
        all: bool,
    ) -> Result<Vec<Put>, Error> {
        let mut writer = Writer::new(self.bounds.row_bytes);
        for (key, value) in self.pending.iter() {
            writer.push(key, value.as_ref().map(String::as_bytes));
        }
        let live = self.live();
        let total = live.iter().sum::<usize>() + self.pending_bytes();
        if total > self.bounds.live_bytes {
            return Err(Error::Full { bytes: total });
        }
        let spare = self.bounds.spare_bytes;
        let most = if all {
            0
        } else {
            total.saturating_mul(2).saturating_add(spare)
        };
        let carried = self.carry(&mut writer, &live, most, read)?;
        if all {
            let used = self.slots.iter().filter(|slot| slot.len > EMPTY).count();
            while writer.rows() < used {
                writer.push_row();
            }
        }
        let oldest = self.oldest().saturating_add(carried.segments as u64);
        let is_long = self.held(0).saturating_add(writer.bytes()) > most;
        let free = self.free(oldest, is_long);
        if free.len() < writer.rows() {
            let bytes = writer.bytes();
            return Err(Error::Full { bytes });
        }
        let rows = writer.finish(&free, self.next, oldest);
        Ok(self.enter(rows, carried))
    }

    /// The free rows, in the order in which they are written again: the oldest first or, with
    /// `longest`, the longest first.
    fn free(&self, oldest: u64, longest: bool) -> Vec<Row> {
        let free = self.rows().filter(|(_, slot)| slot.number < oldest);
        let mut free: Vec<_> = free.collect();
        free.sort_unstable_by_key(|(row, slot)| {
            let len = if longest { slot.len } else { 0 };
            (Reverse(len), slot.number, *row)
        });
        free.into_iter().map(|(row, _)| row).collect()
    }

    /// The total size of the rows whose segments have this number or a higher one.
    fn held(&self, oldest: u64) -> usize {
        let slots = self.slots.iter().filter(|slot| slot.number >= oldest);
        slots.map(|slot| slot.len).sum()
    }

    /// Carries values until there are enough free rows, and the segments that count have at most
    /// `most` bytes.
    fn carry(
        &self,
        writer: &mut Writer,
        live: &[usize],
        most: usize,
        read: impl Fn(Row) -> Option<Vec<u8>>,
    ) -> Result<Carried, Corrupt> {
        let mut free = self.slots.len().saturating_sub(self.ring.len());
        let due = self.due(live, free);
        // A commit that is long anyway carries nothing extra: shorter commits do that.
        let until = if due > writer.bytes() {
            due.saturating_add(writer.bytes())
        } else {
            0
        };
        let mut held = self.held(self.oldest());
        let mut carried = Carried::default();
        for row in self.ring.iter().copied() {
            let is_full = free < writer.rows() || held.saturating_add(writer.bytes()) > most;
            let until = if is_full { usize::MAX } else { until };
            if writer.bytes() >= until {
                break;
            }
            if live.get(row.index()).is_some_and(|live| *live > 0) {
                let bytes = self.row(row, &read)?;
                if !self.carry_row(row, &bytes, writer, until)? {
                    let read = match bytes {
                        Cow::Owned(bytes) => Some(bytes),
                        Cow::Borrowed(_) => None,
                    };
                    carried.part = Some((row, read));
                    break;
                }
            }
            carried.segments = carried.segments.saturating_add(1);
            free = free.saturating_add(1);
            let len = self.slots.get(row.index()).map_or(0, |slot| slot.len);
            held = held.saturating_sub(len);
        }
        Ok(carried)
    }

    /// Carries the live values of a row until `until` bytes are written. Returns whether all of
    /// them are carried.
    fn carry_row(
        &self,
        row: Row,
        bytes: &[u8],
        writer: &mut Writer,
        until: usize,
    ) -> Result<bool, Corrupt> {
        for (key, place) in self.index.iter() {
            if place.row != row || self.pending.contains_key(key) {
                continue;
            }
            if writer.bytes().saturating_add(place.size(key)) > until {
                return Ok(false);
            }
            let value = place.of(bytes).ok_or_else(|| Fault::Entries.of(row))?;
            writer.push(key, Some(value));
        }
        Ok(true)
    }

    /// How many bytes of each row are live after the commit, without the commit's own entries.
    fn live(&self) -> Vec<usize> {
        let mut live = vec![0_usize; self.slots.len()];
        for (key, place) in self.index.iter() {
            if let Some(live) = live.get_mut(place.row.index()) {
                *live = live.saturating_add(place.size(key));
            }
        }
        for key in self.pending.keys() {
            if let Some(place) = self.index.get(key)
                && let Some(live) = live.get_mut(place.row.index())
            {
                *live = live.saturating_sub(place.size(key));
            }
        }
        live
    }

    fn pending_bytes(&self) -> usize {
        let values = self.pending.iter();
        let values = values.filter_map(|(key, value)| Some(size(key, value.as_ref()?.len())));
        values.sum()
    }

    /// How many bytes this commit must carry so that each segment is carried before its row is
    /// needed, if all later commits carry as much.
    fn due(&self, live: &[usize], free: usize) -> usize {
        let mut bytes = 0_usize;
        let mut due = 0;
        for (row, commits) in self.ring.iter().zip(free.saturating_add(1)..) {
            bytes = bytes.saturating_add(live.get(row.index()).copied().unwrap_or_default());
            due = due.max(bytes.div_ceil(commits));
        }
        due
    }

    /// Updates the state in memory for the rows that are about to be stored.
    fn enter(&mut self, rows: Vec<(Header, Vec<u8>)>, carried: Carried) -> Vec<Put> {
        self.pending = Map::default();
        self.ring.drain(..carried.segments.min(self.ring.len()));
        let written = rows.iter().map(|(_, bytes)| bytes.len()).sum::<usize>();
        let oldest = self.oldest();
        let held = self.held(oldest).saturating_add(written);
        let is_short = held <= self.bounds.memory_bytes;
        let part = carried.part.as_ref().map(|(row, _)| row.index());
        for (index, slot) in self.slots.iter_mut().enumerate() {
            let stays = is_short && slot.number >= oldest;
            slot.bytes.take_if(|_| !stays && part != Some(index));
        }
        if let Some((row, Some(bytes))) = carried.part
            && let Some(slot) = self.slot_mut(row)
        {
            slot.bytes = Some(bytes);
        }
        let mut puts = Vec::with_capacity(rows.len());
        for (Header { row, number, .. }, bytes) in rows {
            self.next = number.saturating_add(1);
            self.ring.push_back(row);
            self.enter_row(row, &bytes);
            if let Some(slot) = self.slot_mut(row) {
                slot.number = number;
                slot.len = bytes.len();
                slot.bytes = is_short.then(|| bytes.clone());
            }
            puts.push(Put { row, bytes });
        }
        puts
    }

    fn enter_row(&mut self, row: Row, bytes: &[u8]) {
        for entry in entries(bytes).map_while(Result::ok) {
            match (self.index.get_mut(entry.key), entry.place(row)) {
                (Some(before), Some(place)) => *before = place,
                (None, Some(place)) => self.index.insert(entry.key.to_owned(), place),
                (_, None) => {
                    self.index.remove(entry.key);
                }
            }
        }
    }
}
