//! Kicks and bans.

use serde_json::{Value, json};

use crate::peer::{Hall, Peer, hall_of};
use crate::room_door::{denial, done, house, knocks};
use crate::support::Done;

/// The reply to a CONNECT.
fn connect(hall: &mut Hall, packet: &str) -> String {
    let c = hall.open_websocket();
    hall.text(c, packet);
    match hall.take_of(c).pop() {
        Some(Done::Sent(_, reply)) => reply,
        other => panic!("no reply: {other:?}"),
    }
}

/// A kicked client is disconnected by the server, and banned for ten minutes. Recovery, a new socket, a
/// new name or a restart of the server do not bypass the ban.
#[test]
fn a_kick_lasts_ten_minutes() {
    let (mut hall, host, guest) = house();
    assert_eq!(
        host.call(&mut hall, json!(["host:kick", { "id": guest.id }])),
        done()
    );
    let end = hall.take_of(guest.connection());
    assert!(
        matches!(&end[..], [Done::Sent(_, frame), Done::Closed(_, None)] if frame == "41"),
        "{end:?}"
    );
    let left = json!(["peer:left", { "id": guest.id, "reason": "kicked" }]);
    assert_eq!(host.heard(&mut hall), [left]);
    "198.51.100.7".clone_into(&mut hall.address);
    for (time, packet) in [
        (0, guest.connect_packet()),
        (1, "40".to_owned()),
        (599_999, "40".to_owned()),
    ] {
        for _ in 0..2 {
            hall.late(time);
            let refusal = connect(&mut hall, &packet);
            let error: Value = serde_json::from_str(refusal.strip_prefix("44").unwrap()).unwrap();
            assert_eq!(error["data"]["code"], "kicked");
            assert_eq!(error["data"]["retryAfterMs"], 600_000 - time);
            hall.kill();
        }
    }
    hall.late(600_000);
    assert!(connect(&mut hall, "40").starts_with("40{"));
}

/// A kicked client that shares the host's address is not banned, but is disconnected at once. A
/// killed server forgets it as well, whether or not the kick was acknowledged.
#[test]
fn a_kick_outlives_a_kill() {
    for acknowledged in [true, false] {
        let (mut hall, [host, guest]) = hall_of();
        host.join(&mut hall, "Host");
        guest.join(&mut hall, "Guest");
        let kick = json!(["host:kick", { "id": guest.id }]);
        if acknowledged {
            assert_eq!(host.call(&mut hall, kick), done());
        } else {
            host.emit(&mut hall, kick);
        }
        hall.kill();
        assert!(host.reconnect(&mut hall).recovered);
        assert!(!guest.reconnect(&mut hall).recovered, "{acknowledged}");
    }
}

/// A kick also applies to sockets that the client opened before. They can neither join nor knock, send nor
/// listen, recovered or not.
#[test]
fn a_kick_applies_to_earlier_sockets() {
    let (mut hall, host, guest) = house();
    "198.51.100.7".clone_into(&mut hall.address);
    let [silent, knocking] = std::array::from_fn(|_| Peer::connect(&mut hall));
    host.emit(&mut hall, json!(["host:lock", { "on": true }]));
    knocks(&mut hall, &knocking, &json!({}));
    host.emit(&mut hall, json!(["host:kick", { "id": guest.id }]));
    host.emit(&mut hall, json!(["host:lock", { "on": false }]));
    assert_eq!(denial(&mut hall, &knocking), "kicked");
    silent.vanish(&mut hall);
    let silent = silent.reconnect(&mut hall);
    assert!(silent.recovered);
    for locked in [false, true] {
        host.emit(&mut hall, json!(["host:lock", { "on": locked }]));
        host.emit(&mut hall, json!(["chat-message", "among us"]));
        host.heard(&mut hall);
        for peer in [&silent, &knocking] {
            for event in [json!(["room:join", {}]), json!(["chat-message", "here"])] {
                assert_eq!(peer.refusal(&mut hall, &event), "kicked", "{event}");
            }
            assert!(peer.heard(&mut hall).is_empty());
        }
        assert!(host.heard(&mut hall).is_empty(), "no knock");
        hall.lose_memory();
    }
}

/// Recovery does not bypass a kick: a client that is away is kicked, too.
#[test]
fn a_kicked_client_that_is_away_cannot_recover() {
    let (mut hall, host, guest) = house();
    guest.vanish(&mut hall);
    host.heard(&mut hall);
    host.emit(&mut hall, json!(["host:kick", { "id": guest.id }]));
    let left = json!(["peer:left", { "id": guest.id, "reason": "kicked" }]);
    assert_eq!(host.heard(&mut hall), [left]);
    "198.51.100.7".clone_into(&mut hall.address);
    let refusal = connect(&mut hall, &guest.connect_packet());
    assert!(refusal.contains("\"kicked\""), "{refusal}");
}

/// If other clients share the address of a kicked client, the host decides about every client from that
/// address, even about a new socket of its own.
#[test]
fn a_kick_when_clients_share_an_address() {
    let (mut hall, [host, friend, guest, silent]) = hall_of();
    for (peer, name) in [(&host, "Host"), (&friend, "Friend"), (&guest, "Guest")] {
        peer.join(&mut hall, name);
    }
    host.emit(&mut hall, json!(["host:kick", { "id": guest.id }]));
    hall.lose_memory();
    host.emit(&mut hall, json!(["chat-message", "among us"]));
    let again = Peer::connect(&mut hall);
    for peer in [&silent, &again] {
        let chat = json!(["chat-message", "here"]);
        assert_eq!(peer.refusal(&mut hall, &chat), "room-locked");
        host.heard(&mut hall);
        knocks(&mut hall, peer, &json!({ "name": "Guest" }));
        let knock = json!(["host:knock", { "id": peer.id, "name": "Guest" }]);
        assert_eq!(host.heard(&mut hall), [knock]);
        host.emit(&mut hall, json!(["host:deny", { "id": peer.id }]));
        assert_eq!(denial(&mut hall, peer), "denied");
    }
    "198.51.100.7".clone_into(&mut hall.address);
    Peer::connect(&mut hall).join(&mut hall, "from elsewhere");
    "192.0.2.1".clone_into(&mut hall.address);
    host.write(&mut hall, "41");
    let host = Peer::connect(&mut hall);
    knocks(&mut hall, &host, &json!({}));
    friend.emit(&mut hall, json!(["host:admit", { "id": host.id }]));
    assert_eq!(host.heard(&mut hall).pop().unwrap()[0], "room:admitted");
}

/// A host may leave and return although a guest with the same address is banned.
#[test]
fn the_host_is_not_banned_with_a_guest_of_its_address() {
    let (mut hall, [host, guest]) = hall_of();
    host.join(&mut hall, "Host");
    host.emit(&mut hall, json!(["host:kick", { "id": guest.id }]));
    host.emit(&mut hall, json!(["room:leave"]));
    assert_eq!(host.join(&mut hall, "Host")["self"]["host"], true);
    let again = Peer::connect(&mut hall);
    knocks(&mut hall, &again, &json!({}));
    // The host's leaving does not admit the kicked client: the ban stays until it ends.
    host.emit(&mut hall, json!(["room:leave"]));
    let join = json!(["room:join", {}]);
    assert_eq!(denial(&mut hall, &again), "denied");
    assert_eq!(again.refusal(&mut hall, &join), "room-locked");
    hall.until(hall.now() + 600_000);
    let later = Peer::connect(&mut hall);
    assert_eq!(later.call(&mut hall, join)["ok"], true);
}

/// Others are not banned, and a ban in one room has no effect in another.
#[test]
fn a_kick_bans_no_other_client() {
    let (mut hall, host, guest) = house();
    host.call(&mut hall, json!(["host:kick", { "id": guest.id }]));
    Peer::connect(&mut hall).join(&mut hall, "Guest");
}
