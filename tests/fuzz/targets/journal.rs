//! Compares the journal with a naive map, while memory is lost and rows are damaged. A second target opens
//! rows that no journal wrote.

use std::collections::BTreeMap;

use signalbox::journal::{Bounds, Error, Fault, Put};

use super::bytes::Bytes;
use crate::disk::{Disk, Rows, State, open, read, reader, store};

const KEYS: [&str; 12] = [
    "",
    "a",
    "a/",
    "a/1",
    "a/2",
    "a/\u{10FFFF}",
    "a0",
    "b/é",
    "b/日本",
    "b/\u{0}",
    "c",
    "log/0000000000000001",
];

const PREFIXES: [&str; 6] = ["", "a", "a/", "b/", "a/1", "d"];

/// The overhead in bytes: of a segment without its entries, and of an entry without its key and value.
const SEGMENT: usize = 28;
const ENTRY: usize = 6;

struct Model<'a> {
    bytes: Bytes<'a>,
    disk: Disk,
    /// The changes since the last commit.
    pending: BTreeMap<String, Option<String>>,
    /// All committed states, in order.
    history: Vec<State>,
    /// The rows before the last commit.
    before: Rows,
    values: usize,
}

/// Returns how many rows were stored.
pub fn journal(bytes: &[u8]) -> usize {
    let mut bytes = Bytes::new(bytes);
    let bounds = Bounds {
        rows: *bytes.pick(&[1, 2, 3, 8]),
        row_bytes: *bytes.pick(&[100, 200, 1_000]),
        live_bytes: *bytes.pick(&[150, 500, 5_000]),
        spare_bytes: *bytes.pick(&[0, 300, 10_000]),
        memory_bytes: *bytes.pick(&[0, 300, 10_000]),
    };
    let mut model = Model {
        bytes,
        disk: Disk::new(bounds),
        pending: BTreeMap::new(),
        history: vec![State::new()],
        before: Rows::new(),
        values: 0,
    };
    let mut stored = 0;
    while !model.bytes.is_empty() {
        stored += model.step();
    }
    model.lose_memory();
    stored
}

impl Model<'_> {
    /// Returns how many rows were stored.
    fn step(&mut self) -> usize {
        match self.bytes.below(16) {
            0..7 => self.set(),
            7..11 => return self.commit(),
            11 => self.load(),
            12 => self.lose_memory(),
            13 => self.damage(),
            14 => return self.purge(),
            _ => self.set_again(),
        }
        0
    }

    fn set(&mut self) {
        let key = *self.bytes.pick(&KEYS);
        let value = (!self.bytes.chance(4)).then(|| {
            // Each value is different from all others.
            self.values += 1;
            format!("<{}>{}", self.values, "é".repeat(self.bytes.below(60)))
        });
        let len = SEGMENT + ENTRY + key.len() + value.as_ref().map_or(0, String::len);
        let set = self.disk.journal.set(key.to_owned(), value.clone());
        if len > self.disk.bounds.row_bytes {
            assert!(matches!(set, Err(Error::TooLong { .. })), "{set:?}");
        } else {
            assert_eq!(set, Ok(()));
            self.pending.insert(key.to_owned(), value);
        }
    }

    /// Sets a key to the value that it has.
    fn set_again(&mut self) {
        let key = *self.bytes.pick(&KEYS);
        let value = self.state().get(key).cloned();
        self.disk
            .journal
            .set(key.to_owned(), value.clone())
            .unwrap();
        self.pending.insert(key.to_owned(), value);
    }

    /// The state that reads see: the last commit and the changes since then.
    fn state(&self) -> State {
        let mut state = self.committed().clone();
        for (key, value) in &self.pending {
            match value {
                Some(value) => state.insert(key.clone(), value.clone()),
                None => state.remove(key),
            };
        }
        state
    }

    fn committed(&self) -> &State {
        self.history.last().unwrap()
    }

    fn load(&self) {
        for prefix in PREFIXES {
            let state = self.state();
            let expected = state.into_iter().filter(|(key, _)| key.starts_with(prefix));
            assert_eq!(self.disk.load(prefix), expected.collect::<Vec<_>>());
        }
    }

    fn commit(&mut self) -> usize {
        let puts = self.disk.prepare();
        self.finish(puts, false)
    }

    fn purge(&mut self) -> usize {
        let puts = self.disk.journal.purge(reader(&self.disk.rows));
        let stored = self.finish(puts, true);
        if stored > 0 {
            // Without headers and checksums, which can have any bytes.
            let rows = self.disk.rows.values();
            let entries = rows.map(|row| String::from_utf8_lossy(&row[24..row.len() - 4]));
            let text = entries.collect::<Vec<_>>().concat();
            let digit = |part: &&str| part.starts_with(|first: char| first.is_ascii_digit());
            let values = text.split('<').skip(1).filter(digit).count();
            assert_eq!(values, self.committed().len(), "{text}");
        }
        stored
    }

    /// The process may die before, during or after the storing of rows.
    fn finish(&mut self, puts: Result<Vec<Put>, Error>, purged: bool) -> usize {
        let puts = match puts {
            Ok(puts) => puts,
            Err(error) => {
                self.expect_full(&error);
                return 0;
            }
        };
        self.before.clone_from(&self.disk.rows);
        let state = self.state();
        self.pending.clear();
        if puts.len() > 1 {
            self.die_between(&puts, &state);
        }
        if puts.is_empty() {
            assert_eq!(&state, self.committed(), "a change was not stored");
        }
        store(&mut self.disk.rows, &puts);
        let bytes = |state: &State| {
            let entries = state.iter();
            entries
                .map(|(key, value)| ENTRY + key.len() + value.len())
                .sum::<usize>()
        };
        // The entry of a deletion is not longer than the deleted entry.
        let most = bytes(&state) + bytes(self.committed()) + SEGMENT;
        if !purged && most <= self.disk.bounds.row_bytes {
            assert!(puts.len() <= 1, "{} rows for {most} bytes", puts.len());
        }
        self.history.push(state);
        if self.bytes.chance(3) {
            self.lose_memory();
        }
        puts.len()
    }

    /// A commit that fails changes nothing.
    fn expect_full(&mut self, error: &Error) {
        assert!(matches!(error, Error::Full { .. }), "{error}");
        assert_eq!(self.disk.state(), self.state());
        self.lose_memory();
    }

    /// Some rows of a commit are stored, others are not.
    fn die_between(&mut self, puts: &[Put], state: &State) {
        let mut rows = self.disk.rows.clone();
        let stored: Vec<Put> = puts
            .iter()
            .filter(|_| self.bytes.chance(2))
            .cloned()
            .collect();
        store(&mut rows, &stored);
        if let Ok(read) = read(self.disk.bounds, &rows) {
            assert!(
                &read == state || &read == self.committed(),
                "a mix: {read:?}"
            );
        }
    }

    fn lose_memory(&mut self) {
        self.pending.clear();
        self.disk.reopen();
        assert_eq!(&self.disk.state(), self.committed());
    }

    /// A journal with damaged rows opens to a committed state, or fails to open.
    fn damage(&mut self) {
        let mut rows = self.disk.rows.clone();
        let keys: Vec<String> = rows.keys().cloned().collect();
        if keys.is_empty() {
            return;
        }
        let (key, other) = (self.bytes.pick(&keys), self.bytes.pick(&keys));
        let mut row = rows[key].clone();
        let (damaged, must_fail) = match self.bytes.below(8) {
            0 | 1 => {
                let at = self.bytes.below(row.len());
                row[at] ^= self.bytes.byte().max(1);
                (Some(row), true)
            }
            2 => {
                row.truncate(self.bytes.below(row.len()));
                (Some(row), true)
            }
            3 => {
                row.push(self.bytes.byte());
                (Some(row), true)
            }
            4 if key != other => (rows.insert(other.clone(), row), true), // swapped
            5 if key != other => (Some(rows[other].clone()), true),
            6 => (None, false),
            _ => (self.before.get(key).cloned(), false),
        };
        match damaged {
            Some(row) => rows.insert(key.clone(), row),
            None => rows.remove(key),
        };
        match read(self.disk.bounds, &rows) {
            Ok(state) => {
                assert!(!must_fail, "opened in spite of damage");
                assert!(self.history.contains(&state), "never committed: {state:?}");
            }
            Err(error) => assert_ne!(error.fault, Fault::Unreadable),
        }
    }
}

/// Rows made of these bytes. Most have a correct checksum, because otherwise nothing else is checked.
/// Returns whether they are a journal. If they are, a write that the journal accepts must be readable.
pub fn journal_rows(bytes: &[u8]) -> bool {
    let mut bytes = Bytes::new(bytes);
    let bounds = Bounds {
        rows: 4,
        row_bytes: 400,
        live_bytes: 400,
        spare_bytes: 100,
        memory_bytes: 100,
    };
    let mut rows = Rows::new();
    while !bytes.is_empty() {
        let next = u8::try_from(rows.len()).unwrap_or_default();
        let row = if bytes.chance(8) {
            bytes.byte() % 5
        } else {
            next
        };
        let content = if bytes.chance(16) {
            bytes.some(64).to_vec()
        } else {
            sealed(row, &mut bytes)
        };
        rows.insert(format!("journal/{row}"), content);
    }
    let Ok(journal) = open(bounds, &rows) else {
        return false;
    };
    let mut state = read(bounds, &rows).unwrap();
    let mut disk = Disk {
        bounds,
        rows,
        journal,
    };
    disk.set("key", "value");
    if let Ok(puts) = disk.prepare() {
        store(&mut disk.rows, &puts);
        disk.reopen();
        state.insert("key".to_owned(), "value".to_owned());
        assert_eq!(disk.state(), state);
    }
    true
}

/// A row with a correct checksum, and usually a correct header.
fn sealed(row: u8, bytes: &mut Bytes) -> Vec<u8> {
    let number = 1 + bytes.below(6) as u64;
    let (oldest, part, parts) = match bytes.byte() {
        0 => (
            u64::from_be_bytes([bytes.byte(); 8]),
            bytes.byte(),
            bytes.byte(),
        ),
        choice @ 1..16 => (number, choice % 3, choice / 3 % 3),
        choice => (1 + u64::from(choice) % number.max(1), 0, 1),
    };
    let mut entries = Vec::new();
    while bytes.chance(2) {
        let (key, mut value) = if bytes.chance(16) {
            (bytes.some(4), bytes.some(8))
        } else {
            (bytes.pick(&KEYS).as_bytes(), bytes.pick(&KEYS).as_bytes())
        };
        entries.extend(u16::try_from(key.len()).unwrap().to_le_bytes());
        match bytes.byte() {
            0 => entries.extend([bytes.byte(); 4]),
            1..64 => {
                entries.extend(u32::MAX.to_le_bytes());
                value = &[];
            }
            _ => entries.extend(u32::try_from(value.len()).unwrap().to_le_bytes()),
        }
        entries.extend(key);
        entries.extend(value);
    }
    let len = u32::try_from(entries.len()).unwrap().to_le_bytes();
    let (number, oldest) = (number.to_le_bytes(), oldest.to_le_bytes());
    let header = [&[1, row, part, parts][..], &len, &number, &oldest];
    seal([&header.concat()[..], &entries].concat())
}

/// Bytes followed by their CRC-32, computed bit by bit.
pub fn seal(mut bytes: Vec<u8>) -> Vec<u8> {
    let mut crc = u32::MAX;
    for byte in &bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ if crc & 1 == 1 { 0xEDB8_8320 } else { 0 };
        }
    }
    bytes.extend((!crc).to_le_bytes());
    bytes
}
