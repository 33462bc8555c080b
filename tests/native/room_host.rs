//! Who is host, and what only the host may do.

use serde_json::{Value, json};

use crate::peer::{Peer, RoomServer, server_of};
use crate::room_door::{done, host_and_guest};

/// The next host is the peer that has been here longest, not the one that first connected.
#[test]
fn the_next_host_is_the_peer_that_has_been_here_longest() {
    let (mut server, [a, b, c]) = server_of();
    for (time, peer) in [(1_000, &a), (2_000, &b), (3_000, &c)] {
        server.until(time);
        peer.join(&mut server, "x");
    }
    a.call(&mut server, json!(["room:leave"]));
    server.until(4_000);
    a.join(&mut server, "x");
    c.heard(&mut server);
    b.call(&mut server, json!(["room:leave"]));
    let state = json!(["room:state", { "host": c.id }]);
    assert_eq!(c.heard(&mut server).pop(), Some(state));
}

/// An `undefined` payload arrives as `null`, and counts as missing.
#[test]
fn joining_without_a_payload() {
    let (mut server, [a, b]) = server_of();
    let joined = a.call(&mut server, json!(["room:join", null]));
    assert_eq!(joined["self"]["name"], Value::Null);
    assert_eq!(joined["self"]["host"], true);
    assert_eq!(
        b.call(&mut server, json!(["chat:history", null]))["ok"],
        true
    );
}

/// A peer that is not host may send no host event. The target of a host event must exist.
#[test]
fn only_the_host_may_send_host_events() {
    let (mut server, host, guest) = host_and_guest();
    for event in ["kick", "mute", "transfer", "admit", "deny", "lock", "clear"] {
        let event = format!("host:{event}");
        let payload = json!({ "id": host.id, "on": true });
        assert_eq!(
            guest.refusal(&mut server, &json!([event, payload])),
            "forbidden"
        );
        if !event.ends_with("clear") {
            assert_eq!(host.refusal(&mut server, &json!([event])), "bad-payload");
        }
        if !event.ends_with("clear") && !event.ends_with("lock") {
            let nobody = json!([event, { "id": "nobody" }]);
            assert_eq!(host.refusal(&mut server, &nobody), "unknown-peer");
        }
    }
    assert_eq!(
        host.refusal(&mut server, &json!(["host:kick", { "id": host.id }])),
        "bad-payload"
    );
    assert!(guest.heard(&mut server).is_empty());
}

/// Muting is a request, a transfer changes the host, clearing deletes the chat.
#[test]
fn mute_transfer_clear() {
    let (mut server, host, guest) = host_and_guest();
    host.emit(&mut server, json!(["host:mute", { "id": guest.id }]));
    assert_eq!(
        guest.heard(&mut server),
        [json!(["host:mute-request", { "by": host.id }])]
    );
    guest.call(&mut server, json!(["chat-message", "secret"]));
    assert_eq!(host.call(&mut server, json!(["host:clear"])), done());
    assert_eq!(guest.heard(&mut server).pop().unwrap()[0], "room:state");
    server.lose_memory();
    assert_eq!(
        guest.call(&mut server, json!(["chat:history"]))["messages"],
        json!([])
    );
    assert!(!server.platform.has_rows("chat/"));
    assert_eq!(
        host.call(&mut server, json!(["host:transfer", { "id": guest.id }])),
        done()
    );
    assert_eq!(
        guest.heard(&mut server),
        [json!(["room:state", { "host": guest.id }])]
    );
    assert_eq!(
        host.refusal(&mut server, &json!(["host:clear"])),
        "forbidden"
    );
    server.kill();
    let guest = guest.reconnect(&mut server);
    assert_eq!(
        guest.call(&mut server, json!(["host:clear"])),
        done(),
        "a killed server knows its host"
    );
}

fn host_of(server: &mut RoomServer, peer: &Peer) -> Value {
    let joined = peer.join(server, "x");
    let own = std::iter::once(&joined["self"]);
    let mut hosts = own
        .chain(joined["peers"].as_array().unwrap())
        .filter(|p| p["host"] == true);
    let host = hosts.next().expect("a host")["id"].clone();
    assert_eq!(hosts.next(), None, "there is one host");
    host
}

/// The first peer is host. After it leaves, the oldest is host, and all are told.
#[test]
fn the_host_and_its_successors() {
    let (mut server, [a, b, c, d]) = server_of();
    for peer in [&c, &a, &d, &b] {
        assert_eq!(host_of(&mut server, peer), json!(c.id));
    }
    for peer in [&a, &b, &d] {
        peer.heard(&mut server);
    }
    c.vanish_for_good(&mut server);
    let state = json!(["room:state", { "host": a.id }]);
    for peer in [&a, &b, &d] {
        assert_eq!(peer.heard(&mut server).pop(), Some(state.clone()));
    }
    assert_eq!(host_of(&mut server, &b), json!(a.id));
    d.vanish_for_good(&mut server);
    a.heard(&mut server);
    a.emit(&mut server, json!(["room:leave"]));
    assert!(a.heard(&mut server).is_empty());
    assert_eq!(
        host_of(&mut server, &a),
        json!(b.id),
        "the old host comes back as a guest"
    );
    a.vanish_for_good(&mut server);
    b.vanish_for_good(&mut server);
    let newcomer = Peer::connect(&mut server);
    assert_eq!(
        host_of(&mut server, &newcomer),
        json!(newcomer.id),
        "an empty room begins anew"
    );
}
