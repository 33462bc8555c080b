//! Which peers get a signal, and its meta.

use serde_json::json;

use crate::peer::{Peer, RoomServer, server_of};
use crate::room_shapes::{candidate, description};

/// The meta is the last argument of every relayed event.
#[test]
fn meta() {
    let (mut server, [a, b, c]) = server_of();
    a.join(&mut server, "Ann");
    server.until(1_000);
    a.emit(
        &mut server,
        json!(["offer", { "to": b.id, "description": {}, "cid": "c1" }]),
    );
    let event = b.heard_one(&mut server);
    let seq = event[2]["seq"].as_u64().expect("a number");
    let mut meta = json!({
        "from": a.id, "to": b.id, "room": "room", "ts": 1_000, "seq": seq, "cid": "c1",
        "polite": true, "name": "Ann",
    });
    assert_eq!(event[2], meta);
    b.emit(&mut server, json!(["offer", description("offer")]));
    for (peer, polite) in [(&a, false), (&c, true)] {
        let event = peer.heard_one(&mut server);
        assert_eq!(event.as_array().map(Vec::len), Some(3));
        meta = json!({
            "from": b.id, "to": null, "room": "room", "ts": 1_000, "seq": seq + 1, "cid": null,
            "polite": polite, "name": null,
        });
        assert_eq!(event[2], meta);
    }
}

/// Of two peers exactly one is polite: the one that joined later. The metas of both directions agree
/// about it.
#[test]
fn politeness() {
    let (mut server, [c, a, b]) = server_of();
    for peer in [&a, &b, &c] {
        peer.join(&mut server, "x");
    }
    let order = [&a, &b, &c];
    for peer in order {
        peer.heard(&mut server);
    }
    for (earlier, one) in order.iter().enumerate() {
        for later in &order[earlier + 1..] {
            for (from, to, polite) in [(one, later, true), (later, one, false)] {
                from.emit(&mut server, json!(["signal", { "to": to.id, "data": 1 }]));
                assert_eq!(to.heard_one(&mut server)[2]["polite"], polite);
            }
        }
    }
}

/// An unknown target is an error for its sender alone, and no client is disconnected.
#[test]
fn an_unknown_peer_is_an_error_for_the_sender() {
    let nobody = crate::support::id(999);
    for target in ["bob", "", nobody.as_str()] {
        let (mut server, [a, b, c]) = server_of();
        for event in [
            json!(["offer", { "offer": description("offer"), "remotePeerId": target }]),
            json!(["answer", { "to": target, "description": description("answer") }]),
            json!(["candidate", target, candidate()]),
            json!(["signal", { "to": target, "data": 1 }]),
        ] {
            assert_eq!(a.refusal(&mut server, &event), "unknown-peer");
            a.emit(&mut server, &event);
            let error = a.heard_one(&mut server);
            assert_eq!(
                (&error[0], &error[1]["code"]),
                (&json!("room:error"), &json!("unknown-peer"))
            );
            assert_eq!(error[1]["event"], event[0]);
        }
        assert!(b.heard(&mut server).is_empty() && c.heard(&mut server).is_empty());
    }
}

/// Without a target, an answer or a candidate goes to the sender's partner, if there is one. Any other event
/// without a target goes to all others.
#[test]
fn target_resolution() {
    let (mut server, [a, b, c]) = server_of();
    let who = |server: &mut RoomServer| [&a, &b, &c].map(|peer| !peer.heard(server).is_empty());
    // all others
    a.emit(&mut server, json!(["candidate", candidate()]));
    assert_eq!(who(&mut server), [false, true, true]);
    // the partner, both ways between the two peers of an offer
    a.emit(
        &mut server,
        json!(["offer", { "offer": description("offer"), "remotePeerId": b.id }]),
    );
    assert_eq!(who(&mut server), [false, true, false]);
    b.emit(
        &mut server,
        json!(["answer", { "answer": description("answer") }]),
    );
    assert_eq!(who(&mut server), [true, false, false]);
    for (peer, expected) in [(&b, [true, false, false]), (&a, [false, true, false])] {
        peer.emit(&mut server, json!(["candidate", candidate()]));
        assert_eq!(who(&mut server), expected);
    }
    // but an offer without a target is for all others
    b.emit(&mut server, json!(["offer", description("offer")]));
    assert_eq!(who(&mut server), [true, false, true]);
    // the last offer counts
    c.emit(&mut server, json!(["offer", b.id, description("offer")]));
    assert_eq!(who(&mut server), [false, true, false]);
    b.emit(&mut server, json!(["answer", description("answer")]));
    assert_eq!(who(&mut server), [false, false, true]);
    // a target takes precedence over the partner, and `to` over `id`
    b.emit(
        &mut server,
        json!(["answer", { "to": a.id, "id": c.id, "description": 1 }]),
    );
    assert_eq!(who(&mut server), [true, false, false]);
    // the only other peer, after the partner left
    a.vanish_for_good(&mut server);
    b.emit(&mut server, json!(["candidate", candidate()]));
    assert_eq!(who(&mut server), [false, false, true]);
    c.vanish_for_good(&mut server);
    let reply = b.call(&mut server, json!(["candidate", candidate()]));
    assert_eq!(reply, json!({ "ok": true, "delivered": 0 }));
}

/// A number may address an alias. A socket cannot take the id of another as its alias.
#[test]
fn aliases_as_targets() {
    let (mut server, [a, b]) = server_of();
    b.emit(&mut server, json!(["join", "7"]));
    b.heard(&mut server);
    a.emit(&mut server, json!(["signal", { "userId": 7, "data": 1 }]));
    assert_eq!(b.signals(&mut server, &a).len(), 1);
    assert_eq!(a.refusal(&mut server, &json!(["join", b.id])), "id-taken");
}

/// Both transports carry the same events.
#[test]
fn polling_peers_send_and_get_the_same_signals() {
    let mut server = crate::peer::server();
    let (a, b) = (
        Peer::connect_polling(&mut server),
        Peer::connect(&mut server),
    );
    a.emit(
        &mut server,
        json!(["offer", { "to": b.id, "description": "中文😀" }]),
    );
    b.emit(
        &mut server,
        json!(["answer", { "to": a.id, "description": "é" }]),
    );
    for (to, from, event) in [(&b, &a, "offer"), (&a, &b, "answer")] {
        assert_eq!(to.signals(&mut server, from)[0][0], event);
    }
}

/// After an offer to all, the sender has no partner any more: its candidates go to all, until one peer
/// answers.
#[test]
fn candidates_go_to_all_after_an_offer_to_all() {
    let (mut server, [a, b, c]) = server_of();
    a.emit(&mut server, json!(["offer", b.id, description("offer")]));
    b.emit(&mut server, json!(["answer", description("answer")]));
    a.emit(&mut server, json!(["offer", description("offer")]));
    a.emit(&mut server, json!(["candidate", candidate()]));
    for peer in [&b, &c] {
        let events: Vec<_> = peer.signals(&mut server, &a);
        assert_eq!(events.last().unwrap()[0], "candidate");
    }
    c.emit(&mut server, json!(["answer", description("answer")]));
    b.heard(&mut server);
    a.emit(&mut server, json!(["candidate", candidate()]));
    assert_eq!(c.signals(&mut server, &a).len(), 1);
    assert!(b.heard(&mut server).is_empty());
}

/// A signal to oneself arrives, and no peer becomes its own partner.
#[test]
fn a_signal_to_oneself() {
    let (mut server, [a, b]) = server_of();
    a.emit(&mut server, json!(["offer", a.id, description("offer")]));
    assert_eq!(a.signals(&mut server, &a).len(), 1);
    a.emit(&mut server, json!(["candidate", candidate()]));
    assert_eq!(b.signals(&mut server, &a).len(), 1);
    assert!(a.heard(&mut server).is_empty());
}

/// The tutorial's page sends `null` as the target if the user has not entered an id.
#[test]
fn a_null_target_counts_as_missing() {
    let (mut server, [a, b]) = server_of();
    let offer = description("offer");
    a.emit(
        &mut server,
        json!(["offer", { "offer": offer, "remotePeerId": null }]),
    );
    assert_eq!(b.signals(&mut server, &a)[0][1], offer);
}

/// Attachments count towards the limits.
#[test]
fn attachments_are_part_of_a_signals_size() {
    let (mut server, [a, b]) = server_of();
    let connection = a.connection();
    for (size, arrives) in [(60_000, true), (70_000, false)] {
        let event = json!(["signal", { "to": b.id, "data": { "_placeholder": true, "num": 0 } }]);
        server.text(connection, format!("451-{event}"));
        server.bytes(connection, &vec![7; size]);
        assert_eq!(
            !server.take_for(b.connection()).is_empty(),
            arrives,
            "{size}"
        );
    }
}
