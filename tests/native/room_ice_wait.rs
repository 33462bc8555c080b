//! What happens while a join waits for relays from Cloudflare.

use serde_json::json;

use crate::peer::{Peer, RoomServer};
use crate::recovery::texts;
use crate::room_ice::{call, cloudflare, enter, get, granted, join, names, relayed};

/// A client that waits for relays gets other events meanwhile, and does not get them again.
#[test]
fn messages_during_a_join_are_delivered_once() {
    let (mut server, [a, b]) = cloudflare();
    enter(&mut server, &a);
    let say = |server: &mut RoomServer, text: &str| {
        assert_eq!(a.call(server, json!(["chat-message", text]))["ok"], true);
    };
    for text in ["one", "two"] {
        say(&mut server, text);
    }
    // These events are older than the join.
    b.heard(&mut server);
    let ack = b.ask(&mut server, join());
    for text in ["three", "four"] {
        say(&mut server, text);
    }
    server.posted(granted(&b.id));
    let joined = b.acknowledged(&mut server, ack).expect("an ack");
    say(&mut server, "five");
    let history = joined["history"].as_array().unwrap().iter();
    let told = history.map(|message| message["message"].as_str().unwrap().to_owned());
    let all: Vec<String> = told.chain(texts(&mut server, &b)).collect();
    assert_eq!(all, ["one", "two", "three", "four", "five"]);
}

/// A client that left before the answer gets no credentials.
#[test]
fn a_client_that_leaves_during_the_request() {
    let (mut server, [a, b, c]) = cloudflare();
    let ack = a.ask(&mut server, join());
    let kicked = b.ask(&mut server, join());
    c.ask(&mut server, join());
    a.call(&mut server, json!(["host:kick", { "id": b.id }]));
    a.call(&mut server, json!(["room:leave"]));
    c.vanish_for_good(&mut server);
    server.take(); // discard their messages to each other
    server.posted(granted("u"));
    let left = a.acknowledged(&mut server, ack).expect("an ack");
    assert_eq!(left["ok"], false);
    assert_eq!(left["error"]["code"], "not-joined");
    assert_eq!(left["error"]["event"], "room:join");
    assert_eq!(b.acknowledged(&mut server, kicked), None);
    server.expect([]);
}

/// A client that lost its connection meanwhile has joined nevertheless, and asks again.
#[test]
fn a_client_that_is_away_when_the_answer_arrives() {
    let (mut server, [a, b]) = cloudflare();
    enter(&mut server, &a);
    b.ask(&mut server, join());
    b.vanish(&mut server);
    server.posted(granted("lost"));
    let b = b.reconnect(&mut server);
    assert!(b.recovered);
    let joined = call(&mut server, &b, join(), granted("b"));
    assert_eq!(joined["self"]["n"], 2);
    assert_eq!(joined["ice"]["iceServers"], relayed("b"));
    let heard = a.heard(&mut server);
    let told: Vec<_> = heard.iter().map(|event| event[0].clone()).collect();
    assert_eq!(
        told,
        ["peer:joined", "peer:away", "peer:back", "peer:updated"]
    );
}

/// The room stores that a client has joined, but not that it waits for relays.
#[test]
fn memory_is_lost_during_a_request() {
    let (mut server, [a, b]) = cloudflare();
    enter(&mut server, &a);
    let ack = b.ask(&mut server, join());
    server.lose_memory();
    assert_eq!(b.acknowledged(&mut server, ack), None);
    let ice = call(&mut server, &b, get(), granted("b"));
    assert_eq!(ice["iceServers"], relayed("b"));
}

/// A client that is let into a locked room gets the servers when they arrive. A client that
/// leaves before that gets nothing.
#[test]
fn an_admission_waits_for_cloudflare() {
    let (mut server, [a]) = cloudflare();
    enter(&mut server, &a);
    a.call(&mut server, json!(["host:lock", { "on": true }]));
    let [b, c] = std::array::from_fn(|_| Peer::connect(&mut server));
    for peer in [&b, &c] {
        assert_eq!(peer.refusal(&mut server, &join()), "waiting");
        let admit = json!(["host:admit", { "id": peer.id }]);
        assert_eq!(a.call(&mut server, admit), json!({ "ok": true }));
    }
    assert!(b.heard(&mut server).iter().all(|e| e[0] == "peer:joined"));
    c.call(&mut server, json!(["room:leave"]));
    b.heard(&mut server);
    c.heard(&mut server);
    server.posted(granted("b"));
    let admitted = b.heard_one(&mut server);
    assert_eq!(admitted[0], "room:admitted");
    assert_eq!(admitted[1]["ice"]["iceServers"], relayed("b"));
    assert_eq!(names(&admitted[1]["peers"]), ["x"]);
    assert!(c.heard(&mut server).is_empty());
}
