//! A hostile client of a dialect learns nothing about others, and cannot exceed the limits.

use serde_json::{Value, json};
use signalbox::dialect::limits;
use signalbox::room::config::TokenSecret;
use signalbox::room::{Config, Rate};

use crate::dialect_client::{Client, Place, place, place_with};
use crate::peer::unhurried;

pub fn clients<const N: usize>(place: &mut Place) -> [Client; N] {
    std::array::from_fn(|_| Client::connect(place))
}

/// A sender that the table states cannot be forged, however the field's name is written.
#[test]
fn no_client_claims_to_be_another() {
    let json = json!({"on": {"x": [{"emit": "x", "to": "$0.to", "args": [{"...": "$0", "from": "$id"}]}]}});
    let mut place = place(&json.to_string());
    let [ann, bob, eve] = clients(&mut place);
    for field in [
        format!(r#""from":"{}""#, ann.id),
        format!(r#""fr\u006fm":"{}""#, ann.id),
        format!(r#""from":1,"from":"{}""#, ann.id),
        format!(r#""from":null,"\u0066rom":"{0}","from":"{0}""#, ann.id),
        r#""n":1"#.to_owned(),
    ] {
        eve.emit(
            &mut place,
            format!(r#"["x",{{{field},"to":"{}"}}]"#, bob.id),
        );
        let [event] = &bob.heard_raw(&mut place)[..] else {
            panic!("not one event");
        };
        assert_eq!(event.matches(&eve.id).count(), 1, "{event}");
        assert!(!event.contains(&ann.id), "{event}");
        let event: Value = serde_json::from_str(event).unwrap();
        assert_eq!(event[1]["from"], json!(eve.id));
    }
}

/// A client may join a room named after another's id or alias, or take another's name. It gets no
/// messages for the other.
#[test]
fn no_client_takes_the_place_of_another() {
    let json = json!({"on": {
        "join": [{"join": "$0"}],
        "name": [{"alias": "$0"}],
        "tell": [{"emit": "told", "to": "$0", "args": ["$1"]}],
    }});
    let mut place = place(&json.to_string());
    let [ann, bob, eve] = clients(&mut place);
    ann.emit(&mut place, json!(["name", "ann"]));
    ann.emit(&mut place, json!(["join", "den"]));
    place.take();
    for (event, code) in [
        (json!(["join", ann.id]), "id-taken"),
        (json!(["join", crate::support::id(999)]), "bad-payload"),
        (json!(["join", "ann"]), "id-taken"),
        (json!(["name", "ann"]), "id-taken"),
        (json!(["name", ann.id]), "id-taken"),
        (json!(["name", crate::support::id(999)]), "id-taken"),
        (json!(["name", "den"]), "id-taken"),
    ] {
        eve.emit(&mut place, &event);
        assert_eq!(eve.error(&mut place), code, "{event}");
    }
    for to in ["ann", ann.id.as_str(), "den"] {
        bob.emit(&mut place, json!(["tell", to, "secret"]));
        assert_eq!(ann.heard(&mut place), [json!(["told", "secret"])]);
        assert!(eve.heard(&mut place).is_empty());
    }
    // A name is free after its holder disconnected.
    place.lost(ann.connection);
    eve.emit(&mut place, json!(["name", "ann"]));
    assert!(eve.heard(&mut place).is_empty());
}

/// An unknown target is an error, for the sender alone.
#[test]
fn an_unknown_receiver() {
    let json = json!({"on": {"tell": [{"emit": "told", "to": "$0"}]}});
    let mut place = place(&json.to_string());
    let [ann, bob] = clients(&mut place);
    for to in [
        json!("nobody"),
        json!(""),
        json!(null),
        json!({}),
        json!([]),
        json!([1, 2]),
        json!(false),
    ] {
        ann.emit(&mut place, json!(["tell", to]));
        assert_eq!(ann.error(&mut place), "unknown-peer", "{to}");
    }
    assert!(bob.heard(&mut place).is_empty());
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
    let mut place = place(&json.to_string());
    let [ann] = clients(&mut place);
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
        ann.emit(&mut place, &event);
        assert_eq!(ann.error(&mut place), "bad-payload", "{event}");
    }
    ann.emit(
        &mut place,
        json!(["name", "x".repeat(limits::ALIAS_BYTES + 1)]),
    );
    assert_eq!(ann.error(&mut place), "too-large");
    ann.emit(&mut place, json!(["join", 7]));
    assert_eq!(ann.heard(&mut place), [json!(["done"])]);
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
    let mut place = place(&json.to_string());
    let [ann] = clients(&mut place);
    let list = |count: usize| vec![0; count];
    ann.emit(&mut place, json!(["each", list(limits::ACTIONS)]));
    assert_eq!(ann.heard(&mut place).len(), limits::ACTIONS);
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
        ann.emit(&mut place, &event);
        let heard = ann.heard(&mut place);
        let end = heard.last().unwrap();
        assert_eq!(end[1]["code"], "too-large", "{}", event[0]);
        let bytes: usize = heard.iter().map(|event| event.to_string().len()).sum();
        assert!(bytes <= limits::WRITTEN_BYTES + 100_000, "{bytes}");
        assert!(heard.len() <= limits::ACTIONS + 1);
    }
    let deep = format!("[\"spread\",{}{}]", "[".repeat(65), "]".repeat(65));
    ann.emit(&mut place, deep);
    assert_eq!(ann.error(&mut place), "bad-payload");
}

/// M-22: the receivers of many events are counted together.
#[test]
fn deliveries() {
    let json = json!({"on": {"x": [{"each": "$0", "emit": "x", "to": "everyone"}]}});
    let mut place = place(&json.to_string());
    let clients: [Client; 50] = clients(&mut place);
    clients[0].emit(&mut place, json!(["x", vec![0; 200]]));
    let heard: usize = clients
        .iter()
        .map(|client| client.heard(&mut place).len())
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
    let mut place = place(&json.to_string());
    let [ann, bob] = clients(&mut place);
    for n in 0..100 {
        ann.emit(&mut place, json!(["join", n]));
    }
    let refused = ann.heard(&mut place);
    assert_eq!(refused.len(), 100 - signalbox::socket::MAX_ROOMS);
    assert!(refused.iter().all(|event| event[1]["code"] == "too-large"));
    bob.emit(&mut place, json!(["rooms"]));
    assert_eq!(
        bob.heard(&mut place),
        [json!(["rooms", signalbox::socket::MAX_ROOMS])]
    );
    place.lost(ann.connection);
    bob.emit(&mut place, json!(["rooms"]));
    assert_eq!(bob.heard(&mut place), [json!(["rooms", 0])]);
}

/// The rates are those of a room's signals: too many events are an error, and a client that
/// continues is disconnected.
#[test]
fn rates() {
    let mut config = Config {
        limits: unhurried(),
        ..Config::default()
    };
    let rate = |burst| Rate {
        burst,
        per_second: 1,
    };
    config.limits.rates.signal = rate(5);
    config.limits.rates.patience = rate(3);
    let json = json!({"on": {"x": [{"emit": "x"}]}});
    let mut place = place_with(&json.to_string(), config);
    let [ann, bob] = clients(&mut place);
    for _ in 0..9 {
        ann.emit(&mut place, json!(["x"]));
    }
    let heard = ann.heard(&mut place);
    let errors = heard
        .iter()
        .filter(|event| event[1]["code"] == "rate-limited");
    assert_eq!((heard.len(), errors.count()), (8, 3));
    assert!(
        !place.connections.contains_key(&ann.connection),
        "the client is disconnected"
    );
    bob.emit(&mut place, json!(["x"]));
    assert_eq!(
        bob.heard(&mut place),
        [json!(["x"])],
        "other clients are not limited"
    );
    let lines = place.platform.lines.borrow();
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
    let mut place = place_with("{\"on\": {}}", config);
    for auth in [json!({}), json!({"token": "a.b.c"}), json!({"token": 7})] {
        let refusal = Client::try_connect(&mut place, "", &auth).err();
        assert_eq!(refusal.unwrap()["data"]["code"], "bad-token", "{auth}");
    }
}

/// The number of sockets is limited as in a room.
#[test]
fn sockets_are_bounded() {
    let mut config = Config {
        limits: unhurried(),
        ..Config::default()
    };
    config.limits.sockets = 2;
    let mut place = place_with("{\"on\": {}}", config);
    let [ann, _bob] = clients(&mut place);
    let refusal = |place: &mut Place| Client::try_connect(place, "", &json!({})).err();
    assert_eq!(refusal(&mut place).unwrap()["data"]["code"], "room-full");
    place.lost(ann.connection);
    assert_eq!(refusal(&mut place), None);
}
