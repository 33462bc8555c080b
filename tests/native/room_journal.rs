//! The log for operators.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use signalbox::room::Config;
use signalbox::room::config::Limits;

use crate::peer::{Peer, RoomServer, high_rates, server, server_with};
use crate::room_token::{server_with_tokens, token};

/// The lines since the last call.
fn lines(server: &RoomServer) -> Vec<Value> {
    let lines = server.platform.lines.take();
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
    let mut server = server();
    let [a, b, c, d] = std::array::from_fn(|n| {
        server.address = format!("192.0.2.{n}");
        Peer::connect(&mut server)
    });
    let nothing = json!({});
    assert_eq!(lines(&server), [] as [Value; 0], "nobody joined");
    for (n, peer) in [&a, &b, &c, &d].into_iter().enumerate() {
        peer.join(&mut server, "Nobody's business");
        peer.join(&mut server, "again");
        assert_eq!(lines(&server), [line("join", peer, &nothing, n + 1, 4)]);
    }
    b.emit(&mut server, json!(["room:leave"]));
    let left = |reason| json!({ "reason": reason });
    assert_eq!(lines(&server), [line("leave", &b, &left("left"), 3, 4)]);
    a.emit(&mut server, json!(["host:kick", { "id": c.id }]));
    let kicked = json!({ "code": "kicked" });
    assert_eq!(
        lines(&server),
        [
            line("kick", &c, &kicked, 2, 3),
            line("leave", &c, &left("kicked"), 2, 3),
        ]
    );
    d.vanish_for_good(&mut server);
    assert_eq!(
        lines(&server),
        [
            line("away", &d, &nothing, 2, 3),
            line("leave", &d, &left("timeout"), 1, 2),
        ]
    );
    server.operate("close", "", "");
    let mut closed = line("close", &a, &nothing, 0, 0);
    closed.as_object_mut().unwrap().remove("peer");
    let lines = lines(&server);
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
        ..high_rates()
    };
    let mut server = server_with(Config {
        limits,
        ..Config::default()
    });
    let a = Peer::connect(&mut server);
    "203.0.113.5".clone_into(&mut server.address);
    let b = Peer::connect(&mut server);
    let media = json!({ "media": { "audio": true } });
    a.call(&mut server, json!(["room:join", media]));
    lines(&server);
    assert_eq!(
        b.refusal(&mut server, &json!(["room:join", media])),
        "room-full"
    );
    let full = json!({ "code": "room-full" });
    assert_eq!(lines(&server), [line("refusal", &b, &full, 1, 2)]);
    assert_eq!(refusal(&mut server, &json!({})), "room-full");
    a.emit(
        &mut server,
        json!(["host:password", { "password": "sesame" }]),
    );
    let guess = json!(["room:join", { "password": "hunter2" }]);
    assert_eq!(b.refusal(&mut server, &guess), "bad-password");
    let reason = |code: &str, reason: &str| json!({ "code": code, "reason": reason });
    assert_eq!(
        lines(&server),
        [
            line("password", &a, &json!({ "reason": "set" }), 1, 2),
            line("refusal", &b, &reason("bad-password", "wrong"), 1, 2),
        ]
    );
    // A client that does not know of the password has not given a wrong one.
    let none = json!(["room:join"]);
    assert_eq!(b.refusal(&mut server, &none), "bad-password");
    let missing = reason("bad-password", "missing");
    assert_eq!(lines(&server), [line("refusal", &b, &missing, 1, 2)]);
    for _ in 0..4 {
        assert_eq!(b.refusal(&mut server, &guess), "bad-password");
    }
    assert_eq!(lines(&server).len(), 4);
    let limit = |kind| json!({ "code": "rate-limited", "reason": kind });
    for _ in 0..3 {
        assert_eq!(b.refusal(&mut server, &guess), "rate-limited");
    }
    let limited = [line("limit", &b, &limit("password"), 1, 2)];
    assert_eq!(lines(&server), limited, "once a minute");

    for event in [
        json!(["host:password", { "password": null }]),
        json!(["host:lock", { "on": true }]),
    ] {
        assert_eq!(a.call(&mut server, event)["ok"], true);
    }
    let knock = json!(["room:join"]);
    assert_eq!(b.refusal(&mut server, &knock), "waiting");
    assert_eq!(
        lines(&server),
        [
            line("password", &a, &json!({ "reason": "removed" }), 1, 2),
            line("lock", &a, &json!({}), 1, 2),
            line("knock", &b, &json!({}), 1, 2),
        ]
    );
    assert_eq!(b.refusal(&mut server, &knock), "waiting");
    assert_eq!(lines(&server), [] as [Value; 0], "it is logged once");
    let denied = [line("refusal", &b, &json!({ "code": "denied" }), 1, 2)];
    a.call(&mut server, json!(["host:deny", { "id": b.id }]));
    assert_eq!(lines(&server), denied);
    assert_eq!(b.refusal(&mut server, &knock), "denied");
    assert_eq!(lines(&server), denied);

    a.call(&mut server, json!(["host:kick", { "id": b.id }]));
    assert_eq!(
        lines(&server),
        [
            line("kick", &b, &json!({ "code": "kicked" }), 1, 1),
            line("never-joined", &b, &json!({ "reason": "kicked" }), 1, 1),
        ]
    );
    assert_eq!(refusal(&mut server, &json!({})), "kicked");
    a.call(&mut server, json!(["host:lock", { "on": false }]));
    "198.51.100.7".clone_into(&mut server.address);
    let c = Peer::connect(&mut server);
    c.vanish(&mut server);
    let signal = json!(["signal", { "to": c.id, "data": 1 }]);
    assert_eq!(a.call(&mut server, &signal)["ok"], true);
    for _ in 0..3 {
        assert_eq!(a.refusal(&mut server, &signal), "rate-limited");
    }
    assert_eq!(
        lines(&server),
        [
            line("unlock", &a, &json!({}), 1, 1),
            line("away", &c, &json!({}), 1, 2),
            line("limit", &a, &limit("waiting"), 1, 2),
        ]
    );
}

/// The host's decisions are logged, and so is the return of a client. Each line has the member
/// concerned.
#[test]
fn a_line_for_each_decision() {
    let mut server = server();
    let [a, b] = [Peer::connect(&mut server), Peer::connect(&mut server)];
    a.join(&mut server, "a");
    a.call(&mut server, json!(["host:lock", { "on": true }]));
    b.call(&mut server, json!(["room:join"]));
    lines(&server);
    let nothing = json!({});
    a.call(&mut server, json!(["host:admit", { "id": b.id }]));
    let admitted = [
        line("admit", &b, &nothing, 1, 2),
        line("join", &b, &nothing, 2, 2),
    ];
    assert_eq!(lines(&server), admitted);
    a.call(&mut server, json!(["host:clear"]));
    assert_eq!(lines(&server), [line("clear", &a, &nothing, 2, 2)]);
    a.call(&mut server, json!(["host:transfer", { "id": b.id }]));
    assert_eq!(lines(&server), [line("transfer", &b, &nothing, 2, 2)]);
    a.vanish(&mut server);
    assert_eq!(lines(&server), [line("away", &a, &nothing, 2, 2)]);
    let a = a.reconnect(&mut server);
    assert_eq!(lines(&server), [line("back", &a, &nothing, 2, 2)]);
}

/// "Why could Bob not join?": the line has the reason and, if the signature is valid, the token's `ref`, or without
/// one its subject.
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
        let mut server = server_with_tokens(true, high_rates());
        let auth = token.map_or(json!({}), |token| json!({ "token": token }));
        assert_eq!(refusal_line(&mut server, &auth)["reason"], reason);
        let line = refusal_line(&mut server, &auth);
        assert_eq!(line["code"], "bad-token");
        assert_eq!(line.get("ref").and_then(Value::as_str), who, "{reason}");
    }
}

/// The lines about a client have the `ref` of its token, or without one the subject, cut if it is long.
#[test]
fn a_line_has_the_reference_of_the_token() {
    let mut server = server_with_tokens(true, high_rates());
    let host = json!({ "token": token(json!({ "sub": "ann@example.com", "ref": "42" })) });
    let host = Peer::connect_with(&mut server, &host);
    host.join(&mut server, "Ann");
    let guest = json!({ "token": token(json!({ "sub": "x".repeat(1000) })) });
    let guest = Peer::connect_with(&mut server, &guest);
    host.call(&mut server, json!(["host:kick", { "id": guest.id }]));
    assert_eq!(
        refusal_line(
            &mut server,
            &json!({ "token": token(json!({ "sub": "x".repeat(1000) })) })
        )["code"],
        "kicked"
    );
    let references =
        |lines: &[Value]| -> Vec<Value> { lines.iter().map(|line| line["ref"].clone()).collect() };
    host.vanish(&mut server);
    assert_eq!(references(&lines(&server)), ["42"]);
    let again = json!({ "token": token(json!({ "sub": "x".repeat(1000) })) });
    let again = refusal_line(&mut server, &again);
    assert_eq!(again["ref"], "x".repeat(128));
}

/// The code in the only line about a refused client.
fn refusal(server: &mut RoomServer, auth: &Value) -> String {
    let line = refusal_line(server, auth);
    line["code"].as_str().expect("a code").to_owned()
}

/// The whole line about a refused client.
fn refusal_line(server: &mut RoomServer, auth: &Value) -> Value {
    lines(server);
    let connection = server.open_websocket();
    server.text(connection, format!("40{auth}"));
    let [refusal] = &lines(server)[..] else {
        panic!("not one line");
    };
    assert_eq!(refusal["event"], "refusal");
    refusal.clone()
}

/// A client that floods the room does not flood the log: one line a minute for each kind.
#[test]
fn an_exceeded_limit_is_logged_once_a_minute() {
    let mut server = server_with(Config::default());
    let a = Peer::connect(&mut server);
    for time in [0, 59_999, 60_000, 90_000] {
        server.skip_to(time);
        for _ in 0..15 {
            a.emit(&mut server, json!(["chat-message", "spam"]));
            a.emit(&mut server, json!(["no such event"]));
        }
        let kinds: Vec<_> = lines(&server)
            .into_iter()
            .map(|line| json!([line["event"], line["code"], line["reason"], line["peer"]]))
            .collect();
        let limited = |kind| json!(["limit", "rate-limited", kind, a.id]);
        let expected = match time {
            0 | 60_000 => vec![limited("chat"), limited("control")],
            _ => Vec::new(),
        };
        assert_eq!(kinds, expected, "at {time}");
        a.heard(&mut server);
    }
    while server.connections.contains_key(&a.connection()) {
        server.text(a.connection(), r#"42["chat-message","spam"]"#);
    }
    let lines = lines(&server);
    let events: Vec<_> = lines.iter().map(|line| line["event"].clone()).collect();
    assert_eq!(events, ["kick", "never-joined"]);
    assert_eq!(lines[0]["code"], "rate-limited");
}

/// The number of lines about clients that come and go very fast is limited. Further lines are dropped, and the next
/// line has their number.
#[test]
fn events_beyond_the_limit_are_counted() {
    let mut server = server();
    let a = Peer::connect(&mut server);
    for _ in 0..1000 {
        server.text(a.connection(), r#"42["room:join"]"#);
        server.text(a.connection(), r#"42["room:leave"]"#);
    }
    assert_eq!(lines(&server).len(), 200);
    server.take();
    server.skip_to(60_000);
    a.emit(&mut server, json!(["room:join"]));
    let [line] = &lines(&server)[..] else {
        panic!("not one line");
    };
    assert_eq!(line["dropped"], 1800);
}

/// M-13: clients outside do not use up the lines of those inside.
#[test]
fn m_13_outsiders_do_not_use_up_the_lines_of_those_inside() {
    let mut server = server();
    let [host, stranger] = [Peer::connect(&mut server), Peer::connect(&mut server)];
    host.join(&mut server, "Host");
    host.call(
        &mut server,
        json!(["host:password", { "password": "secret" }]),
    );
    lines(&server);
    for _ in 0..1000 {
        stranger.call(&mut server, json!(["room:join", {}]));
    }
    assert_eq!(lines(&server).len(), 200);
    host.call(&mut server, json!(["room:leave"]));
    let [line] = &lines(&server)[..] else {
        panic!("not one line");
    };
    assert_eq!(line["event"], "leave");
}

/// The log identifies a client without a token only by its id: no line has its name.
#[test]
fn lines_identify_people_only_by_ids() {
    let mut server = server();
    let a = Peer::connect(&mut server);
    a.join(&mut server, "name");
    server.operate("close", "application/json", r#"{"reason":"words"}"#);
    let keys: BTreeSet<String> = lines(&server)
        .iter()
        .flat_map(|line| line.as_object().unwrap().keys().cloned())
        .collect();
    let expected = [
        "dropped", "event", "peer", "peers", "reason", "room", "sockets",
    ];
    assert_eq!(keys.into_iter().collect::<Vec<_>>(), expected);
}
