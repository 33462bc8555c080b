//! Clients in no room, or with unexpected events, neither reach a room's members nor learn about them,
//! unless the table allows it.

use serde_json::{Value, json};
use signalbox::dialect::limits;

use crate::dialect::SHIPPED_TABLES;
use crate::dialect_bounds::clients;
use crate::dialect_client::{Client, Place, place};

fn shipped(name: &str) -> Place {
    let found = SHIPPED_TABLES.iter().find(|(known, _)| *known == name);
    place(found.expect(name).1)
}

fn of(on: &Value) -> Place {
    place(&json!({ "on": on }).to_string())
}

/// A path into a client's text leads neither to a socket nor to a room.
#[test]
fn a_text_of_a_client_is_neither_a_socket_nor_a_room() {
    let mut place = of(&json!({
        "enter": [{"join": "$0"}, {"alias": "$1", "set": {"pin": 1234}}],
        "list": [{"emit": "list", "args": ["$0.id", "$0.alias", "$0.data", "$0.room", "$0.rooms",
            "$0.members", "$0.others", "$0.first", "${0.data} ${0.room}", {"...": "$0.data"}]}],
        "is": [{"when": {"any": ["$0.room", "$0.members", "$0.data.pin"]}, "emit": "it is"}],
        "to": [{"emit": "told", "to": "$0.members"}],
        "in": [{"join": "$0.room"}],
        "query": [{"emit": "query", "args": ["$query.x.room", "$auth.x.room"]}],
    }));
    let [ann] = clients(&mut place);
    ann.emit(&mut place, json!(["enter", "secret", "ann"]));
    let said = json!({ "x": ann.id });
    let eve = Client::connect_with(&mut place, &format!("strict=1&x={}", ann.id), &said);
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
        eve.emit(&mut place, json!(["list", name]));
        let heard = eve.heard(&mut place);
        assert_eq!(heard, std::slice::from_ref(&nothing), "{name}");
        eve.emit(&mut place, json!(["is", name]));
        assert!(eve.heard(&mut place).is_empty(), "{name}");
        for event in ["to", "in"] {
            eve.emit(&mut place, json!([event, name]));
            eve.error(&mut place);
        }
    }
    eve.emit(&mut place, json!(["query"]));
    assert_eq!(eve.heard(&mut place), [json!(["query", null, null])]);
    assert!(ann.heard(&mut place).is_empty());
}

/// A table may look up the socket or the room that a text names.
#[test]
fn a_table_looks_up_a_socket_or_a_room() {
    let mut place = of(&json!({
        "enter": [{"join": "$0.room"}, {"alias": "$0.name", "set": {"age": 7}}],
        "who": [{"emit": "who", "args": ["$socket(0.to).alias", "$socket(0.to).data.age", "$socket(0.to).room",
            "is ${socket(0.to).alias}", "$socket(0.to)"]}],
        "room": [{"emit": "room", "args": ["$room(0).members.alias", "$room(0).first", "$room(0).others.length", "$room(0)"]}],
        "rooms": [{"emit": "rooms", "args": [{"$each": "$allRooms", "$key": "$it", "$value": "$room(it).members.length"}]}],
    }));
    let [ann, bob] = clients(&mut place);
    ann.emit(&mut place, json!(["enter", {"room": "r", "name": "ann"}]));
    for to in ["ann", ann.id.as_str()] {
        bob.emit(&mut place, json!(["who", { "to": to }]));
        assert_eq!(
            bob.heard(&mut place),
            [json!(["who", "ann", 7, "r", "is ann", ann.id])]
        );
    }
    for to in [json!("r"), json!("nobody"), json!([ann.id]), json!({})] {
        bob.emit(&mut place, json!(["who", { "to": to }]));
        assert_eq!(
            bob.heard(&mut place),
            [json!(["who", null, null, null, "is ", null])],
            "{to}"
        );
    }
    bob.emit(&mut place, json!(["room", "r"]));
    assert_eq!(
        bob.heard(&mut place),
        [json!(["room", ["ann"], ann.id, 1, "r"])]
    );
    bob.emit(&mut place, json!(["room", "s"]));
    assert_eq!(bob.heard(&mut place), [json!(["room", [], null, 0, "s"])]);
    bob.emit(&mut place, json!(["rooms"]));
    assert_eq!(bob.heard(&mut place), [json!(["rooms", {"r": 1}])]);
}

/// Piyush Garg's table: if a client sends a socket's id in place of an object, the path does not lead to
/// that socket's room.
#[test]
fn piyush_garg_a_text_leads_to_no_room() {
    let mut place = shipped("piyush-garg");
    let [ann, eve] = clients(&mut place);
    ann.emit(
        &mut place,
        json!(["room:join", {"email": "a", "room": "secret"}]),
    );
    place.take();
    eve.emit(&mut place, json!(["room:join", ann.id]));
    assert_eq!(eve.error(&mut place), "bad-payload");
    assert!(ann.heard(&mut place).is_empty());
}

/// An object with the field names of a room is not a room.
#[test]
fn an_object_is_not_a_room() {
    for (name, event) in [
        ("anoek", "join"),
        ("simplewebrtc", "join"),
        ("anoek", "part"),
    ] {
        let mut place = shipped(name);
        let [ann, bob, eve] = clients(&mut place);
        for client in [&ann, &bob] {
            let room = if name == "anoek" {
                json!({"channel": "r"})
            } else {
                json!("r")
            };
            client.emit(&mut place, json!(["join", room]));
        }
        place.take();
        let claim = json!({"members": [ann.id, "r"], "others": [ann.id], "first": ann.id});
        for claim in [json!({ "channel": claim }), claim] {
            eve.emit(&mut place, json!([event, claim]));
        }
        for client in [&ann, &bob] {
            assert_eq!(
                client.heard(&mut place),
                Vec::<Value>::new(),
                "{name}: {event}"
            );
        }
    }
}

/// In a table with rooms, a socket in no room reaches no members.
#[test]
fn a_socket_in_no_room_reaches_no_members() {
    let mut place = of(&json!({
        "join": [{"join": "$0"}],
        "others": [{"emit": "x", "to": "others"}],
        "all": [{"emit": "x", "to": "all"}],
        "members": [{"emit": "x", "to": "$members"}],
        "each": [{"each": "$members", "emit": "x", "to": "$it"}],
        "look": [{"emit": "seen", "args": ["$members", "$others", "$first", "$members.data", {"$each": "$others"}]}],
        "full": [{"when": {"members": ">= 1"}, "emit": "full"}],
        "leave": [{"leave": true}, {"emit": "left", "to": "others"}],
    }));
    let [ann, bob, eve] = clients(&mut place);
    for client in [&ann, &bob] {
        client.emit(&mut place, json!(["join", "r"]));
    }
    for event in ["others", "all", "members", "each", "full", "leave"] {
        eve.emit(&mut place, json!([event]));
        for client in [&ann, &bob, &eve] {
            assert_eq!(client.heard(&mut place), Vec::<Value>::new(), "{event}");
        }
    }
    eve.emit(&mut place, json!(["look"]));
    assert_eq!(
        eve.heard(&mut place),
        [json!(["seen", [], [], null, [], []])]
    );
    // The last member of a room is in no room after it leaves.
    bob.emit(&mut place, json!(["leave"]));
    assert!(ann.heard(&mut place).is_empty());
    ann.emit(&mut place, json!(["others"]));
    assert!(bob.heard(&mut place).is_empty());
}

/// A table without rooms has one room with all sockets.
#[test]
fn a_table_without_rooms_is_one_room() {
    let mut place = of(&json!({
        "others": [{"emit": "x", "to": "others"}],
        "all": [{"emit": "x", "to": "all"}],
        "two": [{"when": {"members": 2}, "emit": "two", "args": ["$members", "$others", "$first"]}],
    }));
    let [ann, bob] = clients(&mut place);
    ann.emit(&mut place, json!(["others"]));
    ann.emit(&mut place, json!(["all"]));
    assert_eq!(ann.heard(&mut place), [json!(["x"])]);
    assert_eq!(bob.heard(&mut place), [json!(["x"]), json!(["x"])]);
    bob.emit(&mut place, json!(["two"]));
    assert_eq!(
        bob.heard(&mut place),
        [json!(["two", [ann.id, bob.id], [ann.id], ann.id])]
    );
}

/// `in` applies to the list of `each` in the same action, unless it is computed from the list's
/// items.
#[test]
fn in_applies_to_the_list_of_each() {
    let mut place = of(&json!({
        "join": [
            {"in": "$0", "each": "$members", "emit": "addPeer", "to": "$it", "args": ["$id"]},
            {"join": "$0"},
        ],
        "rooms": [{"each": "$rooms", "in": "$it", "emit": "here", "args": ["$members"]}],
    }));
    let [ann, bob, eve] = clients(&mut place);
    ann.emit(&mut place, json!(["join", "r"]));
    bob.emit(&mut place, json!(["join", "s"]));
    eve.emit(&mut place, json!(["join", "r"]));
    assert_eq!(ann.heard(&mut place), [json!(["addPeer", eve.id])]);
    assert!(bob.heard(&mut place).is_empty());
    bob.emit(&mut place, json!(["join", "r"]));
    place.take();
    bob.emit(&mut place, json!(["rooms"]));
    assert_eq!(
        bob.heard(&mut place),
        [
            json!(["here", [bob.id]]),
            json!(["here", [ann.id, eve.id, bob.id]])
        ]
    );
}

/// `when` is checked before `in` looks up the room.
#[test]
fn when_is_checked_before_in() {
    let mut place = of(&json!({
        "join": [{"join": "$0"}],
        "leave": [{"when": "$0.room", "in": "$0.room", "emit": "left", "to": "others"}, {"emit": "bye"}],
        "say": [{"when": {"members": 0}, "in": "$0.room", "emit": "x", "to": "others"}],
    }));
    let [ann, bob] = clients(&mut place);
    for client in [&ann, &bob] {
        client.emit(&mut place, json!(["join", "r"]));
    }
    ann.emit(&mut place, json!(["leave", {}]));
    assert_eq!(ann.heard(&mut place), [json!(["bye"])]);
    ann.emit(&mut place, json!(["leave", {"room": "r"}]));
    assert_eq!(ann.heard(&mut place), [json!(["bye"])]);
    assert_eq!(bob.heard(&mut place), [json!(["left"])]);
    // If `in` finds no room, the sender's own room is not used.
    ann.emit(&mut place, json!(["say", {}]));
    assert_eq!(ann.error(&mut place), "bad-payload");
    assert!(bob.heard(&mut place).is_empty());
}

/// Rooms and aliases may have the same name, unless a table sends to a name that may be either.
#[test]
fn a_room_and_an_alias_with_the_same_name() {
    let mut place = shipped("web-dev-simplified");
    let [ann, bob, eve] = clients(&mut place);
    eve.emit(&mut place, json!(["join-room", "x", "r"]));
    ann.emit(&mut place, json!(["join-room", "r", "a"]));
    bob.emit(&mut place, json!(["join-room", "r", "b"]));
    assert_eq!(ann.heard(&mut place), [json!(["user-connected", "b"])]);
    assert!(bob.heard(&mut place).is_empty() && eve.heard(&mut place).is_empty());
    // Messages for a room reach only the room, and messages for a socket only the socket.
    let mut place = of(&json!({
        "join": [{"join": "$0"}],
        "name": [{"alias": "$0"}],
        "room": [{"emit": "room", "to": {"room": "$0"}}],
        "peer": [{"emit": "peer", "to": {"peer": "$0"}}],
    }));
    let [ann, bob, eve] = clients(&mut place);
    eve.emit(&mut place, json!(["name", "r"]));
    ann.emit(&mut place, json!(["join", "r"]));
    ann.emit(&mut place, json!(["name", "ann"]));
    eve.emit(&mut place, json!(["join", "ann"]));
    place.take();
    bob.emit(&mut place, json!(["room", "r"]));
    bob.emit(&mut place, json!(["peer", "ann"]));
    assert_eq!(ann.heard(&mut place), [json!(["room"]), json!(["peer"])]);
    assert!(eve.heard(&mut place).is_empty());
    for name in ["ann", ann.id.as_str()] {
        eve.emit(&mut place, json!(["name", name]));
        assert_eq!(eve.error(&mut place), "id-taken");
    }
}

/// M-21: every value that a table derives from rooms, data and arguments counts against the limit, not
/// only lists of sockets.
#[test]
fn every_new_value_counts_against_the_limit() {
    let mut place = of(&json!({
        "join": [{"join": "$0"}],
        "keep": [{"set": {"x": "$0"}}],
        "all": [{"emit": "l", "args": ["$allRooms"]}],
        "own": [{"each": "$0", "emit": "l", "args": ["$rooms"]}],
        "data": [{"each": "$0", "emit": "l", "args": ["$everyone.data.x"]}],
        "count": [{"each": "$0", "when": {"count": 1, "of": "$allRooms"}, "emit": "l"}],
        "args": [{"each": "$0", "emit": "l", "args": [["$args"]]}],
        "text": [{"each": "$0", "emit": "l", "args": ["${args}"]}],
    }));
    let clients: [Client; 20] = clients(&mut place);
    for (n, client) in clients.iter().enumerate() {
        for m in 0..signalbox::socket::MAX_ROOMS {
            client.emit(
                &mut place,
                json!(["join", format!("{n} {m} {}", "x".repeat(480))]),
            );
        }
        client.emit(&mut place, json!(["keep", "x".repeat(7000)]));
    }
    place.take();
    for event in [
        json!(["all"]),
        json!(["count", vec![0; 200]]),
        json!(["own", vec![0; 200]]),
        json!(["data", vec![0; 200]]),
        json!(["args", vec![0; 200], "x".repeat(50_000)]),
        json!(["text", vec![0; 200], "x".repeat(50_000)]),
    ] {
        clients[0].emit(&mut place, &event);
        let heard = clients[0].heard(&mut place);
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
    let mut place = of(&json!({
        "join": [{"ack": ["ok"]}, {"join": "$1"}, {"ack": ["never"]}],
        "name": [{"alias": "$0", "ack": ["named"]}],
    }));
    let [ann] = clients(&mut place);
    assert_eq!(
        ann.call(&mut place, json!(["join", "r"])),
        Some(json!(["ok"]))
    );
    assert_eq!(ann.call(&mut place, json!(["name"])), None);
    ann.emit(&mut place, json!(["join", "r"]));
    assert_eq!(ann.error(&mut place), "bad-payload");
}
