//! A journal on rows in memory, in place of a platform's storage.

use std::collections::BTreeMap;

use signalbox::journal::{Bounds, Corrupt, Error, Journal, Put, Row};

/// Stored rows, by key.
pub type Rows = BTreeMap<String, Vec<u8>>;

/// The content of a journal.
pub type State = BTreeMap<String, String>;

pub struct Disk {
    pub bounds: Bounds,
    pub rows: Rows,
    pub journal: Journal,
}

impl Disk {
    pub fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            rows: Rows::new(),
            journal: Journal::new(bounds),
        }
    }

    pub fn set(&mut self, key: &str, value: &str) {
        let value = Some(value.to_owned());
        self.journal.set(key.to_owned(), value).unwrap();
    }

    pub fn delete(&mut self, key: &str) {
        self.journal.set(key.to_owned(), None).unwrap();
    }

    pub fn load(&self, prefix: &str) -> Vec<(String, String)> {
        self.journal.load(prefix, reader(&self.rows)).unwrap()
    }

    pub fn state(&self) -> State {
        self.load("").into_iter().collect()
    }

    /// The rows of a commit. They are not stored yet.
    pub fn prepare(&mut self) -> Result<Vec<Put>, Error> {
        self.journal.commit(reader(&self.rows))
    }

    /// Commits, and returns the stored rows.
    pub fn commit(&mut self) -> Vec<Put> {
        let puts = self.prepare().unwrap();
        store(&mut self.rows, &puts);
        puts
    }

    pub fn purge(&mut self) -> Vec<Put> {
        let puts = self.journal.purge(reader(&self.rows)).unwrap();
        store(&mut self.rows, &puts);
        puts
    }

    /// Drops the journal, and opens it again from the rows, as after an eviction.
    pub fn reopen(&mut self) {
        self.journal = open(self.bounds, &self.rows).unwrap();
    }
}

pub fn store(rows: &mut Rows, puts: &[Put]) {
    for Put { row, bytes } in puts {
        rows.insert(row.to_string(), bytes.clone());
    }
}

pub fn reader(rows: &Rows) -> impl Fn(Row) -> Option<Vec<u8>> {
    |row| rows.get(&row.to_string()).cloned()
}

pub fn open(bounds: Bounds, rows: &Rows) -> Result<Journal, Corrupt> {
    Journal::open(bounds, rows.clone())
}

/// The content of these rows.
pub fn read(bounds: Bounds, rows: &Rows) -> Result<State, Corrupt> {
    let journal = open(bounds, rows)?;
    let all = journal.load("", |row| panic!("{row} is read again"))?;
    Ok(all.into_iter().collect())
}

/// Keys with their values, as the journal loads them.
pub fn pairs<const N: usize>(pairs: [(&str, &str); N]) -> Vec<(String, String)> {
    pairs.map(|(key, value)| (key.into(), value.into())).into()
}
