//! What a room restores after the loss of memory.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::peer::{Hall, Peer, hall};
use crate::support::{Done, id, session_id};

/// Clients notice no difference when the room loses its memory: on both transports, at every step.
#[test]
fn lost_memory_does_not_change_the_room() {
    let conversation = |lose: Option<usize>| {
        let mut hall = hall();
        let [a, b, c] = [
            Peer::connect(&mut hall),
            Peer::connect_polling(&mut hall),
            Peer::connect(&mut hall),
        ];
        let mut heard = Vec::new();
        let steps = [
            (
                &a,
                json!(["room:join", { "name": "Ann", "media": { "audio": true } }]),
            ),
            (&b, json!(["room:join", { "name": "Bob" }])),
            (&c, json!(["join", "carol"])),
            (
                &a,
                json!(["offer", { "offer": { "type": "offer", "sdp": "x" }, "remotePeerId": b.id }]),
            ),
            (
                &b,
                json!(["answer", { "answer": { "type": "answer", "sdp": "y" } }]),
            ),
            (&b, json!(["candidate", { "candidate": "z" }])),
            (&c, json!(["signal", { "to": b.id, "data": 1 }])),
            (&a, json!(["signal", { "to": "carol", "data": 2 }])),
            (&a, json!(["chat-message", { "message": "hi", "mid": "m" }])),
            (&a, json!(["chat-message", { "message": "hi", "mid": "m" }])),
            (&a, json!(["peer:update", { "hand": true }])),
            (&b, json!(["room:join", { "name": "Bobby" }])),
            (&a, json!(["room:leave"])),
            (&c, json!(["room:join", {}])),
            (&a, json!(["room:join", { "name": "Ann" }])),
        ];
        for (step, (peer, event)) in steps.into_iter().enumerate() {
            if lose == Some(step) {
                hall.lose_memory();
            }
            heard.push(peer.call(&mut hall, event));
            for peer in [&a, &b, &c] {
                heard.extend(peer.heard(&mut hall));
            }
        }
        heard.iter_mut().for_each(forget_seq);
        heard
    };
    let remembered = conversation(None);
    for step in 0..15 {
        assert_eq!(
            conversation(Some(step)),
            remembered,
            "lost before step {step}"
        );
    }
}

/// Sequence numbers grow, with gaps where memory was lost.
fn forget_seq(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.remove("seq");
            fields.values_mut().for_each(forget_seq);
        }
        Value::Array(items) => items.iter_mut().for_each(forget_seq),
        _ => {}
    }
}

fn seq(hall: &mut Hall, from: &Peer, to: &Peer) -> u64 {
    from.emit(hall, json!(["signal", { "to": to.id, "data": 1 }]));
    to.heard_one(hall)[2]["seq"].as_u64().unwrap()
}

/// No sequence number is used twice, and they grow.
#[test]
fn sequence_numbers_are_never_reused() {
    let mut hall = hall();
    let (a, b) = (Peer::connect(&mut hall), Peer::connect(&mut hall));
    let mut last = 0;
    for turn in 0..2_500 {
        if turn % 501 == 0 || turn < 5 {
            hall.lose_memory();
        }
        let next = seq(&mut hall, &a, &b);
        assert!(next > last, "turn {turn}: {next} after {last}");
        last = next;
    }
    let receipt = a.call(&mut hall, json!(["chat-message", "hi"]));
    assert!(
        receipt["seq"].as_u64() > Some(last),
        "chat counts with the signals"
    );
}

/// No ordinal is used twice, not even after the room was empty.
#[test]
fn ordinals_are_never_reused() {
    let mut hall = hall();
    let mut given = BTreeSet::new();
    let mut last = 0;
    for turn in 0..20 {
        let peer = Peer::connect(&mut hall);
        if turn % 2 == 0 {
            hall.lose_memory();
        }
        let joined = peer.join(&mut hall, "x");
        let n = joined["self"]["n"].as_u64().unwrap();
        assert!(n > last && given.insert(n));
        last = n;
        if turn % 3 == 0 {
            hall.lose_memory();
        }
        if turn % 4 != 0 {
            peer.vanish(&mut hall);
        }
    }
}

/// The host stays host, and the successor is the oldest peer, whenever memory is lost.
#[test]
fn the_host_stays_host() {
    let mut hall = hall();
    let [a, b, c] = std::array::from_fn(|_| Peer::connect(&mut hall));
    for peer in [&c, &b, &a] {
        peer.join(&mut hall, "x");
    }
    hall.lose_memory();
    let joined = a.join(&mut hall, "x");
    assert_eq!(joined["peers"][0]["id"], json!(c.id));
    assert_eq!(joined["peers"][0]["host"], true);
    b.heard(&mut hall);
    hall.lose_memory();
    c.vanish_for_good(&mut hall);
    hall.lose_memory();
    assert_eq!(
        b.heard(&mut hall).pop(),
        Some(json!(["room:state", { "host": b.id }]))
    );
    assert_eq!(a.join(&mut hall, "x")["peers"][0]["host"], true);
}

/// Data that is not needed any more is deleted.
#[test]
fn an_empty_room_keeps_its_counters_and_its_chat() {
    let mut hall = hall();
    let [a, b] = [Peer::connect_polling(&mut hall), Peer::connect(&mut hall)];
    a.join(&mut hall, "x");
    b.emit(&mut hall, json!(["chat-message", "hi"]));
    a.heard(&mut hall);
    a.vanish_for_good(&mut hall);
    b.vanish_for_good(&mut hall);
    hall.until(hall.now() + 30_000);
    let rows = hall.platform.stored();
    let places: BTreeSet<&str> = rows
        .keys()
        .filter_map(|key| key.split('/').next())
        .collect();
    assert_eq!(places, BTreeSet::from(["chat", "log", "retention", "room"]));
    let log: Vec<_> = rows.keys().filter(|key| key.starts_with("log/")).collect();
    assert_eq!(log, ["log/state"], "no event that nobody can recover");
}

/// H-4: a peer's id is not its session id, and peers see no session ids.
#[test]
fn h_4_no_peer_learns_a_sid() {
    let mut hall = hall();
    let a = Peer::connect_polling(&mut hall);
    let b = Peer::connect(&mut hall);
    // Each client gets a new sid, id and pid, created in this order.
    let (sid_of_a, sid_of_b) = (session_id(1), session_id(4));
    assert!(a.id == id(2) && b.id == id(5));
    a.emit(&mut hall, json!(["join", "ann"]));
    b.emit(&mut hall, json!(["join", "bob"]));
    let joined = [a.join(&mut hall, "Ann"), b.join(&mut hall, "Bob")];
    a.emit(&mut hall, json!(["chat-message", "hi"]));
    b.emit(
        &mut hall,
        json!(["offer", { "to": a.id, "description": {} }]),
    );
    let heard = [a.heard_raw(&mut hall), b.heard_raw(&mut hall)];
    let all = format!("{joined:?} {heard:?}");
    assert!(all.contains(&a.id) && all.contains(&b.id));
    assert!(!all.contains(&sid_of_a) && !all.contains(&sid_of_b));
}

/// A record that is damaged, truncated or of another version stops the room: no lock opens, no
/// counter restarts, nothing is overwritten.
#[test]
fn records_that_cannot_be_read_stop_the_room() {
    let mut hall = hall();
    let [a, b] = [Peer::connect(&mut hall), Peer::connect_polling(&mut hall)];
    for (peer, name) in [(&a, "Ann"), (&b, "Bob")] {
        peer.join(&mut hall, name);
    }
    a.call(&mut hall, json!(["host:lock", { "on": true }]));
    a.call(&mut hall, json!(["chat-message", "hi"]));
    a.call(&mut hall, json!(["host:kick", { "id": b.id }]));
    let intact = hall.platform.stored();
    let kinds: BTreeSet<&str> = intact
        .keys()
        .filter_map(|key| key.split('/').next())
        .collect();
    assert_eq!(
        Vec::from_iter(kinds),
        ["chat", "farewell", "log", "room", "socket"]
    );
    let halted = |hall: &mut Hall| {
        let done = hall.take();
        done.iter().any(|done| matches!(done, Done::Halted(_)))
    };
    for (key, value) in &intact {
        let truncated = value.get(..value.len() / 2).unwrap();
        let other_version = format!("2{}", &value[1..]);
        // Of an event only the first line is read before the event is needed.
        let truncated = if key.starts_with("log/") {
            "1{"
        } else {
            truncated
        };
        for damaged in [
            "",
            "1",
            "1{}",
            "1[]",
            "1null",
            "\u{0}",
            truncated,
            &other_version,
        ] {
            let mut rows = intact.clone();
            rows.insert(key.clone(), damaged.to_owned());
            hall.set_stored(rows.clone());
            hall.lose_memory();
            // Events and messages are read when they are first needed.
            let stopped = halted(&mut hall)
                || [r#"421["chat-message","x"]"#, r#"422["chat:history"]"#]
                    .iter()
                    .any(|event| {
                        hall.text(a.connection(), *event);
                        halted(&mut hall)
                    });
            assert!(stopped, "{key}: {damaged:?}");
            assert_eq!(hall.platform.stored(), rows, "{key}: nothing is written");
        }
    }
    hall.set_stored(intact);
    hall.lose_memory();
    assert_eq!(
        a.call(&mut hall, json!(["chat:history"]))["messages"][0]["message"],
        "hi"
    );
}
