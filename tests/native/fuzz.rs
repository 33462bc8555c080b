//! The fuzz targets, on random bytes that are the same in every run, and on the saved corpus.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::random::Random;
use crate::targets::bytes::Bytes;
use crate::targets::junk::{junk, junk_bytes};
use crate::targets::{self, ALL};

/// The parts of queries; `P` and `W` are sessions.
const PARAMETERS: [&str; 14] = [
    "EIO=4",
    "EIO=4",
    "EIO=3",
    "EIO",
    "transport=polling",
    "transport=websocket",
    "transport=",
    "sid=P",
    "sid=W",
    "sid=",
    "sid=x",
    "b64=1",
    "t=%41",
    "=",
];

/// The results of a target for `runs` random inputs of `len` bytes each.
fn runs<T>(runs: u64, len: usize, target: fn(&[u8]) -> T) -> impl Iterator<Item = T> {
    (0..runs).map(move |seed| target(&Random::new(seed).bytes(len)))
}

/// Checks the coverage: in all runs together, at least `least` texts contain each of the parts.
fn expect_seen(seen: &[String], least: usize, parts: &[&str]) {
    for part in parts {
        let count = seen.iter().filter(|text| text.contains(part)).count();
        assert!(count >= least, "{part} was seen {count} times");
    }
}

#[test]
fn packets() {
    let good = runs(50_000, 16, |bytes| {
        targets::packet(junk(&mut Bytes::new(bytes)).as_bytes())
    });
    let good = good.filter(|good| *good).count();
    assert!(good > 250, "few inputs were packets: {good}");
}

#[test]
fn payloads() {
    let messages: usize = runs(20_000, 16, |bytes| {
        targets::payload(&junk_bytes(&mut Bytes::new(bytes)))
    })
    .sum();
    assert!(messages > 500, "few messages were decoded: {messages}");
}

#[test]
fn queries() {
    let mut codes: Vec<Option<u8>> = runs(5_000, 16, |bytes| {
        let mut bytes = Bytes::new(bytes);
        let kind = bytes.byte();
        let parameters = (0..6).map(|_| *bytes.pick(&PARAMETERS));
        let query = parameters.collect::<Vec<_>>().join("&");
        targets::query(&[&[kind], query.as_bytes()].concat())
    })
    .collect();
    codes.sort();
    codes.dedup();
    assert_eq!(codes, [None, Some(0), Some(1), Some(2), Some(3), Some(5)]);
}

#[test]
fn decoders() {
    let decoded: usize = runs(10_000, 64, targets::decoder).sum();
    assert!(decoded > 500, "few packets were decoded: {decoded}");
}

#[test]
fn sessions() {
    let seen: Vec<String> = runs(100, 1_500, targets::session).flatten().collect();
    expect_seen(&seen, 100, &["3probe", "b", "unknown", "Bad request"]);
}

/// Clients that follow the rules get every message exactly once.
#[test]
fn sessions_beside_their_model() {
    let received: usize = runs(100, 1_000, targets::session_model).sum();
    assert!(received > 3_000, "few messages were received: {received}");
}

#[test]
fn rooms() {
    let seen: Vec<String> = runs(250, 1_500, targets::room).flatten().collect();
    let told = [
        "peer:joined",
        "peer:away",
        "user-joined",
        "\"polite\":",
        "\"ok\":true",
        "\"ok\":false",
    ];
    expect_seen(&seen, 5, &told);
    expect_seen(&seen, 1, &["peer:back"]);
}

/// Clients that follow the rules get the right events, once each and in order.
#[test]
fn rooms_beside_their_model() {
    let heard: usize = runs(50, 900, targets::room_model).sum();
    assert!(heard > 3_000, "few events were heard: {heard}");
}

/// Strangers outside a closed room change nothing for those inside.
#[test]
fn rooms_with_and_without_strangers() {
    let heard: usize = runs(40, 400, targets::outsiders).sum();
    assert!(heard > 3_000, "few events were heard: {heard}");
}

/// Valid and invalid tables, and events of all kinds: nothing panics, and the output stays within
/// the limits.
#[test]
fn random_tables() {
    let sent: Vec<usize> = runs(200, 300, targets::tables).flatten().collect();
    assert!(sent.len() > 20, "few tables were valid: {}", sent.len());
    assert!(
        sent.iter().sum::<usize>() > 200,
        "little was sent: {sent:?}"
    );
}

/// Random tables do what a naive interpreter of them does.
#[test]
fn dialects_beside_their_model() {
    let heard: Vec<_> = runs(300, 600, targets::dialect_model).collect();
    let events: usize = heard.iter().map(|heard| heard.events).sum();
    assert!(events > 3_000, "few events were heard: {events}");
    let codes: BTreeSet<&str> = heard
        .iter()
        .flat_map(|heard| &heard.codes)
        .map(String::as_str)
        .collect();
    for code in [
        "bad-payload",
        "id-taken",
        "too-large",
        "unknown-peer",
        "unsupported",
    ] {
        assert!(codes.contains(code), "no {code} among {codes:?}");
    }
}

/// Committed values survive the loss of memory. Damage never produces a state that did not exist.
#[test]
fn journals_beside_their_model() {
    let stored: usize = runs(1_000, 600, targets::journal).sum();
    assert!(stored > 20_000, "few rows were stored: {stored}");
}

#[test]
fn rows_that_no_journal_wrote() {
    let opened = runs(20_000, 40, targets::journal_rows).filter(|opened| *opened);
    let opened = opened.count();
    assert!(opened > 1_000, "few journals opened: {opened}");
}

/// Each file of the corpus, which has a folder for each target.
#[test]
fn the_corpus() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus");
    let folders = fs::read_dir(&corpus).unwrap().count();
    assert_eq!(folders, ALL.len(), "a folder for each target");
    for (name, target) in ALL {
        let mut files = 0;
        for file in fs::read_dir(corpus.join(name)).unwrap() {
            let path = file.unwrap().path();
            println!("{}", path.display()); // shown if it fails
            target(&fs::read(path).unwrap());
            files += 1;
        }
        assert!(files > 0, "{name} has no corpus");
    }
}
