//! The room's chat: messages to all, private messages, repeated messages, and what is refused.

use serde_json::{Value, json};
use signalbox::room::Config;
use signalbox::room::config::Limits;

use crate::peer::{Peer, high_rates, server_of, server_with};
use crate::recovery::texts as texts_heard;
use crate::room_history::history;

/// The tutorial's form: a text goes to all sockets, including the sender, whether they have joined
/// or not.
#[test]
fn a_text_reaches_everyone() {
    let (mut server, [a, b, c]) = server_of();
    a.join(&mut server, "Ann");
    server.until(2_000);
    for text in ["hello", "", "中文 😀 \u{202e}<b>\"\\\n"] {
        let receipt = a.call(&mut server, json!(["chat-message", text]));
        let expected = json!(["chat-message", {
            "message": text, "id": receipt["id"], "seq": receipt["seq"], "ts": 2_000,
            "from": a.id, "name": "Ann",
        }]);
        assert_eq!(receipt["ok"], true);
        assert_eq!(receipt["ts"], 2_000);
        for peer in [&a, &b, &c] {
            assert_eq!(peer.heard_one(&mut server), expected);
        }
    }
    b.emit(&mut server, json!(["chat-message", "no name"]));
    assert_eq!(a.heard_one(&mut server)[1]["name"], Value::Null);
}

/// Ids are unique, and sequence numbers grow.
#[test]
fn message_ids_are_unique() {
    let (mut server, [a, b]) = server_of();
    let mut last = 0;
    let mut ids = std::collections::BTreeSet::new();
    for turn in 0..50 {
        let peer = if turn % 3 == 0 { &a } else { &b };
        let receipt = peer.call(&mut server, json!(["chat-message", "same"]));
        let seq = receipt["seq"].as_u64().unwrap();
        assert!(seq > last);
        last = seq;
        ids.insert(receipt["id"].as_str().unwrap().to_owned());
    }
    assert_eq!(ids.len(), 50);
}

/// A message that is sent again with the same `mid` is the same message.
#[test]
fn a_repeated_message_is_delivered_once() {
    let (mut server, [a, b]) = server_of();
    let event = json!(["chat-message", { "message": "hi", "mid": "m1" }]);
    let first = a.call(&mut server, &event);
    assert_eq!(b.heard(&mut server).len(), 1);
    server.until(100).lose_memory();
    assert_eq!(a.call(&mut server, &event), first);
    assert!(b.heard(&mut server).is_empty());
    let other = b.call(&mut server, &event);
    assert_ne!(
        other["id"], first["id"],
        "the same mid from another sender is another message"
    );
    let next = a.call(
        &mut server,
        json!(["chat-message", { "message": "hi", "mid": "m2" }]),
    );
    assert_ne!(next["id"], first["id"]);
}

/// A repeated message is delivered once even if the room has forgotten it: other messages came after it, or
/// the host cleared the chat.
#[test]
fn a_repeated_message_is_delivered_once_after_it_is_deleted() {
    for history in [0, 1] {
        let limits = Limits {
            history,
            ..high_rates()
        };
        let mut server = server_with(Config {
            limits,
            ..Config::default()
        });
        let [a, b] = std::array::from_fn(|_| Peer::connect(&mut server));
        a.join(&mut server, "a");
        let event = json!(["chat-message", { "message": "hi", "mid": "m1" }]);
        let first = a.call(&mut server, &event);
        for _ in 0..3 {
            b.call(&mut server, json!(["chat-message", "newer"]));
        }
        assert_eq!(a.call(&mut server, &event), first);
        assert_eq!(a.call(&mut server, json!(["host:clear"]))["ok"], true);
        server.lose_memory();
        assert_eq!(a.call(&mut server, &event), first);
        assert_eq!(
            texts_heard(&mut server, &b),
            ["hi", "newer", "newer", "newer"]
        );
    }
}

/// A repeated private message is delivered once, even if its target has left. A message with another `mid`
/// is another message.
#[test]
fn a_repeated_private_message_is_delivered_once() {
    let (mut server, [a, b, c]) = server_of();
    let to = |peer: &Peer, mid: &str| json!(["chat-message", { "message": "psst", "mid": mid, "to": peer.id }]);
    let first = a.call(&mut server, to(&b, "m1"));
    assert_eq!(first["ok"], true);
    assert_eq!(b.heard(&mut server).len(), 1);
    server.kill();
    let (a, c) = (a.reconnect(&mut server), c.reconnect(&mut server));
    assert!(a.recovered);
    server.until(server.now() + 31_000);
    let gone = to(&b, "m1");
    assert_eq!(
        a.call(&mut server, gone),
        first,
        "b got the message before it left"
    );
    assert_ne!(a.call(&mut server, to(&c, "m2"))["id"], first["id"]);
    assert_eq!(
        c.heard(&mut server)
            .iter()
            .filter(|e| e[0] == "chat-message")
            .count(),
        1
    );
}

/// A typing notice reaches the members who are present, and is not replayed.
#[test]
fn typing_is_volatile() {
    let (mut server, [a, b, c]) = server_of();
    let on = json!(["chat:typing", { "on": true }]);
    assert_eq!(a.call(&mut server, &on), json!({ "ok": true }));
    let told = json!(["chat:typing", { "id": a.id, "on": true }]);
    assert_eq!(b.heard(&mut server), std::slice::from_ref(&told));
    assert!(a.heard(&mut server).is_empty());
    c.heard(&mut server);
    c.vanish(&mut server);
    a.emit(&mut server, &on);
    let c = c.reconnect(&mut server);
    assert!(c.recovered);
    assert!(c.heard(&mut server).is_empty());
    for event in [json!(["chat:typing"]), json!(["chat:typing", { "on": 1 }])] {
        assert_eq!(a.refusal(&mut server, &event), "bad-payload");
    }
}

/// JavaScript may cut a text within a surrogate pair. In chat, the lone surrogate becomes U+FFFD. In a
/// signal, it is forwarded.
#[test]
fn lone_surrogates() {
    let (mut server, [a, b]) = server_of();
    for (json, expected) in [
        (r#"["chat-message","cut \ud83d"]"#, "cut \u{fffd}"),
        (
            r#"["chat-message",{"message":"\ude00 cut","mid":"\ud83d"}]"#,
            "\u{fffd} cut",
        ),
        (r#"["chat-message","whole \ud83d\ude00"]"#, "whole 😀"),
    ] {
        a.emit(&mut server, json);
        assert_eq!(b.heard_one(&mut server)[1]["message"], expected);
    }
    a.emit(&mut server, r#"["room:join",{"name":"A\udfff"}]"#);
    a.emit(&mut server, r#"["signal",{"data":"\ud83d"}]"#);
    assert!(
        b.heard_raw(&mut server)[0].contains(r#""data":"\ud83d""#),
        "a signal is forwarded as it is"
    );
}

/// A private message reaches its sender and its target, and is not stored.
#[test]
fn a_private_message() {
    let (mut server, [a, b, c]) = server_of();
    b.emit(&mut server, json!(["join", "bob"]));
    b.heard(&mut server);
    for to in [b.id.as_str(), "bob"] {
        let event = json!(["chat-message", { "message": "psst", "to": to, "enc": { "v": 1 } }]);
        assert_eq!(a.call(&mut server, &event)["ok"], true);
        let message = b.heard_one(&mut server);
        assert_eq!(message[1]["to"], json!(b.id));
        assert_eq!(message[1]["enc"], json!({ "v": 1 }));
        assert_eq!(a.heard(&mut server), [message]);
        assert!(c.heard(&mut server).is_empty());
    }
    assert_eq!(history(&mut server, &c, json!({})), (vec![], false));
    let nobody = json!(["chat-message", { "message": "psst", "to": "nobody" }]);
    assert_eq!(a.refusal(&mut server, &nobody), "unknown-peer");
    a.call(
        &mut server,
        json!(["chat-message", { "message": "note", "to": a.id }]),
    );
    assert_eq!(
        a.heard(&mut server).len(),
        1,
        "the sender gets a message to itself once"
    );
}

#[test]
fn messages_that_are_refused() {
    let (mut server, [a, b]) = server_of();
    for (args, code) in [
        (json!(["chat-message"]), "bad-payload"),
        (json!(["chat-message", 7]), "bad-payload"),
        (json!(["chat-message", null]), "bad-payload"),
        (json!(["chat-message", {}]), "bad-payload"),
        (json!(["chat-message", { "message": ["x"] }]), "bad-payload"),
        (json!(["chat-message", "x".repeat(4_001)]), "too-large"),
        (
            json!(["chat-message", { "message": "x", "mid": "x".repeat(65) }]),
            "too-large",
        ),
    ] {
        assert_eq!(a.refusal(&mut server, &args), code, "{args}");
    }
    assert!(b.heard(&mut server).is_empty());
    let longest = "😀".repeat(4_000);
    assert_eq!(
        a.call(&mut server, json!(["chat-message", longest]))["ok"],
        true
    );
}

/// The encryption field of a message must be short, and not nested too deep: otherwise some clients
/// could not parse the history.
#[test]
fn the_encryption_field_is_limited() {
    let (mut server, [a]) = server_of();
    let mut nested = json!(1);
    for _ in 0..100 {
        nested = json!([nested]);
    }
    for enc in [nested, json!("x".repeat(300))] {
        let event = json!(["chat-message", { "message": "m", "enc": enc }]);
        assert_eq!(a.refusal(&mut server, &event), "too-large");
    }
    let enc = json!({ "iv": "AAAAAAAAAAAAAAAA" });
    a.emit(
        &mut server,
        json!(["chat-message", { "message": "m", "enc": enc }]),
    );
    server.lose_memory();
    let page = a.call(&mut server, json!(["chat:history", {}]));
    assert_eq!(page["messages"][0]["enc"], enc);
}

/// The longest permitted text may also be sent encrypted, which makes it longer.
#[test]
fn an_encrypted_message_may_be_longer() {
    let (mut server, [a, b]) = server_of();
    let longest = "🎉".repeat(4_000).len() + 16; // with AES-GCM's tag
    let sent = |length| json!(["chat-message", { "message": "A".repeat(length), "enc": { "iv": "AAAAAAAAAAAAAAAA" } }]);
    assert_eq!(
        a.call(&mut server, sent(longest.div_ceil(3) * 4))["ok"],
        true
    );
    let delivered = b.heard_one(&mut server);
    assert_eq!(delivered[1]["enc"]["iv"], "AAAAAAAAAAAAAAAA");
    assert_eq!(a.refusal(&mut server, &sent(24_001)), "too-large");
    server.lose_memory();
    let page = a.call(&mut server, json!(["chat:history", {}]));
    assert_eq!(page["messages"][0]["message"], delivered[1]["message"]);
}
