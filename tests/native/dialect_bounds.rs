//! A hostile client of a dialect learns nothing about others, and cannot exceed the limits.

use serde_json::{Value, json};
use signalbox::dialect::limits;
use signalbox::room::config::TokenSecret;
use signalbox::room::{Config, Rate};

use crate::dialect_client::{Client, DialectServer, dialect_server, dialect_server_with};
use crate::peer::high_rates;

pub fn clients<const N: usize>(server: &mut DialectServer) -> [Client; N] {
    std::array::from_fn(|_| Client::connect(server))
}

/// If the table sets the sender of an event, no client can forge it, however it writes the name of the field.
#[test]
fn no_client_claims_to_be_another() {
    let json = json!({"on": {"x": [{"emit": "x", "to": "$0.to", "args": [{"...": "$0", "from": "$id"}]}]}});
    let mut server = dialect_server(&json.to_string());
    let [ann, bob, eve] = clients(&mut server);
    for field in [
        format!(r#""from":"{}""#, ann.id),
        format!(r#""fr\u006fm":"{}""#, ann.id),
        format!(r#""from":1,"from":"{}""#, ann.id),
        format!(r#""from":null,"\u0066rom":"{0}","from":"{0}""#, ann.id),
        r#""n":1"#.to_owned(),
    ] {
        eve.emit(
            &mut server,
            format!(r#"["x",{{{field},"to":"{}"}}]"#, bob.id),
        );
        let [event] = &bob.heard_raw(&mut server)[..] else {
            panic!("not one event");
        };
        assert_eq!(event.matches(&eve.id).count(), 1, "{event}");
        assert!(!event.contains(&ann.id), "{event}");
        let event: Value = serde_json::from_str(event).unwrap();
        assert_eq!(event[1]["from"], json!(eve.id));
    }
}

/// A table may send to a name that can belong to a room or to a socket. Then no client can join a room whose name is
/// the id or alias of another client, and none can take the id, alias or room of another client as its alias. So no
/// client gets messages for others.
#[test]
fn no_client_takes_the_place_of_another() {
    let json = json!({"on": {
        "join": [{"join": "$0"}],
        "name": [{"alias": "$0"}],
        "tell": [{"emit": "told", "to": "$0", "args": ["$1"]}],
    }});
    let mut server = dialect_server(&json.to_string());
    let [ann, bob, eve] = clients(&mut server);
    ann.emit(&mut server, json!(["name", "ann"]));
    ann.emit(&mut server, json!(["join", "den"]));
    server.take();
    for (event, code) in [
        (json!(["join", ann.id]), "id-taken"),
        (json!(["join", crate::support::id(999)]), "bad-payload"),
        (json!(["join", "ann"]), "id-taken"),
        (json!(["name", "ann"]), "id-taken"),
        (json!(["name", ann.id]), "id-taken"),
        (json!(["name", crate::support::id(999)]), "id-taken"),
        (json!(["name", "den"]), "id-taken"),
    ] {
        eve.emit(&mut server, &event);
        assert_eq!(eve.error(&mut server), code, "{event}");
    }
    for to in ["ann", ann.id.as_str(), "den"] {
        bob.emit(&mut server, json!(["tell", to, "secret"]));
        assert_eq!(ann.heard(&mut server), [json!(["told", "secret"])]);
        assert!(eve.heard(&mut server).is_empty());
    }
    // A name is free after its holder disconnected.
    server.lost(ann.connection);
    eve.emit(&mut server, json!(["name", "ann"]));
    assert!(eve.heard(&mut server).is_empty());
}

/// An unknown target is an error, for the sender alone.
#[test]
fn an_unknown_receiver() {
    let json = json!({"on": {"tell": [{"emit": "told", "to": "$0"}]}});
    let mut server = dialect_server(&json.to_string());
    let [ann, bob] = clients(&mut server);
    for to in [
        json!("nobody"),
        json!(""),
        json!(null),
        json!({}),
        json!([]),
        json!([1, 2]),
        json!(false),
    ] {
        ann.emit(&mut server, json!(["tell", to]));
        assert_eq!(ann.error(&mut server), "unknown-peer", "{to}");
    }
    assert!(bob.heard(&mut server).is_empty());
}

/// An event must have the arguments that a table needs.
#[test]
fn missing_and_invalid_parts() {
    let json = json!({"on": {
        "join": [{"join": "$0"}, {"emit": "done"}],
        "name": [{"alias": "$0"}, {"emit": "done"}],
        "say": [{"in": "$0", "emit": "x", "to": "others"}, {"emit": "done"}],
        "call": [{"emit": "$0"}, {"emit": "done"}],
    }});
    let mut server = dialect_server(&json.to_string());
    let [ann] = clients(&mut server);
    let long = "x".repeat(600);
    for event in [
        json!(["join"]),
        json!(["join", null]),
        json!(["join", ""]),
        json!(["join", {"a": 1}]),
        json!(["join", []]),
        json!(["join", ["a", null]]),
        json!(["join", long]),
        json!(["name"]),
        json!(["name", {}]),
        json!(["say"]),
        json!(["say", {"room": 1}]),
        json!(["call"]),
        json!(["call", long]),
        json!(["call", "disconnect"]),
        json!(["call", "connect_error"]),
    ] {
        ann.emit(&mut server, &event);
        assert_eq!(ann.error(&mut server), "bad-payload", "{event}");
    }
    ann.emit(
        &mut server,
        json!(["name", "x".repeat(limits::ALIAS_BYTES + 1)]),
    );
    assert_eq!(ann.error(&mut server), "too-large");
    ann.emit(&mut server, json!(["join", 7]));
    assert_eq!(ann.heard(&mut server), [json!(["done"])]);
}

/// M-21, M-22: the actions, receivers and bytes that one event causes are limited.
#[test]
fn amplification() {
    let json = json!({"on": {
        "each": [{"each": "$0", "emit": "x"}],
        "square": [{"each": "$0", "do": [{"each": "$0", "emit": "x"}]}],
        "grow": [{"each": "$0", "emit": "x", "args": [{"a": "$1", "b": "$1"}]}],
        "spread": [{"emit": "x", "args": [{"...": "$0"}]}],
        "keep": [{"set": "$0"}],
    }});
    let mut server = dialect_server(&json.to_string());
    let [ann] = clients(&mut server);
    let list = |count: usize| vec![0; count];
    ann.emit(&mut server, json!(["each", list(limits::ACTIONS)]));
    assert_eq!(ann.heard(&mut server).len(), limits::ACTIONS);
    let many: Value = (0..=limits::ITEMS)
        .map(|n| (format!("f{n}"), json!(0)))
        .collect::<serde_json::Map<_, _>>()
        .into();
    for event in [
        json!(["each", list(limits::ACTIONS + 1)]),
        json!(["square", list(30)]),
        json!(["grow", list(100), "x".repeat(10_000)]),
        json!(["spread", many]),
        json!(["keep", {"a": "x".repeat(limits::DATA_BYTES)}]),
        json!(["x".repeat(10), "x".repeat(70_000)]),
    ] {
        ann.emit(&mut server, &event);
        let heard = ann.heard(&mut server);
        let end = heard.last().unwrap();
        assert_eq!(end[1]["code"], "too-large", "{}", event[0]);
        let bytes: usize = heard.iter().map(|event| event.to_string().len()).sum();
        assert!(bytes <= limits::WRITTEN_BYTES + 100_000, "{bytes}");
        assert!(heard.len() <= limits::ACTIONS + 1);
    }
    let deep = format!("[\"spread\",{}{}]", "[".repeat(65), "]".repeat(65));
    ann.emit(&mut server, deep);
    assert_eq!(ann.error(&mut server), "bad-payload");
}

/// M-22: the bytes of the JSON that is written are counted, in which a control character takes six.
#[test]
fn escapes() {
    let json = json!({"on": {
        "join": [{"join": "$0"}],
        "rooms": [{"emit": "x", "args": ["$allRooms"]}],
        "text": [{"emit": "x", "args": ["${0}${0}${0}"]}],
        "object": [{"emit": "x", "args": [{"a": {"...": "$0"}, "b": {"...": "$0"}, "c": {"...": "$0"}}]}],
    }});
    let mut server = dialect_server(&json.to_string());
    let [ann, bob] = clients(&mut server);
    for (client, letter) in [(&ann, 'a'), (&bob, 'b')] {
        for number in 10..10 + signalbox::socket::MAX_ROOMS {
            let name = format!("{}{letter}{number}", "\u{1}".repeat(500));
            client.emit(&mut server, json!(["join", name]));
        }
        assert!(client.heard(&mut server).is_empty());
    }
    let long = "\u{1}".repeat(20_000);
    for event in [
        json!(["rooms"]),
        json!(["text", long]),
        json!(["object", {long.as_str(): 0}]),
    ] {
        ann.emit(&mut server, &event);
        assert_eq!(ann.error(&mut server), "too-large", "{}", event[0]);
    }
}

/// A placeholder that a client sends without an attachment is not kept: with a later event it would stand for an
/// attachment of another client.
#[test]
fn placeholders_are_not_kept() {
    let json = json!({"on": {
        "set": [{"set": {"x": "$0"}}],
        "say": [{"emit": "said", "to": "all", "args": ["$0", "$members.data"]}],
    }});
    let mut server = dialect_server(&json.to_string());
    let [ann, bob] = clients(&mut server);
    for placeholder in [
        r#"{"_placeholder":true,"num":0}"#,
        r#"[{"num":0,"_pl\u0061ceholder":true}]"#,
    ] {
        ann.emit(&mut server, format!(r#"["set",{placeholder}]"#));
        assert_eq!(ann.error(&mut server), "bad-payload", "{placeholder}");
    }
    server.text(
        bob.connection,
        r#"451-["say",{"_placeholder":true,"num":0}]"#,
    );
    server.bytes(bob.connection, b"bytes");
    let frames = server.sent_to(ann.connection);
    assert_eq!(
        frames[0],
        r#"451-["said",{"_placeholder":true,"num":0},[]]"#
    );
}

/// M-22: each piece of a text is counted once.
#[test]
fn pieces_of_a_text() {
    let json = json!({"on": {"x": [{"emit": "x", "args": ["${0}${0}${0}${0}${0}${0}${0}"]}]}});
    let mut server = dialect_server(&json.to_string());
    let [ann] = clients(&mut server);
    let piece = "a".repeat(limits::WRITTEN_BYTES / 7 - 10);
    ann.emit(&mut server, json!(["x", piece]));
    assert_eq!(ann.heard(&mut server), [json!(["x", piece.repeat(7)])]);
    ann.emit(&mut server, json!(["x", piece + "0123456789"]));
    assert_eq!(ann.error(&mut server), "too-large");
}

/// M-22: the receivers of all events that a table sends for one event are counted together.
#[test]
fn deliveries() {
    let json = json!({"on": {"x": [{"each": "$0", "emit": "x", "to": "everyone"}]}});
    let mut server = dialect_server(&json.to_string());
    let clients: [Client; 50] = clients(&mut server);
    clients[0].emit(&mut server, json!(["x", vec![0; 200]]));
    let heard: usize = clients
        .iter()
        .map(|client| client.heard(&mut server).len())
        .sum();
    assert!(
        heard > limits::DELIVERIES - 50 && heard <= limits::DELIVERIES + 1,
        "{heard}"
    );
}

/// M-21: a socket's rooms are limited. A room ends with its last member.
#[test]
fn rooms_are_bounded() {
    let json = json!({"on": {
        "join": [{"join": "$0"}],
        "rooms": [{"emit": "rooms", "args": ["$allRooms.length"]}],
    }});
    let mut server = dialect_server(&json.to_string());
    let [ann, bob] = clients(&mut server);
    for n in 0..100 {
        ann.emit(&mut server, json!(["join", n]));
    }
    let refused = ann.heard(&mut server);
    assert_eq!(refused.len(), 100 - signalbox::socket::MAX_ROOMS);
    assert!(refused.iter().all(|event| event[1]["code"] == "too-large"));
    bob.emit(&mut server, json!(["rooms"]));
    assert_eq!(
        bob.heard(&mut server),
        [json!(["rooms", signalbox::socket::MAX_ROOMS])]
    );
    server.lost(ann.connection);
    bob.emit(&mut server, json!(["rooms"]));
    assert_eq!(bob.heard(&mut server), [json!(["rooms", 0])]);
}

/// The rates are those of a room's signals: too many events are an error, and a client that
/// continues is disconnected.
#[test]
fn rates() {
    let mut config = Config {
        limits: high_rates(),
        ..Config::default()
    };
    let rate = |burst| Rate {
        burst,
        per_second: 1,
    };
    config.limits.rates.signal = rate(5);
    config.limits.rates.patience = rate(3);
    let json = json!({"on": {"x": [{"emit": "x"}]}});
    let mut server = dialect_server_with(&json.to_string(), config);
    let [ann, bob] = clients(&mut server);
    for _ in 0..9 {
        ann.emit(&mut server, json!(["x"]));
    }
    let heard = ann.heard(&mut server);
    let errors = heard
        .iter()
        .filter(|event| event[1]["code"] == "rate-limited");
    assert_eq!((heard.len(), errors.count()), (8, 3));
    assert!(
        !server.connections.contains_key(&ann.connection),
        "the client is disconnected"
    );
    bob.emit(&mut server, json!(["x"]));
    assert_eq!(
        bob.heard(&mut server),
        [json!(["x"])],
        "other clients are not limited"
    );
    let lines = server.platform.lines.borrow();
    let logged = |event: &str| {
        lines
            .iter()
            .filter(|line| line.contains(&format!("\"event\":\"{event}\"")))
            .count()
    };
    assert_eq!((logged("join"), logged("limit"), logged("kick")), (2, 1, 1));
    assert!(
        lines
            .iter()
            .all(|line| line.contains("\"dialect\":\"test\""))
    );
}

/// A deployment that requires tokens requires them of clients of dialects too.
#[test]
fn tokens() {
    let mut config = Config::default();
    config.tokens.required = true;
    config.tokens.secret = TokenSecret::parse("a secret of 32 or more characters");
    let mut server = dialect_server_with("{\"on\": {}}", config);
    for auth in [json!({}), json!({"token": "a.b.c"}), json!({"token": 7})] {
        let refusal = Client::try_connect(&mut server, "", &auth).err();
        assert_eq!(refusal.unwrap()["data"]["code"], "bad-token", "{auth}");
    }
}

/// The number of sockets is limited as in a room.
#[test]
fn sockets_are_bounded() {
    let mut config = Config {
        limits: high_rates(),
        ..Config::default()
    };
    config.limits.sockets = 2;
    let mut server = dialect_server_with("{\"on\": {}}", config);
    let [ann, _bob] = clients(&mut server);
    let refusal = |server: &mut DialectServer| Client::try_connect(server, "", &json!({})).err();
    assert_eq!(refusal(&mut server).unwrap()["data"]["code"], "room-full");
    server.lost(ann.connection);
    assert_eq!(refusal(&mut server), None);
}
