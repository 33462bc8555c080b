//! An operator closes a room: its clients are told and disconnected, and its data is deleted.

use serde_json::{Value, json};

use crate::peer::{Peer, RoomServer, server, server_of};
use crate::room_operator::JSON;
use crate::support::Done;

/// The events of a client that recovers and is disconnected at once.
pub fn come_back(server: &mut RoomServer, peer: &Peer) -> Vec<String> {
    let c = server.open_websocket();
    server.text(c, peer.connect_packet());
    let mut done = server.take_for(c);
    assert_eq!(done.pop(), Some(Done::Closed(c, None)));
    let frames = done.into_iter().map(|done| match done {
        Done::Sent(_, frame) => frame,
        other => panic!("no text: {other:?}"),
    });
    frames.collect()
}

fn close(server: &mut RoomServer) -> (u16, Value) {
    server.operate("close", "", "")
}

/// Closing a room tells all clients, disconnects them for good and deletes the room. The next
/// client finds a new room.
#[test]
fn a_closed_room_restarts_as_a_new_room() {
    let (mut server, [a, b]) = server_of();
    "198.51.100.7".clone_into(&mut server.address);
    let c = Peer::connect(&mut server);
    "192.0.2.1".clone_into(&mut server.address);
    a.join(&mut server, "Host");
    b.join(&mut server, "Guest");
    a.emit(&mut server, json!(["chat-message", "secret"]));
    a.emit(
        &mut server,
        json!(["host:password", { "password": "sesame" }]),
    );
    a.emit(&mut server, json!(["host:lock", { "on": true }]));
    a.emit(&mut server, json!(["host:kick", { "id": c.id }]));
    for peer in [&a, &b] {
        peer.heard(&mut server);
    }
    let away = Peer::connect(&mut server);
    away.vanish(&mut server);
    let outside = Peer::connect(&mut server);
    server.take();
    let body = json!({ "reason": "over" }).to_string();
    assert_eq!(
        server.operate("close", JSON, body),
        (200, json!({ "ok": true, "closed": 4 }))
    );
    for peer in [&a, &b, &outside] {
        let [
            Done::Sent(_, told),
            Done::Sent(_, disconnect),
            Done::Closed(_, None),
        ] = &server.take_for(peer.connection())[..]
        else {
            panic!("not told and closed");
        };
        assert!(
            told.starts_with(r#"42["room:closed",{"reason":"over"},"#),
            "{told}"
        );
        assert_eq!(disconnect, "41");
    }
    assert_eq!(server.take(), []);
    for again in [false, true] {
        if again {
            server.kill();
        }
        assert_eq!(server.operate("", "", "").1["sockets"], 0);
        let rows = server.platform.stored();
        assert!(!rows.keys().any(|key| key.starts_with("chat/")), "{rows:?}");
    }
    "198.51.100.7".clone_into(&mut server.address); // this address was banned
    let told = come_back(&mut server, &away);
    assert!(
        told[0].starts_with(r#"42["room:closed",{"reason":"over"}"#),
        "{told:?}"
    );
    for peer in [&a, &away] {
        let back = peer.reconnect(&mut server);
        assert!(!back.recovered);
        let joined = back.join(&mut server, "new");
        assert_eq!(joined["history"], json!([]));
        assert_eq!(joined["room"]["locked"], false);
        assert_eq!(joined["room"]["password"], false);
        assert_eq!(joined["self"]["host"], peer.id == a.id);
    }
    assert_eq!(close(&mut server).1["closed"], 2);
    assert_eq!(close(&mut server).1["closed"], 0);
}

/// A polling client gets the event by a poll.
#[test]
fn a_polling_client_is_told_that_the_room_closed() {
    let mut server = server();
    let sid = server.open_polling();
    server.send(&sid, "40");
    server.poll(&sid);
    let poll = server.poll(&sid);
    server.take();
    assert_eq!(close(&mut server).1["closed"], 1);
    let last = server.poll(&sid);
    let told = [poll, last].map(|request| match server.take_for(request).pop() {
        Some(Done::Responded(_, 200, _, body)) => body,
        other => panic!("no answer: {other:?}"),
    });
    let event = r#"42["room:closed",{"reason":null},"#;
    assert!(told[0].starts_with(event), "{told:?}");
    assert!(
        told[0].ends_with("\x1e41") && told[1].ends_with("\x1e1"),
        "{told:?}"
    );
}

/// The data of a closed room is deleted even if a polling client never asks for its farewell, and
/// even if memory is lost meanwhile.
#[test]
fn a_closed_room_is_deleted_even_if_a_client_is_never_told() {
    for forgets in [false, true] {
        let (mut server, host, _) = closed_room();
        assert_ne!(
            server.platform.stored().len(),
            0,
            "one client must still be told"
        );
        if forgets {
            server.lose_memory();
        }
        server.until(server.now() + 62_000);
        assert_eq!(server.platform.stored().len(), 0, "{forgets}");
        assert_eq!(server.meter.disk.rows.len(), 0, "{forgets}");
        let back = host.reconnect(&mut server);
        assert_eq!(back.join(&mut server, "Host")["room"]["locked"], false);
    }
}

/// A client connects while another client must still be told that the room closed. The client that
/// connects is in a new room, which is stored like any other.
#[test]
fn a_new_room_after_a_close_is_stored() {
    let (mut server, host, sid) = closed_room();
    let back = host.reconnect(&mut server);
    back.join(&mut server, "Host");
    back.call(&mut server, json!(["chat-message", "kept"]));
    server.poll(&sid);
    server.until(server.now() + 32_000);
    back.vanish_for_good(&mut server);
    server.until(server.now() + 1_000);
    let late = Peer::connect(&mut server);
    let history = late.join(&mut server, "Late")["history"].clone();
    assert_eq!(history[0]["message"], "kept");
}

/// A closed room, its host, and the session of a client that does not poll.
fn closed_room() -> (RoomServer, Peer, String) {
    let mut server = server();
    let host = Peer::connect(&mut server);
    host.join(&mut server, "Host");
    host.call(&mut server, json!(["chat-message", "secret"]));
    host.call(&mut server, json!(["host:lock", { "on": true }]));
    let sid = server.open_polling();
    server.send(&sid, "40");
    assert_eq!(close(&mut server).1["closed"], 2);
    server.take();
    (server, host, sid)
}
