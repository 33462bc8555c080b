//! Aliases: which alias a socket may take, and when it loses its alias to another socket.

use serde_json::json;

use crate::peer::{Peer, RoomServer, server_of};
use crate::support::id;

/// The id of a past, present or future socket cannot be the alias of another.
#[test]
fn an_id_of_another_socket_cannot_be_an_alias() {
    let (mut server, [a, b, c]) = server_of();
    b.vanish_for_good(&mut server);
    for alias in [&a.id, &b.id, &id(999)] {
        assert_eq!(c.refusal(&mut server, &json!(["join", alias])), "id-taken");
        let spaced = json!(["join", format!(" {alias} ")]);
        assert_eq!(c.refusal(&mut server, &spaced), "id-taken");
    }
    let late = json!(["chat-message", { "message": "for b alone", "to": b.id }]);
    assert_eq!(a.refusal(&mut server, &late), "unknown-peer");
    assert!(c.heard(&mut server).is_empty());
}

/// Other texts of 20 characters are valid aliases, and so is a socket's own id.
#[test]
fn a_text_that_looks_like_an_id_can_be_an_alias() {
    let (mut server, [a, b]) = server_of();
    for alias in ["abcdefghijklmnopqrst", "user-00000000000000_", &a.id] {
        let reply = a.call(&mut server, json!(["join", alias]));
        assert_eq!(reply, json!({ "ok": true }), "{alias}");
        b.emit(&mut server, json!(["signal", { "to": alias, "data": 1 }]));
        let heard = a.heard(&mut server).pop();
        assert_eq!(heard.expect("a signal")[0], "signal");
    }
}

fn connect_from(server: &mut RoomServer, address: &str) -> Peer {
    address.clone_into(&mut server.address);
    Peer::connect(server)
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
        let (mut server, [watcher]) = server_of();
        watcher.call(&mut server, json!(["join", "watcher"]));
        let home = if address.is_empty() { "" } else { "192.0.2.1" };
        let alice = connect_from(&mut server, home);
        alice.call(&mut server, json!(["join", "alice"]));
        alice.heard(&mut server);
        watcher.heard(&mut server);
        if away {
            alice.vanish(&mut server);
        }
        let again = connect_from(&mut server, address);
        let reply = again.call(&mut server, json!(["join", "alice"]));
        let events = [
            json!(["user-left", "alice"]),
            json!(["user-joined", "alice"]),
        ];
        let target = if taken {
            assert_eq!(reply, json!({ "ok": true }), "{address:?}");
            assert_eq!(watcher.heard(&mut server), events);
            assert_eq!(again.heard(&mut server), events[1..]);
            again
        } else {
            assert_eq!(reply["error"]["code"], "id-taken", "{address:?}, {away}");
            assert!(watcher.heard(&mut server).is_empty());
            alice
        };
        watcher.emit(&mut server, json!(["signal", { "to": "alice", "data": 1 }]));
        let found = if away && !taken {
            target.reconnect(&mut server)
        } else {
            target
        };
        assert_eq!(found.signals(&mut server, &watcher).len(), 1, "{address:?}");
    }
}

/// A socket that lost its alias while it was away is told so on its return.
#[test]
fn a_socket_that_reconnects_is_told_that_it_lost_its_alias() {
    let (mut server, [alice, again, bob]) = server_of();
    alice.call(&mut server, json!(["join", "alice"]));
    alice.heard(&mut server);
    alice.vanish(&mut server);
    again.call(&mut server, json!(["join", "alice"]));
    let back = alice.reconnect(&mut server);
    assert!(back.recovered);
    assert_eq!(back.heard(&mut server), [json!(["user-left", "alice"])]);
    bob.call(&mut server, json!(["join", "bob"]));
    assert!(
        back.heard(&mut server).is_empty(),
        "the socket has no alias"
    );
    assert_eq!(
        back.refusal(&mut server, &json!(["join", "alice"])),
        "id-taken"
    );
}

/// A page that reloads after the server was killed gets its alias at once.
#[test]
fn an_alias_after_the_server_was_killed() {
    let (mut server, [alice]) = server_of();
    alice.call(&mut server, json!(["join", "alice"]));
    server.kill_until(20_000);
    let again = Peer::connect(&mut server);
    let reply = again.call(&mut server, json!(["join", "alice"]));
    assert_eq!(reply, json!({ "ok": true }));
    let elsewhere = connect_from(&mut server, "198.51.100.7");
    assert_eq!(
        elsewhere.refusal(&mut server, &json!(["join", "alice"])),
        "id-taken"
    );
}

/// The tutorial's `join`: clients with an alias are told of each other.
#[test]
fn aliases() {
    let (mut server, [a, b, c, silent]) = server_of();
    for (peer, alias) in [(&a, "ann"), (&b, "bob")] {
        assert_eq!(
            peer.call(&mut server, json!(["join", alias])),
            json!({ "ok": true })
        );
    }
    assert_eq!(
        a.heard(&mut server),
        [json!(["user-joined", "ann"]), json!(["user-joined", "bob"])]
    );
    assert_eq!(b.heard(&mut server), [json!(["user-joined", "bob"])]);
    c.emit(&mut server, json!(["join", " 陈 😀"]));
    for peer in [&a, &b, &c] {
        assert_eq!(peer.heard(&mut server), [json!(["user-joined", "陈 😀"])]);
    }
    b.emit(&mut server, json!(["room:leave"]));
    assert_eq!(a.heard(&mut server), [json!(["user-left", "bob"])]);
    assert!(b.heard(&mut server).is_empty());
    c.vanish_for_good(&mut server);
    assert_eq!(a.heard(&mut server), [json!(["user-left", "陈 😀"])]);
    a.emit(&mut server, json!(["join", "anna"]));
    assert_eq!(
        a.heard(&mut server),
        [json!(["user-left", "ann"]), json!(["user-joined", "anna"])]
    );
    assert!(silent.heard(&mut server).is_empty());
}

#[test]
fn aliases_that_are_refused() {
    let (mut server, [a, b]) = server_of();
    a.emit(&mut server, json!(["join", "ann"]));
    a.heard(&mut server);
    for (payload, code) in [
        (json!("ann"), "id-taken"),
        (json!(a.id), "id-taken"),
        (json!(""), "bad-payload"),
        (json!("  "), "bad-payload"),
        (json!(7), "bad-payload"),
        (json!({ "userId": "x" }), "bad-payload"),
        (json!("x".repeat(65)), "too-large"),
    ] {
        assert_eq!(b.refusal(&mut server, &json!(["join", payload])), code);
    }
    assert_eq!(b.refusal(&mut server, &json!(["join"])), "bad-payload");
    assert!(a.heard(&mut server).is_empty());
    a.vanish_for_good(&mut server);
    assert_eq!(
        b.call(&mut server, json!(["join", "ann"])),
        json!({ "ok": true }),
        "the alias is free again"
    );
}
