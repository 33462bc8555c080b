//! What operators do in the host's place, and clients that are away when a room is closed.

use serde_json::{Value, json};
use signalbox::io::Core;

use crate::peer::{Hall, Peer, hall, hall_of, unhurried};
use crate::room_operator::come_back;
use crate::room_token::{hall_with_tokens, token};
use crate::support::Done;

const JSON: &str = "application/json";

#[expect(
    clippy::needless_pass_by_value,
    reason = "callers write a body in place"
)]
fn post(hall: &mut Hall, action: &str, body: Value) -> (u16, Value) {
    hall.operate(action, JSON, body.to_string())
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

fn closes(hall: &mut Hall, peer: &Peer) -> bool {
    let done = hall.take_of(peer.connection());
    matches!(done.last(), Some(Done::Closed(..)))
}

/// A peer that is away when the room closes recovers, is told so, and is disconnected: its page
/// does not open the room again. Lost memory or a killed server does not change that.
#[test]
fn an_away_peer_is_told_that_the_room_closed_when_it_reconnects() {
    for interruption in [
        |_: &mut Hall| {},
        |hall: &mut Hall| {
            hall.lose_memory();
        },
        |hall: &mut Hall| {
            hall.kill();
        },
    ] {
        let (mut hall, [there, away]) = hall_of();
        for peer in [&there, &away] {
            peer.join(&mut hall, "x");
        }
        away.call(&mut hall, json!(["join", "alias"]));
        away.heard(&mut hall);
        away.vanish(&mut hall);
        there.emit(
            &mut hall,
            json!(["chat-message", "not to be heard any more"]),
        );
        let closed = post(&mut hall, "close", json!({ "reason": "over" }));
        assert_eq!(closed, (200, json!({ "ok": true, "closed": 2 })));
        hall.take();
        interruption(&mut hall);
        let room = hall.operate("", "", "").1;
        assert_eq!(json!([room["peers"], room["sockets"]]), json!([[], 0]));
        let told = come_back(&mut hall, &away);
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
        hall.until(hall.now() + 30_000);
        assert_eq!(
            hall.platform.stored().len(),
            0,
            "nothing is left of the room"
        );
        assert!(!away.reconnect(&mut hall).recovered, "it is told once");
    }
}

/// The same for a polling client.
#[test]
fn a_polling_client_is_told_when_it_reconnects() {
    let mut hall = hall();
    let peer = Peer::connect_polling(&mut hall);
    peer.join(&mut hall, "x");
    peer.vanish(&mut hall);
    while hall.operate("", "", "").1["peers"][0]["away"] == false {
        hall.until(hall.now() + 1_000);
    }
    assert_eq!(hall.operate("", "", "").1["peers"][0]["away"], true);
    post(&mut hall, "close", json!({}));
    let sid = hall.open_polling();
    hall.send(&sid, &peer.connect_packet());
    let poll = hall.poll(&sid);
    let Some(Done::Responded(_, 200, _, body)) = hall.take_of(poll).pop() else {
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

/// A client that does not return is forgotten when it expires, and its storage is deleted.
#[test]
fn a_closed_room_is_deleted_when_all_clients_have_been_told() {
    let (mut hall, [there, away]) = hall_of();
    there.join(&mut hall, "x");
    away.vanish(&mut hall);
    let gone = hall.now();
    post(&mut hall, "close", json!({}));
    hall.until(gone + 15_000).lose_memory();
    assert!(!hall.platform.stored().is_empty());
    hall.until(gone + 60_000);
    assert!(hall.platform.stored().is_empty());
    assert_eq!(hall.core.deadline(), None);
}

/// A room that is used again is stored as long as any other.
#[test]
fn a_room_used_again_after_a_close_keeps_its_chat() {
    let (mut hall, [away]) = hall_of();
    away.vanish(&mut hall);
    post(&mut hall, "close", json!({}));
    let next = Peer::connect(&mut hall);
    next.join(&mut hall, "Next");
    next.call(&mut hall, json!(["chat-message", "kept"]));
    assert!(
        !hall.operate("", "", "").1["peers"]
            .to_string()
            .contains(&away.id)
    );
    next.vanish_for_good(&mut hall);
    hall.until(hall.now() + 3_600_000);
    let later = Peer::connect(&mut hall);
    assert_eq!(
        later.join(&mut hall, "Later")["history"][0]["message"],
        "kept"
    );
}

#[test]
fn an_operator_kicks_a_peer_and_lifts_its_ban() {
    let mut hall = hall();
    let host = Peer::connect(&mut hall);
    "198.51.100.7".clone_into(&mut hall.address);
    let guest = Peer::connect(&mut hall);
    for peer in [&host, &guest] {
        peer.join(&mut hall, "x");
    }
    guest.call(&mut hall, json!(["join", "bob"]));
    assert_eq!(
        hall.operate("bans", "", ""),
        (200, json!({ "ok": true, "bans": [] }))
    );
    host.heard(&mut hall);
    assert_eq!(post(&mut hall, "kick", json!({ "id": "bob" })), done());
    assert!(closes(&mut hall, &guest));
    let left = json!(["peer:left", { "id": guest.id, "reason": "kicked" }]);
    assert!(host.heard(&mut hall).contains(&left));
    let until = hall.now() + 600_000;
    let ban = json!({ "id": guest.id, "until": until, "shared": false });
    hall.kill();
    let (_, bans) = hall.operate("bans", "", "");
    assert_eq!(bans["bans"], json!([ban]));
    assert!(
        !bans.to_string().contains("198.51.100.7"),
        "no address is told"
    );
    let c = hall.open_websocket();
    hall.text(c, "40");
    assert!(hall.sent_to(c)[0].contains("kicked"));
    assert_eq!(
        code(&post(&mut hall, "unban", json!({ "id": host.id }))),
        (404, "unknown-peer")
    );
    assert_eq!(
        code(&post(&mut hall, "unban", json!({ "id": "" }))),
        (404, "unknown-peer")
    );
    assert_eq!(
        code(&post(&mut hall, "unban", json!({}))),
        (400, "bad-payload")
    );
    let lifted = (200, json!({ "ok": true, "lifted": 1 }));
    assert_eq!(post(&mut hall, "unban", json!({ "id": guest.id })), lifted);
    assert_eq!(hall.operate("bans", "", "").1["bans"], json!([]));
    Peer::connect(&mut hall).join(&mut hall, "back");
}

/// The subject and the reference of a token are shown as operators gave them. A subject has a ban of its own.
#[test]
fn token_subjects_are_shown() {
    let mut hall = hall_with_tokens(false, unhurried());
    let plain = Peer::connect(&mut hall);
    plain.join(&mut hall, "Plain");
    let claims = json!({ "room": "room", "exp": 9_000_000_000_u64, "sub": "user-7", "ref": "r-1" });
    "198.51.100.7".clone_into(&mut hall.address);
    let known = Peer::connect_with(&mut hall, &json!({ "token": token(claims) }));
    known.join(&mut hall, "Known");
    let peers = &hall.operate("", "", "").1["peers"];
    assert_eq!(
        json!([peers[0]["sub"], peers[1]["sub"], peers[1]["ref"]]),
        json!([null, "user-7", "r-1"])
    );
    post(&mut hall, "kick", json!({ "id": known.id }));
    let bans = hall.operate("bans", "", "").1["bans"].clone();
    assert_eq!(bans.as_array().map(Vec::len), Some(2));
    assert_eq!(
        json!([bans[0]["sub"], bans[1]["sub"]]),
        json!(["user-7", null])
    );
    let lifted = post(&mut hall, "unban", json!({ "id": known.id }));
    assert_eq!(lifted, (200, json!({ "ok": true, "lifted": 2 })));
}

#[test]
fn lock_password_host_and_chat_are_set() {
    let (mut hall, [a, b]) = hall_of();
    for peer in [&a, &b] {
        peer.join(&mut hall, "x");
    }
    a.call(&mut hall, json!(["chat-message", "secret"]));
    for peer in [&a, &b] {
        peer.heard(&mut hall);
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
        assert_eq!(post(&mut hall, action, body), done(), "{action}");
        for peer in [&a, &b] {
            assert_eq!(
                peer.heard(&mut hall),
                [json!(["room:state", told])],
                "{action}"
            );
        }
    }
    assert_eq!(hall.operate("clear", "", ""), done());
    assert!(a.heard_one(&mut hall)[1]["cleared"].is_u64());
    assert_eq!(
        a.call(&mut hall, json!(["chat:history"]))["messages"],
        json!([])
    );
    assert_eq!(
        a.refusal(&mut hall, &json!(["host:lock", { "on": true }])),
        "forbidden"
    );
}

#[test]
fn waiting_clients_are_listed_and_admitted_or_refused() {
    let (mut hall, [host, first, second]) = hall_of();
    host.join(&mut hall, "Host");
    post(&mut hall, "lock", json!({ "on": true }));
    for (peer, name) in [(&first, "First"), (&second, "Second")] {
        hall.late(hall.now() + 10);
        assert_eq!(
            peer.refusal(&mut hall, &json!(["room:join", { "name": name }])),
            "waiting"
        );
    }
    let (status, waiting) = hall.operate("waiting", "", "");
    let expected = json!([
        { "id": first.id, "name": "First", "since": 10 },
        { "id": second.id, "name": "Second", "since": 20 },
    ]);
    assert_eq!((status, &waiting["waiting"]), (200, &expected));
    assert_eq!(post(&mut hall, "admit", json!({ "id": first.id })), done());
    assert_eq!(post(&mut hall, "deny", json!({ "id": second.id })), done());
    assert_eq!(first.heard_one(&mut hall)[0], "room:admitted");
    assert_eq!(second.heard_one(&mut hall)[1]["code"], "denied");
    assert_eq!(hall.operate("waiting", "", "").1["waiting"], json!([]));
    for action in ["admit", "deny"] {
        let again = post(&mut hall, action, json!({ "id": first.id }));
        assert_eq!(code(&again), (404, "unknown-peer"), "{action}");
    }
}

#[test]
fn requests_that_a_host_could_not_make_are_refused() {
    let (mut hall, [a]) = hall_of();
    a.join(&mut hall, "x");
    a.heard(&mut hall);
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
            code(&post(&mut hall, action, body)),
            (400, "bad-payload"),
            "{shown}"
        );
    }
    for action in ["kick", "host", "admit", "deny"] {
        let unknown = post(&mut hall, action, json!({ "id": "nobody" }));
        assert_eq!(code(&unknown), (404, "unknown-peer"), "{action}");
    }
    assert!(a.heard(&mut hall).is_empty());
}
