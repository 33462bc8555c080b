//! A journal with damaged rows opens to a committed state, or fails to open.

use signalbox::journal::{Bounds, Fault};

use crate::disk::{Disk, Rows, State, read};

const BOUNDS: Bounds = Bounds {
    rows: 4,
    row_bytes: 120,
    live_bytes: 400,
    spare_bytes: 1_000,
    memory_bytes: 0,
};

/// Journals after this many commits, with all their states and the rows before each commit: in the
/// first lap, in later ones, and with commits of two rows.
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

/// Any rows may be missing. Only the newest commits can be lost without an error, as long as no
/// older row was overwritten.
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

/// In a full ring each commit overwrites a row that the commit before needs.
#[test]
fn no_row_of_a_full_ring_is_missed_unnoticed() {
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
