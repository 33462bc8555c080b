//! Who is host, and what only the host may do.

use serde_json::{Value, json};

use crate::peer::hall_of;
use crate::room_door::{done, house};

/// The next host is the peer that has been here longest, not the one that first connected.
#[test]
fn the_next_host_is_the_peer_that_has_been_here_longest() {
    let (mut hall, [a, b, c]) = hall_of();
    for (time, peer) in [(1_000, &a), (2_000, &b), (3_000, &c)] {
        hall.until(time);
        peer.join(&mut hall, "x");
    }
    a.call(&mut hall, json!(["room:leave"]));
    hall.until(4_000);
    a.join(&mut hall, "x");
    c.heard(&mut hall);
    b.call(&mut hall, json!(["room:leave"]));
    let state = json!(["room:state", { "host": c.id }]);
    assert_eq!(c.heard(&mut hall).pop(), Some(state));
}

/// An `undefined` payload arrives as `null`, and counts as missing.
#[test]
fn joining_without_a_payload() {
    let (mut hall, [a, b]) = hall_of();
    let joined = a.call(&mut hall, json!(["room:join", null]));
    assert_eq!(joined["self"]["name"], Value::Null);
    assert_eq!(joined["self"]["host"], true);
    assert_eq!(b.call(&mut hall, json!(["chat:history", null]))["ok"], true);
}

/// Other peers may do none of it, and an absent peer cannot be its target.
#[test]
fn only_the_host_may_send_host_events() {
    let (mut hall, host, guest) = house();
    for event in ["kick", "mute", "transfer", "admit", "deny", "lock", "clear"] {
        let event = format!("host:{event}");
        let payload = json!({ "id": host.id, "on": true });
        assert_eq!(
            guest.refusal(&mut hall, &json!([event, payload])),
            "forbidden"
        );
        if !event.ends_with("clear") {
            assert_eq!(host.refusal(&mut hall, &json!([event])), "bad-payload");
        }
        if !event.ends_with("clear") && !event.ends_with("lock") {
            let nobody = json!([event, { "id": "nobody" }]);
            assert_eq!(host.refusal(&mut hall, &nobody), "unknown-peer");
        }
    }
    assert_eq!(
        host.refusal(&mut hall, &json!(["host:kick", { "id": host.id }])),
        "bad-payload"
    );
    assert!(guest.heard(&mut hall).is_empty());
}

/// Muting is a request, a transfer changes the host, clearing deletes the chat.
#[test]
fn mute_transfer_clear() {
    let (mut hall, host, guest) = house();
    host.emit(&mut hall, json!(["host:mute", { "id": guest.id }]));
    assert_eq!(
        guest.heard(&mut hall),
        [json!(["host:mute-request", { "by": host.id }])]
    );
    guest.call(&mut hall, json!(["chat-message", "secret"]));
    assert_eq!(host.call(&mut hall, json!(["host:clear"])), done());
    assert_eq!(guest.heard(&mut hall).pop().unwrap()[0], "room:state");
    hall.lose_memory();
    assert_eq!(
        guest.call(&mut hall, json!(["chat:history"]))["messages"],
        json!([])
    );
    assert!(
        !hall
            .platform
            .rows
            .borrow()
            .keys()
            .any(|key| key.starts_with("chat/"))
    );
    assert_eq!(
        host.call(&mut hall, json!(["host:transfer", { "id": guest.id }])),
        done()
    );
    assert_eq!(
        guest.heard(&mut hall),
        [json!(["room:state", { "host": guest.id }])]
    );
    assert_eq!(host.refusal(&mut hall, &json!(["host:clear"])), "forbidden");
    hall.kill();
    let guest = guest.reconnect(&mut hall);
    assert_eq!(
        guest.call(&mut hall, json!(["host:clear"])),
        done(),
        "a killed server knows its host"
    );
}
