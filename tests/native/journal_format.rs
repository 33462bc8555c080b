//! The format of the journal's rows, and the texts of errors.

use signalbox::journal::{Bounds, Error, Fault};

use crate::disk::{Disk, Rows, open, pairs};
use crate::targets::seal;

/// The limits with which the rows below were written.
const BOUNDS: Bounds = Bounds {
    rows: 4,
    row_bytes: 120,
    live_bytes: 700,
    spare_bytes: 10_000,
    memory_bytes: 0,
};

/// Each byte of a segment: the header, the entries, the checksum.
#[test]
fn the_format() {
    let mut disk = Disk::new(BOUNDS);
    disk.set("gone", "x");
    disk.commit();
    disk.delete("gone");
    disk.set("é", "日本");
    let put = disk.commit().remove(0);
    let expected = [
        &[1, 1, 0, 1][..],     // version 1, row 1, the first segment of one
        &24_u32.to_le_bytes(), // bytes of entries
        &2_u64.to_le_bytes(),  // the segment's number
        &1_u64.to_le_bytes(),  // the oldest segment that counts
        &[4, 0, 255, 255, 255, 255],
        b"gone",
        &[2, 0, 6, 0, 0, 0],
        "é日本".as_bytes(),
    ];
    assert_eq!(put.bytes, seal(expected.concat()));
    assert_eq!(put.row.to_string(), "journal/1");
}

/// A segment without entries, with this header.
fn segment(row: u8, (part, parts): (u8, u8), number: u64, oldest: u64) -> (String, Vec<u8>) {
    let header = [&[1, row, part, parts][..], &[0; 4]].concat();
    let numbers = [number, oldest].map(u64::to_le_bytes).concat();
    let bytes = seal([header, numbers].concat());
    (format!("journal/{row}"), bytes)
}

/// Rows with valid checksums and lengths that no journal writes.
#[test]
fn headers_that_contradict() {
    let one = (0, 1);
    let cases = [
        (vec![segment(0, (1, 1), 1, 1)], Fault::Header),
        (vec![segment(0, (0, 0), 1, 1)], Fault::Header),
        (vec![segment(0, one, 0, 0)], Fault::Header),
        (vec![segment(0, one, 1, 0)], Fault::Header),
        (vec![segment(0, one, 1, 2)], Fault::Header),
        (vec![segment(0, one, u64::MAX, 1)], Fault::Header),
        (vec![segment(0, one, u64::MAX / 2 + 1, 1)], Fault::Header),
        (vec![segment(0, one, u64::MAX / 2, 1)], Fault::Missing(1)),
        (vec![segment(0, one, 2, 1)], Fault::Missing(1)),
        (vec![segment(0, (0, 2), 1, 1)], Fault::Torn),
        (
            vec![segment(0, one, 1, 1), segment(1, one, 1, 1)],
            Fault::Repeated(1),
        ),
        (
            vec![segment(0, one, 1, 1), segment(1, one, 3, 1)],
            Fault::Missing(2),
        ),
        (
            vec![segment(0, (0, 2), 1, 1), segment(1, one, 2, 1)],
            Fault::Torn,
        ),
        (
            vec![segment(0, (0, 2), 1, 1), segment(1, (1, 3), 2, 1)],
            Fault::Torn,
        ),
        (
            vec![segment(0, one, 1, 1), segment(1, (1, 2), 2, 1)],
            Fault::Torn,
        ),
    ];
    for (rows, fault) in cases {
        let opened = open(BOUNDS, &rows.iter().cloned().collect());
        assert_eq!(
            opened.err().map(|error| error.fault),
            Some(fault),
            "{rows:?}"
        );
    }
    // The first part of the oldest commit may be missing if it no longer counts.
    let whole = [
        segment(0, (1, 2), u64::MAX / 2 - 1, u64::MAX / 2 - 1),
        segment(1, one, u64::MAX / 2, u64::MAX / 2 - 1),
    ];
    assert!(open(BOUNDS, &whole.into()).is_ok());
}

/// No commit sets a key twice. If a segment has several entries of one key, the last of them counts, just as the
/// newest of several segments counts.
#[test]
fn the_last_entry_of_a_key_counts() {
    let entry = |value: &str| [&[1, 0, 1, 0, 0, 0], "k".as_bytes(), value.as_bytes()].concat();
    let entries = ["1", "2", "3"].map(entry).concat();
    let len = u32::try_from(entries.len()).unwrap().to_le_bytes();
    let one = 1_u64.to_le_bytes();
    let row = [&[1, 0, 0, 1][..], &len, &one, &one, &entries].concat();
    let rows = [("journal/0".to_owned(), seal(row))];
    let journal = open(BOUNDS, &rows.into()).unwrap();
    assert_eq!(journal.load("", |_| None), Ok(pairs([("k", "3")])));
}

/// Rows as this version writes them, after eight commits into a ring of four; the last commit has
/// two rows. Later versions must read them.
const VERSION_ONE: &str = "\
journal/0 010000024e00000008000000000000000600000000000000010001000000613704003c0000006c6f6e6778\
787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878\
787878787878787878787818679f44
journal/1 010100011d0000000600000000000000030000000000000001000100000061350400ffffffff676f6e6505\
0000000000656d7074793d32961d
journal/2 0102000108000000070000000000000004000000000000000100010000006136ddd734ca
journal/3 010301025b0000000900000000000000060000000000000006003c0000006c6f6e67657279797979797979\
797979797979797979797979797979797979797979797979797979797979797979797979797979797979797979797979\
7979797979040009000000622fc3a9e697a5e69cace8aa9ee0aa42b7
";

fn version_one() -> Rows {
    let rows = VERSION_ONE.lines().map(|line| {
        let (key, row) = line.split_once(' ').unwrap();
        let bytes = (0..row.len()).step_by(2);
        let bytes = bytes.map(|at| u8::from_str_radix(&row[at..at + 2], 16).unwrap());
        (key.to_owned(), bytes.collect())
    });
    rows.collect()
}

#[test]
fn rows_of_version_one() {
    let journal = open(BOUNDS, &version_one()).unwrap();
    let long = [&"x".repeat(60), &"y".repeat(60)];
    let state = [
        ("a", "7"),
        ("b/é", "日本語"),
        ("empty", ""),
        ("long", long[0]),
        ("longer", long[1]),
    ];
    assert_eq!(journal.load("", |_| None), Ok(pairs(state)));
}

/// An error names the row and the fault.
#[test]
fn errors_are_told_in_words() {
    let mut rows = version_one();
    rows.get_mut("journal/0").unwrap().pop();
    let error = open(BOUNDS, &rows).err().unwrap();
    let text = "journal/0: the row was cut off, or bytes were added";
    assert_eq!(error.to_string(), text);
    assert_eq!(Error::from(error).to_string(), text);
    rows.remove("journal/0");
    let text = open(BOUNDS, &rows).err().unwrap().to_string();
    assert_eq!(text, "journal/3: the row needs segment 8, which is missing");
}
