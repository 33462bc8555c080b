//! Which peer gets a signal: the many field names of targets, and values under other names.

use serde_json::json;

use crate::peer::{Peer, RoomServer, server_of};
use crate::room_shapes::{candidate, description};

/// Field names that state a target.
const TARGETS: [&str; 55] = [
    "to",
    "toId",
    "toUser",
    "toUserId",
    "toPeer",
    "toSocketId",
    "to_user_id",
    "target",
    "targetId",
    "targetID",
    "targetUser",
    "targetSocket",
    "targetSocketId",
    "target_id",
    "receiver",
    "receiverId",
    "receiverID",
    "receiverSocketId",
    "recipient",
    "recipientId",
    "callee",
    "calleeId",
    "calleeID",
    "calleeSocketId",
    "dest",
    "destId",
    "destination",
    "destinationId",
    "remote",
    "remoteId",
    "remoteSocketId",
    "remoteSocketID",
    "remote_peer_id",
    "otherUser",
    "otherUserId",
    "otherPeerId",
    "userToCall",
    "userToSignal",
    "usertocall",
    "peer",
    "peerId",
    "peerID",
    "peer_id",
    "userId",
    "userID",
    "user_id",
    "socketId",
    "socketID",
    "socket_id",
    "clientId",
    "id",
    "remotePeerId",
    "remoteUserId",
    "targetPeerId",
    "targetUserId",
];

/// Field names without a meaning: the value decides whether it is a target.
const UNKNOWN: [&str; 7] = [
    "other",
    "buddy",
    "name",
    "username",
    "whom",
    "t",
    "connectedUser",
];

/// Which of these peers received something.
fn receivers_among<const N: usize>(server: &mut RoomServer, peers: [&Peer; N]) -> [bool; N] {
    peers.map(|peer| !peer.heard(server).is_empty())
}

/// Each known name, with an id and with an alias. Only the target gets the signal; an unknown value
/// is refused.
#[test]
fn each_target_field_is_understood() {
    let (mut server, [a, b, c]) = server_of();
    b.emit(&mut server, json!(["join", "bob"]));
    b.heard(&mut server);
    let nobody = crate::support::id(999);
    for name in TARGETS {
        for target in [b.id.as_str(), "bob"] {
            let signal = json!({ "description": description("offer"), name: target });
            let mut expected = signal.clone();
            expected["from"] = json!(a.id);
            a.emit(&mut server, json!(["offer", signal]));
            let heard = b.signals(&mut server, &a);
            assert_eq!(heard, [json!(["offer", expected])], "{name}");
        }
        for target in ["nobody", "", &nobody] {
            for payload in ["offer", "description", "data"] {
                let signal = json!(["offer", { payload: description("offer"), name: target }]);
                assert_eq!(a.refusal(&mut server, &signal), "unknown-peer", "{name}");
            }
        }
        for target in [json!([b.id]), json!({ "id": b.id }), json!(1.5)] {
            let signal = json!(["signal", { "data": 1, name: target }]);
            assert_eq!(a.refusal(&mut server, &signal), "bad-payload", "{name}");
        }
        for target in [json!(null), json!(true), json!(false)] {
            let signal = json!(["signal", { "data": 1, name: target }]);
            a.emit(&mut server, &signal);
            assert_eq!(
                receivers_among(&mut server, [&b, &c]),
                [true, true],
                "{name}"
            );
        }
        assert!(c.heard(&mut server).is_empty(), "{name}");
    }
}

/// Of several known names one decides, wherever it is in the object.
#[test]
fn the_order_of_known_names() {
    let (mut server, [a, b, c]) = server_of();
    for (first, second) in [
        ("remotePeerId", "to"),
        ("to", "target"),
        ("toSocketId", "targetId"),
        ("target", "receiver"),
        ("callee", "peerId"),
        ("userToCall", "userId"),
        ("peerId", "userId"),
        ("userId", "socketId"),
        ("socketId", "id"),
    ] {
        for (to, expected) in [(&b.id, Ok(())), (&"nobody".to_owned(), Err("unknown-peer"))] {
            for signal in [
                format!(
                    r#"["signal",{{"data":1,"{first}":"{to}","{second}":"{}"}}]"#,
                    c.id
                ),
                format!(
                    r#"["signal",{{"data":1,"{second}":"{}","{first}":"{to}"}}]"#,
                    c.id
                ),
            ] {
                let reply = a.call(&mut server, &signal);
                let code = reply["error"]["code"].as_str();
                assert_eq!(code.map_or(Ok(()), Err), expected, "{signal}");
                let heard = receivers_among(&mut server, [&b, &c]);
                assert_eq!(heard, [expected.is_ok(), false], "{signal}");
            }
        }
    }
}

/// A name such as `userId` may state the sender. Then it is not a target.
#[test]
fn the_sender_is_not_a_target() {
    let (mut server, [a, b, c]) = server_of();
    a.emit(&mut server, json!(["join", "ann"]));
    a.heard(&mut server);
    for own in [a.id.as_str(), "ann"] {
        for name in [
            "peerId", "userId", "socketId", "id", "peer", "user", "me", "x",
        ] {
            a.emit(&mut server, json!(["signal", { "data": 1, name: own }]));
            assert_eq!(
                receivers_among(&mut server, [&a, &b, &c]),
                [false, true, true],
                "{name}"
            );
            let both = json!(["signal", { name: own, "data": 1, "socketId": c.id }]);
            if name != "socketId" {
                a.emit(&mut server, both);
                assert_eq!(
                    receivers_among(&mut server, [&a, &b, &c]),
                    [false, false, true],
                    "{name}"
                );
            }
        }
        a.emit(&mut server, json!(["signal", { "data": 1, "to": own }]));
        assert_eq!(
            receivers_among(&mut server, [&a, &b, &c]),
            [true, false, false]
        );
        a.emit(&mut server, json!(["offer", description("offer"), own]));
        assert_eq!(
            receivers_among(&mut server, [&a, &b, &c]),
            [false, true, true]
        );
    }
}

/// A field with an unknown name states the target if its value is the id or alias of another socket.
#[test]
fn unknown_fields_are_decided_by_their_value() {
    let (mut server, [a, b, c]) = server_of();
    b.emit(&mut server, json!(["join", "7"]));
    b.heard(&mut server);
    for name in UNKNOWN {
        for target in [json!(b.id), json!("7"), json!(7)] {
            for (event, payload) in [
                ("offer", json!({ "offer": description("offer") })),
                ("offer", description("offer")),
                ("offer", json!({ "anything": 1.5 })),
                ("candidate", candidate()),
                ("signal", json!({ "data": 1 })),
            ] {
                let mut signal = payload;
                signal[name] = target.clone();
                a.emit(&mut server, json!([event, signal]));
                assert_eq!(
                    receivers_among(&mut server, [&b, &c]),
                    [true, false],
                    "{event} {signal}"
                );
                signal["to"] = json!(c.id);
                a.emit(&mut server, json!([event, signal]));
                assert_eq!(
                    receivers_among(&mut server, [&b, &c]),
                    [false, true],
                    "{event} {signal}"
                );
            }
        }
        for target in [
            json!("happy"),
            json!(null),
            json!(8),
            json!([b.id]),
            json!(7.5),
        ] {
            a.emit(&mut server, json!(["signal", { "data": 1, name: target }]));
            assert_eq!(
                receivers_among(&mut server, [&b, &c]),
                [true, true],
                "{target}"
            );
        }
    }
    let several = format!(r#"["signal",{{"y":"x","b":"{}","a":"{}"}}]"#, c.id, b.id);
    a.emit(&mut server, several);
    assert_eq!(
        receivers_among(&mut server, [&b, &c]),
        [false, true],
        "the first field decides"
    );
}

/// An answer or a candidate without a target goes to the sender's partner: the socket with which it last exchanged
/// an offer or answer. Every form of a target takes precedence over the partner.
#[test]
fn a_target_takes_precedence_over_the_partner() {
    let (mut server, [a, b, c]) = server_of();
    b.emit(&mut server, json!(["offer", a.id, description("offer")]));
    a.heard(&mut server);
    for answer in [
        json!(["candidate", { "candidate": candidate(), "buddy": c.id }]),
        json!(["candidate", candidate(), c.id]),
    ] {
        a.emit(&mut server, &answer);
        assert_eq!(
            receivers_among(&mut server, [&b, &c]),
            [false, true],
            "{answer}"
        );
    }
    a.emit(&mut server, json!(["candidate", candidate()]));
    assert_eq!(receivers_among(&mut server, [&b, &c]), [true, false]);
}

/// An alias that equals a signal's type, kind, sender or room is not its target.
#[test]
fn values_that_are_not_targets() {
    let values = [
        "offer", "v=0", "0", "1", "audio", "ufrag", "udp", "host", "x", "room", "c-1",
    ];
    for alias in values {
        let (mut server, [a, b, c]) = server_of();
        c.call(&mut server, json!(["join", alias]));
        c.heard(&mut server);
        for signal in [
            json!(["offer", { "type": "offer", "sdp": "v=0" }]),
            json!(["offer", { "type": "offer", "sdp": "x", "cid": "c-1" }]),
            json!(["candidate", {
                "candidate": "x", "sdpMid": "0", "sdpMLineIndex": 0, "usernameFragment": "ufrag",
            }]),
            json!(["candidate", { "type": "candidate", "label": 1, "id": "audio", "candidate": "x" }]),
            json!(["candidate", { "candidate": "x", "protocol": "udp", "component": 1, "kind": "audio" }]),
            json!(["signal", { "data": "x", "signal": "offer", "description": "v=0" }]),
            json!(["signal", { "data": 1, "from": "x", "caller": "audio", "senderId": 1 }]),
            json!(["signal", { "data": { "buddy": "x" }, "list": ["x"], "room": "room" }]),
        ] {
            a.emit(&mut server, &signal);
            assert_eq!(
                receivers_among(&mut server, [&b, &c]),
                [true, true],
                "{signal} {alias}"
            );
        }
        assert_eq!(b.call(&mut server, json!(["chat:history"]))["ok"], true);
    }
}

/// Arguments after a description may name a peer; the first of them may name the room instead.
#[test]
fn later_arguments_name_a_peer() {
    let (mut server, [a, b, c]) = server_of();
    b.emit(&mut server, json!(["join", "7"]));
    b.heard(&mut server);
    let offer = description("offer");
    for target in [json!(b.id), json!("7"), json!(7)] {
        for signal in [
            json!(["offer", offer, target]),
            json!(["offer", offer, "room", target]),
            json!(["offer", "room", offer, target]),
            json!(["offer", offer, null, { "x": 1 }, "Ann", target, c.id]),
            json!(["offer", offer, { "to": target }]),
            json!(["offer", offer, "room", { "buddy": target }]),
            json!(["offer", { "offer": offer }, target]),
        ] {
            a.emit(&mut server, &signal);
            assert_eq!(
                b.signals(&mut server, &a),
                [json!(["offer", offer])],
                "{signal}"
            );
            assert!(c.heard(&mut server).is_empty(), "{signal}");
        }
        let named = json!(["offer", { "to": c.id, "offer": offer }, target]);
        a.emit(&mut server, named);
        assert_eq!(
            receivers_among(&mut server, [&b, &c]),
            [false, true],
            "a field takes precedence"
        );
    }
    let nobody = crate::support::id(999);
    for signal in [
        json!(["offer", offer, nobody]),
        json!(["offer", offer, "room", nobody]),
        json!(["offer", offer, { "to": nobody }]),
    ] {
        assert_eq!(a.refusal(&mut server, &signal), "unknown-peer", "{signal}");
    }
    assert_eq!(receivers_among(&mut server, [&b, &c]), [false, false]);
}

/// A socket outside the room is never a target: its id and its alias are texts like any other.
#[test]
fn outsiders_are_not_targets() {
    let (mut server, [a, b, c, outsider]) = server_of();
    outsider.call(&mut server, json!(["join", "out"]));
    for peer in [&a, &b, &c] {
        peer.join(&mut server, "x");
    }
    a.emit(&mut server, json!(["host:lock", { "on": true }]));
    assert_eq!(
        outsider.refusal(&mut server, &json!(["join", "o"])),
        "room-locked"
    );
    for peer in [&a, &b, &c, &outsider] {
        peer.heard(&mut server);
    }
    let offer = description("offer");
    for name in [outsider.id.as_str(), "out"] {
        let broadcast = json!(["offer", { "offer": offer, "buddy": name }]);
        a.emit(&mut server, &broadcast);
        let all = [true, true, false];
        assert_eq!(
            receivers_among(&mut server, [&b, &c, &outsider]),
            all,
            "an outsider's name is a text like any other"
        );
        for signal in [
            json!(["offer", { "offer": offer, "to": name }]),
            json!(["offer", { "offer": offer, "peerId": name, "buddy": b.id }]),
            json!(["offer", name, offer]),
        ] {
            assert_eq!(a.refusal(&mut server, &signal), "unknown-peer", "{signal}");
        }
    }
    let last = |name: &str| json!(["offer", offer, name]);
    assert_eq!(a.refusal(&mut server, &last(&outsider.id)), "unknown-peer");
    assert_eq!(
        a.refusal(&mut server, &last("out")),
        a.refusal(&mut server, &last("nobody"))
    );
    assert_eq!(
        receivers_among(&mut server, [&b, &c, &outsider]),
        [false; 3]
    );
}
