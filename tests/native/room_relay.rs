//! Which peers get a signal, and its meta.

use serde_json::json;

use crate::peer::{Hall, Peer, hall_of};
use crate::room_shapes::{candidate, description};

/// The last argument of every relayed event.
#[test]
fn meta() {
    let (mut hall, [a, b, c]) = hall_of();
    a.join(&mut hall, "Ann");
    hall.until(1_000);
    a.emit(
        &mut hall,
        json!(["offer", { "to": b.id, "description": {}, "cid": "c1" }]),
    );
    let event = b.heard_one(&mut hall);
    let seq = event[2]["seq"].as_u64().expect("a number");
    let mut meta = json!({
        "from": a.id, "to": b.id, "room": "room", "ts": 1_000, "seq": seq, "cid": "c1",
        "polite": true, "name": "Ann",
    });
    assert_eq!(event[2], meta);
    b.emit(&mut hall, json!(["offer", description("offer")]));
    for (peer, polite) in [(&a, false), (&c, true)] {
        let event = peer.heard_one(&mut hall);
        assert_eq!(event.as_array().map(Vec::len), Some(3));
        meta = json!({
            "from": b.id, "to": null, "room": "room", "ts": 1_000, "seq": seq + 1, "cid": null,
            "polite": polite, "name": null,
        });
        assert_eq!(event[2], meta);
    }
}

/// Of two peers exactly one is polite: the later one. Both get the same information.
#[test]
fn politeness() {
    let (mut hall, [c, a, b]) = hall_of();
    for peer in [&a, &b, &c] {
        peer.join(&mut hall, "x");
    }
    let order = [&a, &b, &c];
    for peer in order {
        peer.heard(&mut hall);
    }
    for (earlier, one) in order.iter().enumerate() {
        for later in &order[earlier + 1..] {
            for (from, to, polite) in [(one, later, true), (later, one, false)] {
                from.emit(&mut hall, json!(["signal", { "to": to.id, "data": 1 }]));
                assert_eq!(to.heard_one(&mut hall)[2]["polite"], polite);
            }
        }
    }
}

/// An unknown target is an error for its sender alone, and no client is disconnected.
#[test]
fn an_unknown_peer_is_an_error_for_the_sender() {
    let nobody = crate::support::id(999);
    for target in ["bob", "", nobody.as_str()] {
        let (mut hall, [a, b, c]) = hall_of();
        for event in [
            json!(["offer", { "offer": description("offer"), "remotePeerId": target }]),
            json!(["answer", { "to": target, "description": description("answer") }]),
            json!(["candidate", target, candidate()]),
            json!(["signal", { "to": target, "data": 1 }]),
        ] {
            assert_eq!(a.refusal(&mut hall, &event), "unknown-peer");
            a.emit(&mut hall, &event);
            let error = a.heard_one(&mut hall);
            assert_eq!(
                (&error[0], &error[1]["code"]),
                (&json!("room:error"), &json!("unknown-peer"))
            );
            assert_eq!(error[1]["event"], event[0]);
        }
        assert!(b.heard(&mut hall).is_empty() && c.heard(&mut hall).is_empty());
    }
}

/// An event without a target goes to the sender's partner, to the only other peer, or to all others.
#[test]
fn target_resolution() {
    let (mut hall, [a, b, c]) = hall_of();
    let who = |hall: &mut Hall| [&a, &b, &c].map(|peer| !peer.heard(hall).is_empty());
    // 5: all others
    a.emit(&mut hall, json!(["candidate", candidate()]));
    assert_eq!(who(&mut hall), [false, true, true]);
    // 3: the partner, both ways between the two peers of an offer
    a.emit(
        &mut hall,
        json!(["offer", { "offer": description("offer"), "remotePeerId": b.id }]),
    );
    assert_eq!(who(&mut hall), [false, true, false]);
    b.emit(
        &mut hall,
        json!(["answer", { "answer": description("answer") }]),
    );
    assert_eq!(who(&mut hall), [true, false, false]);
    for (peer, expected) in [(&b, [true, false, false]), (&a, [false, true, false])] {
        peer.emit(&mut hall, json!(["candidate", candidate()]));
        assert_eq!(who(&mut hall), expected);
    }
    // but an offer without a target is for all others
    b.emit(&mut hall, json!(["offer", description("offer")]));
    assert_eq!(who(&mut hall), [true, false, true]);
    // the last offer counts
    c.emit(&mut hall, json!(["offer", b.id, description("offer")]));
    assert_eq!(who(&mut hall), [false, true, false]);
    b.emit(&mut hall, json!(["answer", description("answer")]));
    assert_eq!(who(&mut hall), [false, false, true]);
    // 1: a target takes precedence over the partner, as an id, an alias or the first of several
    b.emit(
        &mut hall,
        json!(["answer", { "to": a.id, "id": c.id, "description": 1 }]),
    );
    assert_eq!(who(&mut hall), [true, false, false]);
    // 4: the only other peer, after the partner left
    a.vanish_for_good(&mut hall);
    b.emit(&mut hall, json!(["candidate", candidate()]));
    assert_eq!(who(&mut hall), [false, false, true]);
    c.vanish_for_good(&mut hall);
    let reply = b.call(&mut hall, json!(["candidate", candidate()]));
    assert_eq!(reply, json!({ "ok": true, "delivered": 0 }));
}

/// A socket's own id takes precedence over another's alias. Aliases may be numbers.
#[test]
fn aliases_as_targets() {
    let (mut hall, [a, b]) = hall_of();
    b.emit(&mut hall, json!(["join", "7"]));
    b.heard(&mut hall);
    a.emit(&mut hall, json!(["signal", { "userId": 7, "data": 1 }]));
    assert_eq!(b.signals(&mut hall, &a).len(), 1);
    assert_eq!(a.refusal(&mut hall, &json!(["join", b.id])), "id-taken");
}

/// Both transports carry the same events.
#[test]
fn polling_peers_send_and_get_the_same_signals() {
    let mut hall = crate::peer::hall();
    let (a, b) = (Peer::connect_polling(&mut hall), Peer::connect(&mut hall));
    a.emit(
        &mut hall,
        json!(["offer", { "to": b.id, "description": "中文😀" }]),
    );
    b.emit(
        &mut hall,
        json!(["answer", { "to": a.id, "description": "é" }]),
    );
    for (to, from, event) in [(&b, &a, "offer"), (&a, &b, "answer")] {
        assert_eq!(to.signals(&mut hall, from)[0][0], event);
    }
}

/// An offer to all makes no partner: later signals go to all, until one peer answers.
#[test]
fn candidates_go_to_all_after_an_offer_to_all() {
    let (mut hall, [a, b, c]) = hall_of();
    a.emit(&mut hall, json!(["offer", b.id, description("offer")]));
    b.emit(&mut hall, json!(["answer", description("answer")]));
    a.emit(&mut hall, json!(["offer", description("offer")]));
    a.emit(&mut hall, json!(["candidate", candidate()]));
    for peer in [&b, &c] {
        let events: Vec<_> = peer.signals(&mut hall, &a);
        assert_eq!(events.last().unwrap()[0], "candidate");
    }
    c.emit(&mut hall, json!(["answer", description("answer")]));
    b.heard(&mut hall);
    a.emit(&mut hall, json!(["candidate", candidate()]));
    assert_eq!(c.signals(&mut hall, &a).len(), 1);
    assert!(b.heard(&mut hall).is_empty());
}

/// A signal to oneself arrives, and no peer becomes its own partner.
#[test]
fn a_signal_to_oneself() {
    let (mut hall, [a, b]) = hall_of();
    a.emit(&mut hall, json!(["offer", a.id, description("offer")]));
    assert_eq!(a.signals(&mut hall, &a).len(), 1);
    a.emit(&mut hall, json!(["candidate", candidate()]));
    assert_eq!(b.signals(&mut hall, &a).len(), 1);
    assert!(a.heard(&mut hall).is_empty());
}

/// The tutorial's page sends `null` as the target if the user has not entered an id.
#[test]
fn a_null_target_counts_as_missing() {
    let (mut hall, [a, b]) = hall_of();
    let offer = description("offer");
    a.emit(
        &mut hall,
        json!(["offer", { "offer": offer, "remotePeerId": null }]),
    );
    assert_eq!(b.signals(&mut hall, &a)[0][1], offer);
}

/// Attachments count towards the limits.
#[test]
fn attachments_are_part_of_a_signals_size() {
    let (mut hall, [a, b]) = hall_of();
    let connection = a.connection();
    for (size, arrives) in [(60_000, true), (70_000, false)] {
        let event = json!(["signal", { "to": b.id, "data": { "_placeholder": true, "num": 0 } }]);
        hall.text(connection, format!("451-{event}"));
        hall.bytes(connection, &vec![7; size]);
        assert_eq!(!hall.take_of(b.connection()).is_empty(), arrives, "{size}");
    }
}
