//! The room's chat, and its history.

use serde_json::{Value, json};
use signalbox::room::Config;
use signalbox::room::config::Limits;

use crate::peer::{Hall, Peer, hall_of, hall_with, unhurried};
use crate::recovery::texts as texts_heard;

/// The tutorial's form: a text goes to all sockets, including the sender, whether they have joined
/// or not.
#[test]
fn a_text_reaches_everyone() {
    let (mut hall, [a, b, c]) = hall_of();
    a.join(&mut hall, "Ann");
    hall.until(2_000);
    for text in ["hello", "", "中文 😀 \u{202e}<b>\"\\\n"] {
        let receipt = a.call(&mut hall, json!(["chat-message", text]));
        let expected = json!(["chat-message", {
            "message": text, "id": receipt["id"], "seq": receipt["seq"], "ts": 2_000,
            "from": a.id, "name": "Ann",
        }]);
        assert_eq!(receipt["ok"], true);
        assert_eq!(receipt["ts"], 2_000);
        for peer in [&a, &b, &c] {
            assert_eq!(peer.heard_one(&mut hall), expected);
        }
    }
    b.emit(&mut hall, json!(["chat-message", "no name"]));
    assert_eq!(a.heard_one(&mut hall)[1]["name"], Value::Null);
}

/// Ids are unique, and sequence numbers grow.
#[test]
fn message_ids_are_unique() {
    let (mut hall, [a, b]) = hall_of();
    let mut last = 0;
    let mut ids = std::collections::BTreeSet::new();
    for turn in 0..50 {
        let peer = if turn % 3 == 0 { &a } else { &b };
        let receipt = peer.call(&mut hall, json!(["chat-message", "same"]));
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
    let (mut hall, [a, b]) = hall_of();
    let event = json!(["chat-message", { "message": "hi", "mid": "m1" }]);
    let first = a.call(&mut hall, &event);
    assert_eq!(b.heard(&mut hall).len(), 1);
    hall.until(100).lose_memory();
    assert_eq!(a.call(&mut hall, &event), first);
    assert!(b.heard(&mut hall).is_empty());
    let other = b.call(&mut hall, &event);
    assert_ne!(
        other["id"], first["id"],
        "another sender's mid is another message"
    );
    let next = a.call(
        &mut hall,
        json!(["chat-message", { "message": "hi", "mid": "m2" }]),
    );
    assert_ne!(next["id"], first["id"]);
}

/// The same holds when the room has forgotten the message: others came after it, or the host
/// cleared the chat.
#[test]
fn a_repeated_message_is_delivered_once_after_it_is_deleted() {
    for history in [0, 1] {
        let limits = Limits {
            history,
            ..unhurried()
        };
        let mut hall = hall_with(Config {
            limits,
            ..Config::default()
        });
        let [a, b] = std::array::from_fn(|_| Peer::connect(&mut hall));
        a.join(&mut hall, "a");
        let event = json!(["chat-message", { "message": "hi", "mid": "m1" }]);
        let first = a.call(&mut hall, &event);
        for _ in 0..3 {
            b.call(&mut hall, json!(["chat-message", "newer"]));
        }
        assert_eq!(a.call(&mut hall, &event), first);
        assert_eq!(a.call(&mut hall, json!(["host:clear"]))["ok"], true);
        hall.lose_memory();
        assert_eq!(a.call(&mut hall, &event), first);
        assert_eq!(
            texts_heard(&mut hall, &b),
            ["hi", "newer", "newer", "newer"]
        );
    }
}

/// The same holds for a private message, even if its target has left. A message to one target is
/// not a message to another.
#[test]
fn a_repeated_private_message_is_delivered_once() {
    let (mut hall, [a, b, c]) = hall_of();
    let to = |peer: &Peer, mid: &str| json!(["chat-message", { "message": "psst", "mid": mid, "to": peer.id }]);
    let first = a.call(&mut hall, to(&b, "m1"));
    assert_eq!(first["ok"], true);
    assert_eq!(b.heard(&mut hall).len(), 1);
    hall.kill();
    let (a, c) = (a.reconnect(&mut hall), c.reconnect(&mut hall));
    assert!(a.recovered);
    hall.until(hall.now() + 31_000);
    let gone = to(&b, "m1");
    assert_eq!(
        a.call(&mut hall, gone),
        first,
        "b got the message before it left"
    );
    assert_ne!(a.call(&mut hall, to(&c, "m2"))["id"], first["id"]);
    assert_eq!(
        c.heard(&mut hall)
            .iter()
            .filter(|e| e[0] == "chat-message")
            .count(),
        1
    );
}

/// A typing notice reaches the members who are present, and is not replayed.
#[test]
fn typing_is_volatile() {
    let (mut hall, [a, b, c]) = hall_of();
    let on = json!(["chat:typing", { "on": true }]);
    assert_eq!(a.call(&mut hall, &on), json!({ "ok": true }));
    let told = json!(["chat:typing", { "id": a.id, "on": true }]);
    assert_eq!(b.heard(&mut hall), std::slice::from_ref(&told));
    assert!(a.heard(&mut hall).is_empty());
    c.heard(&mut hall);
    c.vanish(&mut hall);
    a.emit(&mut hall, &on);
    let c = c.reconnect(&mut hall);
    assert!(c.recovered);
    assert!(c.heard(&mut hall).is_empty());
    for event in [json!(["chat:typing"]), json!(["chat:typing", { "on": 1 }])] {
        assert_eq!(a.refusal(&mut hall, &event), "bad-payload");
    }
}

/// A lone surrogate, as JavaScript may cut it off, does not make the message longer.
#[test]
fn lone_surrogates() {
    let (mut hall, [a, b]) = hall_of();
    for (json, expected) in [
        (r#"["chat-message","cut \ud83d"]"#, "cut \u{fffd}"),
        (
            r#"["chat-message",{"message":"\ude00 cut","mid":"\ud83d"}]"#,
            "\u{fffd} cut",
        ),
        (r#"["chat-message","whole \ud83d\ude00"]"#, "whole 😀"),
    ] {
        a.emit(&mut hall, json);
        assert_eq!(b.heard_one(&mut hall)[1]["message"], expected);
    }
    a.emit(&mut hall, r#"["room:join",{"name":"A\udfff"}]"#);
    a.emit(&mut hall, r#"["signal",{"data":"\ud83d"}]"#);
    assert!(
        b.heard_raw(&mut hall)[0].contains(r#""data":"\ud83d""#),
        "passed on unread"
    );
}

/// A private message reaches its sender and its target, and is not stored.
#[test]
fn a_private_message() {
    let (mut hall, [a, b, c]) = hall_of();
    b.emit(&mut hall, json!(["join", "bob"]));
    b.heard(&mut hall);
    for to in [b.id.as_str(), "bob"] {
        let event = json!(["chat-message", { "message": "psst", "to": to, "enc": { "v": 1 } }]);
        assert_eq!(a.call(&mut hall, &event)["ok"], true);
        let message = b.heard_one(&mut hall);
        assert_eq!(message[1]["to"], json!(b.id));
        assert_eq!(message[1]["enc"], json!({ "v": 1 }));
        assert_eq!(a.heard(&mut hall), [message]);
        assert!(c.heard(&mut hall).is_empty());
    }
    assert_eq!(history(&mut hall, &c, json!({})), (vec![], false));
    let nobody = json!(["chat-message", { "message": "psst", "to": "nobody" }]);
    assert_eq!(a.refusal(&mut hall, &nobody), "unknown-peer");
    a.call(
        &mut hall,
        json!(["chat-message", { "message": "note", "to": a.id }]),
    );
    assert_eq!(
        a.heard(&mut hall).len(),
        1,
        "the sender gets a message to itself once"
    );
}

#[test]
fn messages_that_are_refused() {
    let (mut hall, [a, b]) = hall_of();
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
        assert_eq!(a.refusal(&mut hall, &args), code, "{args}");
    }
    assert!(b.heard(&mut hall).is_empty());
    let longest = "😀".repeat(4_000);
    assert_eq!(
        a.call(&mut hall, json!(["chat-message", longest]))["ok"],
        true
    );
}

/// The texts of a page, and whether earlier messages exist.
#[expect(
    clippy::needless_pass_by_value,
    reason = "callers write a page in place"
)]
fn history(hall: &mut Hall, peer: &Peer, page: Value) -> (Vec<String>, bool) {
    let reply = peer.call(hall, json!(["chat:history", page]));
    let messages = reply["messages"].as_array().expect("messages");
    let texts = messages
        .iter()
        .map(|m| m["message"].as_str().unwrap().to_owned());
    (texts.collect(), reply["more"] == true)
}

fn texts(numbers: std::ops::Range<u64>) -> Vec<String> {
    numbers.map(|number| number.to_string()).collect()
}

/// Pages go back in time; each page is in order.
#[test]
fn history_in_pages() {
    let (mut hall, [a]) = hall_of();
    let mut seqs = Vec::new();
    for number in 0..120 {
        let receipt = a.call(&mut hall, json!(["chat-message", number.to_string()]));
        seqs.push(receipt["seq"].clone());
    }
    a.heard(&mut hall);
    assert_eq!(
        a.call(&mut hall, json!(["chat:history"]))["messages"]
            .as_array()
            .unwrap()
            .len(),
        50
    );
    for (page, expected, more) in [
        (json!({}), texts(70..120), true),
        (json!({ "limit": 3 }), texts(117..120), true),
        (json!({ "limit": 500 }), texts(0..120), false),
        (json!({ "limit": 0 }), vec![], true),
        (json!({ "before": seqs[70] }), texts(20..70), true),
        (
            json!({ "before": seqs[20], "limit": 20 }),
            texts(0..20),
            false,
        ),
        (json!({ "before": seqs[0] }), vec![], false),
    ] {
        assert_eq!(
            history(&mut hall, &a, page.clone()),
            (expected, more),
            "{page}"
        );
    }
    for page in [json!(7), json!({ "before": "x" }), json!({ "limit": -1 })] {
        assert_eq!(
            a.refusal(&mut hall, &json!(["chat:history", page])),
            "bad-payload"
        );
    }
}

/// The history is limited, survives the loss of memory, and is sent to each new peer.
#[test]
fn history_is_bounded_and_survives() {
    let (mut hall, [a]) = hall_of();
    for number in 0..205 {
        a.emit(&mut hall, json!(["chat-message", number.to_string()]));
        if number % 37 == 0 {
            hall.lose_memory();
        }
    }
    a.heard(&mut hall);
    hall.until(25); // some commits are delayed
    for _ in 0..2 {
        let kept = history(&mut hall, &a, json!({ "limit": 1_000 }));
        assert_eq!(kept, (texts(5..205), false));
        let rows = hall.platform.stored();
        assert_eq!(
            rows.keys().filter(|key| key.starts_with("chat/")).count(),
            200
        );
        drop(rows);
        hall.lose_memory();
    }
    a.vanish(&mut hall);
    hall.lose_memory();
    let b = Peer::connect(&mut hall);
    let greeting = b.join(&mut hall, "b");
    let history = greeting["history"].as_array().unwrap();
    assert_eq!(history.len(), 200);
    assert_eq!(history[199]["message"], "204");
    assert_eq!(history[199]["from"], json!(a.id));
}

/// A history of size 0 stores nothing.
#[test]
fn a_room_without_history() {
    let limits = Limits {
        history: 0,
        ..Limits::default()
    };
    let mut hall = hall_with(Config {
        limits,
        ..Config::default()
    });
    let a = Peer::connect(&mut hall);
    a.emit(&mut hall, json!(["chat-message", "gone"]));
    assert_eq!(a.heard(&mut hall).len(), 1);
    assert_eq!(history(&mut hall, &a, json!({})), (vec![], false));
    assert!(
        !hall
            .platform
            .rows
            .borrow()
            .keys()
            .any(|key| key.starts_with("chat/"))
    );
}

/// The encryption field of a message must be short and flat, because all members must be able to
/// read the history.
#[test]
fn the_encryption_field_is_limited() {
    let (mut hall, [a]) = hall_of();
    let mut nested = json!(1);
    for _ in 0..100 {
        nested = json!([nested]);
    }
    for enc in [nested, json!("x".repeat(300))] {
        let event = json!(["chat-message", { "message": "m", "enc": enc }]);
        assert_eq!(a.refusal(&mut hall, &event), "too-large");
    }
    let enc = json!({ "iv": "AAAAAAAAAAAAAAAA" });
    a.emit(
        &mut hall,
        json!(["chat-message", { "message": "m", "enc": enc }]),
    );
    hall.lose_memory();
    let page = a.call(&mut hall, json!(["chat:history", {}]));
    assert_eq!(page["messages"][0]["enc"], enc);
}

/// The longest permitted text may also be sent encrypted, which makes it longer.
#[test]
fn an_encrypted_message_may_be_longer() {
    let (mut hall, [a, b]) = hall_of();
    let longest = "🎉".repeat(4_000).len() + 16; // with AES-GCM's tag
    let sent = |length| json!(["chat-message", { "message": "A".repeat(length), "enc": { "iv": "AAAAAAAAAAAAAAAA" } }]);
    assert_eq!(a.call(&mut hall, sent(longest.div_ceil(3) * 4))["ok"], true);
    let delivered = b.heard_one(&mut hall);
    assert_eq!(delivered[1]["enc"]["iv"], "AAAAAAAAAAAAAAAA");
    assert_eq!(a.refusal(&mut hall, &sent(24_001)), "too-large");
    hall.lose_memory();
    let page = a.call(&mut hall, json!(["chat:history", {}]));
    assert_eq!(page["messages"][0]["message"], delivered[1]["message"]);
}

/// A message larger than the limit of a page is sent alone.
#[test]
fn a_page_has_at_least_one_message() {
    let limits = Limits {
        chat: 1_000_000,
        ..unhurried()
    };
    let mut hall = hall_with(Config {
        limits,
        ..Config::default()
    });
    let a = Peer::connect(&mut hall);
    let large = "文".repeat(43_680);
    for text in ["first", &large, "last"] {
        a.call(&mut hall, json!(["chat-message", text]));
    }
    let mut before = json!(null);
    let mut pages = Vec::new();
    for more in [true, true, false] {
        let page = json!(["chat:history", { "before": before }]);
        let page = a.call(&mut hall, page);
        assert_eq!(page["more"], more);
        assert_eq!(page["messages"].as_array().unwrap().len(), 1);
        before = page["messages"][0]["seq"].clone();
        pages.push(page["messages"][0]["message"].clone());
    }
    assert_eq!(pages, ["last", &large, "first"]);
}

/// One page has at most about 128 KB of messages; the client asks for the rest.
#[test]
fn a_long_history_comes_in_pages() {
    let (mut hall, [a, b]) = hall_of();
    for number in 0..60 {
        let text = format!("{number:02}{}", "x".repeat(3_998));
        a.call(&mut hall, json!(["chat-message", text]));
    }
    let mut messages = b.join(&mut hall, "b")["history"]
        .as_array()
        .unwrap()
        .clone();
    assert!(messages.len() < 40, "{}", messages.len());
    loop {
        let before = &messages[0]["seq"];
        let page = b.call(
            &mut hall,
            json!(["chat:history", { "before": before, "limit": 100 }]),
        );
        let mut earlier = page["messages"].as_array().unwrap().clone();
        earlier.append(&mut messages);
        messages = earlier;
        if page["more"] == false {
            break;
        }
    }
    let numbers: Vec<String> = messages
        .iter()
        .map(|message| message["message"].as_str().unwrap()[..2].to_owned())
        .collect();
    assert_eq!(
        numbers,
        (0..60).map(|n| format!("{n:02}")).collect::<Vec<_>>()
    );
}
