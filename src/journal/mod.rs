//! The journal: a map of keys to values, stored in few rows. A commit nearly always writes one
//! row, however many values it changes, and no row is ever deleted.
//!
//! ```text
//! set, set, … ─▶ pending ─commit─▶ a segment: what changed, and what the oldest segment still holds
//!                                     │
//!   rows  │ 41 │ 42 │ 43 │ 37 │ 38 │ 39 │ 40 │    written over the row of the oldest segment
//!
//! open: all rows, in the order of their numbers; of each key the last entry counts
//! ```
//!
//! Memory holds the keys and the place of each value; the values are read from the rows. The rows
//! form a ring: the oldest segment is freed first. So the mark of a deletion is kept until all
//! older values of its key are gone. The newest segment names the oldest one that counts, so a
//! missing row is detected.
//!
//! The journal makes no storage calls: the caller reads and writes the rows. All rows of a commit
//! must be written in one transaction. `docs/journal.md` has the format and the reasons.

mod commit;
mod crc;
mod error;
mod segment;

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::VecDeque;
use std::fmt;

pub use error::{Corrupt, Error, Fault};

use crate::map::Map;
use segment::{Entry, Header, entries, size};

/// The prefix of the storage keys of all rows.
pub const PREFIX: &str = "journal/";

/// The number of a row. Its `Display` is the storage key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Row(u8);

impl Row {
    fn parse(key: &str) -> Option<Self> {
        let row = Self(key.strip_prefix(PREFIX)?.parse().ok()?);
        (row.to_string() == key).then_some(row)
    }

    /// The number.
    #[must_use]
    pub fn index(self) -> usize {
        self.0.into()
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{PREFIX}{}", self.0)
    }
}

/// A row to store, in place of its earlier content. It is bytes, because a platform may store a
/// text with two bytes for each character.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Put {
    /// The row.
    pub row: Row,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// The limits of a journal. A journal may be opened with other limits than it was written with, but
/// not with fewer rows.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// The number of rows. With more rows a commit carries less, and opening reads more.
    pub rows: u8,
    /// The maximum size of a row, in bytes. A longer commit takes several rows.
    pub row_bytes: usize,
    /// The maximum size of all keys and values together, in bytes.
    pub live_bytes: usize,
    /// The segments that count have at most twice the size of the keys and values, plus this many
    /// bytes. If all rows, with the free ones, have more than this sum, a commit overwrites the
    /// longest free row. So opening, which reads all rows, does not read much more than this sum.
    pub spare_bytes: usize,
    /// The rows stay in memory up to this total size: reading a row takes half as long as a commit.
    pub memory_bytes: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            rows: 32,
            row_bytes: 1_900_000,   // the platform accepts values of 2 MB
            live_bytes: 32_000_000, // more than the total in `docs/bounds.md`
            spare_bytes: 128_000,
            memory_bytes: 128_000,
        }
    }
}

/// The place of a value: a row, and the offset in it.
#[derive(Clone, Copy)]
struct Place {
    row: Row,
    start: usize,
    len: usize,
}

/// The content of a row.
#[derive(Clone, Default)]
struct Slot {
    /// The number of the row's segment; 0 if the row was never written.
    number: u64,
    len: usize,
    /// The row's bytes, if they are in memory.
    bytes: Option<Vec<u8>>,
}

/// A persistent map of keys to values. See the [module](self).
pub struct Journal {
    bounds: Bounds,
    /// The changes since the last commit; `None` deletes the key.
    pending: Map<String, Option<String>>,
    /// The committed keys.
    index: Map<String, Place>,
    /// The content of each row.
    slots: Vec<Slot>,
    /// The rows of the segments that count, oldest first.
    ring: VecDeque<Row>,
    /// The number of the next segment.
    next: u64,
}

impl Default for Journal {
    fn default() -> Self {
        Self::new(Bounds::default())
    }
}

impl Journal {
    /// An empty journal, for an empty storage.
    #[must_use]
    pub fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            pending: Map::default(),
            index: Map::default(),
            slots: vec![Slot::default(); bounds.rows.into()],
            ring: VecDeque::new(),
            next: 1,
        }
    }

    /// Opens the journal in these rows, given with their storage keys: all rows whose keys begin
    /// with [`PREFIX`], in any order. Without rows the journal is empty. The rows stay in memory
    /// until the first commit, because they are often read after a start. They stay longer if their
    /// total size is at most [`Bounds::memory_bytes`].
    pub fn open(
        bounds: Bounds,
        rows: impl IntoIterator<Item = (String, Vec<u8>)>,
    ) -> Result<Self, Corrupt> {
        let mut journal = Self::new(bounds);
        let mut headers = Vec::new();
        for (row, bytes) in rows {
            match journal.take_row(&row, bytes) {
                Ok(header) => headers.push(header),
                Err(fault) => return Err(Corrupt { row, fault }),
            }
        }
        headers.sort_unstable_by_key(|header| header.number);
        let Some(newest) = headers.last().copied() else {
            return Ok(journal);
        };
        check(&headers, &newest)?;
        headers.retain(|header| header.number >= newest.oldest);
        journal.ring = headers.iter().map(|header| header.row).collect();
        journal.next = newest.number.saturating_add(1);
        for slot in &mut journal.slots {
            slot.bytes.take_if(|_| slot.number < newest.oldest);
        }
        journal.index = journal.read_index()?;
        Ok(journal)
    }

    fn take_row(&mut self, key: &str, bytes: Vec<u8>) -> Result<Header, Fault> {
        let row = Row::parse(key).ok_or(Fault::Key)?;
        let slot = self.slot_mut(row).ok_or(Fault::Key)?;
        let header = Header::parse(&bytes, row)?;
        if slot.number > 0 {
            return Err(Fault::Repeated(slot.number));
        }
        *slot = Slot {
            number: header.number,
            len: bytes.len(),
            bytes: Some(bytes),
        };
        Ok(header)
    }

    /// The places of all values. All rows must be in memory.
    fn read_index(&self) -> Result<Map<String, Place>, Corrupt> {
        let mut all = Vec::new();
        for (age, row) in self.ring.iter().copied().enumerate() {
            let slot = self.slots.get(row.index());
            let bytes = slot.and_then(|slot| slot.bytes.as_deref());
            for entry in entries(bytes.unwrap_or_default()) {
                all.push((entry.map_err(|fault| fault.of(row))?, row, age));
            }
        }
        // The last entry of each key comes first.
        all.sort_unstable_by_key(|(entry, _, age)| (entry.key, Reverse((*age, entry.start))));
        all.dedup_by_key(|(entry, ..)| entry.key);
        let live = all.into_iter().filter_map(|(entry, row, _)| {
            let place = entry.place(row)?;
            Some((entry.key.to_owned(), place))
        });
        Ok(Map::from_sorted(live.collect()))
    }

    /// Stores a value under a key, or deletes the key. [`Journal::load`] sees it at once; storage
    /// gets it with the next commit. A value that is known to be unchanged is not committed: only
    /// rows in memory are compared.
    pub fn set(&mut self, key: String, value: Option<String>) -> Result<(), Error> {
        let len = value.as_ref().map_or(0, String::len);
        if !segment::fits(self.bounds.row_bytes, &key, len) {
            let bytes = size(&key, len);
            return Err(Error::TooLong { bytes });
        }
        let is_same = match (self.index.get(&key), &value) {
            (None, None) => true,
            (Some(place), Some(value)) => self.in_memory(place) == Some(value.as_bytes()),
            _ => false,
        };
        if is_same {
            self.pending.remove(&key);
        } else {
            self.pending.insert(key, value);
        }
        Ok(())
    }

    /// All keys that begin with `prefix`, with their values, sorted. `read` reads a row.
    pub fn load(
        &self,
        prefix: &str,
        read: impl Fn(Row) -> Option<Vec<u8>>,
    ) -> Result<Vec<(String, String)>, Corrupt> {
        let mut rows: Map<Row, Cow<[u8]>> = Map::default();
        let mut found = Map::default();
        for (key, place) in self.index.starting_with(prefix) {
            if self.pending.contains_key(key) {
                continue;
            }
            if !rows.contains_key(&place.row) {
                rows.insert(place.row, self.row(place.row, &read)?);
            }
            let bytes = rows.get(&place.row).and_then(|bytes| place.of(bytes));
            let value = bytes.and_then(|bytes| str::from_utf8(bytes).ok());
            let value = value.ok_or_else(|| Fault::Entries.of(place.row))?;
            found.insert(key.clone(), value.to_owned());
        }
        for (key, value) in self.pending.starting_with(prefix) {
            if let Some(value) = value {
                found.insert(key.clone(), value.clone());
            }
        }
        Ok(found.into_vec())
    }

    /// Whether no row was ever committed and no change is pending.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.next == 1 && self.pending.is_empty()
    }

    /// The bytes of a row.
    fn row(
        &self,
        row: Row,
        read: impl Fn(Row) -> Option<Vec<u8>>,
    ) -> Result<Cow<'_, [u8]>, Corrupt> {
        let known = self.slots.get(row.index());
        if let Some(bytes) = known.and_then(|slot| slot.bytes.as_deref()) {
            return Ok(Cow::Borrowed(bytes));
        }
        let bytes = read(row).ok_or_else(|| Fault::Unreadable.of(row))?;
        let header = Header::parse(&bytes, row).map_err(|fault| fault.of(row))?;
        if known.is_none_or(|slot| slot.number != header.number) {
            return Err(Fault::Unexpected(header.number).of(row));
        }
        Ok(Cow::Owned(bytes))
    }

    /// A value, if its row is in memory.
    fn in_memory(&self, place: &Place) -> Option<&[u8]> {
        let slot = self.slots.get(place.row.index())?;
        place.of(slot.bytes.as_ref()?)
    }

    fn slot_mut(&mut self, row: Row) -> Option<&mut Slot> {
        self.slots.get_mut(row.index())
    }

    fn rows(&self) -> impl Iterator<Item = (Row, &Slot)> {
        (0..=u8::MAX).map(Row).zip(&self.slots)
    }

    /// The number of the oldest segment that counts.
    fn oldest(&self) -> u64 {
        self.next.saturating_sub(self.ring.len() as u64)
    }
}

impl Place {
    /// The size of the entry in bytes.
    fn size(self, key: &str) -> usize {
        size(key, self.len)
    }

    /// The value, from the bytes of its row.
    fn of(self, bytes: &[u8]) -> Option<&[u8]> {
        let end = self.start.checked_add(self.len)?;
        bytes.get(self.start..end)
    }
}

impl Entry<'_> {
    /// The place of the value; `None` if the key is deleted.
    fn place(&self, row: Row) -> Option<Place> {
        let len = self.value?.len();
        Some(Place {
            row,
            start: self.start,
            len,
        })
    }
}

impl Fault {
    fn of(self, row: Row) -> Corrupt {
        Corrupt {
            row: row.to_string(),
            fault: self,
        }
    }
}

/// Checks that segments with these headers, in this order, are a journal with `newest` as the last.
fn check(headers: &[Header], newest: &Header) -> Result<(), Corrupt> {
    let mut before: Option<&Header> = None;
    for header in headers {
        if before.is_some_and(|before| before.number == header.number) {
            return Err(Fault::Repeated(header.number).of(header.row));
        }
        let before = before.replace(header);
        if header.number < newest.oldest {
            continue;
        }
        let before = before.filter(|before| before.number >= newest.oldest);
        let expected = before.map_or(newest.oldest, |before| before.number.saturating_add(1));
        if header.number != expected {
            return Err(Fault::Missing(expected).of(newest.row));
        }
        if before.is_some_and(|before| !header.follows(before)) {
            return Err(Fault::Torn.of(header.row));
        }
    }
    if newest.is_last_of_commit() {
        Ok(())
    } else {
        Err(Fault::Torn.of(newest.row))
    }
}
