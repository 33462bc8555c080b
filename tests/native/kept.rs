//! What is kept, as this version writes it: tests/native/fixtures/kept.json. A change of its form needs
//! this file written anew: `KEPT=write cargo test --test native kept::`. It needs a new `store::VERSION`
//! as well, unless what is new is a field that may be missing: then the file of before becomes one
//! more of those that are still read.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::peer::{Hall, Peer, hall};
use crate::support::{polling, websocket};

const FILE: &str = "tests/native/fixtures/kept.json";

/// What earlier forms of this version wrote.
const EARLIER: [&str; 1] = ["tests/native/fixtures/kept-without-address.json"];

/// A room in which there is something of every kind: a peer on a WebSocket, one that polls, one that
/// upgrades, one that is away, a farewell, a lock, a ban, chat. Returns the first peer.
fn room_of_everything() -> (Hall, Peer) {
    let mut hall = hall();
    hall.late(1_000);
    let host = Peer::connect(&mut hall);
    "198.51.100.7".clone_into(&mut hall.address);
    let [away, put_out] = [Peer::connect(&mut hall), Peer::connect_polling(&mut hall)];
    "192.0.2.1".clone_into(&mut hall.address);
    for (peer, name) in [(&host, "Host"), (&away, "Away"), (&put_out, "Out")] {
        peer.join(&mut hall, name);
    }
    let sid = hall.open_polling();
    hall.send(&sid, "40");
    let poll = hall.poll(&sid);
    hall.take_of(poll);
    hall.upgrade(&websocket(&sid));
    let sid = hall.open_polling();
    hall.send(&sid, "40");
    let poll = hall.poll(&sid);
    hall.take_of(poll);
    hall.get(&polling(&sid));
    put_out.stop_polling(&mut hall);
    let message = json!({ "message": "hi", "mid": "m" });
    host.call(&mut hall, json!(["chat-message", message]));
    host.call(&mut hall, json!(["host:lock", { "on": true }]));
    host.call(&mut hall, json!(["host:kick", { "id": put_out.id }]));
    away.vanish(&mut hall);
    hall.platform.flush();
    (hall, host)
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

    fn write(&self) {
        let value = json!({
            "rows": self.rows, "connections": self.connections, "requests": self.requests,
        });
        fs::create_dir_all(Path::new(FILE).parent().expect("a folder")).expect("a folder");
        fs::write(FILE, format!("{value:#}\n")).expect("the fixture");
    }
}

/// This version writes what the fixture says.
#[test]
fn what_is_kept_has_this_form() {
    let (hall, _) = room_of_everything();
    let kept = Kept::of(&hall);
    if std::env::var("KEPT").as_deref() == Ok("write") {
        kept.write();
    }
    let all = kept.rows.values().chain(kept.connections.values());
    for text in all.chain(kept.requests.values()) {
        assert!(text.starts_with('1'), "it begins with its version: {text}");
    }
    assert_eq!(kept, Kept::read(FILE));
}

/// This version reads what the fixtures say, and goes on as if nothing had happened.
#[test]
fn what_was_kept_is_read() {
    for file in EARLIER.into_iter().chain([FILE]) {
        goes_on(file);
    }
}

fn goes_on(file: &str) {
    let (_, host) = room_of_everything(); // for what its client knows
    let mut hall = hall();
    hall.late(2_000);
    let Kept {
        rows,
        connections,
        requests,
    } = Kept::read(file);
    hall.set_stored(rows);
    (hall.connections, hall.requests) = (connections, requests);
    hall.continue_numbers_at(100);
    hall.lose_memory();
    assert_eq!(hall.take(), [], "nothing is closed");
    let (_, room) = hall.operate("", "", "");
    assert_eq!(room["sockets"], 4);
    assert_eq!(room["host"], host.id.as_str());
    assert_eq!(room["room"]["locked"], true);
    assert_eq!(room["peers"][1]["away"], true);
    let again = json!(["chat-message", { "message": "again", "mid": "m" }]);
    let receipt = host.call(&mut hall, &again);
    let history = host.call(&mut hall, json!(["chat:history"]));
    assert_eq!(history["messages"].as_array().map(Vec::len), Some(1));
    assert_eq!(history["messages"][0]["message"], "hi");
    assert_eq!(history["messages"][0]["id"], receipt["id"]);
}
