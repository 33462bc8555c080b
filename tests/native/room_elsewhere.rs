//! An event that names another room is refused, with the URL of that room.

use serde_json::{Value, json};

use crate::peer::{Peer, RoomServer, high_rates, server_of, server_with};
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
fn refused(server: &mut RoomServer, peer: &Peer, event: &Value, room: &str) {
    let reply = peer.call(server, event);
    assert_eq!(reply["error"]["code"], "unsupported", "{event}");
    let message = reply["error"]["message"].as_str().unwrap();
    assert!(
        message.contains(&format!("/r/{room}/socket.io/")),
        "{message}"
    );
    assert!(message.len() < 400, "{message}");
}

/// A signal that names another room is refused in every form.
#[test]
fn a_signal_for_another_room() {
    let (mut server, [a, b]) = server_of();
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
                refused(&mut server, &a, &json!([event, object]), url);
                refused(&mut server, &a, &json!([event, b.id, object]), url);
                refused(&mut server, &a, &json!([event, offer, object]), url);
                refused(&mut server, &a, &json!([event, "room", object]), url);
            }
        }
        let mut payload = offer.clone();
        payload[name] = json!("other");
        for signal in [
            json!(["offer", { "offer": payload, "remotePeerId": b.id }]),
            json!(["offer", { "offer": payload }]),
        ] {
            refused(&mut server, &a, &signal, "other");
        }
        let opaque = json!(["signal", { "to": b.id, "data": { name: "other" } }]);
        assert_eq!(
            a.call(&mut server, &opaque)["ok"],
            true,
            "data is the application's"
        );
        assert_eq!(b.signals(&mut server, &a).len(), 1);
    }
    for event in [
        json!(["offer", offer, "other"]),
        json!(["candidate", null, "other"]),
        json!(["offer", { "to": b.id, "offer": offer }, "other"]),
        json!(["offer", "room", offer, "other"]),
    ] {
        refused(&mut server, &a, &event, "other");
    }
    refused(&mut server, &a, &json!(["offer", offer, 7]), "7");
    assert!(b.heard(&mut server).is_empty());
}

/// A text that cannot be a room's name is refused, and not repeated in the message.
#[test]
fn an_invalid_room_name_is_refused() {
    let (mut server, [a, b]) = server_of();
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
        refused(&mut server, &a, &signal, "<room>");
        if stated.is_string() {
            refused(
                &mut server,
                &a,
                &json!(["offer", description("offer"), stated]),
                "<room>",
            );
        }
    }
    a.emit(&mut server, r#"["signal",{"data":1,"room":"\ud800"}]"#);
    assert_eq!(a.heard_one(&mut server)[1]["code"], "unsupported");
    assert!(b.heard(&mut server).is_empty());
}

/// Two pairs of clients are in one room, but name two other rooms: their offers are refused, so the
/// pairs do not reach each other.
#[test]
fn pairs_that_name_different_rooms_do_not_reach_each_other() {
    let (mut server, [a, b, c, d]) = server_of();
    for (peer, room) in [(&a, "a"), (&b, "a"), (&c, "b"), (&d, "b")] {
        let offer = json!(["offer", { "roomId": room, "offer": description("offer") }]);
        refused(&mut server, peer, &offer, room);
    }
    for peer in [&a, &b, &c, &d] {
        assert!(peer.heard(&mut server).is_empty());
    }
}

/// Naming this room changes nothing.
#[test]
fn naming_this_room_has_no_effect() {
    for name in ROOMS {
        let (mut server, [a, b, c]) = server_of();
        for stated in [json!("room"), json!(null)] {
            let signal = json!({ "data": 1, name: stated });
            a.emit(&mut server, json!(["signal", signal]));
            let mut expected = signal;
            expected["from"] = json!(a.id);
            for peer in [&b, &c] {
                assert_eq!(peer.signals(&mut server, &a), [json!(["signal", expected])]);
            }
            let chat = json!(["chat-message", { "message": "hi", name: stated }]);
            assert_eq!(a.call(&mut server, chat)["ok"], true);
            let joined = a.call(
                &mut server,
                json!(["room:join", { "name": "Ann", name: stated }]),
            );
            assert_eq!(joined["self"]["name"], "Ann");
            for peer in [&a, &b, &c] {
                peer.heard(&mut server);
            }
        }
    }
}

/// Where a text may name the room or a peer, it names the room, even if a peer has this alias.
#[test]
fn the_room_takes_precedence_over_an_alias() {
    let (mut server, [a, b, c]) = server_of();
    b.call(&mut server, json!(["join", "room"]));
    b.heard(&mut server);
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
        a.emit(&mut server, &signal);
        let got = [&b, &c].map(|peer| !peer.heard(&mut server).is_empty());
        assert_eq!(got, heard, "{signal}");
    }
}

/// Chat, joining and all other events with an object that names another room are refused.
#[test]
fn other_events_for_another_room() {
    let (mut server, [a, b]) = server_of();
    b.join(&mut server, "b");
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
            refused(&mut server, &a, &json!([event, object]), "other");
        }
    }
    assert!(b.heard(&mut server).is_empty());
    let joined = a.join(&mut server, "a");
    assert_eq!(joined["history"], json!([]));
    assert_eq!(joined["self"]["n"], 2);
    let opaque = json!(["chat-message", { "message": "x", "enc": { "room": "other" } }]);
    assert_eq!(a.call(&mut server, opaque)["ok"], true);
}

/// A socket outside a locked room is first told that the room is locked.
#[test]
fn outsiders_get_the_locked_error_first() {
    let mut server = server_with(Config {
        limits: high_rates(),
        ..Config::default()
    });
    let [host, stranger] = std::array::from_fn(|_| Peer::connect(&mut server));
    host.join(&mut server, "host");
    host.call(&mut server, json!(["host:lock", { "on": true }]));
    for event in ["offer", "chat-message"] {
        let event = json!([event, { "message": "x", "offer": 1, "room": "other" }]);
        assert_eq!(stranger.refusal(&mut server, &event), "room-locked");
    }
    refused(
        &mut server,
        &stranger,
        &json!(["room:join", { "room": "other" }]),
        "other",
    );
    assert!(
        host.heard(&mut server)
            .iter()
            .all(|event| event[0] != "host:knock")
    );
}
