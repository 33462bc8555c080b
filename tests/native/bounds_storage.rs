//! The limits of docs/bounds.md apply to what a room stores: the queues of its sessions, and the chat.

use std::rc::Rc;

use serde_json::json;
use signalbox::engine::{self, Engine};
use signalbox::room::{Config, Room, RoomName};
use signalbox::settings::Settings;
use signalbox::socket::{self, Runner, Server};
use signalbox::store::Store;

use crate::peer::{Peer, RoomServer, high_rates, server};
use crate::support::Script;

fn with_engine(config: engine::Config) -> RoomServer {
    Script::new(move |store| {
        let engine = Engine::new(config.clone(), store.clone());
        let server = Server::new(socket::Config::default(), engine);
        let config = Config {
            limits: high_rates(),
            ..Config::default()
        };
        Runner::new(
            server,
            Room::new(RoomName::parse("room").unwrap(), config, store),
        )
    })
}

/// M-4: the queues of all sessions together are limited.
#[test]
fn m_4_queues_of_all_sessions() {
    let mut server = with_engine(engine::Config {
        max_queued_in_all: 1_000_000,
        ..engine::Config::default()
    });
    let sender = Peer::connect(&mut server);
    let silent: Vec<Peer> = (0..99)
        .map(|_| Peer::connect_polling(&mut server))
        .collect();
    for peer in &silent {
        peer.stop_polling(&mut server);
    }
    for _ in 0..40 {
        for peer in &silent {
            let signal = json!(["signal", { "to": peer.id, "data": "x".repeat(3_000) }]);
            sender.emit(&mut server, signal);
        }
    }
    let stored = server.platform.stored();
    let queued = stored.iter().filter(|(key, _)| key.starts_with("session/"));
    let bytes: usize = queued.map(|(_, value)| value.len()).sum();
    assert!(bytes < 1_100_000, "{bytes}");
    assert_eq!(
        sender.call(&mut server, json!(["chat:history"]))["ok"],
        true
    );
}

/// The size of the stored records whose keys begin with `kind`.
fn stored(server: &RoomServer, kind: &str) -> usize {
    let stored = server.platform.stored();
    let of_kind = stored.iter().filter(|(key, _)| key.starts_with(kind));
    of_kind.map(|(key, value)| key.len() + value.len()).sum()
}

/// M-4, M-15: a page of the history is measured in its sent form. The unfetched answers of all
/// sessions fit into the journal.
#[test]
fn m_4_unfetched_pages_of_the_history() {
    let mut server = server();
    let sender = Peer::connect(&mut server);
    for _ in 0..200 {
        let message = "\u{1}".repeat(4_000);
        sender.emit(&mut server, json!(["chat-message", { "message": message }]));
    }
    let silent: Vec<String> = (0..99).map(|_| server.open_polling()).collect();
    for sid in &silent {
        server.send(sid, "40");
        server.poll(sid);
        server.send(sid, r#"421["chat:history"]"#);
    }
    server.until(server.now() + 1_000);
    let page = stored(&server, &format!("session/{}/", silent[98]));
    assert!((100_000..140_000).contains(&page), "{page}");
    let queues = stored(&server, "session/");
    assert!(queues < 8_500_000, "{queues}");
    let all = stored(&server, "");
    assert!(all < 30_000_000, "{all}");
    assert_eq!(
        sender.call(&mut server, json!(["chat:history"]))["ok"],
        true
    );
}

/// M-4: all sessions share one limit, even if they fill their queues one after the other.
#[test]
fn m_4_sessions_that_fill_their_queues_one_after_the_other() {
    let mut server = server();
    let sender = Peer::connect(&mut server);
    for _ in 0..98 {
        let peer = Peer::connect_polling(&mut server);
        peer.stop_polling(&mut server);
        for _ in 0..8 {
            let signal = json!(["signal", { "to": peer.id, "data": "x".repeat(60_000) }]);
            sender.emit(&mut server, signal);
        }
    }
    let queues = stored(&server, "session/");
    assert!((7_500_000..8_500_000).contains(&queues), "{queues}");
    assert_eq!(
        sender.call(&mut server, json!(["chat:history"]))["ok"],
        true
    );
}

/// M-4: a client that polls stays connected, however much others leave in their queues.
#[test]
fn m_4_a_client_that_polls_is_not_disconnected() {
    let mut server = server();
    let sender = Peer::connect(&mut server);
    let polling = Peer::connect_polling(&mut server);
    for _ in 0..98 {
        let silent = Peer::connect_polling(&mut server);
        silent.stop_polling(&mut server);
        polling.stop_polling(&mut server);
        for to in [&silent, &polling, &silent, &polling] {
            let signal = json!(["signal", { "to": to.id, "data": "x".repeat(60_000) }]);
            sender.emit(&mut server, signal);
        }
        polling.poll_again(&mut server);
        assert_eq!(polling.heard(&mut server).len(), 2);
    }
}

/// M-15: the maximum that a room stores fits into its journal: queues of the longest packets, and a
/// chat of characters that JSON writes in six bytes each.
#[test]
fn m_15_the_stored_records_fit_into_the_journal() {
    let mut server = server();
    let sender = Peer::connect(&mut server);
    for _ in 0..200 {
        let message = "\u{1}".repeat(4_000);
        sender.emit(&mut server, json!(["chat-message", { "message": message }]));
    }
    let silent: Vec<Peer> = (0..98)
        .map(|_| Peer::connect_polling(&mut server))
        .collect();
    for peer in &silent {
        peer.stop_polling(&mut server);
    }
    for _ in 0..2 {
        for peer in &silent {
            let signal = json!(["signal", { "to": peer.id, "data": "x".repeat(60_000) }]);
            sender.emit(&mut server, signal);
        }
    }
    server.until(server.now() + 1_000);
    let stored = server.platform.stored();
    let bytes = |kind: &str| -> usize {
        let of_kind = stored.iter().filter(|(key, _)| key.starts_with(kind));
        of_kind.map(|(key, value)| key.len() + value.len()).sum()
    };
    let (queues, chat, all) = (bytes("session/"), bytes("chat/"), bytes(""));
    assert!((6_000_000..14_000_000).contains(&queues), "{queues}");
    assert!((4_000_000..4_300_000).contains(&chat), "{chat}");
    assert!(all < 30_000_000, "{all}");
    let rows = server.meter.disk.rows.values();
    let longest = rows.map(Vec::len).max().unwrap();
    assert!(longest <= 1_900_000, "{longest}");
    server.lose_memory(); // it compares the journal with the stored rows
}

/// M-15: with the default `MAX_SOCKETS` and `MAX_SESSIONS`, and every other setting at its maximum, 99 sockets store
/// as much as they can. The journal has room for it.
#[test]
fn m_15_the_largest_settings() {
    let largest = Settings::default().configure(|name| {
        let value = match name {
            "MAX_PAYLOAD" => "1000000",
            "MAX_DESCRIPTION" | "MAX_CANDIDATE" => "998976",
            "MAX_MESSAGE" => "83248",
            "MAX_NAME" => "1024",
            "CHAT_HISTORY" | "MAX_WAITING" => "10000",
            _ => return None,
        };
        Some(value.to_owned())
    });
    let Settings { engine, room, .. } = largest.expect("they do not contradict each other");
    let mut server = Script::new(move |store: Rc<Store>| {
        let server = socket::Config::default();
        let server = Server::new(server, Engine::new(engine.clone(), Rc::clone(&store)));
        let mut room = room.clone();
        room.limits.rates = high_rates().rates;
        Runner::new(
            server,
            Room::new(RoomName::parse("room").unwrap(), room, store),
        )
    });
    let sender = Peer::connect(&mut server);
    let longest = |len| "\u{1}".repeat(len);
    for _ in 0..9 {
        sender.emit(&mut server, json!(["chat-message", longest(83_248)]));
    }
    let silent: Vec<Peer> = (0..98)
        .map(|_| Peer::connect_polling(&mut server))
        .collect();
    for peer in &silent {
        let mut events = Vec::new();
        for m in 0..16 {
            let mid = format!("{m:02}{}", longest(1_022));
            let message = json!({ "message": "x", "mid": mid, "to": peer.id });
            events.push(json!(["chat-message", message]).to_string());
        }
        let events: Vec<&str> = events.iter().map(String::as_str).collect();
        for ack in peer.ask_all(&mut server, &events) {
            assert_eq!(peer.acknowledged(&mut server, ack).unwrap()["ok"], true);
        }
    }
    // Together more than the queues of all sessions may hold.
    for peer in silent.iter().take(12) {
        peer.heard(&mut server);
        peer.stop_polling(&mut server);
        let signal = json!(["signal", { "to": peer.id, "data": "x".repeat(990_000) }]);
        assert_eq!(sender.call(&mut server, signal)["ok"], true);
    }
    server.until(server.now() + 1_000);
    let all = stored(&server, "");
    assert!((20_000_000..30_000_000).contains(&all), "{all}");
    assert!(stored(&server, "chat/") > 3_900_000);
    assert!(stored(&server, "session/") > 7_500_000);
    let rows = server.meter.disk.rows.values();
    let longest = rows.map(Vec::len).max().unwrap();
    assert!(longest <= 1_900_000, "{longest}");
    server.lose_memory();
    assert_eq!(
        sender.call(&mut server, json!(["chat:history"]))["ok"],
        true
    );
}
