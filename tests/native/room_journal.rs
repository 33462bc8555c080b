//! The log for operators.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use signalbox::room::Config;
use signalbox::room::config::Limits;

use crate::peer::{Hall, Peer, hall, hall_with, unhurried};
use crate::room_token::{hall_with_tokens, token};

/// The lines since the last call.
fn lines(hall: &Hall) -> Vec<Value> {
    let lines = hall.platform.lines.take();
    let lines = lines.iter().map(|line| serde_json::from_str(line).unwrap());
    lines.collect()
}

fn line(event: &str, peer: &Peer, more: &Value, peers: usize, sockets: usize) -> Value {
    let mut line = json!({ "event": event, "room": "room", "peer": peer.id,
        "peers": peers, "sockets": sockets, "dropped": 0 });
    let fields = line.as_object_mut().unwrap();
    fields.extend(more.as_object().unwrap().clone());
    line
}

#[test]
fn a_line_for_each_join_and_leave() {
    let mut hall = hall();
    let [a, b, c, d] = std::array::from_fn(|n| {
        hall.address = format!("192.0.2.{n}");
        Peer::connect(&mut hall)
    });
    let nothing = json!({});
    assert_eq!(lines(&hall), [] as [Value; 0], "nobody joined");
    for (n, peer) in [&a, &b, &c, &d].into_iter().enumerate() {
        peer.join(&mut hall, "Nobody's business");
        peer.join(&mut hall, "again");
        assert_eq!(lines(&hall), [line("join", peer, &nothing, n + 1, 4)]);
    }
    b.emit(&mut hall, json!(["room:leave"]));
    let left = |reason| json!({ "reason": reason });
    assert_eq!(lines(&hall), [line("leave", &b, &left("left"), 3, 4)]);
    a.emit(&mut hall, json!(["host:kick", { "id": c.id }]));
    let kicked = json!({ "code": "kicked" });
    assert_eq!(
        lines(&hall),
        [
            line("kick", &c, &kicked, 2, 3),
            line("leave", &c, &left("kicked"), 2, 3),
        ]
    );
    d.vanish_for_good(&mut hall);
    assert_eq!(
        lines(&hall),
        [
            line("away", &d, &nothing, 2, 3),
            line("leave", &d, &left("timeout"), 1, 2),
        ]
    );
    hall.operate("close", "", "");
    let mut closed = line("close", &a, &nothing, 0, 0);
    closed.as_object_mut().unwrap().remove("peer");
    let lines = lines(&hall);
    assert_eq!(lines[0]["reason"], "closed");
    assert_eq!(lines[1], closed);
    assert_eq!(lines.len(), 2);
}

#[test]
fn a_line_for_each_refusal() {
    let limits = Limits {
        peers: 1,
        sockets: 2,
        waiting: 1,
        ..unhurried()
    };
    let mut hall = hall_with(Config {
        limits,
        ..Config::default()
    });
    let a = Peer::connect(&mut hall);
    "203.0.113.5".clone_into(&mut hall.address);
    let b = Peer::connect(&mut hall);
    let media = json!({ "media": { "audio": true } });
    a.call(&mut hall, json!(["room:join", media]));
    lines(&hall);
    assert_eq!(
        b.refusal(&mut hall, &json!(["room:join", media])),
        "room-full"
    );
    let full = json!({ "code": "room-full" });
    assert_eq!(lines(&hall), [line("refusal", &b, &full, 1, 2)]);
    assert_eq!(refusal(&mut hall, &json!({})), "room-full");
    a.emit(
        &mut hall,
        json!(["host:password", { "password": "sesame" }]),
    );
    let guess = json!(["room:join", { "password": "hunter2" }]);
    assert_eq!(b.refusal(&mut hall, &guess), "bad-password");
    let reason = |code: &str, reason: &str| json!({ "code": code, "reason": reason });
    assert_eq!(
        lines(&hall),
        [
            line("password", &a, &json!({ "reason": "set" }), 1, 2),
            line("refusal", &b, &reason("bad-password", "wrong"), 1, 2),
        ]
    );
    // A client that does not know of the password has not given a wrong one.
    let none = json!(["room:join"]);
    assert_eq!(b.refusal(&mut hall, &none), "bad-password");
    let missing = reason("bad-password", "missing");
    assert_eq!(lines(&hall), [line("refusal", &b, &missing, 1, 2)]);
    for _ in 0..4 {
        assert_eq!(b.refusal(&mut hall, &guess), "bad-password");
    }
    assert_eq!(lines(&hall).len(), 4);
    let limit = |kind| json!({ "code": "rate-limited", "reason": kind });
    for _ in 0..3 {
        assert_eq!(b.refusal(&mut hall, &guess), "rate-limited");
    }
    let news = [line("limit", &b, &limit("password"), 1, 2)];
    assert_eq!(lines(&hall), news, "once a minute");

    for event in [
        json!(["host:password", { "password": null }]),
        json!(["host:lock", { "on": true }]),
    ] {
        assert_eq!(a.call(&mut hall, event)["ok"], true);
    }
    let knock = json!(["room:join"]);
    assert_eq!(b.refusal(&mut hall, &knock), "waiting");
    assert_eq!(
        lines(&hall),
        [
            line("password", &a, &json!({ "reason": "removed" }), 1, 2),
            line("lock", &a, &json!({}), 1, 2),
            line("knock", &b, &json!({}), 1, 2),
        ]
    );
    assert_eq!(b.refusal(&mut hall, &knock), "waiting");
    assert_eq!(lines(&hall), [] as [Value; 0], "once for each knock");
    let denied = [line("refusal", &b, &json!({ "code": "denied" }), 1, 2)];
    a.call(&mut hall, json!(["host:deny", { "id": b.id }]));
    assert_eq!(lines(&hall), denied);
    assert_eq!(b.refusal(&mut hall, &knock), "denied");
    assert_eq!(lines(&hall), denied);

    a.call(&mut hall, json!(["host:kick", { "id": b.id }]));
    assert_eq!(
        lines(&hall),
        [
            line("kick", &b, &json!({ "code": "kicked" }), 1, 1),
            line("never-joined", &b, &json!({ "reason": "kicked" }), 1, 1),
        ]
    );
    assert_eq!(refusal(&mut hall, &json!({})), "kicked");
    a.call(&mut hall, json!(["host:lock", { "on": false }]));
    "198.51.100.7".clone_into(&mut hall.address);
    let c = Peer::connect(&mut hall);
    c.vanish(&mut hall);
    let signal = json!(["signal", { "to": c.id, "data": 1 }]);
    assert_eq!(a.call(&mut hall, &signal)["ok"], true);
    for _ in 0..3 {
        assert_eq!(a.refusal(&mut hall, &signal), "rate-limited");
    }
    assert_eq!(
        lines(&hall),
        [
            line("unlock", &a, &json!({}), 1, 1),
            line("away", &c, &json!({}), 1, 2),
            line("limit", &a, &limit("waiting"), 1, 2),
        ]
    );
}

/// The host's decisions and returns of clients are logged with the member concerned.
#[test]
fn a_line_for_each_decision() {
    let mut hall = hall();
    let [a, b] = [Peer::connect(&mut hall), Peer::connect(&mut hall)];
    a.join(&mut hall, "a");
    a.call(&mut hall, json!(["host:lock", { "on": true }]));
    b.call(&mut hall, json!(["room:join"]));
    lines(&hall);
    let nothing = json!({});
    a.call(&mut hall, json!(["host:admit", { "id": b.id }]));
    let admitted = [
        line("admit", &b, &nothing, 1, 2),
        line("join", &b, &nothing, 2, 2),
    ];
    assert_eq!(lines(&hall), admitted);
    a.call(&mut hall, json!(["host:clear"]));
    assert_eq!(lines(&hall), [line("clear", &a, &nothing, 2, 2)]);
    a.call(&mut hall, json!(["host:transfer", { "id": b.id }]));
    assert_eq!(lines(&hall), [line("transfer", &b, &nothing, 2, 2)]);
    a.vanish(&mut hall);
    assert_eq!(lines(&hall), [line("away", &a, &nothing, 2, 2)]);
    let a = a.reconnect(&mut hall);
    assert_eq!(lines(&hall), [line("back", &a, &nothing, 2, 2)]);
}

/// "Why could Bob not join?": the line has the reason and, if the signature is valid, the token's
/// subject.
#[test]
fn a_line_for_a_token_that_is_refused() {
    let bob = |claims: Value| {
        let mut all = json!({ "sub": "bob" });
        all.as_object_mut()
            .unwrap()
            .extend(claims.as_object().unwrap().clone());
        Some(token(all))
    };
    for (token, reason, who) in [
        (None, "missing", None),
        (Some("x".to_owned()), "no-jwt", None),
        (bob(json!({})).map(|good| good + "A"), "signature", None),
        (bob(json!({ "exp": 1 })), "expired", Some("bob")),
        (bob(json!({ "room": "other" })), "other-room", Some("bob")),
        (bob(json!({ "exp": "soon" })), "claim-exp", Some("bob")),
        (bob(json!({ "nbf": 9e9 })), "not-yet-valid", Some("bob")),
        (bob(json!({ "exp": 9e12 })), "claim-exp", Some("bob")),
        (
            bob(json!({ "exp": 1, "ref": "seat 7" })),
            "expired",
            Some("seat 7"),
        ),
    ] {
        let mut hall = hall_with_tokens(true, unhurried());
        let auth = token.map_or(json!({}), |token| json!({ "token": token }));
        assert_eq!(refusal_line(&mut hall, &auth)["reason"], reason);
        let line = refusal_line(&mut hall, &auth);
        assert_eq!(line["code"], "bad-token");
        assert_eq!(line.get("ref").and_then(Value::as_str), who, "{reason}");
    }
}

/// The lines about a client have the reference in its token, cut if it is long.
#[test]
fn a_line_has_the_reference_of_the_token() {
    let mut hall = hall_with_tokens(true, unhurried());
    let host = json!({ "token": token(json!({ "sub": "ann@example.com", "ref": "42" })) });
    let host = Peer::connect_with(&mut hall, &host);
    host.join(&mut hall, "Ann");
    let guest = json!({ "token": token(json!({ "sub": "x".repeat(1000) })) });
    let guest = Peer::connect_with(&mut hall, &guest);
    host.call(&mut hall, json!(["host:kick", { "id": guest.id }]));
    assert_eq!(
        refusal_line(
            &mut hall,
            &json!({ "token": token(json!({ "sub": "x".repeat(1000) })) })
        )["code"],
        "kicked"
    );
    let references =
        |lines: &[Value]| -> Vec<Value> { lines.iter().map(|line| line["ref"].clone()).collect() };
    host.vanish(&mut hall);
    assert_eq!(references(&lines(&hall)), ["42"]);
    let again = json!({ "token": token(json!({ "sub": "x".repeat(1000) })) });
    let again = refusal_line(&mut hall, &again);
    assert_eq!(again["ref"], "x".repeat(128));
}

/// The code in the only line about a refused client.
fn refusal(hall: &mut Hall, auth: &Value) -> String {
    let line = refusal_line(hall, auth);
    line["code"].as_str().expect("a code").to_owned()
}

/// The whole line about a refused client.
fn refusal_line(hall: &mut Hall, auth: &Value) -> Value {
    lines(hall);
    let connection = hall.open_websocket();
    hall.text(connection, format!("40{auth}"));
    let [refusal] = &lines(hall)[..] else {
        panic!("not one line");
    };
    assert_eq!(refusal["event"], "refusal");
    refusal.clone()
}

/// A client that floods the room does not flood the log: one line a minute for each kind.
#[test]
fn an_exceeded_limit_is_logged_once_a_minute() {
    let mut hall = hall_with(Config::default());
    let a = Peer::connect(&mut hall);
    for time in [0, 59_999, 60_000, 90_000] {
        hall.late(time);
        for _ in 0..15 {
            a.emit(&mut hall, json!(["chat-message", "spam"]));
            a.emit(&mut hall, json!(["no such event"]));
        }
        let kinds: Vec<_> = lines(&hall)
            .into_iter()
            .map(|line| json!([line["event"], line["code"], line["reason"], line["peer"]]))
            .collect();
        let news = |kind| json!(["limit", "rate-limited", kind, a.id]);
        let expected = match time {
            0 | 60_000 => vec![news("chat"), news("control")],
            _ => Vec::new(),
        };
        assert_eq!(kinds, expected, "at {time}");
        a.heard(&mut hall);
    }
    while hall.connections.contains_key(&a.connection()) {
        hall.text(a.connection(), r#"42["chat-message","spam"]"#);
    }
    let lines = lines(&hall);
    let events: Vec<_> = lines.iter().map(|line| line["event"].clone()).collect();
    assert_eq!(events, ["kick", "never-joined"]);
    assert_eq!(lines[0]["code"], "rate-limited");
}

/// Clients that come and go very fast are counted, not logged one by one.
#[test]
fn events_beyond_the_limit_are_counted() {
    let mut hall = hall();
    let a = Peer::connect(&mut hall);
    for _ in 0..1000 {
        hall.text(a.connection(), r#"42["room:join"]"#);
        hall.text(a.connection(), r#"42["room:leave"]"#);
    }
    assert_eq!(lines(&hall).len(), 200);
    hall.take();
    hall.late(60_000);
    a.emit(&mut hall, json!(["room:join"]));
    let [line] = &lines(&hall)[..] else {
        panic!("not one line");
    };
    assert_eq!(line["dropped"], 1800);
}

/// M-13: clients outside do not use up the lines of those inside.
#[test]
fn m_13_outsiders_do_not_use_up_the_lines_of_members() {
    let mut hall = hall();
    let [host, stranger] = [Peer::connect(&mut hall), Peer::connect(&mut hall)];
    host.join(&mut hall, "Host");
    host.call(
        &mut hall,
        json!(["host:password", { "password": "secret" }]),
    );
    lines(&hall);
    for _ in 0..1000 {
        stranger.call(&mut hall, json!(["room:join", {}]));
    }
    assert_eq!(lines(&hall).len(), 200);
    host.call(&mut hall, json!(["room:leave"]));
    let [line] = &lines(&hall)[..] else {
        panic!("not one line");
    };
    assert_eq!(line["event"], "leave");
}

/// The log identifies people only by ids.
#[test]
fn lines_identify_people_only_by_ids() {
    let mut hall = hall();
    let a = Peer::connect(&mut hall);
    a.join(&mut hall, "name");
    hall.operate("close", "application/json", r#"{"reason":"words"}"#);
    let keys: BTreeSet<String> = lines(&hall)
        .iter()
        .flat_map(|line| line.as_object().unwrap().keys().cloned())
        .collect();
    let expected = [
        "dropped", "event", "peer", "peers", "reason", "room", "sockets",
    ];
    assert_eq!(keys.into_iter().collect::<Vec<_>>(), expected);
}
