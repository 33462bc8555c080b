//! Hostile clients of the shipped dialects. None can claim to be another sender, or send into a room
//! from outside.

use serde_json::{Value, json};

use crate::dialect::SHIPPED_TABLES;
use crate::dialect_bounds::clients;
use crate::dialect_client::dialect_server;

/// The fields of the first argument in which pages of the shipped dialects find the sender. Of the
/// dialects with an empty list, the first two send the sender as a whole argument, which
/// `senders_that_are_arguments` tests. The pages of the last five show no sender.
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
fn the_list_of_senders_has_all_dialects() {
    let mut names = SENDERS.map(|(name, _)| name);
    names.sort_unstable();
    let shipped = SHIPPED_TABLES.map(|(name, _)| name);
    assert_eq!(names[..], shipped[..], "SENDERS lacks a shipped dialect");
}

/// Video-Meeting sends the sender as a separate argument. Web Dev Simplified sends an alias that only
/// one client can have.
#[test]
fn senders_that_are_arguments() {
    let of = |wanted: &str| {
        let mut tables = SHIPPED_TABLES.iter();
        dialect_server(tables.find(|(name, _)| *name == wanted).expect(wanted).1)
    };
    let mut server = of("video-meeting");
    let [ann, bob, eve] = clients(&mut server);
    for client in [&ann, &bob, &eve] {
        client.emit(&mut server, json!(["join-call", "r"]));
    }
    server.take();
    eve.emit(&mut server, json!(["signal", bob.id, "x", ann.id]));
    eve.emit(&mut server, json!(["chat-message", "x", "Ann", ann.id]));
    assert_eq!(
        bob.heard(&mut server),
        [
            json!(["signal", eve.id, "x"]),
            json!(["chat-message", "x", "Ann", eve.id])
        ]
    );
    let mut server = of("web-dev-simplified");
    let [ann, bob, eve] = clients(&mut server);
    for (client, name) in [(&ann, "a"), (&bob, "b")] {
        client.emit(&mut server, json!(["join-room", "r", name]));
    }
    server.take();
    eve.emit(&mut server, json!(["join-room", "r", "a"]));
    assert_eq!(eve.error(&mut server), "id-taken");
    server.lost(eve.connection);
    assert!(bob.heard(&mut server).is_empty());
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
        let mut server = dialect_server(json);
        let [ann, bob, eve] = clients(&mut server);
        for event in &events {
            for client in [&ann, &bob, &eve] {
                for room in [json!("r"), json!({"room": "r", "channel": "r"})] {
                    client.emit(&mut server, json!([event, room]));
                }
            }
        }
        server.take();
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
                eve.emit(&mut server, json!([event, claim]));
                for heard in bob.heard(&mut server) {
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

/// Lists of arguments: some with the name of a room, in every place where a client may put it, and some
/// without.
fn claims(room: &str) -> Vec<Value> {
    let fields = [
        "to",
        "from",
        "target",
        "room",
        "roomId",
        "channel",
        "userToCall",
        "userToSignal",
        "peer_id",
        "callerID",
    ];
    let object = |value: Value| -> Value {
        let fields = fields.map(|field| (field.to_owned(), value.clone()));
        Value::Object(fields.into_iter().collect())
    };
    vec![
        json!([]),
        json!(["text", "Ann"]),
        json!([{"type": "offer"}]),
        json!([room]),
        json!(["x", room]),
        json!([room, room, room]),
        json!([[room], [room]]),
        json!([object(json!(room)), object(json!(room))]),
        json!([object(json!([room])), room]),
        json!([{"id": room, "members": [room], "room": {"members": [room]}}, room]),
    ]
}

/// A client outside a room does not reach its members, even if the client knows the room's name.
#[test]
fn no_client_outside_a_room_reaches_its_members() {
    let mut with_rooms = 0;
    for (name, json) in SHIPPED_TABLES {
        let table: Value = serde_json::from_str(json).unwrap();
        let on = table["on"].as_object().unwrap();
        let joins = |actions: &Value| actions.to_string().contains("\"join\":");
        let Some((join, _)) = on
            .iter()
            .find(|(event, actions)| joins(actions) && *event != "create-room")
        else {
            continue; // all are in one room
        };
        with_rooms += 1;
        let mut server = dialect_server(json);
        let [ann, bob, eve] = clients(&mut server);
        // In csagar131 the server chooses the names of rooms.
        let mut room = "r".to_owned();
        if name == "csagar131" {
            ann.emit(&mut server, json!(["create-room"]));
            let heard = ann.heard(&mut server);
            heard[0][1]["roomId"]
                .as_str()
                .unwrap()
                .clone_into(&mut room);
        }
        for client in [&ann, &bob] {
            for claim in [
                json!(room),
                json!({"room": room, "channel": room, "roomId": room, "peerId": client.id}),
            ] {
                client.emit(&mut server, json!([join, claim, client.id]));
            }
        }
        server.take();
        for (event, _) in on
            .iter()
            .filter(|(event, actions)| !joins(actions) && !event.ends_with("connect"))
        {
            for args in claims(&room) {
                let frame = [&[json!(event)], args.as_array().unwrap().as_slice()].concat();
                eve.emit(&mut server, Value::Array(frame));
                for inside in [&ann, &bob] {
                    let heard = inside.heard(&mut server);
                    assert!(heard.is_empty(), "{name}: {event} {args}: {heard:?}");
                }
            }
        }
        server.lost(eve.connection);
        for inside in [&ann, &bob] {
            assert!(inside.heard(&mut server).is_empty(), "{name}: disconnect");
        }
        // Members of the room do reach each other.
        server.take();
        let said: usize = on
            .keys()
            .filter(|event| !event.ends_with("connect") && *event != "create-room")
            .map(|event| {
                ann.emit(&mut server, json!([event, "x", room]));
                ann.emit(&mut server, json!([event, {"to": bob.id, "target": bob.id, "peer_id": bob.id, "userToSignal": bob.id}]));
                ann.emit(&mut server, json!([event, bob.id]));
                bob.heard(&mut server).len()
            })
            .sum();
        assert!(said > 0 || name == "web-dev-simplified", "{name}");
    }
    assert!(with_rooms >= 10, "{with_rooms}");
}

/// For one event of a client, all clients together get at most twice as many events as there are clients,
/// whatever names the event contains.
#[test]
fn no_shipped_dialect_multiplies_events() {
    for (name, json) in SHIPPED_TABLES {
        let table: Value = serde_json::from_str(json).unwrap();
        let mut server = dialect_server(json);
        let crowd: [_; 12] = clients(&mut server);
        let events = table["on"].as_object().unwrap().keys();
        let events: Vec<&String> = events.filter(|event| !event.ends_with("connect")).collect();
        let ids: Vec<&str> = crowd.iter().map(|client| client.id.as_str()).collect();
        let [eve, ..] = &crowd;
        for event in &events {
            for member in &crowd[1..] {
                for args in claims("r") {
                    let frame = [&[json!(event)], args.as_array().unwrap().as_slice()].concat();
                    member.emit(&mut server, Value::Array(frame));
                }
            }
        }
        server.take();
        for event in &events {
            for target in [json!(ids[1]), json!(ids), json!([ids, ids])] {
                for args in claims("r") {
                    let text = args.to_string().replace("\"r\"", &target.to_string());
                    let args: Vec<Value> = serde_json::from_str(&text).unwrap();
                    eve.emit(
                        &mut server,
                        Value::Array([vec![json!(event)], args].concat()),
                    );
                    let mut heard = Vec::new();
                    for client in &crowd {
                        heard.extend(client.heard_raw(&mut server));
                    }
                    assert!(heard.len() <= 2 * crowd.len(), "{name}: {event} {text}");
                    let bytes: usize = heard.iter().map(String::len).sum();
                    let most = 2 * crowd.len() * (text.len() + 20_000);
                    assert!(bytes <= most, "{name}: {event} {text}: {bytes}");
                }
            }
        }
    }
}
