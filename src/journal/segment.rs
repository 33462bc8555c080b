//! A segment: the bytes of one row. All numbers are little-endian.
//!
//! ```text
//! byte 0   u8    the version of the format: 1
//!      1   u8    the row that the segment is written to
//!      2   u8    which segment of its commit it is, from 0
//!      3   u8    how many segments its commit has
//!      4   u32   how many bytes of entries follow the header
//!      8   u64   its number; the segments of a journal are numbered without gaps, from 1
//!     16   u64   the oldest segment that counts once this one is written
//!     24         entries, each of
//!                  u16   how many bytes the key has
//!                  u32   how many bytes the value has; 0xFFFFFFFF if the key is deleted
//!                        the key, then the value, in UTF-8
//!     end  u32   CRC-32 of all bytes before it
//! ```

use super::Row;
use super::crc::crc;
use super::error::Fault;

const VERSION: u8 = 1;

const HEADER: usize = 24;

const CHECKSUM: usize = 4;

/// The size of a row without entries.
pub(super) const EMPTY: usize = HEADER + CHECKSUM;

/// The size of the two lengths in front of a key.
const LENGTHS: usize = 6;

/// The length that marks a deleted key.
const DELETED: u32 = u32::MAX;

/// A journal cannot reach this number, so the next number can always be computed.
const LAST: u64 = u64::MAX / 2;

/// The header of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) row: Row,
    /// The segment's position in its commit, and how many segments the commit has.
    pub(super) part: u8,
    pub(super) parts: u8,
    pub(super) number: u64,
    pub(super) oldest: u64,
}

impl Header {
    /// Reads the header of a segment that must belong to this row, and checks the segment.
    pub(super) fn parse(bytes: &[u8], row: Row) -> Result<Self, Fault> {
        let (header, rest) = bytes.split_first_chunk::<HEADER>().ok_or(Fault::Length)?;
        let (entries, checksum) = rest.split_last_chunk().ok_or(Fault::Length)?;
        let [version, number_of_row, part, parts, rest @ ..] = *header;
        let [a, b, c, d, rest @ ..] = rest;
        if version != VERSION {
            return Err(Fault::Version(version));
        }
        if usize::try_from(u32::from_le_bytes([a, b, c, d])) != Ok(entries.len()) {
            return Err(Fault::Length);
        }
        let checked = bytes.len().saturating_sub(CHECKSUM);
        if bytes.get(..checked).map(crc) != Some(u32::from_le_bytes(*checksum)) {
            return Err(Fault::Checksum);
        }
        let (numbers, _) = rest.as_chunks();
        let &[number, oldest] = numbers else {
            return Err(Fault::Length);
        };
        let header = Self {
            row: Row(number_of_row),
            part,
            parts,
            number: u64::from_le_bytes(number),
            oldest: u64::from_le_bytes(oldest),
        };
        if header.row != row {
            return Err(Fault::Misplaced(header.row));
        }
        let is_sound =
            part < parts && (1..=header.number).contains(&header.oldest) && header.number <= LAST;
        is_sound.then_some(header).ok_or(Fault::Header)
    }

    /// Writes the header into the space that is reserved for it in front of the entries.
    fn write(&self, bytes: &mut [u8]) {
        let entries = u32::try_from(bytes.len().saturating_sub(HEADER)).unwrap_or_default();
        let header = [VERSION, self.row.0, self.part, self.parts].into_iter();
        let header = header
            .chain(entries.to_le_bytes())
            .chain(self.number.to_le_bytes())
            .chain(self.oldest.to_le_bytes());
        for (place, byte) in bytes.iter_mut().zip(header) {
            *place = byte;
        }
    }

    /// Whether this segment may come directly after `before`: as the next part of the same commit, or
    /// as the first part of the next commit.
    pub(super) fn follows(&self, before: &Self) -> bool {
        let next = before.part.saturating_add(1);
        if next < before.parts {
            (self.part, self.parts) == (next, before.parts)
        } else {
            self.part == 0
        }
    }

    pub(super) fn is_last_of_commit(&self) -> bool {
        self.part.saturating_add(1) == self.parts
    }
}

/// A key with its value; a deleted key has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry<'a> {
    pub(super) key: &'a str,
    pub(super) value: Option<&'a str>,
    /// The offset of the value in the row.
    pub(super) start: usize,
}

/// The size of an entry in bytes.
pub(super) fn size(key: &str, value: usize) -> usize {
    LENGTHS.saturating_add(key.len()).saturating_add(value)
}

/// Whether an entry fits into a row of `limit` bytes.
pub(super) fn fits(limit: usize, key: &str, value: usize) -> bool {
    let len = size(key, value).saturating_add(HEADER + CHECKSUM);
    let is_short = u32::try_from(len).is_ok_and(|len| len < DELETED);
    len <= limit && is_short && u16::try_from(key.len()).is_ok()
}

/// The entries of a valid segment. Iteration stops at the first invalid entry.
pub(super) fn entries(bytes: &[u8]) -> impl Iterator<Item = Result<Entry<'_>, Fault>> {
    let end = bytes.len().saturating_sub(CHECKSUM);
    let mut rest = bytes.get(HEADER..end).unwrap_or_default();
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let Some((key, value, after)) = split_entry(rest) else {
            rest = &[];
            return Some(Err(Fault::Entries));
        };
        rest = after;
        let start = end.saturating_sub(after.len() + value.map_or(0, str::len));
        Some(Ok(Entry { key, value, start }))
    })
}

/// The key and value of the first entry, and the bytes after it.
fn split_entry(bytes: &[u8]) -> Option<(&str, Option<&str>, &[u8])> {
    let (lengths, bytes) = bytes.split_first_chunk::<LENGTHS>()?;
    let [a, b, lengths @ ..] = *lengths;
    let (key, bytes) = bytes.split_at_checked(u16::from_le_bytes([a, b]).into())?;
    let key = str::from_utf8(key).ok()?;
    let len = u32::from_le_bytes(lengths);
    if len == DELETED {
        return Some((key, None, bytes));
    }
    let (value, bytes) = bytes.split_at_checked(len.try_into().ok()?)?;
    Some((key, Some(str::from_utf8(value).ok()?), bytes))
}

/// Writes the segments of a commit: several only if one row would be too long.
pub(super) struct Writer {
    /// The maximum size of a row.
    limit: usize,
    rows: Vec<Vec<u8>>,
}

impl Writer {
    /// A writer without rows.
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            rows: Vec::new(),
        }
    }

    /// Adds an entry, which must fit into a row.
    pub(super) fn push(&mut self, key: &str, value: Option<&[u8]>) {
        let len = size(key, value.map_or(0, <[u8]>::len)).saturating_add(CHECKSUM);
        let most = self.limit.saturating_sub(len);
        if self.rows.last().is_none_or(|row| row.len() > most) {
            self.push_row();
        }
        let Some(row) = self.rows.last_mut() else {
            return;
        };
        // `fits` bounds both lengths.
        let key_len = u16::try_from(key.len()).unwrap_or_default();
        let value_len = value.map(|value| u32::try_from(value.len()).unwrap_or_default());
        row.extend(key_len.to_le_bytes());
        row.extend(value_len.unwrap_or(DELETED).to_le_bytes());
        row.extend(key.as_bytes());
        row.extend(value.unwrap_or_default());
    }

    /// Begins a row; its header is written at the end.
    pub(super) fn push_row(&mut self) {
        self.rows.push(vec![0; HEADER]);
    }

    pub(super) fn rows(&self) -> usize {
        self.rows.len()
    }

    /// The size of the rows, without their checksums.
    pub(super) fn bytes(&self) -> usize {
        self.rows.iter().map(Vec::len).sum()
    }

    /// The finished rows. The first segment gets this number; `places` has a row for each segment.
    pub(super) fn finish(self, places: &[Row], number: u64, oldest: u64) -> Vec<(Header, Vec<u8>)> {
        let parts = u8::try_from(self.rows.len()).unwrap_or(u8::MAX);
        let rows = self.rows.into_iter().zip(places);
        let numbered = rows.zip(0..parts).zip(number..);
        let finished = numbered.map(|(((mut bytes, row), part), number)| {
            let header = Header {
                row: *row,
                part,
                parts,
                number,
                oldest,
            };
            header.write(&mut bytes);
            bytes.extend(crc(&bytes).to_le_bytes());
            (header, bytes)
        });
        finished.collect()
    }
}
