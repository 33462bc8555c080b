//! Random tables, many of them with errors, and random events for them. Nothing may panic, and each event
//! stays within the bounds.

use serde_json::{Map, Value, json};
use signalbox::dialect::{Table, limits};

use super::bytes::Bytes;
use crate::dialect_client::{Client, dialect_server};

const EVENTS: [&str; 4] = ["a", "b", "c", "*"];
const KEYS: [&str; 15] = [
    "when", "else", "each", "in", "leave", "join", "alias", "set", "emit", "to", "args", "ack",
    "do", "stop", "jion",
];
const CONDITIONS: [&str; 10] = [
    "has", "equal", "members", "count", "of", "in", "online", "not", "all", "any",
];
/// How many of the texts below are paths, or hold one.
const PATHS: usize = 29;
const TEXTS: [&str; 36] = [
    "$0",
    "$1",
    "$0.a",
    "$0.a.b",
    "$0[0]",
    "$args",
    "$id",
    "$alias",
    "$room",
    "$rooms",
    "$data",
    "$data.a",
    "$members",
    "$members.data",
    "$members.data.a.length",
    "$others.0",
    "$first",
    "$first.rooms",
    "$everyone",
    "$allRooms",
    "$it",
    "$it.members",
    "$room(it).members",
    "$socket(0.a).data",
    "$uuid",
    "$now",
    "$event",
    "$ice",
    "${0.a} of ${room}",
    "$$",
    "r",
    "others",
    "everyone",
    "x",
    ">= 2",
    "$oops",
];

/// The number of events that the table sent; `None` if the table has errors.
pub fn tables(bytes: &[u8]) -> Option<usize> {
    let mut bytes = Bytes::new(bytes);
    let mut on = Map::new();
    for event in EVENTS {
        let actions = (0..=bytes.below(3)).map(|_| action(&mut bytes, 0));
        on.insert(event.to_owned(), actions.collect());
    }
    if bytes.chance(2) {
        on.insert("connect".to_owned(), json!([action(&mut bytes, 0)]));
        on.insert("disconnect".to_owned(), json!([action(&mut bytes, 0)]));
    }
    let table = json!({ "on": on }).to_string();
    if let Err(errors) = Table::parse(&table) {
        assert!(!errors.is_empty(), "{table}");
        assert!(errors.iter().all(|error| !error.message.is_empty()));
        return None;
    }
    let mut server = dialect_server(&table);
    let mut clients: Vec<Client> = (0..3).map(|_| Client::connect(&mut server)).collect();
    let mut sent = 0;
    while !bytes.is_empty() {
        match bytes.below(12) {
            0 => drop(server.lose_memory()),
            1 => {
                let client = clients.remove(bytes.below(clients.len()));
                server.lost(client.connection);
                clients.push(Client::connect(&mut server));
            }
            _ => {
                let event = *bytes.pick(&EVENTS);
                let args = [value(&mut bytes, 0), value(&mut bytes, 0)];
                let client = &clients[bytes.below(clients.len())];
                let ack = if bytes.chance(2) { "7" } else { "" };
                let frame = format!("42{ack}{}", json!([event, args[0], args[1]]));
                server.text(client.connection, frame);
            }
        }
        let heard: Vec<String> = clients
            .iter()
            .flat_map(|client| client.heard_raw(&mut server))
            .collect();
        assert!(heard.len() <= limits::DELIVERIES + clients.len());
        let size: usize = heard.iter().map(String::len).sum();
        assert!(size <= limits::SENT_BYTES);
        sent += heard.len();
        server.take();
    }
    Some(sent)
}

fn action(bytes: &mut Bytes, depth: usize) -> Value {
    let mut action = Map::new();
    for _ in 0..=bytes.below(3) {
        let known = KEYS.len() - usize::from(!bytes.chance(40));
        let key = *bytes.pick(&KEYS[..known]);
        let value = match key {
            "when" => condition(bytes, 0),
            "else" | "do" if depth < 3 => json!([action_in(bytes, depth)]),
            "else" | "do" => json!([{"stop": true}]),
            "stop" => json!(true),
            "emit" => json!("x"),
            "set" => json!({"a": template(bytes, 0)}),
            "ack" | "args" => json!([template(bytes, 0)]),
            "each" => json!(*bytes.pick(&TEXTS[..PATHS])),
            _ => template(bytes, 1),
        };
        action.insert(key.to_owned(), value);
    }
    if !action.contains_key("emit") {
        for name in ["to", "args"] {
            action.remove(name);
        }
    }
    if !action.contains_key("when") {
        action.remove("else");
    }
    if action.is_empty() || bytes.chance(3) {
        action.insert("emit".to_owned(), json!("y"));
    }
    Value::Object(action)
}

fn action_in(bytes: &mut Bytes, depth: usize) -> Value {
    action(bytes, depth + 1)
}

fn condition(bytes: &mut Bytes, depth: usize) -> Value {
    if depth > 2 || bytes.chance(3) {
        return json!(*bytes.pick(&TEXTS[..PATHS]));
    }
    let key = *bytes.pick(&CONDITIONS);
    let next = |bytes: &mut Bytes| condition(bytes, depth + 1);
    match key {
        "equal" => json!({"equal": [template(bytes, 0), template(bytes, 0)]}),
        "members" => json!({"members": bytes.below(4)}),
        "count" => json!({"count": "> 1", "of": *bytes.pick(&TEXTS[..PATHS])}),
        "has" => json!({"has": *bytes.pick(&TEXTS[..PATHS])}),
        "not" => json!({"not": next(bytes)}),
        "all" | "any" => json!({key: [next(bytes), next(bytes)]}),
        "of" => json!({"members": ">= 1", "of": template(bytes, 1)}),
        _ => json!({key: template(bytes, 1)}),
    }
}

fn template(bytes: &mut Bytes, depth: usize) -> Value {
    match bytes.below(if depth > 1 { 8 } else { 12 }) {
        0..8 => {
            let known = TEXTS.len() - usize::from(!bytes.chance(60));
            json!(*bytes.pick(&TEXTS[..known]))
        }
        8 => json!([template(bytes, depth + 1), 1, null]),
        9 => json!({"a": template(bytes, depth + 1), "...": *bytes.pick(&TEXTS[..PATHS])}),
        10 => json!({"$each": *bytes.pick(&TEXTS[..PATHS]), "$value": "$it", "$key": "$it.id"}),
        _ => json!({"$each": *bytes.pick(&TEXTS[..PATHS])}),
    }
}

fn value(bytes: &mut Bytes, depth: usize) -> Value {
    match bytes.below(if depth > 2 { 6 } else { 9 }) {
        0 => json!(null),
        1 => json!(bytes.below(3)),
        2 => json!("r"),
        3 => json!("x"),
        4 => json!(false),
        5 => json!(""),
        6 => json!([value(bytes, depth + 1), value(bytes, depth + 1)]),
        7 => json!({"a": value(bytes, depth + 1), "id": "r"}),
        _ => json!(vec![1; bytes.below(300)]),
    }
}
