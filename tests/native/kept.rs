//! The form in which this version stores everything: tests/native/fixtures/kept.json and, for an empty
//! room, left.json. After a change of the form, write these files again: `KEPT=write cargo test --test
//! native kept::`. Also change `store::VERSION`. If the change only adds an optional field, keep
//! `store::VERSION`, and keep the old file as another fixture that must be readable.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::peer::{Hall, Peer, hall, unhurried};
use crate::room_token::{hall_with_tokens, token};
use crate::support::{polled, polling, websocket};

const KEPT: &str = "tests/native/fixtures/kept.json";

const LEFT: &str = "tests/native/fixtures/left.json";

/// The earlier forms of this version.
const EARLIER: [&str; 2] = [
    "tests/native/fixtures/kept-without-address.json",
    "tests/native/fixtures/kept-with-less.json",
];

fn new_room() -> Hall {
    hall_with_tokens(false, unhurried())
}

/// A room with one of everything: a peer on a WebSocket, one with a token and an alias, one that
/// polls, one that upgrades, one that is away, one that knocks, a farewell, a lock, a password, a
/// wrong password, a ban, chat. Returns the room, the host and the client that knocks.
fn room_of_everything() -> (Hall, Peer, Peer) {
    let mut hall = new_room();
    let host = Peer::connect(&mut hall);
    "198.51.100.7".clone_into(&mut hall.address);
    let [away, put_out] = [Peer::connect(&mut hall), Peer::connect_polling(&mut hall)];
    "192.0.2.1".clone_into(&mut hall.address);
    for (peer, name) in [(&host, "Host"), (&away, "Away"), (&put_out, "Out")] {
        peer.join(&mut hall, name);
    }
    let named = json!({ "token": token(json!({ "sub": "u-1", "name": "Named" })) });
    let named = Peer::connect_with(&mut hall, &named);
    named.call(&mut hall, json!(["join", "alias"]));
    named.join(&mut hall, "Named");
    "203.0.113.9".clone_into(&mut hall.address);
    let [stranger, guesser] = [Peer::connect(&mut hall), Peer::connect(&mut hall)];
    "192.0.2.1".clone_into(&mut hall.address);
    let sid = hall.open_polling();
    hall.send(&sid, "40");
    let poll = hall.poll(&sid);
    hall.take_of(poll);
    hall.upgrade(&websocket(&sid));
    let sid = hall.open_polling();
    hall.send(&sid, "40");
    let poll = hall.poll(&sid);
    hall.take_of(poll);
    put_out.stop_polling(&mut hall);
    let message = json!({ "message": "hi", "mid": "m" });
    host.call(&mut hall, json!(["chat-message", message]));
    host.call(&mut hall, json!(["host:lock", { "on": true }]));
    host.call(&mut hall, json!(["host:kick", { "id": put_out.id }]));
    host.call(
        &mut hall,
        json!(["host:password", { "password": "sesame" }]),
    );
    let knock = json!(["room:join", { "name": "Stranger", "password": "sesame" }]);
    stranger.emit(&mut hall, knock);
    let wrong = json!(["room:join", { "name": "Guesser", "password": "wrong" }]);
    assert_eq!(guesser.refusal(&mut hall, &wrong), "bad-password");
    away.vanish(&mut hall);
    hall.poll(&sid); // the client gets its queue
    hall.get(&polling(&sid));
    hall.platform.flush();
    (hall, host, stranger)
}

/// A room that its only peer has left.
fn room_that_was_left() -> Hall {
    let mut hall = new_room();
    let peer = Peer::connect(&mut hall);
    peer.join(&mut hall, "Ann");
    peer.call(&mut hall, json!(["chat-message", "kept"]));
    peer.vanish_for_good(&mut hall);
    hall.platform.flush();
    hall
}

#[derive(Debug, PartialEq)]
struct Kept {
    rows: BTreeMap<String, String>,
    connections: BTreeMap<u64, String>,
    requests: BTreeMap<u64, String>,
}

impl Kept {
    fn of(hall: &Hall) -> Self {
        Self {
            rows: hall.platform.stored(),
            connections: hall.connections.clone(),
            requests: hall.requests.clone(),
        }
    }

    fn read(file: &str) -> Self {
        let text = fs::read_to_string(file).expect("the fixture");
        let value: Value = serde_json::from_str(&text).expect("JSON");
        let texts = |name: &str| {
            let texts = value[name].as_object().expect(name).iter();
            texts.map(|(key, text)| (key.clone(), text.as_str().expect("a text").to_owned()))
        };
        let numbered = |name| texts(name).map(|(key, text)| (key.parse().expect("a number"), text));
        Self {
            rows: texts("rows").collect(),
            connections: numbered("connections").collect(),
            requests: numbered("requests").collect(),
        }
    }

    fn write(&self, file: &str) {
        let value = json!({
            "rows": self.rows, "connections": self.connections, "requests": self.requests,
        });
        fs::create_dir_all(Path::new(file).parent().expect("a folder")).expect("a folder");
        fs::write(file, format!("{value:#}\n")).expect("the fixture");
    }
}

/// This version writes the same as the fixtures.
#[test]
fn stored_records_have_this_form() {
    for (hall, file) in [(room_of_everything().0, KEPT), (room_that_was_left(), LEFT)] {
        let kept = Kept::of(&hall);
        if std::env::var("KEPT").as_deref() == Ok("write") {
            kept.write(file);
        }
        let all = kept.rows.values().chain(kept.connections.values());
        for text in all.chain(kept.requests.values()) {
            assert!(text.starts_with('1'), "it begins with its version: {text}");
        }
        assert_eq!(kept, Kept::read(file));
    }
}

/// Restores a room from a fixture, after the loss of memory.
fn read(file: &str) -> Hall {
    let mut hall = new_room();
    hall.late(hall.now() + 1_000);
    restore(&mut hall, file);
    hall
}

fn restore(hall: &mut Hall, file: &str) {
    let Kept {
        rows,
        connections,
        requests,
    } = Kept::read(file);
    hall.set_stored(rows);
    (hall.connections, hall.requests) = (connections, requests);
    hall.continue_numbers_at(100);
    hall.lose_memory();
}

/// This version reads the fixtures and continues as if nothing had happened.
#[test]
fn stored_records_are_read() {
    let (_, host, stranger) = room_of_everything(); // for the state of their clients
    let mut hall = read(KEPT);
    assert_eq!(hall.take(), [], "nothing is closed");
    let (_, room) = hall.operate("", "", "");
    assert_eq!(room["sockets"], 7);
    assert_eq!(room["host"], host.id.as_str());
    assert_eq!(room["room"]["locked"], true);
    assert_eq!(room["room"]["password"], true);
    assert_eq!(room["peers"][1]["away"], true);
    let signal = json!(["signal", { "to": "alias", "data": 1 }]);
    assert_eq!(host.call(&mut hall, signal)["ok"], true);
    let again = json!(["chat-message", { "message": "again", "mid": "m" }]);
    let receipt = host.call(&mut hall, &again);
    let history = host.call(&mut hall, json!(["chat:history"]));
    assert_eq!(history["messages"].as_array().map(Vec::len), Some(1));
    assert_eq!(history["messages"][0]["message"], "hi");
    assert_eq!(history["messages"][0]["id"], receipt["id"]);
    let admit = json!(["host:admit", { "id": stranger.id }]);
    assert_eq!(host.call(&mut hall, admit)["ok"], true);
    let poll = *Kept::read(KEPT).requests.keys().next().expect("a poll");
    hall.overdue(poll);
    hall.expect_of(poll, [polled(poll, "6")]);
}

/// An empty room knows how long it is stored.
#[test]
fn records_of_an_empty_room_are_read() {
    let mut hall = read(LEFT);
    hall.late(hall.now() + 40_000);
    let day = 86_400_000;
    hall.until(hall.now() + day - 40_000 - 1_000);
    assert!(!hall.platform.stored().is_empty());
    hall.until(hall.now() + 41_000);
    assert!(hall.platform.stored().is_empty());
}

#[test]
fn records_in_earlier_forms_are_read() {
    let (_, host, _) = room_of_everything(); // for the state of its client
    for file in EARLIER {
        let mut hall = hall();
        hall.late(2_000);
        restore(&mut hall, file);
        assert_eq!(hall.take(), [], "nothing is closed");
        let (_, room) = hall.operate("", "", "");
        assert_eq!(room["sockets"], 4);
        assert_eq!(room["host"], host.id.as_str());
        assert_eq!(room["room"]["locked"], true);
        assert_eq!(room["peers"][1]["away"], true);
        let history = host.call(&mut hall, json!(["chat:history"]));
        assert_eq!(history["messages"][0]["message"], "hi");
    }
}
