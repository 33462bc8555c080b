//! The state of a dialect that survives lost memory, lost connections and a killed server, and the
//! values that a dialect forwards unchanged.

use serde_json::json;

use crate::dialect_client::{Client, Place, place};
use crate::support::{Done, WEBSOCKET};

const TABLE: &str = r#"{"on": {
  "join": [{"join": "$0", "ack": ["$rooms"]}],
  "name": [{"alias": "$0", "ack": []}],
  "set": [{"set": {"x": "$0"}, "ack": []}],
  "look": [{"ack": ["$alias", "$rooms", "$data", "$members", "$query.q", "$auth.a"]}],
  "say": [{"emit": "said", "to": "others", "args": "$args"}],
  "pick": [{"emit": "picked", "to": "others", "args": ["$0.a", {"b": "$0.b"}]}],
  "tell": [{"emit": "told", "to": "$0", "args": ["$1"]}],
  "disconnect": [{"emit": "left", "to": "others", "args": ["$id"]}]
}}"#;

fn look(place: &mut Place, client: &Client) -> serde_json::Value {
    client.call(place, json!(["look"])).expect("an ack")
}

/// Two clients in one room.
fn two(place: &mut Place) -> [Client; 2] {
    std::array::from_fn(|_| {
        let client = Client::connect(place);
        client.call(place, json!(["join", "r"]));
        client
    })
}

/// Rooms and their order, names, data and the handshake survive the loss of memory.
#[test]
fn memory_is_lost() {
    let mut place = place(TABLE);
    let clients: [Client; 5] = std::array::from_fn(|n| {
        Client::connect_with(&mut place, &format!("strict=1&q=q{n}"), &json!({ "a": n }))
    });
    // The order differs from that of the ids.
    for n in [3, 0, 4, 1, 2] {
        clients[n].call(&mut place, json!(["join", "one"]));
        clients[n].call(&mut place, json!(["join", "two"]));
        clients[n].call(&mut place, json!(["name", format!("name {n}")]));
        clients[n].call(&mut place, json!(["set", { "n": n }]));
    }
    let order: Vec<&str> = [3, 0, 4, 1, 2]
        .map(|n: usize| clients[n].id.as_str())
        .to_vec();
    for lose in [false, true] {
        if lose {
            place.lose_memory();
        }
        for (n, client) in clients.iter().enumerate() {
            let expected = json!([format!("name {n}"), ["one", "two"], {"x": {"n": n}}, order, format!("q{n}"), n]);
            assert_eq!(look(&mut place, client), expected);
        }
    }
    clients[0].emit(&mut place, json!(["tell", "name 4", "hello"]));
    assert_eq!(clients[4].heard(&mut place), [json!(["told", "hello"])]);
    clients[1].emit(&mut place, json!(["say", 1]));
    for n in [0, 2, 3, 4] {
        assert_eq!(clients[n].heard(&mut place), [json!(["said", 1])]);
    }
}

/// A client that loses its connection or its server returns as the same socket, with its rooms, its
/// name and the missed events. A client that does not return leaves.
#[test]
fn connection_and_server_are_lost() {
    for kill in [false, true] {
        let mut place = place(TABLE);
        let clients: [Client; 3] =
            std::array::from_fn(|_| Client::connect_with(&mut place, "", &json!({})));
        for (client, name) in clients.iter().zip(["ann", "bob", "cat"]) {
            client.call(&mut place, json!(["join", "r"]));
            client.call(&mut place, json!(["name", name]));
        }
        place.take();
        if kill {
            place.kill();
        } else {
            for client in &clients {
                place.lost(client.connection);
            }
        }
        let back = |place: &mut Place, client: &Client| {
            let connection = place.upgrade(WEBSOCKET);
            place.text(connection, format!("40{}", json!({ "pid": client.pid })));
            let reply = format!("40{{\"sid\":\"{}\"", client.id);
            assert!(
                place
                    .sent_to(connection)
                    .iter()
                    .any(|frame| frame.starts_with(&reply))
            );
            place.take();
            Client {
                id: client.id.clone(),
                pid: client.pid.clone(),
                connection,
            }
        };
        let [ann, bob] = [0, 1].map(|n| back(&mut place, &clients[n]));
        ann.emit(&mut place, json!(["tell", "bob", "hello"]));
        let heard = bob.heard(&mut place);
        assert_eq!(
            (&heard[0][0], &heard[0][1]),
            (&json!("told"), &json!("hello"))
        );
        // The third client does not return.
        place.until(place.now() + 40_000);
        let left = |place: &mut Place, client: &Client| {
            let heard = client.heard(place);
            heard
                .iter()
                .filter(|event| event[0] == "left")
                .map(|event| event[1].clone())
                .collect::<Vec<_>>()
        };
        for client in [&ann, &bob] {
            assert_eq!(
                left(&mut place, client),
                [json!(clients[2].id)],
                "killed: {kill}"
            );
            let seen = look(&mut place, client);
            assert_eq!(seen[3].as_array().map(Vec::len), Some(2));
        }
    }
}

/// Values are forwarded byte for byte: spaces, order, numbers, escapes, lone surrogates.
#[test]
fn values_are_forwarded_byte_for_byte() {
    let mut place = place(TABLE);
    let [ann, bob] = two(&mut place);
    for value in [
        r#"{ "b" : 1.50, "a":[1e3,-0, "\u0041\/\ud800"],"a":{} }"#,
        "12345678901234567890.12345",
        r#""v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\n""#,
        "null",
        r#"{"_placeholder":true,"num":7}"#,
    ] {
        ann.emit(&mut place, format!(r#"["say",{value},"x"]"#));
        assert_eq!(
            bob.heard_raw(&mut place),
            [format!(r#"["said",{value},"x"]"#)]
        );
    }
    ann.emit(&mut place, r#"["pick",{"a": [ 1.0 ],"b":"\u0041"}]"#);
    assert_eq!(
        bob.heard_raw(&mut place),
        [r#"["picked",[ 1.0 ],{"b":"\u0041"}]"#]
    );
}

/// Attachments are forwarded with the values that name them, and cannot be stored.
#[test]
fn attachments_are_forwarded() {
    let mut place = place(TABLE);
    let [ann, bob] = two(&mut place);
    let at = |n: usize| format!(r#"{{"_placeholder":true,"num":{n}}}"#);
    place.text(
        ann.connection,
        format!(r#"452-["say",{},[{}]]"#, at(0), at(1)),
    );
    place
        .bytes(ann.connection, &[1])
        .bytes(ann.connection, &[2, 3]);
    assert_eq!(
        place.take_of(bob.connection),
        [
            Done::Sent(
                bob.connection,
                format!(r#"452-["said",{},[{}]]"#, at(0), at(1))
            ),
            Done::SentBytes(bob.connection, vec![1]),
            Done::SentBytes(bob.connection, vec![2, 3]),
        ]
    );
    place.text(
        ann.connection,
        format!(r#"452-["pick",{{"c":{},"b":{}}}]"#, at(0), at(1)),
    );
    place
        .bytes(ann.connection, &[1])
        .bytes(ann.connection, &[2, 3]);
    assert_eq!(
        place.take_of(bob.connection),
        [
            Done::Sent(
                bob.connection,
                format!(r#"452-["picked",null,{{"b":{}}}]"#, at(1))
            ),
            Done::SentBytes(bob.connection, vec![1]),
            Done::SentBytes(bob.connection, vec![2, 3]),
        ]
    );
    // Values without attachments are sent without any.
    place.text(
        ann.connection,
        format!(r#"451-["pick",{{"c":{},"b":1}}]"#, at(0)),
    );
    place.bytes(ann.connection, &[1]);
    assert_eq!(bob.heard_raw(&mut place), [r#"["picked",null,{"b":1}]"#]);
    place.text(ann.connection, format!(r#"451-["set",{}]"#, at(0)));
    place.bytes(ann.connection, &[1]);
    assert_eq!(ann.error(&mut place), "bad-payload");
    // A stored placeholder does not refer to an attachment of another event, and makes no packet invalid.
    ann.emit(&mut place, format!(r#"["set",{}]"#, at(9)));
    assert!(ann.heard(&mut place).is_empty());
}

/// The object stops if it cannot read stored data.
#[test]
fn damaged_rows_halt_the_object() {
    let mut place = place(TABLE);
    let ann = Client::connect(&mut place);
    ann.call(&mut place, json!(["join", "r"]));
    place.take();
    let mut damaged = 0;
    let mut rows = place.platform.stored();
    for (key, value) in &mut rows {
        if key.starts_with("socket/") {
            *value = value.replace("\"rooms\"", "\"moors\"");
            damaged += 1;
        }
    }
    assert_eq!(damaged, 1);
    place.set_stored(rows);
    place.lose_memory();
    assert!(matches!(place.take()[..], [Done::Halted(_)]));
}
