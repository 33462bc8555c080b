//! What operators do in the host's place, and clients that are away when a room is closed.

use serde_json::{Value, json};
use signalbox::io::Core;

use crate::peer::{Peer, RoomServer, high_rates, server, server_of};
use crate::room_close::come_back;
use crate::room_token::{server_with_tokens, token};
use crate::support::Done;

const JSON: &str = "application/json";

#[expect(
    clippy::needless_pass_by_value,
    reason = "callers write the body in the call"
)]
fn post(server: &mut RoomServer, action: &str, body: Value) -> (u16, Value) {
    server.operate(action, JSON, body.to_string())
}

fn done() -> (u16, Value) {
    (200, json!({ "ok": true }))
}

fn code(answer: &(u16, Value)) -> (u16, &str) {
    (
        answer.0,
        answer.1["error"]["code"].as_str().unwrap_or_default(),
    )
}

fn closes(server: &mut RoomServer, peer: &Peer) -> bool {
    let done = server.take_for(peer.connection());
    matches!(done.last(), Some(Done::Closed(..)))
}

/// A peer is away when the room is closed. When it reconnects, it recovers, is told that the room is
/// closed, and is disconnected. So its page does not open the room again. Lost memory or a killed server
/// does not change that.
#[test]
fn an_away_peer_is_told_that_the_room_closed_when_it_reconnects() {
    for interruption in [
        |_: &mut RoomServer| {},
        |server: &mut RoomServer| {
            server.lose_memory();
        },
        |server: &mut RoomServer| {
            server.kill();
        },
    ] {
        let (mut server, [there, away]) = server_of();
        for peer in [&there, &away] {
            peer.join(&mut server, "x");
        }
        away.call(&mut server, json!(["join", "alias"]));
        away.heard(&mut server);
        away.vanish(&mut server);
        there.emit(
            &mut server,
            json!(["chat-message", "not to be heard any more"]),
        );
        let closed = post(&mut server, "close", json!({ "reason": "over" }));
        assert_eq!(closed, (200, json!({ "ok": true, "closed": 2 })));
        server.take();
        interruption(&mut server);
        let room = server.operate("", "", "").1;
        assert_eq!(json!([room["peers"], room["sockets"]]), json!([[], 0]));
        let told = come_back(&mut server, &away);
        let [.., closed, welcome, disconnected] = &told[..] else {
            panic!("not told: {told:?}");
        };
        assert!(
            closed.starts_with(r#"42["room:closed",{"reason":"over"}"#),
            "{told:?}"
        );
        assert!(welcome.contains(&away.id), "{told:?}");
        assert_eq!(disconnected, "41");
        assert!(
            !told.iter().any(|event| event.contains("chat-message")),
            "{told:?}"
        );
        server.until(server.now() + 30_000);
        assert_eq!(
            server.platform.stored().len(),
            0,
            "nothing is left of the room"
        );
        assert!(
            !away.reconnect(&mut server).recovered,
            "the peer is told once"
        );
    }
}

/// The same for a polling client.
#[test]
fn a_polling_client_is_told_when_it_reconnects() {
    let mut server = server();
    let peer = Peer::connect_polling(&mut server);
    peer.join(&mut server, "x");
    peer.vanish(&mut server);
    while server.operate("", "", "").1["peers"][0]["away"] == false {
        server.until(server.now() + 1_000);
    }
    assert_eq!(server.operate("", "", "").1["peers"][0]["away"], true);
    post(&mut server, "close", json!({}));
    let sid = server.open_polling();
    server.send(&sid, &peer.connect_packet());
    let poll = server.poll(&sid);
    let Some(Done::Responded(_, 200, _, body)) = server.take_for(poll).pop() else {
        panic!("no answer");
    };
    let packets: Vec<&str> = body.split('\x1e').collect();
    assert!(
        packets
            .iter()
            .any(|packet| packet.starts_with("42[\"room:closed\",{\"reason\":null}")),
        "{packets:?}"
    );
    assert_eq!(packets.last(), Some(&"41"));
}

/// A client that does not return to a closed room is forgotten when it expires. Then the room's storage is
/// deleted.
#[test]
fn a_closed_room_is_deleted_even_if_a_client_does_not_return() {
    let (mut server, [there, away]) = server_of();
    there.join(&mut server, "x");
    away.vanish(&mut server);
    let gone = server.now();
    post(&mut server, "close", json!({}));
    server.until(gone + 15_000).lose_memory();
    assert!(!server.platform.stored().is_empty());
    server.until(gone + 60_000);
    assert!(server.platform.stored().is_empty());
    assert_eq!(server.core.deadline(), None);
}

/// A room that is used again is stored as long as any other.
#[test]
fn a_room_used_again_after_a_close_keeps_its_chat() {
    let (mut server, [away]) = server_of();
    away.vanish(&mut server);
    post(&mut server, "close", json!({}));
    let next = Peer::connect(&mut server);
    next.join(&mut server, "Next");
    next.call(&mut server, json!(["chat-message", "kept"]));
    assert!(
        !server.operate("", "", "").1["peers"]
            .to_string()
            .contains(&away.id)
    );
    next.vanish_for_good(&mut server);
    server.until(server.now() + 3_600_000);
    let later = Peer::connect(&mut server);
    assert_eq!(
        later.join(&mut server, "Later")["history"][0]["message"],
        "kept"
    );
}

#[test]
fn an_operator_kicks_a_peer_and_lifts_its_ban() {
    let mut server = server();
    let host = Peer::connect(&mut server);
    "198.51.100.7".clone_into(&mut server.address);
    let guest = Peer::connect(&mut server);
    for peer in [&host, &guest] {
        peer.join(&mut server, "x");
    }
    guest.call(&mut server, json!(["join", "bob"]));
    assert_eq!(
        server.operate("bans", "", ""),
        (200, json!({ "ok": true, "bans": [] }))
    );
    host.heard(&mut server);
    assert_eq!(post(&mut server, "kick", json!({ "id": "bob" })), done());
    assert!(closes(&mut server, &guest));
    let left = json!(["peer:left", { "id": guest.id, "reason": "kicked" }]);
    assert!(host.heard(&mut server).contains(&left));
    let until = server.now() + 600_000;
    let ban = json!({ "id": guest.id, "until": until, "shared": false });
    server.kill();
    let (_, bans) = server.operate("bans", "", "");
    assert_eq!(bans["bans"], json!([ban]));
    assert!(
        !bans.to_string().contains("198.51.100.7"),
        "no address is shown"
    );
    let c = server.open_websocket();
    server.text(c, "40");
    assert!(server.sent_to(c)[0].contains("kicked"));
    assert_eq!(
        code(&post(&mut server, "unban", json!({ "id": host.id }))),
        (404, "unknown-peer")
    );
    assert_eq!(
        code(&post(&mut server, "unban", json!({ "id": "" }))),
        (404, "unknown-peer")
    );
    assert_eq!(
        code(&post(&mut server, "unban", json!({}))),
        (400, "bad-payload")
    );
    let lifted = (200, json!({ "ok": true, "lifted": 1 }));
    assert_eq!(
        post(&mut server, "unban", json!({ "id": guest.id })),
        lifted
    );
    assert_eq!(server.operate("bans", "", "").1["bans"], json!([]));
    Peer::connect(&mut server).join(&mut server, "back");
}

/// The subject and the reference of a token are shown as operators gave them. A kick makes one ban for the
/// subject and one for the address.
#[test]
fn token_subjects_are_shown() {
    let mut server = server_with_tokens(false, high_rates());
    let plain = Peer::connect(&mut server);
    plain.join(&mut server, "Plain");
    let claims = json!({ "room": "room", "exp": 9_000_000_000_u64, "sub": "user-7", "ref": "r-1" });
    "198.51.100.7".clone_into(&mut server.address);
    let known = Peer::connect_with(&mut server, &json!({ "token": token(claims) }));
    known.join(&mut server, "Known");
    let peers = &server.operate("", "", "").1["peers"];
    assert_eq!(
        json!([peers[0]["sub"], peers[1]["sub"], peers[1]["ref"]]),
        json!([null, "user-7", "r-1"])
    );
    post(&mut server, "kick", json!({ "id": known.id }));
    let bans = server.operate("bans", "", "").1["bans"].clone();
    assert_eq!(bans.as_array().map(Vec::len), Some(2));
    assert_eq!(
        json!([bans[0]["sub"], bans[1]["sub"]]),
        json!(["user-7", null])
    );
    let lifted = post(&mut server, "unban", json!({ "id": known.id }));
    assert_eq!(lifted, (200, json!({ "ok": true, "lifted": 2 })));
}

#[test]
fn lock_password_host_and_chat_are_set() {
    let (mut server, [a, b]) = server_of();
    for peer in [&a, &b] {
        peer.join(&mut server, "x");
    }
    a.call(&mut server, json!(["chat-message", "secret"]));
    for peer in [&a, &b] {
        peer.heard(&mut server);
    }
    for (action, body, told) in [
        ("lock", json!({ "on": true }), json!({ "locked": true })),
        ("lock", json!({ "on": false }), json!({ "locked": false })),
        (
            "password",
            json!({ "password": "sesame" }),
            json!({ "password": true }),
        ),
        (
            "password",
            json!({ "password": null }),
            json!({ "password": false }),
        ),
        ("host", json!({ "id": b.id }), json!({ "host": b.id })),
    ] {
        assert_eq!(post(&mut server, action, body), done(), "{action}");
        for peer in [&a, &b] {
            assert_eq!(
                peer.heard(&mut server),
                [json!(["room:state", told])],
                "{action}"
            );
        }
    }
    assert_eq!(server.operate("clear", "", ""), done());
    assert!(a.heard_one(&mut server)[1]["cleared"].is_u64());
    assert_eq!(
        a.call(&mut server, json!(["chat:history"]))["messages"],
        json!([])
    );
    assert_eq!(
        a.refusal(&mut server, &json!(["host:lock", { "on": true }])),
        "forbidden"
    );
}

#[test]
fn waiting_clients_are_listed_and_admitted_or_refused() {
    let (mut server, [host, first, second]) = server_of();
    host.join(&mut server, "Host");
    post(&mut server, "lock", json!({ "on": true }));
    for (peer, name) in [(&first, "First"), (&second, "Second")] {
        server.skip_to(server.now() + 10);
        assert_eq!(
            peer.refusal(&mut server, &json!(["room:join", { "name": name }])),
            "waiting"
        );
    }
    let (status, waiting) = server.operate("waiting", "", "");
    let expected = json!([
        { "id": first.id, "name": "First", "since": 10 },
        { "id": second.id, "name": "Second", "since": 20 },
    ]);
    assert_eq!((status, &waiting["waiting"]), (200, &expected));
    assert_eq!(
        post(&mut server, "admit", json!({ "id": first.id })),
        done()
    );
    assert_eq!(
        post(&mut server, "deny", json!({ "id": second.id })),
        done()
    );
    assert_eq!(first.heard_one(&mut server)[0], "room:admitted");
    assert_eq!(second.heard_one(&mut server)[1]["code"], "denied");
    assert_eq!(server.operate("waiting", "", "").1["waiting"], json!([]));
    for action in ["admit", "deny"] {
        let again = post(&mut server, action, json!({ "id": first.id }));
        assert_eq!(code(&again), (404, "unknown-peer"), "{action}");
    }
}

#[test]
fn malformed_requests_and_unknown_ids_are_refused() {
    let (mut server, [a]) = server_of();
    a.join(&mut server, "x");
    a.heard(&mut server);
    for (action, body) in [
        ("kick", json!({})),
        ("kick", json!({ "id": 7 })),
        ("kick", json!({ "id": null })),
        ("kick", json!({ "id": a.id, "why": "x" })),
        ("host", json!({ "ID": a.id })),
        ("lock", json!({})),
        ("lock", json!({ "on": "true" })),
        ("lock", json!({ "on": null })),
        ("lock", json!({ "off": true })),
        ("password", json!({})),
        ("password", json!({ "password": "" })),
        ("password", json!({ "password": "x".repeat(129) })),
        ("clear", json!({ "id": a.id })),
    ] {
        let shown = format!("{action} {body}");
        assert_eq!(
            code(&post(&mut server, action, body)),
            (400, "bad-payload"),
            "{shown}"
        );
    }
    for action in ["kick", "host", "admit", "deny"] {
        let unknown = post(&mut server, action, json!({ "id": "nobody" }));
        assert_eq!(code(&unknown), (404, "unknown-peer"), "{action}");
    }
    assert!(a.heard(&mut server).is_empty());
}
