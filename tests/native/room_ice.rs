//! ICE servers: which peers get which servers, with relays from a TURN server or from Cloudflare.

use std::time::Duration;

use serde_json::{Value, json};
use signalbox::io::{Answer, Post, Recipient};
use signalbox::room::Config;
use signalbox::room::config::{Ice, Relay};

use crate::peer::{Peer, RoomServer, high_rates, server_with};

const TOKEN: &str = "hunter2";
const STUN: &str = "stun:stun.cloudflare.com:3478";

fn server_of_relay<const N: usize>(relay: Relay) -> (RoomServer, [Peer; N]) {
    let mut server = server_with(Config {
        limits: high_rates(),
        ice: Ice {
            relay: Some(relay),
            ttl: 600,
            ..Ice::default()
        },
        ..Config::default()
    });
    server.skip_to(1_700_000_000_999);
    let peers = std::array::from_fn(|_| Peer::connect(&mut server));
    (server, peers)
}

fn coturn<const N: usize>() -> (RoomServer, [Peer; N]) {
    server_of_relay(Relay::Coturn {
        urls: vec!["turn:a".to_owned(), "turns:a?transport=tcp".to_owned()],
        secret: "north".to_owned(),
    })
}

pub fn cloudflare<const N: usize>() -> (RoomServer, [Peer; N]) {
    server_of_relay(Relay::Cloudflare {
        url: "https://api.example/k".to_owned(),
        token: TOKEN.to_owned(),
    })
}

pub fn join() -> Value {
    json!(["room:join", { "name": "x" }])
}

pub fn get() -> Value {
    json!(["ice:get"])
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
pub fn granted(username: &str) -> Result<Answer, String> {
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
pub fn relayed(username: &str) -> Value {
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

/// Sends an event whose ack waits for Cloudflare. Returns the ack after this answer.
pub fn call(
    server: &mut RoomServer,
    peer: &Peer,
    event: Value,
    answer: Result<Answer, String>,
) -> Value {
    let ack = peer.ask(server, event);
    server.posted(answer);
    peer.acknowledged(server, ack).expect("an ack")
}

/// Joins, and returns the ack, which has the relays.
pub fn enter(server: &mut RoomServer, peer: &Peer) -> Value {
    call(server, peer, join(), granted(&peer.id))
}

/// The lines in the operators' log about missing relays.
fn no_relay(server: &RoomServer) -> Vec<Value> {
    let lines = server.platform.lines.borrow();
    let lines = lines.iter().map(|line| serde_json::from_str(line).unwrap());
    lines
        .filter(|line: &Value| line["event"] == "no-relay")
        .collect()
}

pub fn names(peers: &Value) -> Vec<&str> {
    let peers = peers.as_array().expect("peers").iter();
    peers.map(|peer| peer["name"].as_str().unwrap()).collect()
}

/// Each peer gets a username with its expiry and its owner.
#[test]
fn credentials_for_a_turn_server() {
    let (mut server, [a, b]) = coturn();
    let ice = a.join(&mut server, "a")["ice"].clone();
    assert_eq!(ice["ttl"], 600);
    assert_eq!(ice["iceServers"][0], json!({ "urls": STUN }));
    let relay = &ice["iceServers"][1];
    assert_eq!(
        relay["urls"],
        json!(["turn:a", "turns:a?transport=tcp"]),
        "{ice}"
    );
    assert_eq!(relay["username"], format!("1700000600:room:{}", a.id));
    let other = b.join(&mut server, "b")["ice"]["iceServers"][1].clone();
    assert_eq!(other["username"], format!("1700000600:room:{}", b.id));
    assert_ne!(other["credential"], relay["credential"]);

    server.until(1_700_000_001_000);
    let fresh = a.call(&mut server, get());
    assert_eq!((&fresh["ok"], &fresh["ttl"]), (&json!(true), &json!(600)));
    let relay = &fresh["iceServers"][1];
    assert_eq!(relay["username"], format!("1700000601:room:{}", a.id));
    assert!(server.post.is_none());
}

/// Only peers get credentials: neither strangers nor waiting clients do.
#[test]
fn only_peers_get_credentials() {
    let (mut server, [a, b, c]) = cloudflare();
    assert_eq!(a.refusal(&mut server, &get()), "not-joined");
    assert_eq!(
        a.refusal(&mut server, &json!(["room:join", 7])),
        "bad-payload"
    );
    assert_eq!(server.post, None);
    enter(&mut server, &a);
    a.call(&mut server, json!(["host:lock", { "on": true }]));
    let late = Peer::connect(&mut server);
    assert_eq!(late.refusal(&mut server, &join()), "waiting");
    assert_eq!(late.refusal(&mut server, &get()), "room-locked");
    assert_eq!(server.post, None);
    drop((b, c));
}

/// The other peers see a join at once. Its ack waits for Cloudflare. The ack then has the current state of the room, but
/// its history has no message that was sent after the join: the new peer got such messages as events.
#[test]
fn a_join_waits_for_cloudflare() {
    let (mut server, [a, b]) = cloudflare();
    enter(&mut server, &a);
    a.heard(&mut server);

    let ack = b.ask(&mut server, json!(["room:join", { "name": "Bob" }]));
    assert_eq!(
        server.post,
        Some(Post {
            number: 0,
            to: Recipient::Server("https://api.example/k".to_owned()),
            headers: vec![("authorization", "Bearer hunter2".to_owned())],
            body: r#"{"ttl":600}"#.to_owned(),
            timeout: Duration::from_secs(3),
        })
    );
    assert_eq!(b.acknowledged(&mut server, ack), None);
    assert_eq!(a.heard_one(&mut server)[0], "peer:joined");
    a.call(&mut server, json!(["peer:update", { "name": "Ann" }]));
    a.call(&mut server, json!(["chat-message", "hello"]));

    server.posted(granted("b"));
    let joined = b.acknowledged(&mut server, ack).expect("an ack");
    assert_eq!(joined["ok"], true);
    assert_eq!(joined["self"]["name"], "Bob");
    assert_eq!(names(&joined["peers"]), ["Ann"]);
    assert_eq!(joined["history"], json!([]));
    assert_eq!(joined["ice"]["ttl"], 600);
    assert_eq!(joined["ice"]["iceServers"], relayed("b"));
    assert!(no_relay(&server).is_empty());
}

/// Peers that ask during a request share its answer; a later peer starts a new request.
#[test]
fn simultaneous_peers_share_one_request() {
    let (mut server, [a, b, c]) = cloudflare();
    let polls = Peer::connect_polling(&mut server);
    let everyone = [&a, &b, &c, &polls];
    let acks = everyone.map(|peer| peer.ask(&mut server, join()));
    let again = a.ask(&mut server, get());
    // `Script` panics if the room sends a second request before the answer to the first.
    server.posted(granted("u"));
    assert_eq!(server.post, None);
    for (peer, ack) in everyone.into_iter().zip(acks) {
        let joined = peer.acknowledged(&mut server, ack).expect("an ack");
        assert_eq!(joined["ice"]["iceServers"], relayed("u"));
        assert_eq!(joined["room"]["count"], 4);
    }
    let again = a.acknowledged(&mut server, again).expect("an ack");
    assert_eq!(
        again,
        json!({ "ok": true, "iceServers": relayed("u"), "ttl": 600 })
    );

    let fresh = a.ask(&mut server, get());
    assert_eq!(a.acknowledged(&mut server, fresh), None);
    server.posted(granted("fresh"));
    let fresh = a.acknowledged(&mut server, fresh).expect("an ack");
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
        let (mut server, [a]) = cloudflare();
        let joined = call(&mut server, &a, join(), failure.clone());
        assert_eq!(joined["ok"], true);
        let fallback = json!({ "iceServers": [{ "urls": STUN }], "ttl": 60 });
        assert_eq!(joined["ice"], fallback, "{failure:?}");
        let lines = no_relay(&server);
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert_eq!(lines[0]["room"], "room");
        let said = lines[0]["reason"].as_str().expect("a reason");
        assert!(said.contains(reason) && !said.contains(TOKEN), "{said}");

        let again = call(&mut server, &a, get(), granted("u"));
        assert_eq!(again["iceServers"], relayed("u"));
    }
}

/// A single URL may stand without a list, as in browsers.
#[test]
fn a_relay_of_one_url() {
    let (mut server, [a]) = cloudflare();
    let relay = json!({ "urls": "turn:a:5349", "username": "u", "credential": "c" });
    let servers = answer(201, json!({ "iceServers": [relay] }));
    let joined = call(&mut server, &a, join(), servers);
    assert_eq!(joined["ice"]["iceServers"][1], relay);
}

/// Without a peer that would get the answer, nothing is requested.
#[test]
fn a_join_without_an_ack() {
    let (mut server, [a]) = cloudflare();
    a.emit(&mut server, join());
    assert_eq!(server.post, None);
    assert!(a.heard(&mut server).is_empty());
    let ice = call(&mut server, &a, get(), granted("u"));
    assert_eq!(ice["ok"], true);
}
