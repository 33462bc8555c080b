//! Clients in no room, or with unexpected events, neither reach a room's members nor learn about them,
//! unless the table allows it.

use serde_json::{Value, json};
use signalbox::dialect::limits;

use crate::dialect::SHIPPED_TABLES;
use crate::dialect_bounds::clients;
use crate::dialect_client::{Client, DialectServer, dialect_server};

fn shipped(name: &str) -> DialectServer {
    let found = SHIPPED_TABLES.iter().find(|(known, _)| *known == name);
    dialect_server(found.expect(name).1)
}

fn of(on: &Value) -> DialectServer {
    dialect_server(&json!({ "on": on }).to_string())
}

/// A text from a client is only a text: a path into it leads neither to a socket nor to a room.
#[test]
fn a_text_of_a_client_is_neither_a_socket_nor_a_room() {
    let mut server = of(&json!({
        "enter": [{"join": "$0"}, {"alias": "$1", "set": {"pin": 1234}}],
        "list": [{"emit": "list", "args": ["$0.id", "$0.alias", "$0.data", "$0.room", "$0.rooms",
            "$0.members", "$0.others", "$0.first", "${0.data} ${0.room}", {"...": "$0.data"}]}],
        "is": [{"when": {"any": ["$0.room", "$0.members", "$0.data.pin"]}, "emit": "it is"}],
        "to": [{"emit": "told", "to": "$0.members"}],
        "in": [{"join": "$0.room"}],
        "query": [{"emit": "query", "args": ["$query.x.room", "$auth.x.room"]}],
    }));
    let [ann] = clients(&mut server);
    ann.emit(&mut server, json!(["enter", "secret", "ann"]));
    let said = json!({ "x": ann.id });
    let eve = Client::connect_with(&mut server, &format!("strict=1&x={}", ann.id), &said);
    let nothing = json!([
        "list",
        null,
        null,
        null,
        null,
        null,
        null,
        null,
        null,
        " ",
        {}
    ]);
    for name in [ann.id.as_str(), "ann", "secret"] {
        eve.emit(&mut server, json!(["list", name]));
        let heard = eve.heard(&mut server);
        assert_eq!(heard, std::slice::from_ref(&nothing), "{name}");
        eve.emit(&mut server, json!(["is", name]));
        assert!(eve.heard(&mut server).is_empty(), "{name}");
        for event in ["to", "in"] {
            eve.emit(&mut server, json!([event, name]));
            eve.error(&mut server);
        }
    }
    eve.emit(&mut server, json!(["query"]));
    assert_eq!(eve.heard(&mut server), [json!(["query", null, null])]);
    assert!(ann.heard(&mut server).is_empty());
}

/// A table may look up the socket or the room that a text names.
#[test]
fn a_table_looks_up_a_socket_or_a_room() {
    let mut server = of(&json!({
        "enter": [{"join": "$0.room"}, {"alias": "$0.name", "set": {"age": 7}}],
        "who": [{"emit": "who", "args": ["$socket(0.to).alias", "$socket(0.to).data.age", "$socket(0.to).room",
            "is ${socket(0.to).alias}", "$socket(0.to)"]}],
        "room": [{"emit": "room", "args": ["$room(0).members.alias", "$room(0).first", "$room(0).others.length", "$room(0)"]}],
        "rooms": [{"emit": "rooms", "args": [{"$each": "$allRooms", "$key": "$it", "$value": "$room(it).members.length"}]}],
    }));
    let [ann, bob] = clients(&mut server);
    ann.emit(&mut server, json!(["enter", {"room": "r", "name": "ann"}]));
    for to in ["ann", ann.id.as_str()] {
        bob.emit(&mut server, json!(["who", { "to": to }]));
        assert_eq!(
            bob.heard(&mut server),
            [json!(["who", "ann", 7, "r", "is ann", ann.id])]
        );
    }
    for to in [json!("r"), json!("nobody"), json!([ann.id]), json!({})] {
        bob.emit(&mut server, json!(["who", { "to": to }]));
        assert_eq!(
            bob.heard(&mut server),
            [json!(["who", null, null, null, "is ", null])],
            "{to}"
        );
    }
    bob.emit(&mut server, json!(["room", "r"]));
    assert_eq!(
        bob.heard(&mut server),
        [json!(["room", ["ann"], ann.id, 1, "r"])]
    );
    bob.emit(&mut server, json!(["room", "s"]));
    assert_eq!(bob.heard(&mut server), [json!(["room", [], null, 0, "s"])]);
    bob.emit(&mut server, json!(["rooms"]));
    assert_eq!(bob.heard(&mut server), [json!(["rooms", {"r": 1}])]);
}

/// Piyush Garg's table: if a client sends a socket's id in place of an object, the path does not lead to
/// that socket's room.
#[test]
fn piyush_garg_a_text_leads_to_no_room() {
    let mut server = shipped("piyush-garg");
    let [ann, eve] = clients(&mut server);
    ann.emit(
        &mut server,
        json!(["room:join", {"email": "a", "room": "secret"}]),
    );
    server.take();
    eve.emit(&mut server, json!(["room:join", ann.id]));
    assert_eq!(eve.error(&mut server), "bad-payload");
    assert!(ann.heard(&mut server).is_empty());
}

/// An object with the field names of a room is not a room.
#[test]
fn an_object_is_not_a_room() {
    for (name, event) in [
        ("anoek", "join"),
        ("simplewebrtc", "join"),
        ("anoek", "part"),
    ] {
        let mut server = shipped(name);
        let [ann, bob, eve] = clients(&mut server);
        for client in [&ann, &bob] {
            let room = if name == "anoek" {
                json!({"channel": "r"})
            } else {
                json!("r")
            };
            client.emit(&mut server, json!(["join", room]));
        }
        server.take();
        let claim = json!({"members": [ann.id, "r"], "others": [ann.id], "first": ann.id});
        for claim in [json!({ "channel": claim }), claim] {
            eve.emit(&mut server, json!([event, claim]));
        }
        for client in [&ann, &bob] {
            assert_eq!(
                client.heard(&mut server),
                Vec::<Value>::new(),
                "{name}: {event}"
            );
        }
    }
}

/// In a table with rooms, a socket in no room reaches no members.
#[test]
fn a_socket_in_no_room_reaches_no_members() {
    let mut server = of(&json!({
        "join": [{"join": "$0"}],
        "others": [{"emit": "x", "to": "others"}],
        "all": [{"emit": "x", "to": "all"}],
        "members": [{"emit": "x", "to": "$members"}],
        "each": [{"each": "$members", "emit": "x", "to": "$it"}],
        "look": [{"emit": "seen", "args": ["$members", "$others", "$first", "$members.data", {"$each": "$others"}]}],
        "full": [{"when": {"members": ">= 1"}, "emit": "full"}],
        "leave": [{"leave": true}, {"emit": "left", "to": "others"}],
    }));
    let [ann, bob, eve] = clients(&mut server);
    for client in [&ann, &bob] {
        client.emit(&mut server, json!(["join", "r"]));
    }
    for event in ["others", "all", "members", "each", "full", "leave"] {
        eve.emit(&mut server, json!([event]));
        for client in [&ann, &bob, &eve] {
            assert_eq!(client.heard(&mut server), Vec::<Value>::new(), "{event}");
        }
    }
    eve.emit(&mut server, json!(["look"]));
    assert_eq!(
        eve.heard(&mut server),
        [json!(["seen", [], [], null, [], []])]
    );
    // A member that leaves its only room is then in no room.
    bob.emit(&mut server, json!(["leave"]));
    assert!(ann.heard(&mut server).is_empty());
    ann.emit(&mut server, json!(["others"]));
    assert!(bob.heard(&mut server).is_empty());
}

/// A table without rooms has one room with all sockets.
#[test]
fn a_table_without_rooms_is_one_room() {
    let mut server = of(&json!({
        "others": [{"emit": "x", "to": "others"}],
        "all": [{"emit": "x", "to": "all"}],
        "two": [{"when": {"members": 2}, "emit": "two", "args": ["$members", "$others", "$first"]}],
    }));
    let [ann, bob] = clients(&mut server);
    ann.emit(&mut server, json!(["others"]));
    ann.emit(&mut server, json!(["all"]));
    assert_eq!(ann.heard(&mut server), [json!(["x"])]);
    assert_eq!(bob.heard(&mut server), [json!(["x"]), json!(["x"])]);
    bob.emit(&mut server, json!(["two"]));
    assert_eq!(
        bob.heard(&mut server),
        [json!(["two", [ann.id, bob.id], [ann.id], ann.id])]
    );
}

/// `in` applies to the list of `each` in the same action, unless `in` is computed from the items of
/// the list.
#[test]
fn in_applies_to_the_list_of_each() {
    let mut server = of(&json!({
        "join": [
            {"in": "$0", "each": "$members", "emit": "addPeer", "to": "$it", "args": ["$id"]},
            {"join": "$0"},
        ],
        "rooms": [{"each": "$rooms", "in": "$it", "emit": "here", "args": ["$members"]}],
    }));
    let [ann, bob, eve] = clients(&mut server);
    ann.emit(&mut server, json!(["join", "r"]));
    bob.emit(&mut server, json!(["join", "s"]));
    eve.emit(&mut server, json!(["join", "r"]));
    assert_eq!(ann.heard(&mut server), [json!(["addPeer", eve.id])]);
    assert!(bob.heard(&mut server).is_empty());
    bob.emit(&mut server, json!(["join", "r"]));
    server.take();
    bob.emit(&mut server, json!(["rooms"]));
    assert_eq!(
        bob.heard(&mut server),
        [
            json!(["here", [bob.id]]),
            json!(["here", [ann.id, eve.id, bob.id]])
        ]
    );
}

/// `when` is checked before `in` looks up the room.
#[test]
fn when_is_checked_before_in() {
    let mut server = of(&json!({
        "join": [{"join": "$0"}],
        "leave": [{"when": "$0.room", "in": "$0.room", "emit": "left", "to": "others"}, {"emit": "bye"}],
        "say": [{"when": {"members": 0}, "in": "$0.room", "emit": "x", "to": "others"}],
    }));
    let [ann, bob] = clients(&mut server);
    for client in [&ann, &bob] {
        client.emit(&mut server, json!(["join", "r"]));
    }
    ann.emit(&mut server, json!(["leave", {}]));
    assert_eq!(ann.heard(&mut server), [json!(["bye"])]);
    ann.emit(&mut server, json!(["leave", {"room": "r"}]));
    assert_eq!(ann.heard(&mut server), [json!(["bye"])]);
    assert_eq!(bob.heard(&mut server), [json!(["left"])]);
    // If `in` finds no room, the sender's own room is not used.
    ann.emit(&mut server, json!(["say", {}]));
    assert_eq!(ann.error(&mut server), "bad-payload");
    assert!(bob.heard(&mut server).is_empty());
}

/// Rooms and aliases may have the same name, unless a table sends to a name that may be either.
#[test]
fn a_room_and_an_alias_with_the_same_name() {
    let mut server = shipped("web-dev-simplified");
    let [ann, bob, eve] = clients(&mut server);
    eve.emit(&mut server, json!(["join-room", "x", "r"]));
    ann.emit(&mut server, json!(["join-room", "r", "a"]));
    bob.emit(&mut server, json!(["join-room", "r", "b"]));
    assert_eq!(ann.heard(&mut server), [json!(["user-connected", "b"])]);
    assert!(bob.heard(&mut server).is_empty() && eve.heard(&mut server).is_empty());
    // Messages for a room reach only the room, and messages for a socket only the socket.
    let mut server = of(&json!({
        "join": [{"join": "$0"}],
        "name": [{"alias": "$0"}],
        "room": [{"emit": "room", "to": {"room": "$0"}}],
        "peer": [{"emit": "peer", "to": {"peer": "$0"}}],
    }));
    let [ann, bob, eve] = clients(&mut server);
    eve.emit(&mut server, json!(["name", "r"]));
    ann.emit(&mut server, json!(["join", "r"]));
    ann.emit(&mut server, json!(["name", "ann"]));
    eve.emit(&mut server, json!(["join", "ann"]));
    server.take();
    bob.emit(&mut server, json!(["room", "r"]));
    bob.emit(&mut server, json!(["peer", "ann"]));
    assert_eq!(ann.heard(&mut server), [json!(["room"]), json!(["peer"])]);
    assert!(eve.heard(&mut server).is_empty());
    for name in ["ann", ann.id.as_str()] {
        eve.emit(&mut server, json!(["name", name]));
        assert_eq!(eve.error(&mut server), "id-taken");
    }
}

/// M-22: every value that a table derives from rooms, data and arguments counts against the limit, not
/// only lists of sockets.
#[test]
fn every_new_value_counts_against_the_limit() {
    let mut server = of(&json!({
        "join": [{"join": "$0"}],
        "keep": [{"set": {"x": "$0"}}],
        "all": [{"emit": "l", "args": ["$allRooms"]}],
        "own": [{"each": "$0", "emit": "l", "args": ["$rooms"]}],
        "data": [{"each": "$0", "emit": "l", "args": ["$everyone.data.x"]}],
        "count": [{"each": "$0", "when": {"count": 1, "of": "$allRooms"}, "emit": "l"}],
        "args": [{"each": "$0", "emit": "l", "args": [["$args"]]}],
        "text": [{"each": "$0", "emit": "l", "args": ["${args}"]}],
    }));
    let clients: [Client; 20] = clients(&mut server);
    for (n, client) in clients.iter().enumerate() {
        for m in 0..signalbox::socket::MAX_ROOMS {
            client.emit(
                &mut server,
                json!(["join", format!("{n} {m} {}", "x".repeat(480))]),
            );
        }
        client.emit(&mut server, json!(["keep", "x".repeat(7000)]));
    }
    server.take();
    for event in [
        json!(["all"]),
        json!(["count", vec![0; 200]]),
        json!(["own", vec![0; 200]]),
        json!(["data", vec![0; 200]]),
        json!(["args", vec![0; 200], "x".repeat(50_000)]),
        json!(["text", vec![0; 200], "x".repeat(50_000)]),
    ] {
        clients[0].emit(&mut server, &event);
        let heard = clients[0].heard(&mut server);
        assert_eq!(
            heard.last().unwrap()[1]["code"],
            "too-large",
            "{}",
            event[0]
        );
        let bytes: usize = heard.iter().map(|event| event.to_string().len()).sum();
        assert!(
            bytes <= limits::WRITTEN_BYTES + 1000,
            "{}: {bytes}",
            event[0]
        );
    }
}

/// An ack is sent even if a later action fails.
#[test]
fn an_error_keeps_the_ack() {
    let mut server = of(&json!({
        "join": [{"ack": ["ok"]}, {"join": "$1"}, {"ack": ["never"]}],
        "name": [{"alias": "$0", "ack": ["named"]}],
    }));
    let [ann] = clients(&mut server);
    assert_eq!(
        ann.call(&mut server, json!(["join", "r"])),
        Some(json!(["ok"]))
    );
    assert_eq!(ann.call(&mut server, json!(["name"])), None);
    ann.emit(&mut server, json!(["join", "r"]));
    assert_eq!(ann.error(&mut server), "bad-payload");
}
