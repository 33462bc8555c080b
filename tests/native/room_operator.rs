//! The operators' requests to a room.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use signalbox::room::operator::Action;

use crate::peer::{Hall, Peer, hall, hall_of};
use crate::random::Random;
use crate::support::Done;

const JSON: &str = "application/json";

fn emit(hall: &mut Hall, body: &Value) -> (u16, Value) {
    hall.operate("emit", JSON, body.to_string())
}

fn delivered(count: usize) -> (u16, Value) {
    (200, json!({ "ok": true, "delivered": count }))
}

/// The events of a client that recovers and is disconnected at once.
pub fn come_back(hall: &mut Hall, peer: &Peer) -> Vec<String> {
    let c = hall.open_websocket();
    hall.text(c, peer.connect_packet());
    let mut done = hall.take_of(c);
    assert_eq!(done.pop(), Some(Done::Closed(c, None)));
    let frames = done.into_iter().map(|done| match done {
        Done::Sent(_, frame) => frame,
        other => panic!("no text: {other:?}"),
    });
    frames.collect()
}

fn close(hall: &mut Hall) -> (u16, Value) {
    hall.operate("close", "", "")
}

#[test]
fn valid_requests_of_operators() {
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
    let (status, answer) = hall().operate("x", JSON, "{}");
    assert_eq!((status, &answer["ok"]), (404, &json!(false)));
    assert_eq!(answer["error"]["code"], "unsupported");
}

/// The state has the peers and the limits, in the contract's terms, but no secret and no messages.
#[test]
fn a_room_is_shown_without_secrets() {
    let mut hall = hall();
    let empty = hall.operate("", "", "").1;
    assert_eq!(empty["room"]["name"], "room");
    let of = |room: &Value| json!([room["host"], room["peers"], room["sockets"]]);
    assert_eq!(of(&empty), json!([null, [], 0]));
    let [a, b] = [Peer::connect(&mut hall), Peer::connect_polling(&mut hall)];
    Peer::connect(&mut hall);
    let joined = b.join(&mut hall, "Bob");
    a.join(&mut hall, "Ann");
    b.emit(
        &mut hall,
        json!(["host:password", { "password": "sesame" }]),
    );
    b.emit(&mut hall, json!(["host:lock", { "on": true }]));
    a.emit(&mut hall, json!(["chat-message", "between us"]));
    let (status, room) = hall.operate("", "", "");
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
    a.vanish(&mut hall);
    assert_eq!(hall.operate("", "", "").1["peers"][1]["away"], true);
}

/// An event reaches all members, on any transport, joined or not.
#[test]
fn an_event_reaches_everyone_inside() {
    let mut hall = hall();
    let peers = [
        Peer::connect(&mut hall),
        Peer::connect_polling(&mut hall),
        Peer::connect(&mut hall),
    ];
    peers[0].join(&mut hall, "Host");
    peers[1].join(&mut hall, "Guest");
    for peer in &peers {
        peer.heard(&mut hall);
    }
    let body = r#" { "args" : [ 1, {"a" : [ "\u00e4\ud800" ]}, null ], "event":"news" } "#;
    assert_eq!(
        hall.operate("emit", "application/json; charset=utf-8", body),
        delivered(3)
    );
    for peer in &peers {
        assert_eq!(
            peer.heard_raw(&mut hall),
            [r#"["news",1,{"a" : [ "\u00e4\ud800" ]},null]"#],
            "as it was sent"
        );
    }
    peers[0].emit(&mut hall, json!(["host:lock", { "on": true }]));
    let outside = [&peers[2], &Peer::connect(&mut hall)];
    assert_eq!(emit(&mut hall, &json!({ "event": "e" })), delivered(2));
    for peer in outside {
        assert!(peer.heard(&mut hall).is_empty());
    }
    assert_eq!(peers[1].heard(&mut hall).pop(), Some(json!(["e"])));
}

#[test]
fn an_event_reaches_its_only_receiver() {
    let (mut hall, [a, b]) = hall_of();
    b.call(&mut hall, json!(["join", "bob"]));
    b.heard(&mut hall);
    for to in [&b.id, "bob"] {
        let body = json!({ "event": "news", "args": ["x"], "to": to });
        assert_eq!(emit(&mut hall, &body), delivered(1));
        assert_eq!(b.heard(&mut hall), [json!(["news", "x"])]);
    }
    assert!(a.heard(&mut hall).is_empty());
    let (status, answer) = emit(&mut hall, &json!({ "event": "news", "to": "nobody" }));
    let told = json!([status, answer["ok"], answer["error"]["code"]]);
    assert_eq!(told, json!([404, false, "unknown-peer"]));
}

/// Media types are compared as a whole, ignoring case.
#[test]
fn content_types() {
    let mut hall = hall();
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
        let (answered, _) = hall.operate("emit", kind, r#"{"event":"x"}"#);
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
    let (mut hall, [a]) = hall_of();
    for event in names.into_iter().chain(["room:anything", "peer:", "ice:x"]) {
        let (status, answer) = emit(&mut hall, &json!({ "event": event }));
        assert_eq!(
            (status, &answer["error"]["code"]),
            (400, &json!("bad-payload")),
            "{event}"
        );
    }
    for event in ["roomy", "room", "offers", "announcement"] {
        assert_eq!(
            emit(&mut hall, &json!({ "event": event })),
            delivered(1),
            "{event}"
        );
    }
    assert_eq!(a.heard(&mut hall).len(), 4);
}

/// An acknowledged event survives the server. A client that is away gets it on its return.
#[test]
fn an_event_is_recovered() {
    let (mut hall, [a, b]) = hall_of();
    a.join(&mut hall, "a");
    let polling = Peer::connect_polling(&mut hall);
    for peer in [&a, &polling] {
        peer.vanish(&mut hall);
    }
    b.heard(&mut hall);
    assert_eq!(emit(&mut hall, &json!({ "event": "one" })), delivered(3));
    hall.lose_memory();
    assert_eq!(b.heard(&mut hall), [json!(["one"])]);
    assert_eq!(emit(&mut hall, &json!({ "event": "two" })), delivered(3));
    hall.kill();
    for peer in [&a, &b, &polling] {
        let back = peer.reconnect(&mut hall);
        assert!(back.recovered);
        let heard = back.heard(&mut hall);
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
    let (mut hall, [a]) = hall_of();
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
        let (status, answer) = hall.operate("emit", kind, body);
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
        assert_eq!(hall.operate("close", JSON, body).0, 400, "{body}");
    }
    assert!(a.heard(&mut hall).is_empty());
}

/// Every body gets an answer, and clients get only what they can read.
#[test]
fn a_damaged_body_gets_an_answer() {
    let (mut hall, [a]) = hall_of();
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
        statuses.insert(hall.operate("emit", JSON, body).0);
        a.heard(&mut hall);
    }
    assert_eq!(statuses.into_iter().collect::<Vec<_>>(), [200, 400, 404]);
}

/// Closing a room tells all clients, disconnects them for good and deletes the room. The next
/// client finds a new room, which reuses no earlier number.
#[test]
fn a_closed_room_restarts_as_a_new_room() {
    let (mut hall, [a, b]) = hall_of();
    "198.51.100.7".clone_into(&mut hall.address);
    let c = Peer::connect(&mut hall);
    "192.0.2.1".clone_into(&mut hall.address);
    a.join(&mut hall, "Host");
    b.join(&mut hall, "Guest");
    a.emit(&mut hall, json!(["chat-message", "secret"]));
    a.emit(
        &mut hall,
        json!(["host:password", { "password": "sesame" }]),
    );
    a.emit(&mut hall, json!(["host:lock", { "on": true }]));
    a.emit(&mut hall, json!(["host:kick", { "id": c.id }]));
    for peer in [&a, &b] {
        peer.heard(&mut hall);
    }
    let away = Peer::connect(&mut hall);
    away.vanish(&mut hall);
    let outside = Peer::connect(&mut hall);
    hall.take();
    let body = json!({ "reason": "over" }).to_string();
    assert_eq!(
        hall.operate("close", JSON, body),
        (200, json!({ "ok": true, "closed": 4 }))
    );
    for peer in [&a, &b, &outside] {
        let [
            Done::Sent(_, told),
            Done::Sent(_, disconnect),
            Done::Closed(_, None),
        ] = &hall.take_of(peer.connection())[..]
        else {
            panic!("not told and closed");
        };
        assert!(
            told.starts_with(r#"42["room:closed",{"reason":"over"},"#),
            "{told}"
        );
        assert_eq!(disconnect, "41");
    }
    assert_eq!(hall.take(), []);
    for again in [false, true] {
        if again {
            hall.kill();
        }
        assert_eq!(hall.operate("", "", "").1["sockets"], 0);
        let rows = hall.platform.stored();
        assert!(!rows.keys().any(|key| key.starts_with("chat/")), "{rows:?}");
    }
    "198.51.100.7".clone_into(&mut hall.address); // this address was banned
    let told = come_back(&mut hall, &away);
    assert!(
        told[0].starts_with(r#"42["room:closed",{"reason":"over"}"#),
        "{told:?}"
    );
    for peer in [&a, &away] {
        let back = peer.reconnect(&mut hall);
        assert!(!back.recovered);
        let joined = back.join(&mut hall, "new");
        assert_eq!(joined["history"], json!([]));
        assert_eq!(joined["room"]["locked"], false);
        assert_eq!(joined["room"]["password"], false);
        assert_eq!(joined["self"]["host"], peer.id == a.id);
    }
    assert_eq!(close(&mut hall).1["closed"], 2);
    assert_eq!(close(&mut hall).1["closed"], 0);
}

/// A polling client gets the event by a poll.
#[test]
fn a_polling_client_is_told_that_the_room_closed() {
    let mut hall = hall();
    let sid = hall.open_polling();
    hall.send(&sid, "40");
    hall.poll(&sid);
    let poll = hall.poll(&sid);
    hall.take();
    assert_eq!(close(&mut hall).1["closed"], 1);
    let last = hall.poll(&sid);
    let told = [poll, last].map(|request| match hall.take_of(request).pop() {
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

/// The data of a closed room is deleted, even if a polling client must still be told and memory is
/// lost meanwhile.
#[test]
fn a_closed_room_is_deleted_after_all_clients_were_told() {
    for forgets in [false, true] {
        let (mut hall, host, _) = closed_room();
        assert_ne!(hall.platform.stored().len(), 0, "one has to be told");
        if forgets {
            hall.lose_memory();
        }
        hall.until(hall.now() + 62_000);
        assert_eq!(hall.platform.stored().len(), 0, "{forgets}");
        assert_eq!(hall.meter.disk.rows.len(), 0, "{forgets}");
        let back = host.reconnect(&mut hall);
        assert_eq!(back.join(&mut hall, "Host")["room"]["locked"], false);
    }
}

/// A client that connects while another must still be told of the end is in a new room, which is
/// stored like any other.
#[test]
fn a_new_room_after_a_close_is_stored() {
    let (mut hall, host, sid) = closed_room();
    let back = host.reconnect(&mut hall);
    back.join(&mut hall, "Host");
    back.call(&mut hall, json!(["chat-message", "kept"]));
    hall.poll(&sid);
    hall.until(hall.now() + 32_000);
    back.vanish_for_good(&mut hall);
    hall.until(hall.now() + 1_000);
    let late = Peer::connect(&mut hall);
    let history = late.join(&mut hall, "Late")["history"].clone();
    assert_eq!(history[0]["message"], "kept");
}

/// A closed room, its host, and the session of a client that does not poll.
fn closed_room() -> (Hall, Peer, String) {
    let mut hall = hall();
    let host = Peer::connect(&mut hall);
    host.join(&mut hall, "Host");
    host.call(&mut hall, json!(["chat-message", "secret"]));
    host.call(&mut hall, json!(["host:lock", { "on": true }]));
    let sid = hall.open_polling();
    hall.send(&sid, "40");
    assert_eq!(close(&mut hall).1["closed"], 2);
    hall.take();
    (hall, host, sid)
}
