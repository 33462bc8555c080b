//! What a room restores after the loss of memory.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::peer::{Peer, RoomServer, server};
use crate::support::{Done, id, session_id};

/// Clients notice no difference when the room loses its memory: on both transports, at every step.
#[test]
fn lost_memory_does_not_change_the_room() {
    let conversation = |lose: Option<usize>| {
        let mut server = server();
        let [a, b, c] = [
            Peer::connect(&mut server),
            Peer::connect_polling(&mut server),
            Peer::connect(&mut server),
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
                server.lose_memory();
            }
            heard.push(peer.call(&mut server, event));
            for peer in [&a, &b, &c] {
                heard.extend(peer.heard(&mut server));
            }
        }
        heard.iter_mut().for_each(forget_chosen);
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

/// Removes the sequence numbers, which have gaps where memory was lost, and what a server makes at random: the ids of
/// messages and the secrets for joining again.
fn forget_chosen(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            if fields.contains_key("ts") {
                fields.remove("id");
            }
            for name in ["seq", "rejoin"] {
                fields.remove(name);
            }
            fields.values_mut().for_each(forget_chosen);
        }
        Value::Array(items) => items.iter_mut().for_each(forget_chosen),
        _ => {}
    }
}

fn seq(server: &mut RoomServer, from: &Peer, to: &Peer) -> u64 {
    from.emit(server, json!(["signal", { "to": to.id, "data": 1 }]));
    to.heard_one(server)[2]["seq"].as_u64().unwrap()
}

/// No sequence number is used twice, and they grow.
#[test]
fn sequence_numbers_are_never_reused() {
    let mut server = server();
    let (a, b) = (Peer::connect(&mut server), Peer::connect(&mut server));
    let mut last = 0;
    for turn in 0..2_500 {
        if turn % 501 == 0 || turn < 5 {
            server.lose_memory();
        }
        let next = seq(&mut server, &a, &b);
        assert!(next > last, "turn {turn}: {next} after {last}");
        last = next;
    }
    let receipt = a.call(&mut server, json!(["chat-message", "hi"]));
    assert!(
        receipt["seq"].as_u64() > Some(last),
        "chat and signals share one sequence"
    );
}

/// No ordinal is used twice, not even after the room was empty.
#[test]
fn ordinals_are_never_reused() {
    let mut server = server();
    let mut given = BTreeSet::new();
    let mut last = 0;
    for turn in 0..20 {
        let peer = Peer::connect(&mut server);
        if turn % 2 == 0 {
            server.lose_memory();
        }
        let joined = peer.join(&mut server, "x");
        let n = joined["self"]["n"].as_u64().unwrap();
        assert!(n > last && given.insert(n));
        last = n;
        if turn % 3 == 0 {
            server.lose_memory();
        }
        if turn % 4 != 0 {
            peer.vanish(&mut server);
        }
    }
}

/// The host stays host, and the successor is the oldest peer, whenever memory is lost.
#[test]
fn the_host_stays_host() {
    let mut server = server();
    let [a, b, c] = std::array::from_fn(|_| Peer::connect(&mut server));
    for peer in [&c, &b, &a] {
        peer.join(&mut server, "x");
    }
    server.lose_memory();
    let joined = a.join(&mut server, "x");
    assert_eq!(joined["peers"][0]["id"], json!(c.id));
    assert_eq!(joined["peers"][0]["host"], true);
    b.heard(&mut server);
    server.lose_memory();
    c.vanish_for_good(&mut server);
    server.lose_memory();
    assert_eq!(
        b.heard(&mut server).pop(),
        Some(json!(["room:state", { "host": b.id }]))
    );
    assert_eq!(a.join(&mut server, "x")["peers"][0]["host"], true);
}

/// Data that is not needed any more is deleted.
#[test]
fn an_empty_room_keeps_its_counters_and_its_chat() {
    let mut server = server();
    let [a, b] = [
        Peer::connect_polling(&mut server),
        Peer::connect(&mut server),
    ];
    a.join(&mut server, "x");
    b.emit(&mut server, json!(["chat-message", "hi"]));
    a.heard(&mut server);
    a.vanish_for_good(&mut server);
    b.vanish_for_good(&mut server);
    server.until(server.now() + 30_000);
    let rows = server.platform.stored();
    let places: BTreeSet<&str> = rows
        .keys()
        .filter_map(|key| key.split('/').next())
        .collect();
    assert_eq!(places, BTreeSet::from(["chat", "log", "retention", "room"]));
    let log: Vec<_> = rows.keys().filter(|key| key.starts_with("log/")).collect();
    assert_eq!(
        log,
        ["log/state"],
        "events that no client can recover are deleted"
    );
}

/// H-4: a peer's id is not its session id, and peers see no session ids.
#[test]
fn h_4_no_peer_learns_a_sid() {
    let mut server = server();
    let a = Peer::connect_polling(&mut server);
    let b = Peer::connect(&mut server);
    // Each client gets a new sid, id and pid, created in this order.
    let (sid_of_a, sid_of_b) = (session_id(1), session_id(4));
    assert!(a.id == id(2) && b.id == id(5));
    a.emit(&mut server, json!(["join", "ann"]));
    b.emit(&mut server, json!(["join", "bob"]));
    let joined = [a.join(&mut server, "Ann"), b.join(&mut server, "Bob")];
    a.emit(&mut server, json!(["chat-message", "hi"]));
    b.emit(
        &mut server,
        json!(["offer", { "to": a.id, "description": {} }]),
    );
    let heard = [a.heard_raw(&mut server), b.heard_raw(&mut server)];
    let all = format!("{joined:?} {heard:?}");
    assert!(all.contains(&a.id) && all.contains(&b.id));
    assert!(!all.contains(&sid_of_a) && !all.contains(&sid_of_b));
}

/// A record that is damaged, truncated or of another version stops the room: no lock opens, no
/// counter restarts, nothing is overwritten.
#[test]
fn records_that_cannot_be_read_stop_the_room() {
    let mut server = server();
    let [a, b] = [
        Peer::connect(&mut server),
        Peer::connect_polling(&mut server),
    ];
    for (peer, name) in [(&a, "Ann"), (&b, "Bob")] {
        peer.join(&mut server, name);
    }
    a.call(&mut server, json!(["host:lock", { "on": true }]));
    a.call(&mut server, json!(["chat-message", "hi"]));
    a.call(&mut server, json!(["host:kick", { "id": b.id }]));
    let intact = server.platform.stored();
    let kinds: BTreeSet<&str> = intact
        .keys()
        .filter_map(|key| key.split('/').next())
        .collect();
    assert_eq!(
        Vec::from_iter(kinds),
        ["chat", "farewell", "log", "room", "socket"]
    );
    let halted = |server: &mut RoomServer| {
        let done = server.take();
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
            server.set_stored(rows.clone());
            server.lose_memory();
            // Events and messages are read when they are first needed.
            let stopped = halted(&mut server)
                || [r#"421["chat-message","x"]"#, r#"422["chat:history"]"#]
                    .iter()
                    .any(|event| {
                        server.text(a.connection(), *event);
                        halted(&mut server)
                    });
            assert!(stopped, "{key}: {damaged:?}");
            assert_eq!(server.platform.stored(), rows, "{key}: nothing is written");
        }
    }
    server.set_stored(intact);
    server.lose_memory();
    assert_eq!(
        a.call(&mut server, json!(["chat:history"]))["messages"][0]["message"],
        "hi"
    );
}
