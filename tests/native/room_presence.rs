//! Presence: joining and leaving, updates, and the limits of a room.

use serde_json::{Value, json};
use signalbox::room::Config;
use signalbox::room::config::Limits;

use crate::peer::{Peer, server, server_of, server_with};
use crate::support::{Done, id, sent};

const NO_MEDIA: [bool; 3] = [false; 3];

fn media([audio, video, screen]: [bool; 3]) -> Value {
    json!({ "audio": audio, "video": video, "screen": screen })
}

fn peer(peer: &Peer, n: u64, name: Option<&str>, host: bool, joined_at: u64) -> Value {
    json!({
        "id": peer.id, "n": n, "name": name, "host": host, "media": media(NO_MEDIA),
        "hand": false, "away": false, "joinedAt": joined_at,
    })
}

/// The first peer gets the state of an empty room.
#[test]
fn a_join_is_answered_with_the_room() {
    let mut server = server_with(Config::default());
    let a = Peer::connect(&mut server);
    server.until(500);
    let mut joined = a.call(&mut server, json!(["room:join", { "name": "Ann" }]));
    let rejoin = joined
        .as_object_mut()
        .and_then(|joined| joined.remove("rejoin"));
    assert_eq!(rejoin, Some(json!(id(4))), "a secret");
    assert_eq!(
        joined,
        json!({
            "ok": true,
            "self": peer(&a, 1, Some("Ann"), true, 500),
            "peers": [],
            "room": { "name": "room", "locked": false, "password": false, "capacity": 8, "count": 1 },
            "history": [],
            "ice": { "iceServers": [{ "urls": "stun:stun.cloudflare.com:3478" }], "ttl": 86_400 },
            "limits": {
                "maxPayload": 131_072, "description": 65_536, "candidate": 2_048, "chat": 4_000,
                "name": 64, "password": 128, "wrongPasswords": 5, "peers": 8, "sockets": 100, "history": 200, "waiting": 64,
                "rates": {
                    "signal": { "burst": 200, "perSecond": 20 },
                    "chat": { "burst": 10, "perSecond": 1 },
                    "control": { "burst": 10, "perSecond": 1 },
                },
            },
        })
    );
    assert!(a.heard(&mut server).is_empty());
}

/// Peers are listed in the order of joining; the others are told of the new peer.
#[test]
fn the_others_are_told_of_a_new_peer() {
    let (mut server, [a, b, c, silent]) = server_of();
    for (n, joiner) in [&a, &b, &c].into_iter().enumerate() {
        let joined = joiner.join(&mut server, "x");
        let ids: Vec<&Value> = joined["peers"]
            .as_array()
            .unwrap()
            .iter()
            .map(|p| &p["id"])
            .collect();
        assert_eq!(ids, [&json!(a.id), &json!(b.id)][..n]);
        assert_eq!(joined["room"]["count"], n + 1);
    }
    let told =
        |peer: &Peer, n, host| json!(["peer:joined", self::peer(peer, n, Some("x"), host, 0)]);
    assert_eq!(
        a.heard(&mut server),
        [told(&b, 2, false), told(&c, 3, false)]
    );
    assert_eq!(b.heard(&mut server), [told(&c, 3, false)]);
    assert!(c.heard(&mut server).is_empty());
    assert!(
        silent.heard(&mut server).is_empty(),
        "a socket that has not joined is told nothing"
    );
}

#[test]
fn valid_forms_of_a_join() {
    for (args, name, flags) in [
        (json!(["room:join"]), None, NO_MEDIA),
        (json!(["room:join", {}]), None, NO_MEDIA),
        (json!(["room:join", { "name": null }]), None, NO_MEDIA),
        (json!(["room:join", { "name": " \t" }]), None, NO_MEDIA),
        (
            json!(["room:join", { "name": "  我 😀 " }]),
            Some("我 😀"),
            NO_MEDIA,
        ),
        (
            json!(["room:join", { "media": { "video": true } }]),
            None,
            [false, true, false],
        ),
        (
            json!(["room:join", { "name": "x", "media": media([true; 3]), "other": 1 }]),
            Some("x"),
            [true; 3],
        ),
    ] {
        let (mut server, [a]) = server_of();
        let joined = a.call(&mut server, &args);
        assert_eq!(joined["self"]["name"], json!(name), "{args}");
        assert_eq!(joined["self"]["media"], media(flags), "{args}");
    }
}

/// A refused join has no effect, and no client is disconnected.
#[test]
fn joins_that_are_refused() {
    let (mut server, [a, b]) = server_of();
    b.join(&mut server, "b");
    for (payload, code) in [
        (json!(7), "bad-payload"),
        (json!("Ann"), "bad-payload"),
        (json!({ "name": 7 }), "bad-payload"),
        (json!({ "media": "all" }), "bad-payload"),
        (json!({ "name": "x".repeat(65) }), "too-large"),
    ] {
        assert_eq!(a.refusal(&mut server, &json!(["room:join", payload])), code);
    }
    assert!(b.heard(&mut server).is_empty());
    let joined = a.join(&mut server, &"😀".repeat(64));
    assert_eq!(joined["self"]["n"], 2);
}

/// Without an ack, an error is sent as an event, to the sender alone.
#[test]
fn errors_without_an_ack() {
    let (mut server, [a, b]) = server_of();
    a.emit(&mut server, json!(["room:join", 7]));
    let error = a.heard_one(&mut server);
    assert_eq!(error[0], "room:error");
    assert_eq!(error[1]["code"], "bad-payload");
    assert_eq!(error[1]["event"], "room:join");
    assert!(error[1]["message"].as_str().is_some_and(|m| !m.is_empty()));
    assert!(b.heard(&mut server).is_empty());
}

/// A second join updates the peer's name and media; it stays the same peer.
#[test]
fn a_second_join_updates_the_peer() {
    let (mut server, [a, b]) = server_of();
    a.join(&mut server, "Ann");
    b.join(&mut server, "Bob");
    a.heard(&mut server);
    server.until(900);
    let joined = a.join(&mut server, "Anna");
    assert_eq!(joined["self"], peer(&a, 1, Some("Anna"), true, 0));
    let told = json!(["peer:updated", peer(&a, 1, Some("Anna"), true, 0)]);
    assert_eq!(b.heard(&mut server), [told]);
}

/// The others are told why a peer left. A peer that left may join again, and keeps its ordinal.
#[test]
fn the_others_are_told_that_a_lost_client_left() {
    let (mut server, [a, b, c, d]) = server_of();
    for peer in [&a, &b, &c, &d] {
        peer.join(&mut server, "x");
        a.heard(&mut server);
    }
    assert_eq!(
        b.call(&mut server, json!(["room:leave"])),
        json!({ "ok": true })
    );
    b.heard(&mut server);
    c.vanish_for_good(&mut server);
    d.write(&mut server, "41");
    let gone = |peer: &Peer, why| json!(["peer:left", { "id": peer.id, "reason": why }]);
    let away = json!(["peer:away", { "id": c.id }]);
    let expected = [
        gone(&b, "left"),
        away,
        gone(&c, "timeout"),
        gone(&d, "left"),
    ];
    assert_eq!(a.heard(&mut server), expected);
    assert!(
        b.heard(&mut server).is_empty(),
        "a socket that left is told nothing"
    );
    assert_eq!(
        b.call(&mut server, json!(["room:leave"])),
        json!({ "ok": true })
    );
    assert!(a.heard(&mut server).is_empty(), "nobody leaves twice");
    assert_eq!(
        b.join(&mut server, "x")["self"]["n"],
        2,
        "a peer that joins again keeps its ordinal"
    );
}

/// A peer that stops answering pings leaves after the timeout.
#[test]
fn a_silent_peer_times_out() {
    let mut server = server();
    let (a, b) = (Peer::connect(&mut server), Peer::connect(&mut server));
    a.join(&mut server, "a");
    b.join(&mut server, "b");
    for time in (45_000..=180_000).step_by(45_000) {
        server.until(time);
        server.text(a.connection(), "3");
    }
    let away = json!(["peer:away", { "id": b.id }]);
    let left = json!(["peer:left", { "id": b.id, "reason": "timeout" }]);
    let heard = a.heard(&mut server);
    assert!(heard.ends_with(&[away, left]), "{heard:?}");
}

#[test]
fn updates() {
    let (mut server, [a, b]) = server_of();
    assert_eq!(
        a.refusal(&mut server, &json!(["peer:update", { "hand": true }])),
        "not-joined"
    );
    a.join(&mut server, "Ann");
    b.join(&mut server, "Bob");
    a.heard(&mut server);
    for (update, changed) in [
        (json!({ "hand": true }), json!({ "hand": true })),
        (json!({ "name": " Anna " }), json!({ "name": "Anna" })),
        (json!({ "name": "" }), json!({ "name": null })),
        (
            json!({ "media": { "audio": true } }),
            json!({ "media": media([true, false, false]) }),
        ),
        (
            json!({ "hand": false, "name": "A" }),
            json!({ "hand": false, "name": "A" }),
        ),
        (json!({ "n": 9, "host": true }), json!({})),
    ] {
        assert_eq!(
            a.call(&mut server, json!(["peer:update", update])),
            json!({ "ok": true })
        );
        let mut told = changed;
        told["id"] = json!(a.id);
        assert_eq!(b.heard(&mut server), [json!(["peer:updated", told])]);
    }
    for (payload, code) in [
        (json!(7), "bad-payload"),
        (json!({ "hand": "up" }), "bad-payload"),
        (json!({ "hand": true, "name": "x".repeat(65) }), "too-large"),
    ] {
        assert_eq!(
            a.refusal(&mut server, &json!(["peer:update", payload])),
            code
        );
    }
    assert!(b.heard(&mut server).is_empty());
    let known = &b.join(&mut server, "Bob")["peers"][0];
    assert_eq!(
        (&known["name"], &known["hand"]),
        (&json!("A"), &json!(false))
    );
    assert_eq!(known["media"], media([true, false, false]));
}

/// Only peers get ICE servers.
#[test]
fn ice() {
    let (mut server, [a]) = server_of();
    assert_eq!(a.refusal(&mut server, &json!(["ice:get"])), "not-joined");
    let joined = a.join(&mut server, "a");
    let ice = a.call(&mut server, json!(["ice:get"]));
    assert_eq!(ice["ok"], true);
    assert_eq!(ice["iceServers"], joined["ice"]["iceServers"]);
    assert_eq!(ice["ttl"], joined["ice"]["ttl"]);
}

#[test]
fn events_that_do_not_exist() {
    let (mut server, [a, b]) = server_of();
    for event in [
        "hello",
        "room:",
        "message",
        "error",
        "7",
        "constructor",
        "\u{0}",
    ] {
        assert_eq!(a.refusal(&mut server, &json!([event, 1])), "unsupported");
    }
    a.emit(&mut server, r#"["\ud800"]"#);
    assert_eq!(a.heard_one(&mut server)[1]["code"], "unsupported");
    assert!(b.heard(&mut server).is_empty());
}

/// Places for media are limited; peers that only listen need none.
#[test]
fn capacity() {
    let limits = Limits {
        peers: 2,
        ..Limits::default()
    };
    let mut server = server_with(Config {
        limits,
        ..Config::default()
    });
    let [a, b, c] = std::array::from_fn(|_| Peer::connect(&mut server));
    let on = json!(["room:join", { "media": { "audio": true } }]);
    for peer in [&a, &b] {
        assert_eq!(peer.call(&mut server, &on)["ok"], true);
    }
    assert_eq!(c.refusal(&mut server, &on), "room-full");
    assert_eq!(c.join(&mut server, "c")["room"]["count"], 3);
    let turn_on = json!(["peer:update", { "media": { "screen": true } }]);
    assert_eq!(c.refusal(&mut server, &turn_on), "room-full");
    assert_eq!(
        a.call(&mut server, &turn_on)["ok"],
        true,
        "the peer has a place already"
    );
    b.vanish_for_good(&mut server);
    assert_eq!(c.call(&mut server, &turn_on)["ok"], true);
}

/// A socket beyond the limit is refused with a message, and may try again.
#[test]
fn the_room_is_full() {
    let limits = Limits {
        sockets: 2,
        ..Limits::default()
    };
    let mut server = server_with(Config {
        limits,
        ..Config::default()
    });
    let [a, _b] = std::array::from_fn(|_| Peer::connect(&mut server));
    let c = server.open_websocket();
    server.text(c, "40");
    let Some(Done::Sent(_, frame)) = server.take_for(c).pop() else {
        panic!("no answer");
    };
    let error: Value = serde_json::from_str(frame.strip_prefix("44").unwrap()).unwrap();
    assert_eq!(error["data"]["code"], "room-full");
    assert_eq!(error["data"]["message"], error["message"]);
    a.vanish_for_good(&mut server);
    server.text(c, "40");
    assert!(matches!(&server.take_for(c)[..], [Done::Sent(_, frame)] if frame.starts_with("40{")));
}

/// S-9: the room is in the namespace `/` only.
#[test]
fn s_9_other_namespaces_do_not_exist() {
    let (mut server, [a]) = server_of();
    server.text(a.connection(), "40/admin");
    let refusal = sent(
        a.connection(),
        r#"44/admin,{"message":"Invalid namespace"}"#,
    );
    assert_eq!(server.take_for(a.connection()), [refusal]);
}
