//! The chat's history: its pages, its limits, and what survives.

use serde_json::{Value, json};
use signalbox::room::Config;
use signalbox::room::config::Limits;

use crate::peer::{Peer, RoomServer, high_rates, server_of, server_with};

/// The texts of a page, and whether earlier messages exist.
#[expect(
    clippy::needless_pass_by_value,
    reason = "callers write a page in place"
)]
pub fn history(server: &mut RoomServer, peer: &Peer, page: Value) -> (Vec<String>, bool) {
    let reply = peer.call(server, json!(["chat:history", page]));
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
    let (mut server, [a]) = server_of();
    let mut seqs = Vec::new();
    for number in 0..120 {
        let receipt = a.call(&mut server, json!(["chat-message", number.to_string()]));
        seqs.push(receipt["seq"].clone());
    }
    a.heard(&mut server);
    assert_eq!(
        a.call(&mut server, json!(["chat:history"]))["messages"]
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
            history(&mut server, &a, page.clone()),
            (expected, more),
            "{page}"
        );
    }
    for page in [json!(7), json!({ "before": "x" }), json!({ "limit": -1 })] {
        assert_eq!(
            a.refusal(&mut server, &json!(["chat:history", page])),
            "bad-payload"
        );
    }
}

/// The history is limited, survives the loss of memory, and is sent to each new peer.
#[test]
fn history_is_bounded_and_survives() {
    let (mut server, [a]) = server_of();
    for number in 0..205 {
        a.emit(&mut server, json!(["chat-message", number.to_string()]));
        if number % 37 == 0 {
            server.lose_memory();
        }
    }
    a.heard(&mut server);
    server.until(25); // some commits are delayed
    for _ in 0..2 {
        let kept = history(&mut server, &a, json!({ "limit": 1_000 }));
        assert_eq!(kept, (texts(5..205), false));
        let rows = server.platform.stored();
        assert_eq!(
            rows.keys().filter(|key| key.starts_with("chat/")).count(),
            200
        );
        drop(rows);
        server.lose_memory();
    }
    a.vanish(&mut server);
    server.lose_memory();
    let b = Peer::connect(&mut server);
    let greeting = b.join(&mut server, "b");
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
    let mut server = server_with(Config {
        limits,
        ..Config::default()
    });
    let a = Peer::connect(&mut server);
    a.emit(&mut server, json!(["chat-message", "gone"]));
    assert_eq!(a.heard(&mut server).len(), 1);
    assert_eq!(history(&mut server, &a, json!({})), (vec![], false));
    assert!(!server.platform.has_rows("chat/"));
}

/// A message larger than the limit of a page is sent alone.
#[test]
fn a_page_has_at_least_one_message() {
    let limits = Limits {
        chat: 1_000_000,
        ..high_rates()
    };
    let mut server = server_with(Config {
        limits,
        ..Config::default()
    });
    let a = Peer::connect(&mut server);
    let large = "文".repeat(43_680);
    for text in ["first", &large, "last"] {
        a.call(&mut server, json!(["chat-message", text]));
    }
    let mut before = json!(null);
    let mut pages = Vec::new();
    for more in [true, true, false] {
        let page = json!(["chat:history", { "before": before }]);
        let page = a.call(&mut server, page);
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
    let (mut server, [a, b]) = server_of();
    for number in 0..60 {
        let text = format!("{number:02}{}", "x".repeat(3_998));
        a.call(&mut server, json!(["chat-message", text]));
    }
    let mut messages = b.join(&mut server, "b")["history"]
        .as_array()
        .unwrap()
        .clone();
    assert!(messages.len() < 40, "{}", messages.len());
    loop {
        let before = &messages[0]["seq"];
        let page = b.call(
            &mut server,
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
