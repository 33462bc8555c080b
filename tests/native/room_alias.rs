//! Aliases: which alias a socket may take, and when it loses its alias to another socket.

use serde_json::json;

use crate::peer::{Hall, Peer, hall_of};
use crate::support::id;

/// The id of a past, present or future socket cannot be the alias of another.
#[test]
fn an_id_of_another_socket_cannot_be_an_alias() {
    let (mut hall, [a, b, c]) = hall_of();
    b.vanish_for_good(&mut hall);
    for alias in [&a.id, &b.id, &id(999)] {
        assert_eq!(c.refusal(&mut hall, &json!(["join", alias])), "id-taken");
        let spaced = json!(["join", format!(" {alias} ")]);
        assert_eq!(c.refusal(&mut hall, &spaced), "id-taken");
    }
    let late = json!(["chat-message", { "message": "for b alone", "to": b.id }]);
    assert_eq!(a.refusal(&mut hall, &late), "unknown-peer");
    assert!(c.heard(&mut hall).is_empty());
}

/// Other texts of 20 characters are valid aliases, and so is a socket's own id.
#[test]
fn a_text_that_looks_like_an_id_can_be_an_alias() {
    let (mut hall, [a, b]) = hall_of();
    for alias in ["abcdefghijklmnopqrst", "user-00000000000000_", &a.id] {
        let reply = a.call(&mut hall, json!(["join", alias]));
        assert_eq!(reply, json!({ "ok": true }), "{alias}");
        b.emit(&mut hall, json!(["signal", { "to": alias, "data": 1 }]));
        let heard = a.heard(&mut hall).pop();
        assert_eq!(heard.expect("a signal")[0], "signal");
    }
}

fn here(hall: &mut Hall, address: &str) -> Peer {
    address.clone_into(&mut hall.address);
    Peer::connect(hall)
}

/// A socket that lost its connection loses its alias to another socket from the same address.
#[test]
fn an_alias_moves_to_another_socket_of_its_address() {
    for (address, away, taken) in [
        ("192.0.2.1", true, true),
        ("192.0.2.1", false, false),
        ("198.51.100.7", true, false),
        ("", true, false),
    ] {
        let (mut hall, [watcher]) = hall_of();
        watcher.call(&mut hall, json!(["join", "watcher"]));
        let home = if address.is_empty() { "" } else { "192.0.2.1" };
        let alice = here(&mut hall, home);
        alice.call(&mut hall, json!(["join", "alice"]));
        alice.heard(&mut hall);
        watcher.heard(&mut hall);
        if away {
            alice.vanish(&mut hall);
        }
        let again = here(&mut hall, address);
        let reply = again.call(&mut hall, json!(["join", "alice"]));
        let events = [
            json!(["user-left", "alice"]),
            json!(["user-joined", "alice"]),
        ];
        let target = if taken {
            assert_eq!(reply, json!({ "ok": true }), "{address:?}");
            assert_eq!(watcher.heard(&mut hall), events);
            assert_eq!(again.heard(&mut hall), events[1..]);
            again
        } else {
            assert_eq!(reply["error"]["code"], "id-taken", "{address:?}, {away}");
            assert!(watcher.heard(&mut hall).is_empty());
            alice
        };
        watcher.emit(&mut hall, json!(["signal", { "to": "alice", "data": 1 }]));
        let found = if away && !taken {
            target.reconnect(&mut hall)
        } else {
            target
        };
        assert_eq!(found.signals(&mut hall, &watcher).len(), 1, "{address:?}");
    }
}

/// A socket that lost its alias while it was away is told so on its return.
#[test]
fn a_socket_that_reconnects_is_told_that_it_lost_its_alias() {
    let (mut hall, [alice, again, bob]) = hall_of();
    alice.call(&mut hall, json!(["join", "alice"]));
    alice.heard(&mut hall);
    alice.vanish(&mut hall);
    again.call(&mut hall, json!(["join", "alice"]));
    let back = alice.reconnect(&mut hall);
    assert!(back.recovered);
    assert_eq!(back.heard(&mut hall), [json!(["user-left", "alice"])]);
    bob.call(&mut hall, json!(["join", "bob"]));
    assert!(back.heard(&mut hall).is_empty(), "the socket has no alias");
    assert_eq!(
        back.refusal(&mut hall, &json!(["join", "alice"])),
        "id-taken"
    );
}

/// A page that reloads after the server was killed gets its alias at once.
#[test]
fn an_alias_after_the_server_was_killed() {
    let (mut hall, [alice]) = hall_of();
    alice.call(&mut hall, json!(["join", "alice"]));
    hall.kill_until(20_000);
    let again = Peer::connect(&mut hall);
    let reply = again.call(&mut hall, json!(["join", "alice"]));
    assert_eq!(reply, json!({ "ok": true }));
    let elsewhere = here(&mut hall, "198.51.100.7");
    assert_eq!(
        elsewhere.refusal(&mut hall, &json!(["join", "alice"])),
        "id-taken"
    );
}
