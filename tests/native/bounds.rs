//! The limits of docs/bounds.md apply to everything that clients send.

use std::rc::Rc;

use serde_json::{Value, json};
use signalbox::engine::{self, Engine};
use signalbox::room::config::Limits;
use signalbox::room::{Config, Room, RoomName};
use signalbox::settings::Settings;
use signalbox::socket::{self, Runner, Server};
use signalbox::store::Store;

use crate::peer::{Hall, Peer, hall, hall_of, hall_with, unhurried};
use crate::support::{Done, Script, closed};

/// M-1: a packet and its attachments together may have `MAX_PAYLOAD` bytes. A larger packet closes
/// the connection, which can be recovered.
#[test]
fn m_1_attachments_within_max_payload() {
    let (mut hall, [a, b]) = hall_of();
    let header = r#"452-["signal",{"to":"TO","data":[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]}]"#;
    let header = header.replace("TO", &b.id);
    let c = a.connection();
    hall.text(c, &header).bytes(c, &vec![1; 60_000]);
    hall.bytes(c, &vec![1; 5_000]);
    assert_eq!(hall.take_of(b.connection()).len(), 3, "it fits");
    hall.text(c, &header).bytes(c, &vec![1; 120_000]);
    assert_eq!(hall.take_of(c), []);
    hall.bytes(c, &vec![1; 12_000]);
    assert_eq!(hall.take_of(c), [closed(c)]);
    assert!(a.reconnect(&mut hall).recovered);
}

/// M-1: a packet may wait for attachments only in a namespace that the client has joined.
#[test]
fn m_1_attachments_need_a_joined_namespace() {
    for header in ["451-[\"signal\",1]", "451-/other,[\"signal\",1]"] {
        let mut hall = hall();
        let c = hall.open_websocket();
        if header.contains("other") {
            hall.text(c, "40").take();
        }
        hall.text(c, header);
        assert_eq!(hall.take_of(c), [closed(c)], "{header}");
    }
}

/// M-2: incomplete packets of all clients together may have 4 MB. Beyond that only the client with
/// the oldest one is disconnected.
#[test]
fn m_2_incomplete_packets_of_all_clients() {
    let mut hall = hall();
    let peers: Vec<Peer> = (0..60).map(|_| Peer::connect(&mut hall)).collect();
    hall.take();
    for peer in &peers {
        hall.late(hall.now() + 1);
        let c = peer.connection();
        hall.text(
            c,
            r#"4510-["signal",{"data":{"_placeholder":true,"num":9}}]"#,
        );
        if hall.connections.contains_key(&c) {
            hall.bytes(c, &vec![0; 100_000]);
        }
    }
    let open = |hall: &Hall| {
        let open = |peer: &&Peer| hall.connections.contains_key(&peer.connection());
        peers.iter().filter(open).count()
    };
    assert_eq!(open(&hall), 41, "41 times 100,000 bytes are 4 MB");
    let [first, .., last] = &peers[..] else {
        panic!("60 peers");
    };
    assert!(first.reconnect(&mut hall).recovered);
    let c = last.connection();
    for _ in 0..9 {
        hall.bytes(c, &[0; 10]);
    }
    assert!(hall.connections.contains_key(&c));
    assert_eq!(open(&hall), 41);
}

/// M-3: packets of clients whose recovery is undecided may have 4 MB together. They are handled in
/// order after the decision (S-13).
#[test]
fn m_3_packets_behind_a_claim() {
    for alive in [true, false] {
        let (mut hall, [a, b]) = hall_of();
        hall.late(10);
        let c = hall.open_websocket();
        hall.text(c, a.connect_packet());
        hall.text(c, r#"421["chat-message","one"]"#);
        hall.text(c, r#"422["chat-message","two"]"#);
        assert_eq!(hall.take_of(c), []);
        hall.late(20);
        if alive {
            hall.text(a.connection(), "3");
        } else {
            hall.lost(a.connection());
        }
        hall.until(1_000);
        let texts: Vec<Value> = b
            .heard(&mut hall)
            .iter()
            .map(|e| e[1]["message"].clone())
            .collect();
        assert_eq!(texts, ["one", "two"], "{alive}");
        let done = format!("{:?}", hall.take_of(c));
        assert_eq!(done.contains(&a.id), !alive, "{done}");
        assert!(done.find("40{") < done.find("431["), "{done}");
    }
    let (mut hall, [a, _b]) = hall_of();
    hall.late(10);
    let c = hall.open_websocket();
    hall.text(c, a.connect_packet());
    let large = format!("42[\"signal\",\"{}\"]", "x".repeat(130_000));
    let taken = (0..100).take_while(|_| {
        hall.text(c, &large);
        hall.connections.contains_key(&c)
    });
    assert_eq!(taken.count(), 4_194_304 / (large.len() - 1));
}

/// M-3: empty messages count too.
#[test]
fn m_3_empty_messages_behind_a_claim() {
    let (mut hall, [a, _b]) = hall_of();
    hall.late(10);
    let c = hall.open_websocket();
    hall.text(c, a.connect_packet());
    let taken = (0..100_000).take_while(|_| {
        hall.text(c, "4");
        hall.connections.contains_key(&c)
    });
    assert_eq!(taken.count(), 4_194_304 / 64);
}

fn with_engine(config: engine::Config) -> Hall {
    Script::new(move |store| {
        let engine = Engine::new(config.clone(), store.clone());
        let server = Server::new(socket::Config::default(), engine);
        let config = Config {
            limits: unhurried(),
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
    let mut hall = with_engine(engine::Config {
        max_queued_in_all: 1_000_000,
        ..engine::Config::default()
    });
    let sender = Peer::connect(&mut hall);
    let silent: Vec<Peer> = (0..99).map(|_| Peer::connect_polling(&mut hall)).collect();
    for peer in &silent {
        peer.stop_polling(&mut hall);
    }
    for _ in 0..40 {
        for peer in &silent {
            let signal = json!(["signal", { "to": peer.id, "data": "x".repeat(3_000) }]);
            sender.emit(&mut hall, signal);
        }
    }
    let stored = hall.platform.stored();
    let queued = stored.iter().filter(|(key, _)| key.starts_with("session/"));
    let bytes: usize = queued.map(|(_, value)| value.len()).sum();
    assert!(bytes < 1_100_000, "{bytes}");
    assert_eq!(sender.call(&mut hall, json!(["chat:history"]))["ok"], true);
}

/// How many bytes of this kind are stored.
fn stored(hall: &Hall, kind: &str) -> usize {
    let stored = hall.platform.stored();
    let of_kind = stored.iter().filter(|(key, _)| key.starts_with(kind));
    of_kind.map(|(key, value)| key.len() + value.len()).sum()
}

/// M-4, M-15: a page of the history is measured in its sent form. The unfetched answers of all
/// sessions fit into the journal.
#[test]
fn m_4_unfetched_pages_of_the_history() {
    let mut hall = hall();
    let sender = Peer::connect(&mut hall);
    for _ in 0..200 {
        let message = "\u{1}".repeat(4_000);
        sender.emit(&mut hall, json!(["chat-message", { "message": message }]));
    }
    let silent: Vec<String> = (0..99).map(|_| hall.open_polling()).collect();
    for sid in &silent {
        hall.send(sid, "40");
        hall.poll(sid);
        hall.send(sid, r#"421["chat:history"]"#);
    }
    hall.until(hall.now() + 1_000);
    let page = stored(&hall, &format!("session/{}/", silent[98]));
    assert!((100_000..140_000).contains(&page), "{page}");
    let queues = stored(&hall, "session/");
    assert!(queues < 8_500_000, "{queues}");
    let all = stored(&hall, "");
    assert!(all < 30_000_000, "{all}");
    assert_eq!(sender.call(&mut hall, json!(["chat:history"]))["ok"], true);
}

/// M-4: all sessions share one limit, even if they fill their queues one after the other.
#[test]
fn m_4_sessions_that_fill_their_queues_one_after_the_other() {
    let mut hall = hall();
    let sender = Peer::connect(&mut hall);
    for _ in 0..98 {
        let peer = Peer::connect_polling(&mut hall);
        peer.stop_polling(&mut hall);
        for _ in 0..8 {
            let signal = json!(["signal", { "to": peer.id, "data": "x".repeat(60_000) }]);
            sender.emit(&mut hall, signal);
        }
    }
    let queues = stored(&hall, "session/");
    assert!((7_500_000..8_500_000).contains(&queues), "{queues}");
    assert_eq!(sender.call(&mut hall, json!(["chat:history"]))["ok"], true);
}

/// M-4: a client that polls stays connected, however much others leave in their queues.
#[test]
fn m_4_a_client_that_polls_is_not_disconnected() {
    let mut hall = hall();
    let sender = Peer::connect(&mut hall);
    let polling = Peer::connect_polling(&mut hall);
    for _ in 0..98 {
        let silent = Peer::connect_polling(&mut hall);
        silent.stop_polling(&mut hall);
        polling.stop_polling(&mut hall);
        for to in [&silent, &polling, &silent, &polling] {
            let signal = json!(["signal", { "to": to.id, "data": "x".repeat(60_000) }]);
            sender.emit(&mut hall, signal);
        }
        polling.poll_again(&mut hall);
        assert_eq!(polling.heard(&mut hall).len(), 2);
    }
}

/// M-15: the maximum that a room stores fits into its journal: queues of the longest packets, and a
/// chat of the largest characters.
#[test]
fn m_15_the_stored_records_fit_into_the_journal() {
    let mut hall = hall();
    let sender = Peer::connect(&mut hall);
    for _ in 0..200 {
        let message = "\u{1}".repeat(4_000);
        sender.emit(&mut hall, json!(["chat-message", { "message": message }]));
    }
    let silent: Vec<Peer> = (0..98).map(|_| Peer::connect_polling(&mut hall)).collect();
    for peer in &silent {
        peer.stop_polling(&mut hall);
    }
    for _ in 0..2 {
        for peer in &silent {
            let signal = json!(["signal", { "to": peer.id, "data": "x".repeat(60_000) }]);
            sender.emit(&mut hall, signal);
        }
    }
    hall.until(hall.now() + 1_000);
    let stored = hall.platform.stored();
    let bytes = |kind: &str| -> usize {
        let of_kind = stored.iter().filter(|(key, _)| key.starts_with(kind));
        of_kind.map(|(key, value)| key.len() + value.len()).sum()
    };
    let (queues, chat, all) = (bytes("session/"), bytes("chat/"), bytes(""));
    assert!((6_000_000..14_000_000).contains(&queues), "{queues}");
    assert!((4_000_000..4_300_000).contains(&chat), "{chat}");
    assert!(all < 30_000_000, "{all}");
    let rows = hall.meter.disk.rows.values();
    let longest = rows.map(Vec::len).max().unwrap();
    assert!(longest <= 1_900_000, "{longest}");
    hall.lose_memory(); // it compares the journal with the stored rows
}

/// M-15: with all other settings at their largest, 100 sockets that keep as much as they can fit as well.
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
    let mut hall = Script::new(move |store: Rc<Store>| {
        let server = socket::Config::default();
        let server = Server::new(server, Engine::new(engine.clone(), Rc::clone(&store)));
        let mut room = room.clone();
        room.limits.rates = unhurried().rates;
        Runner::new(
            server,
            Room::new(RoomName::parse("room").unwrap(), room, store),
        )
    });
    let sender = Peer::connect(&mut hall);
    let longest = |len| "\u{1}".repeat(len);
    for _ in 0..9 {
        sender.emit(&mut hall, json!(["chat-message", longest(83_248)]));
    }
    let silent: Vec<Peer> = (0..98).map(|_| Peer::connect_polling(&mut hall)).collect();
    for peer in &silent {
        let mut events = Vec::new();
        for m in 0..16 {
            let mid = format!("{m:02}{}", longest(1_022));
            let message = json!({ "message": "x", "mid": mid, "to": peer.id });
            events.push(json!(["chat-message", message]).to_string());
        }
        let events: Vec<&str> = events.iter().map(String::as_str).collect();
        for ack in peer.ask_all(&mut hall, &events) {
            assert_eq!(peer.acknowledged(&mut hall, ack).unwrap()["ok"], true);
        }
    }
    // More than what waits for polls in all.
    for peer in silent.iter().take(12) {
        peer.heard(&mut hall);
        peer.stop_polling(&mut hall);
        let signal = json!(["signal", { "to": peer.id, "data": "x".repeat(990_000) }]);
        assert_eq!(sender.call(&mut hall, signal)["ok"], true);
    }
    hall.until(hall.now() + 1_000);
    let all = stored(&hall, "");
    assert!((20_000_000..30_000_000).contains(&all), "{all}");
    assert!(stored(&hall, "chat/") > 3_900_000);
    assert!(stored(&hall, "session/") > 7_500_000);
    let rows = hall.meter.disk.rows.values();
    let longest = rows.map(Vec::len).max().unwrap();
    assert!(longest <= 1_900_000, "{longest}");
    hall.lose_memory();
    assert_eq!(sender.call(&mut hall, json!(["chat:history"]))["ok"], true);
}

/// M-5: farewells are limited in number and size; the oldest are dropped.
#[test]
fn m_5_farewells() {
    let mut hall = hall();
    for _ in 0..300 {
        let sid = hall.open_polling();
        hall.send(&sid, "40\x1e40");
    }
    let farewells = |hall: &Hall| {
        let stored = hall.platform.stored();
        stored
            .into_iter()
            .filter(|(key, _)| key.starts_with("farewell/"))
            .collect::<Vec<_>>()
    };
    assert_eq!(farewells(&hall).len(), 256);
    let sender = Peer::connect(&mut hall);
    for _ in 0..40 {
        let peer = Peer::connect_polling(&mut hall);
        peer.stop_polling(&mut hall);
        for _ in 0..5 {
            let signal = json!(["signal", { "to": peer.id, "data": "x".repeat(20_000) }]);
            sender.emit(&mut hall, signal);
        }
        peer.write(&mut hall, "4nonsense");
    }
    let bytes: usize = farewells(&hall).iter().map(|(_, value)| value.len()).sum();
    assert!((900_000..1_100_000).contains(&bytes), "{bytes}");
}

/// M-6: a client may join 32 namespaces. Their names may have 256 bytes, and `auth` 16,384.
/// Anything beyond is refused, and the connection stays open.
#[test]
fn m_6_namespaces_and_auth() {
    let mut script = crate::obedient::obedient();
    let c = script.open_websocket();
    let refused = |script: &mut Script<_>, packet: &str| {
        script.text(c, packet);
        let done = script.take_of(c);
        matches!(&done[..], [Done::Sent(_, frame)] if frame.starts_with("44"))
    };
    let long = format!("40/{},", "x".repeat(256));
    assert!(refused(&mut script, &long));
    let large = format!("40{{\"token\":\"{}\"}}", "x".repeat(16_384));
    assert!(refused(&mut script, &large));
    for n in 0..32 {
        script.late(script.now() + 1_000);
        assert!(!refused(&mut script, &format!("40/{n},")), "{n}");
    }
    script.late(script.now() + 1_000);
    assert!(refused(&mut script, "40/one too many,"));
    let attached = script.connections[&c].len();
    assert!(
        attached < 16_384,
        "the platform attaches no more: {attached}"
    );
    script.text(c, "41/0,");
    script.late(script.now() + 1_000);
    assert!(!refused(&mut script, "40/one more,"));
}

/// M-7: the chat is limited to 4 MB, whatever the number and length of its messages.
#[test]
fn m_7_the_history() {
    let mut hall = hall_with(Config {
        limits: Limits {
            history: 10_000,
            chat: 60_000,
            ..unhurried()
        },
        ..Config::default()
    });
    let a = Peer::connect(&mut hall);
    for n in 0..100 {
        a.emit(
            &mut hall,
            json!(["chat-message", format!("{n}{}", "x".repeat(50_000))]),
        );
    }
    let stored = hall.platform.stored();
    let chat = stored.iter().filter(|(key, _)| key.starts_with("chat/"));
    let bytes: usize = chat.map(|(_, value)| value.len()).sum();
    assert!((4_000_000..4_200_000).contains(&bytes), "{bytes}");
    let newest = stored
        .iter()
        .rfind(|(key, _)| key.starts_with("chat/"))
        .map(|(_, value)| value.contains("99xx"));
    assert_eq!(newest, Some(true));
}

/// M-8: packets without effect count against the rate too: unexpected acks, and events without a
/// name.
#[test]
fn m_8_packets_without_effect_count_against_the_rate() {
    for packet in ["4312[]", "43[]", "42", "43999999999999999999999[1]"] {
        let mut hall = hall_with(Config::default());
        let [a, b] = [Peer::connect(&mut hall), Peer::connect(&mut hall)];
        let c = a.connection();
        let taken = (0..5_000).take_while(|_| {
            hall.text(c, packet);
            hall.connections.contains_key(&c)
        });
        assert_eq!(taken.count(), 10 + 200, "the rate, and the patience");
        assert_eq!(b.call(&mut hall, json!(["chat:history"]))["ok"], true);
    }
}
