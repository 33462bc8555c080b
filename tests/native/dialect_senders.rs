//! In pages of the shipped dialects no client can claim to be another sender.

use serde_json::{Value, json};

use crate::dialect::SHIPPED_TABLES;
use crate::dialect_bounds::clients;
use crate::dialect_client::place;

/// Where pages of the shipped dialects find the sender: in fields of the first argument, or in a
/// whole argument. The pages of the last five show no sender.
const SENDERS: [(&str, &[&str]); 17] = [
    ("anoek", &["peer_id"]),
    ("chaim-group-video", &["callerID", "id"]),
    ("chaim-native-webrtc", &["caller"]),
    ("chaim-video-chat", &["from"]),
    ("csagar131", &["peerId"]),
    ("javascript-mastery", &["from"]),
    ("miczeq22", &["socket", "socketId"]),
    ("mirotalk", &["peer_id"]),
    ("piyush-garg", &["from", "id"]),
    ("simplewebrtc", &["from"]),
    ("video-meeting", &[]),
    ("web-dev-simplified", &[]),
    ("codelab", &[]),
    ("nextjs", &[]),
    ("noom", &[]),
    ("pfertyk", &[]),
    ("voice-call", &[]),
];

/// The list above has all shipped dialects.
#[test]
fn senders_of_all_dialects() {
    let mut names = SENDERS.map(|(name, _)| name);
    names.sort_unstable();
    assert_eq!(names, SHIPPED_TABLES.map(|(name, _)| name));
}

/// Video-Meeting sends the sender as an argument of its own. Web Dev Simplified sends an alias that
/// only one client can have.
#[test]
fn senders_that_are_arguments() {
    let of = |wanted: &str| {
        let mut tables = SHIPPED_TABLES.iter();
        place(tables.find(|(name, _)| *name == wanted).expect(wanted).1)
    };
    let mut place = of("video-meeting");
    let [ann, bob, eve] = clients(&mut place);
    for client in [&ann, &bob, &eve] {
        client.emit(&mut place, json!(["join-call", "r"]));
    }
    place.take();
    eve.emit(&mut place, json!(["signal", bob.id, "x", ann.id]));
    eve.emit(&mut place, json!(["chat-message", "x", "Ann", ann.id]));
    assert_eq!(
        bob.heard(&mut place),
        [
            json!(["signal", eve.id, "x"]),
            json!(["chat-message", "x", "Ann", eve.id])
        ]
    );
    let mut place = of("web-dev-simplified");
    let [ann, bob, eve] = clients(&mut place);
    for (client, name) in [(&ann, "a"), (&bob, "b")] {
        client.emit(&mut place, json!(["join-room", "r", name]));
    }
    place.take();
    eve.emit(&mut place, json!(["join-room", "r", "a"]));
    assert_eq!(eve.error(&mut place), "id-taken");
    place.lost(eve.connection);
    assert!(bob.heard(&mut place).is_empty());
}

/// No shipped dialect forwards a sender that a client claims.
#[test]
fn no_shipped_dialect_lets_a_client_claim_to_be_another() {
    for (name, fields) in SENDERS.into_iter().filter(|(_, fields)| !fields.is_empty()) {
        let (_, json) = SHIPPED_TABLES
            .iter()
            .find(|(known, _)| *known == name)
            .expect(name);
        let on: Value = serde_json::from_str(json).unwrap();
        let events = on["on"].as_object().unwrap().keys();
        let events: Vec<&String> = events.filter(|name| !name.ends_with("connect")).collect();
        let mut place = place(json);
        let [ann, bob, eve] = clients(&mut place);
        for event in &events {
            for client in [&ann, &bob, &eve] {
                for room in [json!("r"), json!({"room": "r", "channel": "r"})] {
                    client.emit(&mut place, json!([event, room]));
                }
            }
        }
        place.take();
        let mut heard_any = false;
        for event in &events {
            for target in [
                "to",
                "from",
                "target",
                "userToCall",
                "userToSignal",
                "peer_id",
                "callerID",
            ] {
                let mut claim = serde_json::Map::new();
                for field in fields {
                    claim.insert((*field).to_owned(), json!(ann.id));
                }
                claim.insert(target.to_owned(), json!(bob.id));
                eve.emit(&mut place, json!([event, claim]));
                for heard in bob.heard(&mut place) {
                    heard_any = true;
                    for field in fields {
                        assert_ne!(heard[1][field], json!(ann.id), "{name}: {event} {heard}");
                    }
                }
            }
        }
        assert!(heard_any || name == "csagar131", "{name}");
    }
}
