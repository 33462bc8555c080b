//! The outbox: commits are paced, promises wait for their commit, and each connection's messages
//! are in order.

use std::collections::BTreeMap;

use signalbox::io::{ConnectionId, ContentType, Data, Output, Record, Reply, RequestId, Response};
use signalbox::outbox::Outbox;
use signalbox::time::Timestamp;

use crate::random::Random;
use crate::support::at;

const PACE_MS: u64 = 25;
const SOON_MS: u64 = 25;

fn send(connection: u64, text: &str) -> Output {
    Output::Send(ConnectionId::new(connection), Data::Text(text.into()))
}

fn respond(request: u64) -> Output {
    let response = Response {
        status: 200,
        content_type: ContentType::Text,
        body: String::new(),
        cookie: None,
    };
    Output::Respond(Reply::to(RequestId::new(request)), response)
}

fn record(key: &str) -> Vec<Record> {
    vec![Record::Stored {
        key: key.to_owned(),
        value: String::new(),
    }]
}

/// An outbox, and the uncommitted records.
struct Bench {
    outbox: Outbox,
    kept: Vec<Record>,
    now: u64,
    commits: u64,
    last_commit: u64,
}

impl Bench {
    fn at(now: u64) -> Self {
        Self {
            outbox: Outbox::default(),
            kept: Vec::new(),
            now,
            commits: 0,
            last_commit: 0,
        }
    }

    fn push(&mut self, outputs: Vec<Output>) {
        let now = at(self.now);
        self.outbox
            .push(now, outputs, |records| self.kept.extend(records));
    }

    /// Does what a shell does: commits if a commit is due, and takes the outputs that are ready.
    fn flush(&mut self) -> Vec<Output> {
        let now = self.now;
        self.outbox.flush(at(now), || {
            let is_back = now < self.last_commit;
            assert!(is_back || self.commits == 0 || now >= self.last_commit + PACE_MS);
            self.commits += 1;
            self.last_commit = now;
            self.kept.clear();
            Some((1, 0))
        })
    }

    fn next(&self) -> Option<u64> {
        self.outbox.commit_at().map(Timestamp::as_millis)
    }
}

#[test]
fn a_quiet_room_commits_a_promise_at_once() {
    let mut bench = Bench::at(1_000);
    bench.push(vec![Output::Commit(record("a")), send(1, "ack")]);
    assert_eq!(bench.flush(), [send(1, "ack")]);
    assert!(bench.kept.is_empty());
    assert_eq!(bench.next(), None);
}

#[test]
fn the_next_promise_waits_for_the_pace() {
    let mut bench = Bench::at(1_000);
    bench.push(vec![Output::Commit(record("a")), send(1, "ack 1")]);
    bench.flush();
    bench.now += 1;
    bench.push(vec![
        Output::Commit(record("b")),
        send(1, "ack 2"),
        respond(7),
    ]);
    assert!(bench.flush().is_empty());
    assert!(bench.outbox.owes(RequestId::new(7)));
    assert_eq!(bench.next(), Some(1_000 + PACE_MS));
    bench.now = 1_000 + PACE_MS - 1;
    assert!(bench.flush().is_empty());
    bench.now += 1;
    assert_eq!(bench.flush(), [send(1, "ack 2"), respond(7)]);
    assert!(!bench.outbox.owes(RequestId::new(7)));
}

#[test]
fn waiting_outputs_delay_only_their_own_connection() {
    let mut bench = Bench::at(1_000);
    bench.push(vec![Output::Commit(record("a"))]);
    bench.flush();
    bench.push(vec![
        send(3, "before"),
        Output::Commit(record("b")),
        send(1, "ack"),
        send(2, "to all"),
    ]);
    bench.push(vec![
        send(1, "later"),
        send(3, "later"),
        Output::Close(ConnectionId::new(2), None),
    ]);
    assert_eq!(bench.flush(), [send(3, "before"), send(3, "later")]);
    bench.now += PACE_MS;
    let rest = [
        send(1, "ack"),
        send(2, "to all"),
        send(1, "later"),
        Output::Close(ConnectionId::new(2), None),
    ];
    assert_eq!(bench.flush(), rest);
}

#[test]
fn records_without_a_promise_are_committed_soon() {
    let mut bench = Bench::at(1_000);
    bench.push(vec![send(1, "relayed"), Output::CommitSoon(record("a"))]);
    assert_eq!(bench.flush(), [send(1, "relayed")]);
    assert_eq!(bench.next(), Some(1_000 + SOON_MS));
    bench.now += 10;
    bench.push(vec![Output::CommitSoon(record("b"))]);
    assert_eq!(bench.next(), Some(1_000 + SOON_MS), "one commit for both");
    bench.now += 5;
    bench.push(vec![Output::Commit(record("c")), send(1, "ack")]);
    assert_eq!(bench.flush(), [send(1, "ack")]);
    assert_eq!(bench.next(), None, "the commit of a promise includes them");
    assert!(bench.kept.is_empty());
}

#[test]
fn a_commit_of_many_rows_is_followed_by_one_pace_for_each_row() {
    let mut outbox = Outbox::default();
    outbox.push(at(1_000), vec![Output::Commit(record("a"))], drop);
    outbox.flush(at(1_000), || Some((32, 0)));
    outbox.push(at(1_001), vec![Output::Commit(record("b"))], drop);
    assert_eq!(outbox.commit_at(), Some(at(1_000 + 32 * PACE_MS)));
}

/// While a commit without a promise waits, most of what a busy room would store becomes obsolete, and
/// is not written. A commit with a promise waits only for the pace.
#[test]
fn after_a_large_commit_the_next_one_without_a_promise_waits_longer() {
    for (bytes, wait) in [
        (0, 25),
        (65_535, 25),
        (65_536, 50),
        (400_000, 175),
        (10_000_000, 250),
    ] {
        let mut outbox = Outbox::default();
        outbox.push(at(1_000), vec![Output::Commit(record("a"))], drop);
        outbox.flush(at(1_000), || Some((1, bytes)));
        outbox.push(at(1_010), vec![Output::CommitSoon(record("a"))], drop);
        assert_eq!(outbox.commit_at(), Some(at(1_010 + wait)), "{bytes}");
        outbox.push(at(1_020), vec![Output::Commit(record("b"))], drop);
        assert_eq!(outbox.commit_at(), Some(at(1_025)), "{bytes}");
    }
}

#[test]
fn a_clock_that_is_set_back_keeps_nothing_waiting() {
    let mut bench = Bench::at(5_000);
    bench.push(vec![Output::Commit(record("a"))]);
    bench.flush();
    bench.now = 1_000;
    bench.push(vec![Output::Commit(record("b")), send(1, "ack")]);
    assert_eq!(bench.flush(), [send(1, "ack")]);
}

/// If a commit fails, neither the promised nor any later output is performed.
#[test]
fn behind_a_commit_that_failed_nothing_is_done() {
    for output in [Output::Commit(record("a")), Output::CommitSoon(record("a"))] {
        let mut outbox = Outbox::default();
        outbox.push(at(1_000), vec![output, send(1, "ack"), respond(7)], drop);
        let soon = at(1_000 + SOON_MS);
        let promised = outbox.commit_at() == Some(at(1_000));
        let early = outbox.flush(at(1_000), || None);
        assert_eq!(early.is_empty(), promised);
        assert_eq!(outbox.flush(soon, || None), []);
        outbox.push(soon, vec![send(2, "later")], |_| panic!("kept"));
        outbox.push(soon, vec![Output::Commit(record("b"))], |_| panic!("kept"));
        assert_eq!(outbox.commit_at(), None);
        assert_eq!(outbox.flush(at(9_000), || panic!("committed")), []);
    }
}

/// A turn that read a damaged record ends the object at once: gathered, promised and later outputs
/// are dropped, and nothing is committed any more.
#[test]
fn a_halt_comes_first_and_nothing_behind_it() {
    let mut outbox = Outbox::default();
    outbox.push(
        at(1_000),
        vec![Output::Commit(record("a")), send(1, "ack")],
        drop,
    );
    assert_eq!(outbox.flush(at(1_000), || Some((1, 0))), [send(1, "ack")]);
    outbox.gather();
    let earlier = vec![
        send(2, "gathered"),
        Output::Commit(record("b")),
        send(1, "promised"),
    ];
    outbox.push(at(1_001), earlier, drop);
    let halt = || Output::Halt("damaged".to_owned());
    outbox.push(at(1_002), vec![halt(), send(1, "behind")], drop);
    assert!(!outbox.is_gathering());
    outbox.gather();
    assert!(!outbox.is_gathering());
    outbox.push(
        at(1_003),
        vec![Output::Commit(record("c")), send(1, "later")],
        |_| panic!("kept"),
    );
    assert_eq!(outbox.commit_at(), None);
    assert_eq!(outbox.flush(at(1_100), || panic!("committed")), [halt()]);
    assert_eq!(outbox.flush(at(2_000), || panic!("committed")), []);
}

#[test]
fn gathered_frames_are_sent_socket_by_socket() {
    let mut bench = Bench::at(0);
    bench.outbox.gather();
    for text in ["a", "b"] {
        bench.push(vec![send(2, text), send(1, text)]);
    }
    bench.push(vec![
        Output::Close(ConnectionId::new(1), None),
        send(2, "c"),
        send(1, "d"),
    ]);
    let in_order = [
        send(1, "a"),
        send(1, "b"),
        send(2, "a"),
        send(2, "b"),
        Output::Close(ConnectionId::new(1), None),
        send(1, "d"),
        send(2, "c"),
    ];
    assert_eq!(bench.flush(), in_order);
}

/// Random turns, times and commits. Each connection gets its messages in order; no promise precedes
/// its commit; only outputs behind a promise wait; and commits keep their pace.
#[test]
fn the_rules_hold_for_random_turns() {
    for seed in 0..2_000 {
        let mut random = Random::new(seed);
        let mut bench = Bench::at(10_000);
        let mut run = Run::default();
        for _ in 0..60 {
            match random.next() % 4 {
                0 => bench.now += random.next() % 40,
                1 => bench.outbox.gather(),
                2 => bench.outbox.rest(),
                _ => {}
            }
            let outputs = run.turn(&mut random, bench.commits);
            bench.push(outputs);
            run.check(bench.flush(), bench.commits);
            for (connection, all) in &run.expected {
                let done = run.got.get(connection).map_or(0, Vec::len);
                let first = all.get(done);
                assert!(
                    first.is_none_or(|text| run.promised.contains_key(text)),
                    "seed {seed}: {first:?} waits for nothing"
                );
            }
        }
        while let Some(at) = bench.next() {
            bench.now = bench.now.max(at);
            run.check(bench.flush(), bench.commits);
        }
        assert_eq!(run.got, run.expected, "seed {seed}");
    }
}

/// What a run sent. Each text is a number, counted from 1.
#[derive(Default)]
struct Run {
    texts: u64,
    /// What each connection should get, and what it got.
    expected: BTreeMap<u64, Vec<u64>>,
    got: BTreeMap<u64, Vec<u64>>,
    /// Which texts were promised, and how many commits precede each.
    promised: BTreeMap<u64, u64>,
}

impl Run {
    fn turn(&mut self, random: &mut Random, commits: u64) -> Vec<Output> {
        let mut outputs = Vec::new();
        let mut is_promised = false;
        for _ in 0..(random.next() % 5) {
            if !is_promised && random.next().is_multiple_of(4) {
                is_promised = true;
                outputs.push(Output::Commit(record("promised")));
            }
            let connection = random.next() % 4;
            self.texts += 1;
            outputs.push(send(connection, &self.texts.to_string()));
            self.expected
                .entry(connection)
                .or_default()
                .push(self.texts);
            if is_promised {
                self.promised.insert(self.texts, commits + 1);
            }
        }
        if random.next().is_multiple_of(3) {
            outputs.push(Output::CommitSoon(record("soon")));
        }
        outputs
    }

    fn check(&mut self, outputs: Vec<Output>, commits: u64) {
        for output in outputs {
            let Output::Send(connection, Data::Text(text)) = output else {
                panic!("{output:?}");
            };
            let text: u64 = text.parse().expect("a number");
            let first = self.promised.get(&text).copied().unwrap_or_default();
            assert!(first <= commits, "{text} was sent before its commit");
            self.got.entry(connection.number()).or_default().push(text);
        }
    }
}
