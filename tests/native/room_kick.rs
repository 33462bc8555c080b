//! Kicks and bans.

use serde_json::{Value, json};

use crate::peer::{Peer, RoomServer, server_of};
use crate::room_door::{denial, done, host_and_guest, knocks};
use crate::support::Done;

/// The reply to a CONNECT.
fn connect(server: &mut RoomServer, packet: &str) -> String {
    let c = server.open_websocket();
    server.text(c, packet);
    match server.take_for(c).pop() {
        Some(Done::Sent(_, reply)) => reply,
        other => panic!("no reply: {other:?}"),
    }
}

/// A kicked client is disconnected by the server, and banned for ten minutes. Recovery, a new socket, a
/// new name or a restart of the server do not bypass the ban.
#[test]
fn a_kick_lasts_ten_minutes() {
    let (mut server, host, guest) = host_and_guest();
    assert_eq!(
        host.call(&mut server, json!(["host:kick", { "id": guest.id }])),
        done()
    );
    let end = server.take_for(guest.connection());
    assert!(
        matches!(&end[..], [Done::Sent(_, frame), Done::Closed(_, None)] if frame == "41"),
        "{end:?}"
    );
    let left = json!(["peer:left", { "id": guest.id, "reason": "kicked" }]);
    assert_eq!(host.heard(&mut server), [left]);
    "198.51.100.7".clone_into(&mut server.address);
    for (time, packet) in [
        (0, guest.connect_packet()),
        (1, "40".to_owned()),
        (599_999, "40".to_owned()),
    ] {
        for _ in 0..2 {
            server.skip_to(time);
            let refusal = connect(&mut server, &packet);
            let error: Value = serde_json::from_str(refusal.strip_prefix("44").unwrap()).unwrap();
            assert_eq!(error["data"]["code"], "kicked");
            assert_eq!(error["data"]["retryAfterMs"], 600_000 - time);
            server.kill();
        }
    }
    server.skip_to(600_000);
    assert!(connect(&mut server, "40").starts_with("40{"));
}

/// A kicked client that shares the host's address is disconnected at once. Its ban refuses no client, but
/// makes strangers from that address knock. The client cannot recover after a kill of the server, whether or
/// not the kick was acknowledged.
#[test]
fn a_kick_outlives_a_kill() {
    for acknowledged in [true, false] {
        let (mut server, [host, guest]) = server_of();
        host.join(&mut server, "Host");
        guest.join(&mut server, "Guest");
        let kick = json!(["host:kick", { "id": guest.id }]);
        if acknowledged {
            assert_eq!(host.call(&mut server, kick), done());
        } else {
            host.emit(&mut server, kick);
        }
        server.kill();
        assert!(host.reconnect(&mut server).recovered);
        assert!(!guest.reconnect(&mut server).recovered, "{acknowledged}");
    }
}

/// A kick also applies to sockets that the client opened before. They can neither join nor knock, send nor
/// listen, recovered or not.
#[test]
fn a_kick_applies_to_earlier_sockets() {
    let (mut server, host, guest) = host_and_guest();
    "198.51.100.7".clone_into(&mut server.address);
    let [silent, knocking] = std::array::from_fn(|_| Peer::connect(&mut server));
    host.emit(&mut server, json!(["host:lock", { "on": true }]));
    knocks(&mut server, &knocking, &json!({}));
    host.emit(&mut server, json!(["host:kick", { "id": guest.id }]));
    host.emit(&mut server, json!(["host:lock", { "on": false }]));
    assert_eq!(denial(&mut server, &knocking), "kicked");
    silent.vanish(&mut server);
    let silent = silent.reconnect(&mut server);
    assert!(silent.recovered);
    for locked in [false, true] {
        host.emit(&mut server, json!(["host:lock", { "on": locked }]));
        host.emit(&mut server, json!(["chat-message", "among us"]));
        host.heard(&mut server);
        for peer in [&silent, &knocking] {
            for event in [json!(["room:join", {}]), json!(["chat-message", "here"])] {
                assert_eq!(peer.refusal(&mut server, &event), "kicked", "{event}");
            }
            assert!(peer.heard(&mut server).is_empty());
        }
        assert!(host.heard(&mut server).is_empty(), "no knock");
        server.lose_memory();
    }
}

/// Recovery does not bypass a kick: a client that is away is kicked, too.
#[test]
fn a_kicked_client_that_is_away_cannot_recover() {
    let (mut server, host, guest) = host_and_guest();
    guest.vanish(&mut server);
    host.heard(&mut server);
    host.emit(&mut server, json!(["host:kick", { "id": guest.id }]));
    let left = json!(["peer:left", { "id": guest.id, "reason": "kicked" }]);
    assert_eq!(host.heard(&mut server), [left]);
    "198.51.100.7".clone_into(&mut server.address);
    let refusal = connect(&mut server, &guest.connect_packet());
    assert!(refusal.contains("\"kicked\""), "{refusal}");
}

/// If other clients share the address of a kicked client, every stranger from that address has to knock,
/// even a client that was the host before.
#[test]
fn a_kick_when_clients_share_an_address() {
    let (mut server, [host, friend, guest, silent]) = server_of();
    for (peer, name) in [(&host, "Host"), (&friend, "Friend"), (&guest, "Guest")] {
        peer.join(&mut server, name);
    }
    host.emit(&mut server, json!(["host:kick", { "id": guest.id }]));
    server.lose_memory();
    host.emit(&mut server, json!(["chat-message", "among us"]));
    let again = Peer::connect(&mut server);
    for peer in [&silent, &again] {
        let chat = json!(["chat-message", "here"]);
        assert_eq!(peer.refusal(&mut server, &chat), "room-locked");
        host.heard(&mut server);
        knocks(&mut server, peer, &json!({ "name": "Guest" }));
        let knock = json!(["host:knock", { "id": peer.id, "name": "Guest" }]);
        assert_eq!(host.heard(&mut server), [knock]);
        host.emit(&mut server, json!(["host:deny", { "id": peer.id }]));
        assert_eq!(denial(&mut server, peer), "denied");
    }
    "198.51.100.7".clone_into(&mut server.address);
    Peer::connect(&mut server).join(&mut server, "from elsewhere");
    "192.0.2.1".clone_into(&mut server.address);
    host.write(&mut server, "41");
    let host = Peer::connect(&mut server);
    knocks(&mut server, &host, &json!({}));
    friend.emit(&mut server, json!(["host:admit", { "id": host.id }]));
    assert_eq!(host.heard(&mut server).pop().unwrap()[0], "room:admitted");
}

/// Lets time pass while these clients answer the server's pings.
fn wait(server: &mut RoomServer, until: u64, peers: &[&Peer]) {
    while server.now() < until {
        let next = until.min(server.now() + 20_000);
        server.until(next);
        for peer in peers {
            peer.write(server, "3");
        }
    }
}

/// A client that waits only because of a ban is admitted when the ban ends or is lifted, also after a
/// loss of memory.
#[test]
fn the_end_of_a_ban_admits_those_who_wait_because_of_it() {
    for lifted in [false, true] {
        for forgets in [false, true] {
            let (mut server, [host, friend, guest]) = server_of();
            for (peer, name) in [(&host, "Host"), (&friend, "Friend"), (&guest, "Guest")] {
                peer.join(&mut server, name);
            }
            host.emit(&mut server, json!(["host:kick", { "id": guest.id }]));
            let again = Peer::connect(&mut server);
            knocks(&mut server, &again, &json!({ "name": "Again" }));
            if forgets {
                server.lose_memory();
            }
            if lifted {
                let body = json!({ "id": guest.id }).to_string();
                assert_eq!(server.operate("unban", "application/json", &body).0, 200);
            } else {
                wait(&mut server, 599_999, &[&host, &friend, &again]);
                assert_eq!(again.heard(&mut server), [Value::Null; 0]);
                server.until(600_000);
            }
            let admitted = again.heard(&mut server);
            assert_eq!(admitted[0][0], "room:admitted", "{lifted} {forgets}");
            assert_eq!(host.heard(&mut server).pop().unwrap()[0], "peer:joined");
            let stored = server.platform.stored().remove("room/door");
            assert_eq!(stored, None, "no ban and no secret is kept");
        }
    }
}

/// The end of a ban admits nobody to a locked room.
#[test]
fn a_lock_outlives_a_ban() {
    let (mut server, [host, guest]) = server_of();
    host.join(&mut server, "Host");
    host.emit(&mut server, json!(["host:kick", { "id": guest.id }]));
    host.emit(&mut server, json!(["host:lock", { "on": true }]));
    let again = Peer::connect(&mut server);
    knocks(&mut server, &again, &json!({}));
    wait(&mut server, 620_000, &[&host, &again]);
    assert_eq!(again.heard(&mut server), [Value::Null; 0]);
}

/// A host may leave and return although a guest with the same address is banned.
#[test]
fn the_host_is_not_banned_with_a_guest_of_its_address() {
    let (mut server, [host, guest]) = server_of();
    host.join(&mut server, "Host");
    host.emit(&mut server, json!(["host:kick", { "id": guest.id }]));
    host.emit(&mut server, json!(["room:leave"]));
    assert_eq!(host.join(&mut server, "Host")["self"]["host"], true);
    let again = Peer::connect(&mut server);
    knocks(&mut server, &again, &json!({}));
    // The host's leaving does not admit the kicked client: the ban still lasts ten minutes.
    host.emit(&mut server, json!(["room:leave"]));
    let join = json!(["room:join", {}]);
    assert_eq!(denial(&mut server, &again), "denied");
    assert_eq!(again.refusal(&mut server, &join), "room-locked");
    server.until(server.now() + 600_000);
    let later = Peer::connect(&mut server);
    assert_eq!(later.call(&mut server, join)["ok"], true);
}

/// A client from another address is not banned.
#[test]
fn a_kick_bans_no_other_client() {
    let (mut server, host, guest) = host_and_guest();
    host.call(&mut server, json!(["host:kick", { "id": guest.id }]));
    Peer::connect(&mut server).join(&mut server, "Guest");
}
