//! The state of a dialect that survives lost memory, lost connections and a killed server, and the
//! values that a dialect forwards unchanged.

use serde_json::json;

use crate::dialect_client::{Client, DialectServer, dialect_server};
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

fn look(server: &mut DialectServer, client: &Client) -> serde_json::Value {
    client.call(server, json!(["look"])).expect("an ack")
}

/// Two clients in one room.
fn two(server: &mut DialectServer) -> [Client; 2] {
    std::array::from_fn(|_| {
        let client = Client::connect(server);
        client.call(server, json!(["join", "r"]));
        client
    })
}

/// Rooms and their order, names, data and the handshake survive the loss of memory.
#[test]
fn memory_is_lost() {
    let mut server = dialect_server(TABLE);
    let clients: [Client; 5] = std::array::from_fn(|n| {
        Client::connect_with(&mut server, &format!("strict=1&q=q{n}"), &json!({ "a": n }))
    });
    // The order differs from that of the ids.
    for n in [3, 0, 4, 1, 2] {
        clients[n].call(&mut server, json!(["join", "one"]));
        clients[n].call(&mut server, json!(["join", "two"]));
        clients[n].call(&mut server, json!(["name", format!("name {n}")]));
        clients[n].call(&mut server, json!(["set", { "n": n }]));
    }
    let order: Vec<&str> = [3, 0, 4, 1, 2]
        .map(|n: usize| clients[n].id.as_str())
        .to_vec();
    for lose in [false, true] {
        if lose {
            server.lose_memory();
        }
        for (n, client) in clients.iter().enumerate() {
            let expected = json!([format!("name {n}"), ["one", "two"], {"x": {"n": n}}, order, format!("q{n}"), n]);
            assert_eq!(look(&mut server, client), expected);
        }
    }
    clients[0].emit(&mut server, json!(["tell", "name 4", "hello"]));
    assert_eq!(clients[4].heard(&mut server), [json!(["told", "hello"])]);
    clients[1].emit(&mut server, json!(["say", 1]));
    for n in [0, 2, 3, 4] {
        assert_eq!(clients[n].heard(&mut server), [json!(["said", 1])]);
    }
}

/// A client that loses its connection or its server returns as the same socket, with its rooms, its
/// name and the missed events. A client that does not return leaves.
#[test]
fn connection_and_server_are_lost() {
    for kill in [false, true] {
        let mut server = dialect_server(TABLE);
        let clients: [Client; 3] =
            std::array::from_fn(|_| Client::connect_with(&mut server, "", &json!({})));
        for (client, name) in clients.iter().zip(["ann", "bob", "cat"]) {
            client.call(&mut server, json!(["join", "r"]));
            client.call(&mut server, json!(["name", name]));
        }
        server.take();
        if kill {
            server.kill();
        } else {
            for client in &clients {
                server.lost(client.connection);
            }
        }
        let back = |server: &mut DialectServer, client: &Client| {
            let connection = server.upgrade(WEBSOCKET);
            server.text(connection, format!("40{}", json!({ "pid": client.pid })));
            let reply = format!("40{{\"sid\":\"{}\"", client.id);
            assert!(
                server
                    .sent_to(connection)
                    .iter()
                    .any(|frame| frame.starts_with(&reply))
            );
            server.take();
            Client {
                id: client.id.clone(),
                pid: client.pid.clone(),
                connection,
            }
        };
        let [ann, bob] = [0, 1].map(|n| back(&mut server, &clients[n]));
        ann.emit(&mut server, json!(["tell", "bob", "hello"]));
        let heard = bob.heard(&mut server);
        assert_eq!(
            (&heard[0][0], &heard[0][1]),
            (&json!("told"), &json!("hello"))
        );
        // The third client does not return.
        server.until(server.now() + 40_000);
        let left = |server: &mut DialectServer, client: &Client| {
            let heard = client.heard(server);
            heard
                .iter()
                .filter(|event| event[0] == "left")
                .map(|event| event[1].clone())
                .collect::<Vec<_>>()
        };
        for client in [&ann, &bob] {
            assert_eq!(
                left(&mut server, client),
                [json!(clients[2].id)],
                "killed: {kill}"
            );
            let seen = look(&mut server, client);
            assert_eq!(seen[3].as_array().map(Vec::len), Some(2));
        }
    }
}

/// Values are forwarded byte for byte: spaces, order, numbers, escapes, lone surrogates.
#[test]
fn values_are_forwarded_byte_for_byte() {
    let mut server = dialect_server(TABLE);
    let [ann, bob] = two(&mut server);
    for value in [
        r#"{ "b" : 1.50, "a":[1e3,-0, "\u0041\/\ud800"],"a":{} }"#,
        "12345678901234567890.12345",
        r#""v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\n""#,
        "null",
        r#"{"_placeholder":true,"num":7}"#,
    ] {
        ann.emit(&mut server, format!(r#"["say",{value},"x"]"#));
        assert_eq!(
            bob.heard_raw(&mut server),
            [format!(r#"["said",{value},"x"]"#)]
        );
    }
    ann.emit(&mut server, r#"["pick",{"a": [ 1.0 ],"b":"\u0041"}]"#);
    assert_eq!(
        bob.heard_raw(&mut server),
        [r#"["picked",[ 1.0 ],{"b":"\u0041"}]"#]
    );
}

/// Attachments are forwarded with the values that name them, and cannot be stored.
#[test]
fn attachments_are_forwarded() {
    let mut server = dialect_server(TABLE);
    let [ann, bob] = two(&mut server);
    let at = |n: usize| format!(r#"{{"_placeholder":true,"num":{n}}}"#);
    server.text(
        ann.connection,
        format!(r#"452-["say",{},[{}]]"#, at(0), at(1)),
    );
    server
        .bytes(ann.connection, &[1])
        .bytes(ann.connection, &[2, 3]);
    assert_eq!(
        server.take_for(bob.connection),
        [
            Done::Sent(
                bob.connection,
                format!(r#"452-["said",{},[{}]]"#, at(0), at(1))
            ),
            Done::SentBytes(bob.connection, vec![1]),
            Done::SentBytes(bob.connection, vec![2, 3]),
        ]
    );
    server.text(
        ann.connection,
        format!(r#"452-["pick",{{"c":{},"b":{}}}]"#, at(0), at(1)),
    );
    server
        .bytes(ann.connection, &[1])
        .bytes(ann.connection, &[2, 3]);
    assert_eq!(
        server.take_for(bob.connection),
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
    server.text(
        ann.connection,
        format!(r#"451-["pick",{{"c":{},"b":1}}]"#, at(0)),
    );
    server.bytes(ann.connection, &[1]);
    assert_eq!(bob.heard_raw(&mut server), [r#"["picked",null,{"b":1}]"#]);
    server.text(ann.connection, format!(r#"451-["set",{}]"#, at(0)));
    server.bytes(ann.connection, &[1]);
    assert_eq!(ann.error(&mut server), "bad-payload");
    // A placeholder without an attachment cannot be stored either.
    ann.emit(&mut server, format!(r#"["set",{}]"#, at(9)));
    assert_eq!(ann.error(&mut server), "bad-payload");
}

/// The object stops if it cannot read stored data.
#[test]
fn damaged_rows_halt_the_object() {
    let mut server = dialect_server(TABLE);
    let ann = Client::connect(&mut server);
    ann.call(&mut server, json!(["join", "r"]));
    server.take();
    let mut damaged = 0;
    let mut rows = server.platform.stored();
    for (key, value) in &mut rows {
        if key.starts_with("socket/") {
            *value = value.replace("\"rooms\"", "\"moors\"");
            damaged += 1;
        }
    }
    assert_eq!(damaged, 1);
    server.set_stored(rows);
    server.lose_memory();
    assert!(matches!(server.take()[..], [Done::Halted(_)]));
}
