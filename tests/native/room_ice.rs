//! ICE servers: which peers get which servers, with relays from a TURN server or from Cloudflare.

use std::time::Duration;

use serde_json::{Value, json};
use signalbox::io::{Answer, Post, Recipient};
use signalbox::room::Config;
use signalbox::room::config::{Ice, Relay};

use crate::peer::{Hall, Peer, hall_with, unhurried};
use crate::recovery::texts;

const TOKEN: &str = "hunter2";
const STUN: &str = "stun:stun.cloudflare.com:3478";

fn hall_of_relay<const N: usize>(relay: Relay) -> (Hall, [Peer; N]) {
    let mut hall = hall_with(Config {
        limits: unhurried(),
        ice: Ice {
            relay: Some(relay),
            ttl: 600,
            ..Ice::default()
        },
        ..Config::default()
    });
    hall.late(1_700_000_000_999);
    let peers = std::array::from_fn(|_| Peer::connect(&mut hall));
    (hall, peers)
}

fn coturn<const N: usize>() -> (Hall, [Peer; N]) {
    hall_of_relay(Relay::Coturn {
        urls: vec!["turn:a".to_owned(), "turns:a?transport=tcp".to_owned()],
        secret: "north".to_owned(),
    })
}

fn cloudflare<const N: usize>() -> (Hall, [Peer; N]) {
    hall_of_relay(Relay::Cloudflare {
        url: "https://api.example/k".to_owned(),
        token: TOKEN.to_owned(),
    })
}

fn join() -> Value {
    json!(["room:join", { "name": "x" }])
}

#[expect(
    clippy::needless_pass_by_value,
    clippy::unnecessary_wraps,
    reason = "callers write an answer in place"
)]
fn answer(status: u16, body: impl ToString) -> Result<Answer, String> {
    let body = body.to_string();
    Ok(Answer { status, body })
}

/// An answer of Cloudflare's API.
fn granted(username: &str) -> Result<Answer, String> {
    let turn = "turn:turn.cloudflare.com";
    let servers = json!([
        { "urls": [STUN, "stun:stun.cloudflare.com:53"] },
        {
            "urls": [
                format!("{turn}:3478?transport=udp"),
                format!("{turn}:53?transport=udp"),
                "turns:turn.cloudflare.com:5349?transport=tcp",
            ],
            "username": username,
            "credential": "c",
        },
    ]);
    answer(201, json!({ "iceServers": servers }))
}

/// The ICE servers that a peer gets from this answer.
fn relayed(username: &str) -> Value {
    json!([
        { "urls": STUN },
        {
            "urls": [
                "turn:turn.cloudflare.com:3478?transport=udp",
                "turns:turn.cloudflare.com:5349?transport=tcp",
            ],
            "username": username,
            "credential": "c",
        },
    ])
}

/// Joins, and returns the relays in the ack.
fn enter(hall: &mut Hall, peer: &Peer) -> Value {
    let ack = peer.ask(hall, join());
    hall.posted(granted(&peer.id));
    peer.acknowledged(hall, ack).expect("an ack")
}

/// The lines in the operators' log about missing relays.
fn no_relay(hall: &Hall) -> Vec<Value> {
    let lines = hall.platform.lines.borrow();
    let lines = lines.iter().map(|line| serde_json::from_str(line).unwrap());
    lines
        .filter(|line: &Value| line["event"] == "no-relay")
        .collect()
}

fn names(peers: &Value) -> Vec<&str> {
    let peers = peers.as_array().expect("peers").iter();
    peers.map(|peer| peer["name"].as_str().unwrap()).collect()
}

/// A client that waits for relays gets other events meanwhile, and does not get them again.
#[test]
fn messages_during_a_join_are_delivered_once() {
    let (mut hall, [a, b]) = cloudflare();
    enter(&mut hall, &a);
    let say = |hall: &mut Hall, text: &str| {
        assert_eq!(a.call(hall, json!(["chat-message", text]))["ok"], true);
    };
    for text in ["one", "two"] {
        say(&mut hall, text);
    }
    // These events are older than the join.
    b.heard(&mut hall);
    let ack = b.ask(&mut hall, join());
    for text in ["three", "four"] {
        say(&mut hall, text);
    }
    hall.posted(granted(&b.id));
    let joined = b.acknowledged(&mut hall, ack).expect("an ack");
    say(&mut hall, "five");
    let history = joined["history"].as_array().unwrap().iter();
    let told = history.map(|message| message["message"].as_str().unwrap().to_owned());
    let all: Vec<String> = told.chain(texts(&mut hall, &b)).collect();
    assert_eq!(all, ["one", "two", "three", "four", "five"]);
}

/// Each peer gets a username with its expiry and its owner.
#[test]
fn credentials_for_a_turn_server() {
    let (mut hall, [a, b]) = coturn();
    let ice = a.join(&mut hall, "a")["ice"].clone();
    assert_eq!(ice["ttl"], 600);
    assert_eq!(ice["iceServers"][0], json!({ "urls": STUN }));
    let relay = &ice["iceServers"][1];
    assert_eq!(
        relay["urls"],
        json!(["turn:a", "turns:a?transport=tcp"]),
        "{ice}"
    );
    assert_eq!(relay["username"], format!("1700000600:room:{}", a.id));
    let other = b.join(&mut hall, "b")["ice"]["iceServers"][1].clone();
    assert_eq!(other["username"], format!("1700000600:room:{}", b.id));
    assert_ne!(other["credential"], relay["credential"]);

    hall.until(1_700_000_001_000);
    let fresh = a.call(&mut hall, json!(["ice:get"]));
    assert_eq!((&fresh["ok"], &fresh["ttl"]), (&json!(true), &json!(600)));
    let relay = &fresh["iceServers"][1];
    assert_eq!(relay["username"], format!("1700000601:room:{}", a.id));
    assert!(hall.post.is_none());
}

/// Only peers get credentials: neither strangers nor waiting clients do.
#[test]
fn only_peers_get_credentials() {
    let (mut hall, [a, b, c]) = cloudflare();
    assert_eq!(a.refusal(&mut hall, &json!(["ice:get"])), "not-joined");
    assert_eq!(
        a.refusal(&mut hall, &json!(["room:join", 7])),
        "bad-payload"
    );
    assert_eq!(hall.post, None);
    enter(&mut hall, &a);
    a.call(&mut hall, json!(["host:lock", { "on": true }]));
    let late = Peer::connect(&mut hall);
    assert_eq!(late.refusal(&mut hall, &join()), "waiting");
    assert_eq!(late.refusal(&mut hall, &json!(["ice:get"])), "room-locked");
    assert_eq!(hall.post, None);
    drop((b, c));
}

/// The other peers see a join at once. Its ack waits for Cloudflare. The ack then has the current state
/// of the room, without the events that were sent meanwhile.
#[test]
fn a_join_waits_for_cloudflare() {
    let (mut hall, [a, b]) = cloudflare();
    enter(&mut hall, &a);
    a.heard(&mut hall);

    let ack = b.ask(&mut hall, json!(["room:join", { "name": "Bob" }]));
    assert_eq!(
        hall.post,
        Some(Post {
            number: 0,
            to: Recipient::Server("https://api.example/k".to_owned()),
            headers: vec![("authorization", "Bearer hunter2".to_owned())],
            body: r#"{"ttl":600}"#.to_owned(),
            timeout: Duration::from_secs(3),
        })
    );
    assert_eq!(b.acknowledged(&mut hall, ack), None);
    assert_eq!(a.heard_one(&mut hall)[0], "peer:joined");
    a.call(&mut hall, json!(["peer:update", { "name": "Ann" }]));
    a.call(&mut hall, json!(["chat-message", "hello"]));

    hall.posted(granted("b"));
    let joined = b.acknowledged(&mut hall, ack).expect("an ack");
    assert_eq!(joined["ok"], true);
    assert_eq!(joined["self"]["name"], "Bob");
    assert_eq!(names(&joined["peers"]), ["Ann"]);
    assert_eq!(joined["history"], json!([]));
    assert_eq!(joined["ice"]["ttl"], 600);
    assert_eq!(joined["ice"]["iceServers"], relayed("b"));
    assert!(no_relay(&hall).is_empty());
}

/// Peers that ask during a request share its answer; a later peer starts a new request.
#[test]
fn simultaneous_peers_share_one_request() {
    let (mut hall, [a, b, c]) = cloudflare();
    let polls = Peer::connect_polling(&mut hall);
    let everyone = [&a, &b, &c, &polls];
    let acks = everyone.map(|peer| peer.ask(&mut hall, join()));
    let again = a.ask(&mut hall, json!(["ice:get"]));
    hall.posted(granted("u")); // the script allows one request at a time
    assert_eq!(hall.post, None);
    for (peer, ack) in everyone.into_iter().zip(acks) {
        let joined = peer.acknowledged(&mut hall, ack).expect("an ack");
        assert_eq!(joined["ice"]["iceServers"], relayed("u"));
        assert_eq!(joined["room"]["count"], 4);
    }
    let again = a.acknowledged(&mut hall, again).expect("an ack");
    assert_eq!(
        again,
        json!({ "ok": true, "iceServers": relayed("u"), "ttl": 600 })
    );

    let fresh = a.ask(&mut hall, json!(["ice:get"]));
    assert_eq!(a.acknowledged(&mut hall, fresh), None);
    hall.posted(granted("fresh"));
    let fresh = a.acknowledged(&mut hall, fresh).expect("an ack");
    assert_eq!(fresh["iceServers"], relayed("fresh"));
}

/// A join succeeds whatever Cloudflare answers. Without a relay, the client is told to ask again
/// soon.
#[test]
fn cloudflare_fails() {
    let servers = |servers: Value| answer(201, json!({ "iceServers": servers }));
    let turn = |urls: Value| json!([{ "urls": urls, "username": TOKEN, "credential": TOKEN }]);
    for (failure, reason) in [
        (
            Err("it did not answer in time".to_owned()),
            "it did not answer in time",
        ),
        (answer(500, "oh"), "it answered with 500"),
        (answer(401, "{}"), "it answered with 401"),
        (granted("u").map(|a| Answer { status: 200, ..a }), "200"),
        (answer(201, ""), "its answer has no iceServers"),
        (answer(201, "<html>"), "its answer has no iceServers"),
        (answer(201, "{}"), "its answer has no iceServers"),
        (answer(201, "[1]"), "its answer has no iceServers"),
        (servers(json!(7)), "it is not a list"),
        (servers(json!([])), "its answer has no relay"),
        (servers(json!([{}])), "server 1 has no urls"),
        (
            servers(json!([{ "urls": STUN }])),
            "its answer has no relay",
        ),
        (servers(json!([{ "urls": "turn:a" }])), "has no username"),
        (servers(turn(json!(["https://a"]))), "URL that is no stun:"),
        (servers(turn(json!([7]))), "URL that is no stun:"),
        (
            servers(turn(json!(["turn:a:53", "turn:a:53?transport=udp"]))),
            "its answer has no relay",
        ),
    ] {
        let (mut hall, [a]) = cloudflare();
        let ack = a.ask(&mut hall, join());
        hall.posted(failure.clone());
        let joined = a.acknowledged(&mut hall, ack).expect("an ack");
        assert_eq!(joined["ok"], true);
        let fallback = json!({ "iceServers": [{ "urls": STUN }], "ttl": 60 });
        assert_eq!(joined["ice"], fallback, "{failure:?}");
        let lines = no_relay(&hall);
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert_eq!(lines[0]["room"], "room");
        let said = lines[0]["reason"].as_str().expect("a reason");
        assert!(said.contains(reason) && !said.contains(TOKEN), "{said}");

        let again = a.ask(&mut hall, json!(["ice:get"]));
        hall.posted(granted("u"));
        let again = a.acknowledged(&mut hall, again).expect("an ack");
        assert_eq!(again["iceServers"], relayed("u"));
    }
}

/// A single URL may stand without a list, as in browsers.
#[test]
fn a_relay_of_one_url() {
    let (mut hall, [a]) = cloudflare();
    let ack = a.ask(&mut hall, join());
    let relay = json!({ "urls": "turn:a:5349", "username": "u", "credential": "c" });
    hall.posted(answer(201, json!({ "iceServers": [relay] })));
    let joined = a.acknowledged(&mut hall, ack).expect("an ack");
    assert_eq!(joined["ice"]["iceServers"][1], relay);
}

/// A client that left before the answer gets no credentials.
#[test]
fn a_client_that_leaves_during_the_request() {
    let (mut hall, [a, b, c]) = cloudflare();
    let ack = a.ask(&mut hall, join());
    let kicked = b.ask(&mut hall, join());
    c.ask(&mut hall, join());
    a.call(&mut hall, json!(["host:kick", { "id": b.id }]));
    a.call(&mut hall, json!(["room:leave"]));
    c.vanish_for_good(&mut hall);
    hall.take(); // discard their messages to each other
    hall.posted(granted("u"));
    let left = a.acknowledged(&mut hall, ack).expect("an ack");
    assert_eq!(left["ok"], false);
    assert_eq!(left["error"]["code"], "not-joined");
    assert_eq!(left["error"]["event"], "room:join");
    assert_eq!(b.acknowledged(&mut hall, kicked), None);
    hall.expect([]);
}

/// A client that lost its connection meanwhile has joined nevertheless, and asks again.
#[test]
fn a_client_that_is_away_when_the_answer_arrives() {
    let (mut hall, [a, b]) = cloudflare();
    enter(&mut hall, &a);
    b.ask(&mut hall, join());
    b.vanish(&mut hall);
    hall.posted(granted("lost"));
    let b = b.reconnect(&mut hall);
    assert!(b.recovered);
    let ack = b.ask(&mut hall, join());
    hall.posted(granted("b"));
    let joined = b.acknowledged(&mut hall, ack).expect("an ack");
    assert_eq!(joined["self"]["n"], 2);
    assert_eq!(joined["ice"]["iceServers"], relayed("b"));
    let heard = a.heard(&mut hall);
    let told: Vec<_> = heard.iter().map(|event| event[0].clone()).collect();
    assert_eq!(
        told,
        ["peer:joined", "peer:away", "peer:back", "peer:updated"]
    );
}

/// Waiting for relays is not stored; a join is.
#[test]
fn memory_is_lost_during_a_request() {
    let (mut hall, [a, b]) = cloudflare();
    enter(&mut hall, &a);
    let ack = b.ask(&mut hall, join());
    hall.lose_memory();
    assert_eq!(b.acknowledged(&mut hall, ack), None);
    let ack = b.ask(&mut hall, json!(["ice:get"]));
    hall.posted(granted("b"));
    let ice = b.acknowledged(&mut hall, ack).expect("an ack");
    assert_eq!(ice["iceServers"], relayed("b"));
}

/// Without a peer that would get the answer, nothing is requested.
#[test]
fn a_join_without_an_ack() {
    let (mut hall, [a]) = cloudflare();
    a.emit(&mut hall, join());
    assert_eq!(hall.post, None);
    assert!(a.heard(&mut hall).is_empty());
    let ack = a.ask(&mut hall, json!(["ice:get"]));
    hall.posted(granted("u"));
    assert_eq!(a.acknowledged(&mut hall, ack).expect("an ack")["ok"], true);
}

/// A client that is let into a locked room gets the servers when they arrive. A client that leaves
/// first is not waited for.
#[test]
fn an_admission_waits_for_cloudflare() {
    let (mut hall, [a]) = cloudflare();
    enter(&mut hall, &a);
    a.call(&mut hall, json!(["host:lock", { "on": true }]));
    let [b, c] = std::array::from_fn(|_| Peer::connect(&mut hall));
    for peer in [&b, &c] {
        assert_eq!(peer.refusal(&mut hall, &join()), "waiting");
        let admit = json!(["host:admit", { "id": peer.id }]);
        assert_eq!(a.call(&mut hall, admit), json!({ "ok": true }));
    }
    assert!(b.heard(&mut hall).iter().all(|e| e[0] == "peer:joined"));
    c.call(&mut hall, json!(["room:leave"]));
    b.heard(&mut hall);
    c.heard(&mut hall);
    hall.posted(granted("b"));
    let admitted = b.heard_one(&mut hall);
    assert_eq!(admitted[0], "room:admitted");
    assert_eq!(admitted[1]["ice"]["iceServers"], relayed("b"));
    assert_eq!(names(&admitted[1]["peers"]), ["x"]);
    assert!(c.heard(&mut hall).is_empty());
}
