//! What the host may do, and who may come in.

use serde_json::{Value, json};

use crate::peer::{Hall, Peer, hall};
use crate::support::Done;

/// A host and a guest.
fn house() -> (Hall, Peer, Peer) {
    let mut hall = hall();
    let host = Peer::connect(&mut hall);
    "198.51.100.7".clone_into(&mut hall.address);
    let guest = Peer::connect(&mut hall);
    "192.0.2.1".clone_into(&mut hall.address);
    host.join(&mut hall, "Host");
    guest.join(&mut hall, "Guest");
    host.heard(&mut hall);
    (hall, host, guest)
}

fn done() -> Value {
    json!({ "ok": true })
}

/// What a CONNECT is answered with.
fn connect(hall: &mut Hall, packet: &str) -> String {
    let c = hall.open_websocket();
    hall.text(c, packet);
    match hall.take_of(c).pop() {
        Some(Done::Sent(_, reply)) => reply,
        other => panic!("no reply: {other:?}"),
    }
}

/// Whoever is not host may do none of it; nor is anything done to who is not there.
#[test]
fn only_the_host_presides() {
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

/// Who is kicked is closed by the server, and barred for ten minutes: by recovery, by a new
/// socket, under a new name, and whatever becomes of the server.
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

/// Others are not barred, and who is barred elsewhere is not here.
#[test]
fn a_kick_bars_nobody_else() {
    let (mut hall, host, guest) = house();
    host.call(&mut hall, json!(["host:kick", { "id": guest.id }]));
    Peer::connect(&mut hall).join(&mut hall, "Guest");
}

/// A locked room: who comes waits outside, hears and says nothing, until the host decides.
#[test]
fn a_locked_room_is_entered_by_the_hosts_leave() {
    let (mut hall, host, guest) = house();
    assert_eq!(
        host.call(&mut hall, json!(["host:lock", { "on": true }])),
        done()
    );
    let locked = json!(["room:state", { "locked": true }]);
    assert_eq!(guest.heard(&mut hall), std::slice::from_ref(&locked));
    assert_eq!(host.heard(&mut hall), [locked]);
    let [a, b] = [Peer::connect(&mut hall), Peer::connect_polling(&mut hall)];
    for peer in [&a, &b] {
        for event in [
            json!(["chat-message", "let me in"]),
            json!(["offer", host.id, {}]),
            json!(["join", "x"]),
            json!(["chat:history"]),
            json!(["ice:get"]),
        ] {
            assert_eq!(peer.refusal(&mut hall, &event), "room-locked", "{event}");
        }
    }
    guest.emit(&mut hall, json!(["chat-message", "among us"]));
    guest.emit(&mut hall, json!(["signal", { "data": "for all" }]));
    assert_eq!(
        guest.refusal(&mut hall, &json!(["signal", { "to": a.id, "data": 1 }])),
        "unknown-peer"
    );
    host.heard(&mut hall);
    guest.heard(&mut hall);
    assert!(a.heard(&mut hall).is_empty() && b.heard(&mut hall).is_empty());
    for (peer, name) in [(&a, "Ann"), (&b, "Bob")] {
        assert_eq!(
            peer.refusal(&mut hall, &json!(["room:join", { "name": name }])),
            "waiting"
        );
        let knock = json!(["host:knock", { "id": peer.id, "name": name }]);
        assert_eq!(host.heard(&mut hall), [knock]);
    }
    hall.lose_memory();
    assert_eq!(
        host.call(&mut hall, json!(["host:deny", { "id": b.id }])),
        done()
    );
    assert_eq!(b.heard(&mut hall), [json!(["room:denied"])]);
    assert_eq!(
        host.refusal(&mut hall, &json!(["host:admit", { "id": b.id }])),
        "unknown-peer"
    );
    assert_eq!(
        host.call(&mut hall, json!(["host:admit", { "id": a.id }])),
        done()
    );
    let [admitted] = &a.heard(&mut hall)[..] else {
        panic!("not one event");
    };
    assert_eq!(admitted[0], "room:admitted");
    assert_eq!(admitted[1]["self"]["name"], "Ann");
    assert_eq!(admitted[1]["room"]["locked"], true);
    assert_eq!(admitted[1]["history"][0]["message"], "among us");
    assert_eq!(guest.heard(&mut hall)[0][0], "peer:joined");
    assert_eq!(
        a.call(&mut hall, json!(["chat-message", "thanks"]))["ok"],
        true
    );
    assert!(b.heard(&mut hall).is_empty());
    assert_eq!(
        a.join(&mut hall, "Anna")["self"]["name"],
        "Anna",
        "who is in may join again"
    );
}

/// An opened room lets in all who wait; one that lost its last peer is as good as open.
#[test]
fn who_waits_gets_in_when_the_room_opens() {
    let (mut hall, host, guest) = house();
    host.emit(&mut hall, json!(["host:lock", { "on": true }]));
    let a = Peer::connect(&mut hall);
    a.refusal(&mut hall, &json!(["room:join", {}]));
    // The next host hears of those who wait.
    host.emit(&mut hall, json!(["room:leave"]));
    let knock = json!(["host:knock", { "id": a.id, "name": null }]);
    assert_eq!(guest.heard(&mut hall).pop(), Some(knock));
    let silent = Peer::connect(&mut hall);
    guest.emit(&mut hall, json!(["host:lock", { "on": false }]));
    assert_eq!(a.heard(&mut hall)[0][0], "room:admitted");
    assert_eq!(
        silent.call(&mut hall, json!(["chat-message", "hi"]))["ok"],
        true
    );
    a.heard(&mut hall);
    a.emit(&mut hall, json!(["room:leave"]));
    guest.emit(&mut hall, json!(["host:lock", { "on": true }]));
    guest.emit(&mut hall, json!(["room:leave"]));
    let b = Peer::connect(&mut hall);
    assert_eq!(b.join(&mut hall, "b")["self"]["host"], true);
}

/// Muting is a request, a transfer makes another host, clearing forgets the chat.
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
