//! The operators' requests to a room.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use signalbox::room::operator::Action;

use crate::peer::{Peer, RoomServer, server, server_of};
use crate::random::Random;

pub const JSON: &str = "application/json";

fn emit(server: &mut RoomServer, body: &Value) -> (u16, Value) {
    server.operate("emit", JSON, body.to_string())
}

fn delivered(count: usize) -> (u16, Value) {
    (200, json!({ "ok": true, "delivered": count }))
}

#[test]
fn known_and_unknown_actions_of_operators() {
    for (name, method) in [
        ("", Some("GET")),
        ("count", Some("GET")),
        ("waiting", Some("GET")),
        ("bans", Some("GET")),
        ("emit", Some("POST")),
        ("close", Some("POST")),
        ("unban", Some("POST")),
        ("kick", Some("POST")),
        ("admit", Some("POST")),
        ("deny", Some("POST")),
        ("host", Some("POST")),
        ("lock", Some("POST")),
        ("password", Some("POST")),
        ("clear", Some("POST")),
        ("Close", None),
        ("emit/", None),
        ("x", None),
    ] {
        assert_eq!(Action::named(name).map(Action::method), method, "{name:?}");
    }
    let (status, answer) = server().operate("x", JSON, "{}");
    assert_eq!((status, &answer["ok"]), (404, &json!(false)));
    assert_eq!(answer["error"]["code"], "unsupported");
}

/// The state has the peers and the limits, in the contract's terms, but no secret and no messages.
#[test]
fn a_room_is_shown_without_secrets() {
    let mut server = server();
    let empty = server.operate("", "", "").1;
    assert_eq!(empty["room"]["name"], "room");
    let of = |room: &Value| json!([room["host"], room["peers"], room["sockets"]]);
    assert_eq!(of(&empty), json!([null, [], 0]));
    let [a, b] = [
        Peer::connect(&mut server),
        Peer::connect_polling(&mut server),
    ];
    Peer::connect(&mut server);
    let joined = b.join(&mut server, "Bob");
    a.join(&mut server, "Ann");
    b.emit(
        &mut server,
        json!(["host:password", { "password": "sesame" }]),
    );
    b.emit(&mut server, json!(["host:lock", { "on": true }]));
    a.emit(&mut server, json!(["chat-message", "between us"]));
    let (status, room) = server.operate("", "", "");
    assert_eq!(status, 200);
    assert_eq!(
        room["room"],
        json!({ "name": "room", "locked": true, "password": true, "capacity": 8, "count": 2 })
    );
    assert_eq!(room["ok"], true);
    assert_eq!(room["host"], b.id);
    assert_eq!(room["sockets"], 3);
    assert_eq!(room["limits"], joined["limits"]);
    assert_eq!(room["peers"][0], joined["self"], "a peer as peers see it");
    assert_eq!(room["peers"][1]["name"], "Ann");
    let fields: Vec<_> = room.as_object().unwrap().keys().collect();
    assert_eq!(fields, ["host", "limits", "ok", "peers", "room", "sockets"]);
    a.vanish(&mut server);
    assert_eq!(server.operate("", "", "").1["peers"][1]["away"], true);
}

/// An event reaches all sockets inside, on any transport, joined or not.
#[test]
fn an_event_reaches_everyone_inside() {
    let mut server = server();
    let peers = [
        Peer::connect(&mut server),
        Peer::connect_polling(&mut server),
        Peer::connect(&mut server),
    ];
    peers[0].join(&mut server, "Host");
    peers[1].join(&mut server, "Guest");
    for peer in &peers {
        peer.heard(&mut server);
    }
    let body = r#" { "args" : [ 1, {"a" : [ "\u00e4\ud800" ]}, null ], "event":"news" } "#;
    assert_eq!(
        server.operate("emit", "application/json; charset=utf-8", body),
        delivered(3)
    );
    for peer in &peers {
        assert_eq!(
            peer.heard_raw(&mut server),
            [r#"["news",1,{"a" : [ "\u00e4\ud800" ]},null]"#],
            "as it was sent"
        );
    }
    peers[0].emit(&mut server, json!(["host:lock", { "on": true }]));
    let outside = [&peers[2], &Peer::connect(&mut server)];
    assert_eq!(emit(&mut server, &json!({ "event": "e" })), delivered(2));
    for peer in outside {
        assert!(peer.heard(&mut server).is_empty());
    }
    assert_eq!(peers[1].heard(&mut server).pop(), Some(json!(["e"])));
}

#[test]
fn an_event_reaches_its_only_receiver() {
    let (mut server, [a, b]) = server_of();
    b.call(&mut server, json!(["join", "bob"]));
    b.heard(&mut server);
    for to in [&b.id, "bob"] {
        let body = json!({ "event": "news", "args": ["x"], "to": to });
        assert_eq!(emit(&mut server, &body), delivered(1));
        assert_eq!(b.heard(&mut server), [json!(["news", "x"])]);
    }
    assert!(a.heard(&mut server).is_empty());
    let (status, answer) = emit(&mut server, &json!({ "event": "news", "to": "nobody" }));
    let told = json!([status, answer["ok"], answer["error"]["code"]]);
    assert_eq!(told, json!([404, false, "unknown-peer"]));
}

/// A media type is compared as a whole, without its parameters, ignoring case.
#[test]
fn content_types() {
    let mut server = server();
    for (kind, status) in [
        ("application/json", 200),
        ("Application/JSON", 200),
        ("APPLICATION/JSON; charset=utf-8", 200),
        (" application/json ;charset=UTF-8", 200),
        ("application/jsonfoo", 400),
        ("application/json-seq", 400),
        ("application/json, text/plain", 400),
        ("text/json", 400),
        ("application", 400),
    ] {
        let (answered, _) = server.operate("emit", kind, r#"{"event":"x"}"#);
        assert_eq!(answered, status, "{kind}");
    }
}

/// Clients would believe that an event of the contract comes from the room, so an operator cannot
/// send one.
#[test]
fn operators_cannot_send_events_of_the_contract() {
    let contract = include_str!("../../src/room/contract.rs");
    let names = contract.lines().filter_map(|line| {
        let (_, value) = line
            .trim()
            .strip_prefix("pub const ")?
            .split_once(" = \"")?;
        value.strip_suffix("\";")
    });
    let names: Vec<&str> = names.collect();
    assert!(names.len() > 30, "{names:?}");
    let (mut server, [a]) = server_of();
    for event in names.into_iter().chain(["room:anything", "peer:", "ice:x"]) {
        let (status, answer) = emit(&mut server, &json!({ "event": event }));
        assert_eq!(
            (status, &answer["error"]["code"]),
            (400, &json!("bad-payload")),
            "{event}"
        );
    }
    for event in ["roomy", "room", "offers", "announcement"] {
        assert_eq!(
            emit(&mut server, &json!({ "event": event })),
            delivered(1),
            "{event}"
        );
    }
    assert_eq!(a.heard(&mut server).len(), 4);
}

/// If a request of an operator has been answered, its event survives a kill of the server. A client that is away gets
/// the event when it reconnects.
#[test]
fn an_event_is_recovered() {
    let (mut server, [a, b]) = server_of();
    a.join(&mut server, "a");
    let polling = Peer::connect_polling(&mut server);
    for peer in [&a, &polling] {
        peer.vanish(&mut server);
    }
    b.heard(&mut server);
    assert_eq!(emit(&mut server, &json!({ "event": "one" })), delivered(3));
    server.lose_memory();
    assert_eq!(b.heard(&mut server), [json!(["one"])]);
    assert_eq!(emit(&mut server, &json!({ "event": "two" })), delivered(3));
    server.kill();
    for peer in [&a, &b, &polling] {
        let back = peer.reconnect(&mut server);
        assert!(back.recovered);
        let heard = back.heard(&mut server);
        let mut names: Vec<_> = heard.iter().map(|event| event[0].clone()).collect();
        names.retain(|name| name == "one" || name == "two");
        let missed = if peer.id == b.id {
            &["two"][..]
        } else {
            &["one", "two"]
        };
        assert_eq!(names, missed, "{heard:?}");
    }
}

#[test]
fn an_invalid_event_is_refused() {
    let (mut server, [a]) = server_of();
    let deep = format!(
        r#"{{"event":"x","args":[{}{}]}}"#,
        "[".repeat(64),
        "]".repeat(64)
    );
    for (kind, body) in [
        (JSON, ""),
        (JSON, "{}"),
        (JSON, "[]"),
        (JSON, "null"),
        (JSON, r#""event""#),
        (JSON, r#"{"event":"x""#),
        (JSON, r#"{"event":"x"} more"#),
        (JSON, r#"{"event":""}"#),
        (JSON, r#"{"event":7}"#),
        (JSON, r#"{"event":"\ud800"}"#),
        (JSON, r#"{"event":"connect"}"#),
        (JSON, r#"{"event":"connect_error"}"#),
        (JSON, r#"{"event":"disconnect"}"#),
        (JSON, r#"{"event":"disconnecting"}"#),
        (JSON, r#"{"event":"newListener"}"#),
        (JSON, r#"{"event":"removeListener"}"#),
        (JSON, r#"{"event":"x","args":{}}"#),
        (JSON, r#"{"event":"x","args":"y"}"#),
        (JSON, r#"{"event":"x","to":7}"#),
        (JSON, r#"{"event":"x","to":["y"]}"#),
        (JSON, r#"{"event":"x","to":null}"#),
        (JSON, r#"{"event":"x","args":null}"#),
        (JSON, r#"{"event":null}"#),
        (JSON, r#"{"event":"x","tos":"y"}"#),
        (JSON, r#"{"event":"x","To":"y"}"#),
        (JSON, r#"{"event":"x","":1}"#),
        (JSON, deep.as_str()),
        ("text/plain", r#"{"event":"x"}"#),
        ("", r#"{"event":"x"}"#),
        ("application/x-www-form-urlencoded", "event=x"),
    ] {
        let (status, answer) = server.operate("emit", kind, body);
        assert_eq!(status, 400, "{kind} {body}");
        assert_eq!(answer["ok"], false);
        assert_eq!(answer["error"]["code"], "bad-payload", "{kind} {body}");
    }
    for body in [
        r#"{"reason":7}"#,
        r#"{"reason":null}"#,
        r#"{"reasons":"x"}"#,
        "[]",
        "x",
    ] {
        assert_eq!(server.operate("close", JSON, body).0, 400, "{body}");
    }
    assert!(a.heard(&mut server).is_empty());
}

/// Every body gets an answer, and clients get only what they can read.
#[test]
fn a_damaged_body_gets_an_answer() {
    let (mut server, [a]) = server_of();
    let whole = json!({ "event": "news\u{7f}ä", "args": [1, { "a": [null, "\\"] }], "to": a.id });
    let whole = whole.to_string().into_bytes();
    let mut random = Random::new(1);
    let mut statuses = BTreeSet::new();
    for _ in 0..2000 {
        let mut body = whole.clone();
        for _ in 0..=random.next() % 3 {
            let place = usize::try_from(random.next()).unwrap() % body.len();
            body[place] = random.next().to_be_bytes()[0];
        }
        statuses.insert(server.operate("emit", JSON, body).0);
        a.heard(&mut server);
    }
    assert_eq!(statuses.into_iter().collect::<Vec<_>>(), [200, 400, 404]);
}
