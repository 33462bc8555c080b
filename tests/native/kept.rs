//! The form in which this version stores everything: tests/native/fixtures/kept.json and, for an empty
//! room, left.json. After a change of the form, write these files again: `KEPT=write cargo test --test
//! native kept::`. Also change `store::VERSION`. If the change only adds an optional field, keep
//! `store::VERSION`, and keep the old file as another fixture that must be readable.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::peer::{Peer, RoomServer, high_rates, server};
use crate::room_token::{server_with_tokens, token};
use crate::support::{polled, polling, websocket};

const KEPT: &str = "tests/native/fixtures/kept.json";

const LEFT: &str = "tests/native/fixtures/left.json";

/// The earlier forms of this version.
const EARLIER: [&str; 2] = [
    "tests/native/fixtures/kept-without-address.json",
    "tests/native/fixtures/kept-with-less.json",
];

fn new_room() -> RoomServer {
    server_with_tokens(false, high_rates())
}

/// A room with one of everything: a client on a WebSocket, one with a token and an alias, one that
/// polls, one that upgrades, one that is away, one that knocks, a farewell, a lock, a password, a
/// wrong password, a ban, chat. Returns the room, the host and the client that knocks.
fn room_of_everything() -> (RoomServer, Peer, Peer) {
    let mut server = new_room();
    let host = Peer::connect(&mut server);
    "198.51.100.7".clone_into(&mut server.address);
    let [away, kicked] = [
        Peer::connect(&mut server),
        Peer::connect_polling(&mut server),
    ];
    "192.0.2.1".clone_into(&mut server.address);
    for (peer, name) in [(&host, "Host"), (&away, "Away"), (&kicked, "Out")] {
        peer.join(&mut server, name);
    }
    let named = json!({ "token": token(json!({ "sub": "u-1", "name": "Named" })) });
    let named = Peer::connect_with(&mut server, &named);
    named.call(&mut server, json!(["join", "alias"]));
    named.join(&mut server, "Named");
    "203.0.113.9".clone_into(&mut server.address);
    let [stranger, guesser] = [Peer::connect(&mut server), Peer::connect(&mut server)];
    "192.0.2.1".clone_into(&mut server.address);
    let sid = server.open_polling();
    server.send(&sid, "40");
    let poll = server.poll(&sid);
    server.take_for(poll);
    server.upgrade(&websocket(&sid));
    let sid = server.open_polling();
    server.send(&sid, "40");
    let poll = server.poll(&sid);
    server.take_for(poll);
    kicked.stop_polling(&mut server);
    let message = json!({ "message": "hi", "mid": "m" });
    host.call(&mut server, json!(["chat-message", message]));
    host.call(&mut server, json!(["host:lock", { "on": true }]));
    host.call(&mut server, json!(["host:kick", { "id": kicked.id }]));
    host.call(
        &mut server,
        json!(["host:password", { "password": "sesame" }]),
    );
    let knock = json!(["room:join", { "name": "Stranger", "password": "sesame" }]);
    stranger.emit(&mut server, knock);
    let wrong = json!(["room:join", { "name": "Guesser", "password": "wrong" }]);
    assert_eq!(guesser.refusal(&mut server, &wrong), "bad-password");
    away.vanish(&mut server);
    server.poll(&sid); // the client gets its queue
    server.get(&polling(&sid));
    server.platform.flush();
    (server, host, stranger)
}

/// A room that its only peer has left.
fn room_that_was_left() -> RoomServer {
    let mut server = new_room();
    let peer = Peer::connect(&mut server);
    peer.join(&mut server, "Ann");
    peer.call(&mut server, json!(["chat-message", "kept"]));
    peer.vanish_for_good(&mut server);
    server.platform.flush();
    server
}

#[derive(Debug, PartialEq)]
struct Kept {
    rows: BTreeMap<String, String>,
    connections: BTreeMap<u64, String>,
    requests: BTreeMap<u64, String>,
}

impl Kept {
    fn of(server: &RoomServer) -> Self {
        Self {
            rows: server.platform.stored(),
            connections: server.connections.clone(),
            requests: server.requests.clone(),
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
    for (server, file) in [(room_of_everything().0, KEPT), (room_that_was_left(), LEFT)] {
        let kept = Kept::of(&server);
        if std::env::var("KEPT").as_deref() == Ok("write") {
            kept.write(file);
        }
        let all = kept.rows.values().chain(kept.connections.values());
        for text in all.chain(kept.requests.values()) {
            assert!(
                text.starts_with('1'),
                "it begins with another version: {text}"
            );
        }
        assert_eq!(kept, Kept::read(file));
    }
}

/// Restores a room from a fixture, after the loss of memory.
fn read(file: &str) -> RoomServer {
    let mut server = new_room();
    server.skip_to(server.now() + 1_000);
    restore(&mut server, file);
    server
}

fn restore(server: &mut RoomServer, file: &str) {
    let Kept {
        rows,
        connections,
        requests,
    } = Kept::read(file);
    server.set_stored(rows);
    (server.connections, server.requests) = (connections, requests);
    server.continue_numbers_at(100);
    server.lose_memory();
}

/// This version reads the fixtures and continues as if nothing had happened.
#[test]
fn stored_records_are_read() {
    let (_, host, stranger) = room_of_everything(); // only the clients are used, not their server
    let mut server = read(KEPT);
    assert_eq!(server.take(), [], "nothing is closed");
    let (_, room) = server.operate("", "", "");
    assert_eq!(room["sockets"], 7);
    assert_eq!(room["host"], host.id.as_str());
    assert_eq!(room["room"]["locked"], true);
    assert_eq!(room["room"]["password"], true);
    assert_eq!(room["peers"][1]["away"], true);
    let signal = json!(["signal", { "to": "alias", "data": 1 }]);
    assert_eq!(host.call(&mut server, signal)["ok"], true);
    let again = json!(["chat-message", { "message": "again", "mid": "m" }]);
    let receipt = host.call(&mut server, &again);
    let history = host.call(&mut server, json!(["chat:history"]));
    assert_eq!(history["messages"].as_array().map(Vec::len), Some(1));
    assert_eq!(history["messages"][0]["message"], "hi");
    assert_eq!(history["messages"][0]["id"], receipt["id"]);
    let admit = json!(["host:admit", { "id": stranger.id }]);
    assert_eq!(host.call(&mut server, admit)["ok"], true);
    let poll = *Kept::read(KEPT).requests.keys().next().expect("a poll");
    server.overdue(poll);
    server.expect_of(poll, [polled(poll, "6")]);
}

/// The retention of an empty room ends at the same time after a restore.
#[test]
fn records_of_an_empty_room_are_read() {
    let mut server = read(LEFT);
    server.skip_to(server.now() + 40_000);
    let day = 86_400_000;
    server.until(server.now() + day - 40_000 - 1_000);
    assert!(!server.platform.stored().is_empty());
    server.until(server.now() + 41_000);
    assert!(server.platform.stored().is_empty());
}

#[test]
fn records_in_earlier_forms_are_read() {
    let (_, host, _) = room_of_everything(); // only the client is used, not its server
    for file in EARLIER {
        let mut server = server();
        server.skip_to(2_000);
        restore(&mut server, file);
        assert_eq!(server.take(), [], "nothing is closed");
        let (_, room) = server.operate("", "", "");
        assert_eq!(room["sockets"], 4);
        assert_eq!(room["host"], host.id.as_str());
        assert_eq!(room["room"]["locked"], true);
        assert_eq!(room["peers"][1]["away"], true);
        let history = host.call(&mut server, json!(["chat:history"]));
        assert_eq!(history["messages"][0]["message"], "hi");
    }
}
