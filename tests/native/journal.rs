//! The journal: commits, reading, and the loss of memory.

use std::collections::{BTreeSet, VecDeque};

use signalbox::journal::{Bounds, Error, Fault, Journal};

use crate::disk::{Disk, Rows, State, pairs, read, store};
use crate::random::Random;

/// A journal of a few short rows.
const SMALL: Bounds = Bounds {
    rows: 4,
    row_bytes: 300,
    live_bytes: 700,
    spare_bytes: 10_000,
    memory_bytes: 0,
};

pub fn disk() -> Disk {
    Disk::new(Bounds::default())
}

/// A state of three values that do not fit into one row together.
fn spilled() -> Disk {
    let mut disk = Disk::new(SMALL);
    disk.set("a", &"a".repeat(200));
    disk.set("b", &"b".repeat(200));
    disk.set("c", &"c".repeat(200));
    disk
}

/// Whether a text is anywhere in the rows.
fn holds(rows: &Rows, text: &str) -> bool {
    let mut rows = rows.values().map(|row| String::from_utf8_lossy(row));
    rows.any(|row| row.contains(text))
}

#[test]
fn committed_values_survive_the_loss_of_memory() {
    let mut disk = disk();
    disk.set("a", "1");
    disk.set("b", "2");
    disk.commit();
    disk.delete("a");
    disk.set("b", "3");
    disk.set("c", "");
    disk.commit();
    disk.set("d", "lost");
    disk.delete("c");
    disk.reopen();
    assert_eq!(disk.load(""), pairs([("b", "3"), ("c", "")]));
}

#[test]
fn changes_are_seen_before_they_are_committed() {
    let mut disk = disk();
    disk.set("a", "1");
    disk.set("b", "1");
    disk.set("c", "1");
    disk.commit();
    disk.set("b", "2");
    disk.delete("c");
    disk.set("d", "2");
    let seen = pairs([("a", "1"), ("b", "2"), ("d", "2")]);
    assert_eq!(disk.load(""), seen);
    disk.commit();
    assert_eq!(disk.load(""), seen);
}

#[test]
fn keys_are_found_by_their_prefix_in_their_order() {
    let mut disk = disk();
    let keys = [
        "",
        "a",
        "a/",
        "a/1",
        "a/2",
        "a/ü",
        "a/日本",
        "a/\u{10FFFF}x",
        "a0",
        "b",
        "\u{0}",
        "é",
    ];
    for (number, key) in keys.iter().enumerate() {
        disk.set(key, &number.to_string());
        if number % 2 == 0 {
            disk.commit();
        }
    }
    for prefix in ["", "a", "a/", "a/\u{10FFFF}", "b", "c", "é", "日"] {
        let found: Vec<_> = disk.load(prefix).into_iter().map(|(key, _)| key).collect();
        let expected: BTreeSet<_> = keys.iter().filter(|key| key.starts_with(prefix)).collect();
        assert!(found.iter().eq(expected), "{prefix:?}: {found:?}");
    }
}

#[test]
fn a_commit_is_one_row_whatever_it_changes() {
    let mut disk = disk();
    for number in 0..200 {
        disk.set(&format!("socket/{number:03}"), &"x".repeat(400));
    }
    assert_eq!(disk.commit().len(), 1);
    for number in 0..200 {
        disk.delete(&format!("socket/{number:03}"));
    }
    disk.set("log", "x");
    assert_eq!(disk.commit().len(), 1);
}

#[test]
fn unchanged_values_are_not_stored() {
    let mut disk = disk();
    assert!(disk.commit().is_empty());
    assert!(disk.purge().is_empty());
    disk.delete("unknown");
    assert!(disk.commit().is_empty(), "deleted an unknown key");
    disk.set("short-lived", "x");
    disk.delete("short-lived");
    assert!(disk.commit().is_empty(), "stored and deleted in one commit");
    disk.set("a", "1");
    disk.commit();
    disk.reopen();
    disk.set("a", "1");
    assert!(disk.commit().is_empty(), "set to the stored value");
    disk.set("a", "2");
    disk.set("a", "1");
    assert!(disk.commit().is_empty(), "changed, and changed back");
    assert_eq!(disk.load(""), pairs([("a", "1")]));
}

/// Many laps of the ring: no row is deleted, each commit stores one, and every value can be read.
#[test]
fn laps() {
    let mut disk = disk();
    let mut random = Random::new(1);
    let mut state = State::new();
    for turn in 0..1_000 {
        let key = format!("key/{}", random.next() % 50);
        let is_set = !random.next().is_multiple_of(3);
        let value = is_set.then(|| format!("{turn} {}", "é".repeat(turn % 50)));
        let is_change = value.is_some() || state.contains_key(&key);
        disk.journal.set(key.clone(), value.clone()).unwrap();
        match value {
            Some(value) => state.insert(key, value),
            None => state.remove(&key),
        };
        assert_eq!(disk.commit().len(), usize::from(is_change));
        assert_eq!(read(disk.bounds, &disk.rows).as_ref(), Ok(&state));
        if random.next().is_multiple_of(10) {
            disk.reopen();
        }
        assert_eq!(disk.state(), state);
    }
    assert_eq!(disk.rows.len(), 32);
}

/// A value that is never set again is carried once per lap, and is never lost.
#[test]
fn unchanged_values_are_carried() {
    let mut disk = disk();
    disk.set("rests", "since the beginning");
    disk.commit();
    for turn in 0..1_000 {
        disk.set("moves", &turn.to_string());
        disk.commit();
    }
    disk.reopen();
    let state = pairs([("moves", "999"), ("rests", "since the beginning")]);
    assert_eq!(disk.load(""), state);
    let holding = |rows: &Rows| {
        let rows = rows.values().map(|row| String::from_utf8_lossy(row));
        rows.filter(|row| row.contains("since the beginning"))
            .count()
    };
    assert!(holding(&disk.rows) <= 2, "{} rows", holding(&disk.rows));
}

/// An entry that says "deleted" is not carried, and the deleted value does not return. After a lap all
/// replaced and deleted values are gone from the rows.
#[test]
fn deleted_values_do_not_return() {
    let mut disk = disk();
    let mut random = Random::new(2);
    let (mut commits, mut gone) = (0, VecDeque::new());
    for turn in 0..2_000_usize {
        let key = format!("key/{}", random.next() % 30);
        if let Some((_, value)) = disk.load(&key).into_iter().find(|(found, _)| *found == key) {
            gone.push_back((commits, value));
        }
        if random.next().is_multiple_of(3) {
            disk.delete(&key);
        } else {
            let filling = "x".repeat([0, 10, 300, 2_000][turn % 4]);
            disk.set(&key, &format!("<{turn}>{filling}"));
        }
        commits += disk.commit().len();
        let state = read(disk.bounds, &disk.rows).unwrap();
        assert_eq!(disk.state(), state);
        while gone.front().is_some_and(|(at, _)| at + 32 < commits) {
            let (_, value) = gone.pop_front().unwrap();
            assert!(!holds(&disk.rows, &value), "{value}");
        }
    }
    assert!(gone.len() < 32);
}

#[test]
fn a_long_commit_takes_more_rows() {
    let mut disk = spilled();
    assert_eq!(disk.commit().len(), 3);
    let state = disk.state();
    disk.reopen();
    assert_eq!(disk.state(), state);
    // The commit replaces every value, so it carries none. It needs the fourth row and two of the others.
    for key in ["a", "b", "c"] {
        disk.set(key, &"x".repeat(200));
    }
    disk.commit();
    assert_eq!(disk.rows.len(), 4);
    let state = disk.state();
    disk.reopen();
    assert_eq!(disk.state(), state);
}

#[test]
fn large_values_by_default() {
    let mut disk = disk();
    for key in ["a", "b", "c"] {
        disk.set(key, &key.repeat(1_800_000));
    }
    let puts = disk.commit();
    let longest = puts.iter().map(|put| put.bytes.len()).max();
    assert_eq!(puts.len(), 3);
    assert!(longest < Some(2_000_000));
    let too_long = "x".repeat(1_900_000);
    let set = disk.journal.set("d".to_owned(), Some(too_long));
    assert_eq!(set, Err(Error::TooLong { bytes: 1_900_007 }));
    let key = "k".repeat(70_000);
    let set = disk.journal.set(key, None);
    assert_eq!(set, Err(Error::TooLong { bytes: 70_006 }));
    disk.reopen();
    assert_eq!(disk.load("b"), [("b".to_owned(), "b".repeat(1_800_000))]);
}

/// If the process dies between the rows of one commit, opening detects it.
#[test]
fn a_torn_commit() {
    let mut disk = spilled();
    let empty = disk.rows.clone();
    let puts = disk.prepare().unwrap();
    for torn in 1..7_u8 {
        let mut rows = empty.clone();
        for (bit, put) in puts.iter().enumerate() {
            if torn >> bit & 1 == 1 {
                store(&mut rows, std::slice::from_ref(put));
            }
        }
        let fault = read(SMALL, &rows).unwrap_err().fault;
        assert!(
            matches!(fault, Fault::Torn | Fault::Missing(_)),
            "{fault:?}"
        );
    }
    store(&mut disk.rows, &puts);
    disk.reopen();
    assert_eq!(disk.load("").len(), 3);
}

#[test]
fn a_commit_beyond_the_limit_is_refused() {
    let mut disk = spilled();
    disk.commit();
    let state = disk.state();
    disk.set("d", &"d".repeat(100));
    let refused = disk.prepare();
    assert_eq!(refused, Err(Error::Full { bytes: 728 }));
    assert_eq!(disk.load("d").len(), 1, "it is still pending");
    disk.delete("a");
    assert!(!disk.commit().is_empty());
    assert_eq!(disk.load("d").len(), 1);
    disk.reopen();
    assert_eq!(disk.state().len(), state.len());
}

/// Opening reads all rows once. They stay in memory until the first commit. After it they stay only if
/// their total size is at most `memory_bytes`. A value that is set again unchanged is not stored.
#[test]
fn rows_in_memory() {
    let nothing = |row| panic!("row {row} is read again, but should be in memory");
    let mut disk = disk();
    for turn in 0..200 {
        let key = (turn % 100).to_string();
        disk.set(&key, &turn.to_string());
        let puts = disk.journal.commit(nothing).unwrap();
        store(&mut disk.rows, &puts);
        disk.set(&key, &turn.to_string());
        assert_eq!(disk.journal.commit(nothing), Ok(Vec::new()));
    }
    assert_eq!(disk.journal.load("", nothing).unwrap().len(), 100);
    disk.set("long", &"x".repeat(200_000));
    disk.commit();
    disk.reopen();
    assert_eq!(disk.journal.load("", nothing).unwrap().len(), 101);
    disk.set("0", "y");
    let puts = disk.journal.commit(nothing).unwrap();
    store(&mut disk.rows, &puts);
    let not_in_memory = disk.journal.load("9", |_| None);
    assert_eq!(not_in_memory.unwrap_err().fault, Fault::Unreadable);
    assert_eq!(disk.load("").len(), 101);
}

#[test]
fn a_purge_leaves_no_deleted_value_in_any_row() {
    let mut disk = disk();
    disk.set("kept", "remains");
    for number in 0..100 {
        disk.set("chat", &format!("secret {number}"));
        disk.commit();
    }
    disk.delete("chat");
    disk.commit();
    assert!(
        holds(&disk.rows, "secret"),
        "a commit does not reach all rows"
    );
    assert_eq!(disk.purge().len(), 32);
    assert!(!holds(&disk.rows, "secret"));
    disk.set("more", "to come");
    assert_eq!(disk.commit().len(), 1);
    disk.reopen();
    let state = pairs([("kept", "remains"), ("more", "to come")]);
    assert_eq!(disk.load(""), state);
    disk.set("secret", "again");
    disk.commit();
    disk.delete("secret");
    let rows = disk.purge().len();
    assert!((1..=3).contains(&rows), "the other rows are empty: {rows}");
    assert!(!holds(&disk.rows, "again"));
    disk.reopen();
    assert_eq!(disk.load(""), state);
}

#[test]
fn a_journal_without_rows_is_empty() {
    let journal = Journal::open(Bounds::default(), []).unwrap();
    assert_eq!(journal.load("", |_| None), Ok(Vec::new()));
}
