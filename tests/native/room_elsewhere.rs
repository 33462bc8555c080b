//! An event that names another room is refused, with the URL of that room.

use serde_json::{Value, json};

use crate::peer::{Hall, Peer, hall_of, hall_with, unhurried};
use crate::room_shapes::{candidate, description};
use signalbox::room::Config;

/// Field names that state a room.
const ROOMS: [&str; 16] = [
    "room",
    "roomId",
    "roomID",
    "room_id",
    "room-id",
    "ROOM",
    "roomName",
    "roomname",
    "room_name",
    "roomCode",
    "roomKey",
    "roomNumber",
    "meeting",
    "meetingId",
    "meetingID",
    "meeting_code",
];

/// Asserts that an event is refused with the URL to use.
fn refused(hall: &mut Hall, peer: &Peer, event: &Value, room: &str) {
    let reply = peer.call(hall, event);
    assert_eq!(reply["error"]["code"], "unsupported", "{event}");
    let message = reply["error"]["message"].as_str().unwrap();
    assert!(
        message.contains(&format!("/r/{room}/socket.io/")),
        "{message}"
    );
    assert!(message.len() < 400, "{message}");
}

/// The same in every form of a signal.
#[test]
fn a_signal_for_another_room() {
    let (mut hall, [a, b]) = hall_of();
    let offer = description("offer");
    for name in ROOMS {
        for (event, carried) in [
            ("offer", json!({ "offer": offer })),
            ("offer", offer.clone()),
            ("offer", json!({ "to": b.id, "description": offer })),
            ("offer", json!({ "remotePeerId": b.id, "offer": offer })),
            ("answer", json!({ "buddy": b.id, "sdp": "" })),
            ("candidate", candidate()),
            ("ice", json!({ "candidate": null })),
            ("signal", json!({ "data": 1 })),
        ] {
            for (stated, url) in [
                (json!("other"), "other"),
                (json!(7), "7"),
                (json!("会议室"), "会议室"),
            ] {
                let mut object = carried.clone();
                object[name] = stated;
                refused(&mut hall, &a, &json!([event, object]), url);
                refused(&mut hall, &a, &json!([event, b.id, object]), url);
                refused(&mut hall, &a, &json!([event, offer, object]), url);
                refused(&mut hall, &a, &json!([event, "room", object]), url);
            }
        }
        let mut payload = offer.clone();
        payload[name] = json!("other");
        for signal in [
            json!(["offer", { "offer": payload, "remotePeerId": b.id }]),
            json!(["offer", { "offer": payload }]),
        ] {
            refused(&mut hall, &a, &signal, "other");
        }
        let opaque = json!(["signal", { "to": b.id, "data": { name: "other" } }]);
        assert_eq!(
            a.call(&mut hall, &opaque)["ok"],
            true,
            "data is the application's"
        );
        assert_eq!(b.signals(&mut hall, &a).len(), 1);
    }
    for event in [
        json!(["offer", offer, "other"]),
        json!(["candidate", null, "other"]),
        json!(["offer", { "to": b.id, "offer": offer }, "other"]),
        json!(["offer", "room", offer, "other"]),
    ] {
        refused(&mut hall, &a, &event, "other");
    }
    refused(&mut hall, &a, &json!(["offer", offer, 7]), "7");
    assert!(b.heard(&mut hall).is_empty());
}

/// A text that cannot be a room's name is refused, and not repeated in the message.
#[test]
fn an_invalid_room_name_is_refused() {
    let (mut hall, [a, b]) = hall_of();
    let long = "x".repeat(60_000);
    for stated in [
        json!(""),
        json!("a/b"),
        json!(".."),
        json!(long),
        json!({ "id": "room" }),
        json!(["room"]),
        json!(true),
        json!(1.5),
    ] {
        let signal = json!(["offer", { "room": stated, "offer": 1 }]);
        refused(&mut hall, &a, &signal, "<room>");
        if stated.is_string() {
            refused(
                &mut hall,
                &a,
                &json!(["offer", description("offer"), stated]),
                "<room>",
            );
        }
    }
    a.emit(&mut hall, r#"["signal",{"data":1,"room":"\ud800"}]"#);
    assert_eq!(a.heard_one(&mut hall)[1]["code"], "unsupported");
    assert!(b.heard(&mut hall).is_empty());
}

/// Two pairs that mean different rooms, but connect to one, do not reach each other.
#[test]
fn pairs_that_name_different_rooms_do_not_reach_each_other() {
    let (mut hall, [a, b, c, d]) = hall_of();
    for (peer, room) in [(&a, "a"), (&b, "a"), (&c, "b"), (&d, "b")] {
        let offer = json!(["offer", { "roomId": room, "offer": description("offer") }]);
        refused(&mut hall, peer, &offer, room);
    }
    for peer in [&a, &b, &c, &d] {
        assert!(peer.heard(&mut hall).is_empty());
    }
}

/// Naming this room changes nothing.
#[test]
fn naming_this_room_has_no_effect() {
    for name in ROOMS {
        let (mut hall, [a, b, c]) = hall_of();
        for stated in [json!("room"), json!(null)] {
            let signal = json!({ "data": 1, name: stated });
            a.emit(&mut hall, json!(["signal", signal]));
            let mut expected = signal;
            expected["from"] = json!(a.id);
            for peer in [&b, &c] {
                assert_eq!(peer.signals(&mut hall, &a), [json!(["signal", expected])]);
            }
            let chat = json!(["chat-message", { "message": "hi", name: stated }]);
            assert_eq!(a.call(&mut hall, chat)["ok"], true);
            let joined = a.call(
                &mut hall,
                json!(["room:join", { "name": "Ann", name: stated }]),
            );
            assert_eq!(joined["self"]["name"], "Ann");
            for peer in [&a, &b, &c] {
                peer.heard(&mut hall);
            }
        }
    }
}

/// A text that may be a room or a peer is the room, even if a peer has this alias.
#[test]
fn the_room_takes_precedence_over_an_alias() {
    let (mut hall, [a, b, c]) = hall_of();
    b.call(&mut hall, json!(["join", "room"]));
    b.heard(&mut hall);
    let offer = description("offer");
    for (signal, heard) in [
        (json!(["offer", "room", offer]), [true, true]),
        (json!(["offer", offer, "room"]), [true, true]),
        (
            json!(["offer", { "roomId": "room", "offer": offer }]),
            [true, true],
        ),
        (
            json!(["signal", { "buddy": "room", "data": 1 }]),
            [true, true],
        ),
        (
            json!(["offer", { "to": "room", "offer": offer }]),
            [true, false],
        ),
    ] {
        a.emit(&mut hall, &signal);
        let got = [&b, &c].map(|peer| !peer.heard(&mut hall).is_empty());
        assert_eq!(got, heard, "{signal}");
    }
}

/// Chat, joining and all other events with an object that names another room are refused.
#[test]
fn other_events_for_another_room() {
    let (mut hall, [a, b]) = hall_of();
    b.join(&mut hall, "b");
    for name in ROOMS {
        for (event, mut object) in [
            ("chat-message", json!({ "message": "hi" })),
            ("chat-message", json!({ "message": "hi", "to": b.id })),
            ("room:join", json!({ "name": "Ann" })),
            ("room:join", json!({})),
            ("join", json!({ "userId": "ann" })),
            ("peer:update", json!({ "hand": true })),
            ("chat:typing", json!({ "on": true })),
            ("chat:history", json!({})),
            ("room:leave", json!({})),
        ] {
            object[name] = json!("other");
            refused(&mut hall, &a, &json!([event, object]), "other");
        }
    }
    assert!(b.heard(&mut hall).is_empty());
    let joined = a.join(&mut hall, "a");
    assert_eq!(joined["history"], json!([]));
    assert_eq!(joined["self"]["n"], 2);
    let opaque = json!(["chat-message", { "message": "x", "enc": { "room": "other" } }]);
    assert_eq!(a.call(&mut hall, opaque)["ok"], true);
}

/// A socket outside a locked room is first told that the room is locked.
#[test]
fn outsiders_get_the_locked_error_first() {
    let mut hall = hall_with(Config {
        limits: unhurried(),
        ..Config::default()
    });
    let [host, stranger] = std::array::from_fn(|_| Peer::connect(&mut hall));
    host.join(&mut hall, "host");
    host.call(&mut hall, json!(["host:lock", { "on": true }]));
    for event in ["offer", "chat-message"] {
        let event = json!([event, { "message": "x", "offer": 1, "room": "other" }]);
        assert_eq!(stranger.refusal(&mut hall, &event), "room-locked");
    }
    refused(
        &mut hall,
        &stranger,
        &json!(["room:join", { "room": "other" }]),
        "other",
    );
    assert!(
        host.heard(&mut hall)
            .iter()
            .all(|event| event[0] != "host:knock")
    );
}
