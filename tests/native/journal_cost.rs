//! The cost of commits: rows stored and read, and bytes carried.

use std::cell::Cell;

use signalbox::journal::Bounds;

use crate::disk::{Disk, reader, store};
use crate::random::Random;

/// A journal under load, with the totals of its commits.
struct Load {
    disk: Disk,
    random: Random,
    next: u64,
    /// Bytes that were set since the last commit.
    set: usize,
    commits: usize,
    rows: usize,
    reads: usize,
    changed: usize,
    stored: usize,
    /// The most bytes that one commit carried.
    most_carried: usize,
    /// As `most_carried`, but it counts only commits that carried more bytes than had changed.
    most_beyond: usize,
    /// The maximum size of all rows together.
    held: usize,
}

impl Load {
    fn new(start: fn(&mut Self), turns: u64, turn: fn(&mut Self, u64)) -> Self {
        let mut load = Self {
            disk: Disk::new(Bounds::default()),
            random: Random::new(1),
            next: 0,
            set: 0,
            commits: 0,
            rows: 0,
            reads: 0,
            changed: 0,
            stored: 0,
            most_carried: 0,
            most_beyond: 0,
            held: 0,
        };
        start(&mut load);
        for number in 0..turns {
            turn(&mut load, number);
            load.commit();
        }
        load
    }

    fn set(&mut self, key: &str, len: usize) {
        self.set += key.len() + len;
        let value = format!("{:016x}", self.random.next()).repeat(len.div_ceil(16));
        self.disk.set(key, &value[..len]);
    }

    fn set_all(&mut self, prefix: &str, count: u64, len: usize) {
        for number in 0..count {
            self.set(&format!("{prefix}{number:020}"), len);
        }
    }

    fn set_any(&mut self, prefix: &str, count: u64, len: usize) {
        let number = self.random.next() % count;
        self.set(&format!("{prefix}{number:020}"), len);
    }

    /// Adds one entry to a list of `count` entries.
    fn push(&mut self, prefix: &str, count: u64, len: usize) {
        self.next += 1;
        let next = self.next;
        self.set(&format!("{prefix}{next:016}"), len);
        if let Some(old) = next.checked_sub(count) {
            let old = format!("{prefix}{old:016}");
            self.set += old.len();
            self.disk.delete(&old);
        }
    }

    fn chat(&mut self) {
        self.push("chat/", 200, 300);
        self.set("room/ledger", 60);
    }

    fn log(&mut self, events: usize) {
        for _ in 0..events {
            self.push("log/", 170, 3_000);
        }
    }

    fn commit(&mut self) {
        let reads = Cell::new(0);
        let puts = {
            let read = reader(&self.disk.rows);
            let read = |row| {
                reads.set(reads.get() + 1);
                read(row)
            };
            self.disk.journal.commit(read).unwrap()
        };
        store(&mut self.disk.rows, &puts);
        let stored: usize = puts.iter().map(|put| put.bytes.len()).sum();
        let changed = std::mem::take(&mut self.set);
        self.commits += 1;
        self.rows += puts.len();
        self.reads += reads.get();
        self.changed += changed;
        self.stored += stored;
        let carried = stored.saturating_sub(changed);
        self.most_carried = self.most_carried.max(carried);
        if carried > changed {
            self.most_beyond = self.most_beyond.max(carried);
        }
        let held = self.disk.rows.values().map(Vec::len).sum();
        self.held = self.held.max(held);
    }
}

type Workload = (&'static str, fn(&mut Load), u64, fn(&mut Load, u64));

const WORKLOADS: [Workload; 9] = [
    (
        "a counter",
        |_| (),
        600,
        |load, _| load.set("room/ledger", 60),
    ),
    (
        "100 sockets, one changes",
        |load| load.set_all("socket/", 100, 400),
        600,
        |load, _| load.set_any("socket/", 100, 400),
    ),
    (
        "chat of 200, one more",
        |load| load.set_all("socket/", 4, 400),
        600,
        |load, _| load.chat(),
    ),
    (
        "log of 512 KB, one more of 3 KB",
        |_| (),
        600,
        |load, _| load.log(1),
    ),
    (
        "log of 512 KB, ten more of 250 B",
        |_| (),
        600,
        |load, _| {
            for _ in 0..10 {
                load.push("log/", 2_000, 250);
            }
        },
    ),
    (
        "log of 512 KB, all of it new",
        |_| (),
        60,
        |load, _| load.log(170),
    ),
    (
        "everything; one more of chat",
        |load| {
            load.set("room/door", 2_000);
            load.set_all("socket/", 100, 400);
            load.set_all("log/", 170, 3_000);
        },
        600,
        |load, _| load.chat(),
    ),
    (
        "everything; log, sockets, counter",
        |load| {
            load.set("room/door", 2_000);
            load.set_all("socket/", 100, 400);
        },
        600,
        |load, turn| {
            load.log(1);
            if turn % 3 == 0 {
                load.set_any("socket/", 100, 400);
                load.set("room/ledger", 60);
            }
        },
    ),
    (
        "bursts of 512 KB, then a counter",
        |load| load.set_all("socket/", 100, 400),
        600,
        |load, turn| {
            if turn % 300 < 5 {
                load.log(170);
            }
            load.set("room/ledger", 60);
        },
    ),
];

/// Each commit stores one row, and carries an even share of the live values.
#[test]
fn rows_and_bytes() {
    println!("bytes that are live | of a commit: changed, stored, carried at most |");
    println!("    rows stored and read by a hundred commits | bytes of all rows, at most");
    for (name, start, turns, turn) in WORKLOADS {
        let load = Load::new(start, turns, turn);
        let state = load.disk.state();
        let live: usize = state
            .iter()
            .map(|(key, value)| key.len() + value.len())
            .sum();
        let each = |total: usize| total / load.commits;
        println!(
            "{name:34}{live:7} | {:7}{:7}{:7} | {:5} {:5} | {:8}",
            each(load.changed),
            each(load.stored),
            load.most_carried,
            load.rows * 100 / load.commits,
            load.reads * 100 / load.commits,
            load.held,
        );
        assert_eq!(load.rows, load.commits, "{name}");
        // An entry is not divided.
        let longest = state.values().map(String::len).max().unwrap();
        assert!(
            load.most_beyond < live / 32 * 3 / 2 + longest + 100,
            "{name}"
        );
        // The sum includes rows that no longer count and are not overwritten yet.
        assert!(load.held < 2 * (2 * live + 128_000), "{name}");
    }
}
