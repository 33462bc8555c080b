//! A journal with damaged rows opens to a committed state, or fails to open. An open journal fails to read them.

use signalbox::journal::{Bounds, Corrupt, Error, Fault, Journal, PREFIX};

use crate::disk::{Disk, Rows, State, read, reader, store};
use crate::journal::disk;

const BOUNDS: Bounds = Bounds {
    rows: 4,
    row_bytes: 120,
    live_bytes: 400,
    spare_bytes: 1_000,
    memory_bytes: 0,
};

/// Journals of 1 to 13 commits, each with its state after each commit and its rows before each commit. Some are in
/// the first lap, some in later laps, and some have commits of two rows.
fn journals() -> Vec<(Disk, Vec<State>, Vec<Rows>)> {
    (1..14).map(journal).collect()
}

fn journal(commits: usize) -> (Disk, Vec<State>, Vec<Rows>) {
    let mut disk = Disk::new(BOUNDS);
    let (mut states, mut before) = (vec![State::new()], Vec::new());
    for turn in 1..=commits {
        disk.set("turn", &turn.to_string());
        match turn % 5 {
            1 => disk.set("rests", &format!("é{turn}")),
            2 => disk.set("goes", "x"),
            3 => disk.delete("goes"),
            4 => {
                disk.set("long", &"y".repeat(40));
                disk.set("longer", &"z".repeat(50));
            }
            _ => {}
        }
        before.push(disk.rows.clone());
        disk.commit();
        states.push(disk.state());
    }
    (disk, states, before)
}

#[test]
fn some_of_these_commits_have_two_rows() {
    let (disk, _, before) = journal(4);
    let last = before.last().unwrap();
    let changed = disk
        .rows
        .iter()
        .filter(|(key, row)| last.get(*key) != Some(row));
    assert_eq!(changed.count(), 2);
}

#[test]
fn every_byte_altered() {
    let mut tried = 0;
    for (disk, ..) in [1, 4, 9, 13].map(journal) {
        for (key, row) in &disk.rows {
            for at in 0..row.len() {
                for by in 1..=255 {
                    let mut rows = disk.rows.clone();
                    rows.get_mut(key).unwrap()[at] ^= by;
                    let error = read(BOUNDS, &rows).unwrap_err();
                    assert_eq!(&error.row, key, "byte {at} by {by}");
                    tried += 1;
                }
            }
        }
    }
    assert!(tried > 100_000, "{tried}");
}

#[test]
fn every_row_cut_off_or_longer() {
    for (disk, ..) in journals() {
        for (key, row) in &disk.rows {
            let shorter = (0..row.len()).map(|len| row[..len].to_vec());
            let longer = [&[0][..], &[255], row].map(|more| [row, more].concat());
            for damaged in shorter.chain(longer) {
                let mut rows = disk.rows.clone();
                rows.insert(key.clone(), damaged);
                let error = read(BOUNDS, &rows).unwrap_err();
                assert_eq!((&error.row, error.fault), (key, Fault::Length));
            }
        }
    }
}

/// Any rows may be missing: the journal opens without its newest commits, or fails to open.
#[test]
fn rows_missing() {
    let mut opened = 0;
    for (disk, states, _) in journals() {
        let keys: Vec<_> = disk.rows.keys().collect();
        for missing in 1..1 << keys.len() {
            let mut rows = disk.rows.clone();
            for (bit, key) in keys.iter().enumerate() {
                if missing >> bit & 1 == 1 {
                    rows.remove(*key);
                }
            }
            if let Ok(state) = read(BOUNDS, &rows) {
                assert!(states.contains(&state), "{state:?}");
                opened += 1;
            }
        }
    }
    assert!(opened > 10, "{opened}");
}

/// In a full ring each commit overwrites a row of the state before it. So without the newest row the journal cannot
/// open to that state.
#[test]
fn a_missing_row_of_a_full_ring_is_noticed() {
    let mut disk = Disk::new(BOUNDS);
    for turn in 0..20 {
        disk.set("turn", &turn.to_string());
        disk.commit();
        if turn >= 8 {
            for key in disk.rows.keys() {
                let mut rows = disk.rows.clone();
                rows.remove(key);
                let fault = read(BOUNDS, &rows).unwrap_err().fault;
                assert!(matches!(fault, Fault::Missing(_)), "{fault:?}");
            }
        }
    }
}

#[test]
fn rows_swapped_and_repeated() {
    for (disk, ..) in journals() {
        for (key, row) in &disk.rows {
            for (other, other_row) in disk.rows.iter().filter(|(other, _)| *other != key) {
                let mut rows = disk.rows.clone();
                rows.insert(other.clone(), row.clone());
                let error = read(BOUNDS, &rows).unwrap_err();
                assert!(matches!(error.fault, Fault::Misplaced(_)), "{error}");
                rows.insert(key.clone(), other_row.clone());
                let error = read(BOUNDS, &rows).unwrap_err();
                assert!(matches!(error.fault, Fault::Misplaced(_)), "{error}");
            }
        }
    }
}

/// Some rows are older than the others: the journal opens to a committed state, or fails to open.
#[test]
fn rows_of_an_earlier_time() {
    for (disk, states, before) in journals() {
        for earlier in before {
            let keys: Vec<_> = disk.rows.keys().collect();
            for old in 1..1 << keys.len() {
                let mut rows = disk.rows.clone();
                for (bit, key) in keys.iter().enumerate() {
                    if old >> bit & 1 == 1 {
                        match earlier.get(*key) {
                            Some(row) => rows.insert((*key).clone(), row.clone()),
                            None => rows.remove(*key),
                        };
                    }
                }
                if let Ok(state) = read(BOUNDS, &rows) {
                    assert!(states.contains(&state), "{state:?}");
                }
            }
        }
    }
}

#[test]
fn rows_of_a_later_version() {
    let (disk, ..) = journal(3);
    let mut rows = disk.rows.clone();
    let row = rows.values_mut().next().unwrap();
    row[0] = 2;
    let end = row.len() - 4;
    *row = crate::targets::seal(row[..end].to_vec());
    let error = read(BOUNDS, &rows).unwrap_err();
    assert_eq!(error.fault, Fault::Version(2));
}

/// Every operation that needs an altered row fails, and changes nothing.
#[test]
fn a_row_that_cannot_be_read_back() {
    let mut disk = Disk::new(Bounds {
        memory_bytes: 0,
        ..Bounds::default()
    });
    disk.set("a", "1");
    let row = disk.commit().remove(0).row;
    disk.set("b", "1");
    let other = disk.commit().remove(0).row;
    let corrupt = |fault| Corrupt {
        row: row.to_string(),
        fault,
    };
    let unreadable = disk.journal.load("", |_| None);
    assert_eq!(unreadable, Err(corrupt(Fault::Unreadable)));
    let others = disk.rows[&other.to_string()].clone();
    let misplaced = disk.journal.load("", |_| Some(others.clone()));
    assert_eq!(misplaced, Err(corrupt(Fault::Misplaced(other))));
    let mut altered = disk.rows[&row.to_string()].clone();
    altered[30] ^= 1;
    let altered = disk.journal.load("", |_| Some(altered.clone()));
    assert_eq!(altered, Err(corrupt(Fault::Checksum)));

    let mut elsewhere = Disk::new(disk.bounds);
    for value in ["1", "2"] {
        elsewhere.set("a", value);
        elsewhere.purge();
    }
    let of_another = disk.journal.load("a", reader(&elsewhere.rows));
    assert_eq!(of_another, Err(corrupt(Fault::Unexpected(2))));

    // A commit that must carry the row fails, and its changes stay pending.
    disk.rows.insert(row.to_string(), Vec::new());
    disk.set("b", "2");
    let failed = (0..64).find_map(|turn| {
        disk.set("c", &turn.to_string());
        match disk.prepare() {
            Ok(puts) => store(&mut disk.rows, &puts),
            Err(error) => return Some(error),
        }
        None
    });
    assert_eq!(failed, Some(Error::Corrupt(corrupt(Fault::Length))));
    assert_eq!(disk.load("c").len(), 1);
}

#[test]
fn rows_that_no_journal_writes() {
    let mut disk = disk();
    disk.set("a", "1");
    disk.commit();
    let (key, row) = disk.rows.first_key_value().unwrap();
    for name in ["x", "", "00", "+0", "-1", "32", "255", "256", "1e1"] {
        let other = format!("{PREFIX}{name}");
        let opened = Journal::open(disk.bounds, [(other.clone(), row.clone())]);
        let error = opened.err().unwrap();
        assert_eq!((error.row, error.fault), (other, Fault::Key));
    }
    let twice = Journal::open(disk.bounds, [0, 1].map(|_| (key.clone(), row.clone())));
    assert_eq!(twice.err().unwrap().fault, Fault::Repeated(1));
}
