//! The limits of docs/bounds.md apply to everything that clients send.

use serde_json::{Value, json};
use signalbox::room::Config;
use signalbox::room::config::Limits;

use crate::peer::{Peer, RoomServer, high_rates, server, server_of, server_with};
use crate::support::{Done, Script, closed};

/// M-1: a packet and its attachments together may have `MAX_PAYLOAD` bytes. A larger packet closes
/// the connection, which can be recovered.
#[test]
fn m_1_attachments_within_max_payload() {
    let (mut server, [a, b]) = server_of();
    let header = r#"452-["signal",{"to":"TO","data":[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]}]"#;
    let header = header.replace("TO", &b.id);
    let c = a.connection();
    server.text(c, &header).bytes(c, &vec![1; 60_000]);
    server.bytes(c, &vec![1; 5_000]);
    assert_eq!(server.take_for(b.connection()).len(), 3, "it fits");
    server.text(c, &header).bytes(c, &vec![1; 120_000]);
    assert_eq!(server.take_for(c), []);
    server.bytes(c, &vec![1; 12_000]);
    assert_eq!(server.take_for(c), [closed(c)]);
    assert!(a.reconnect(&mut server).recovered);
}

/// M-1: a packet may wait for attachments only in a namespace that the client has joined.
#[test]
fn m_1_attachments_need_a_joined_namespace() {
    for header in ["451-[\"signal\",1]", "451-/other,[\"signal\",1]"] {
        let mut server = server();
        let c = server.open_websocket();
        if header.contains("other") {
            server.text(c, "40").take();
        }
        server.text(c, header);
        assert_eq!(server.take_for(c), [closed(c)], "{header}");
    }
}

/// M-2: incomplete packets of all clients together may have 4 MB. Beyond that only the client with
/// the oldest incomplete packet is disconnected.
#[test]
fn m_2_incomplete_packets_of_all_clients() {
    let mut server = server();
    let peers: Vec<Peer> = (0..60).map(|_| Peer::connect(&mut server)).collect();
    server.take();
    for peer in &peers {
        server.skip_to(server.now() + 1);
        let c = peer.connection();
        server.text(
            c,
            r#"4510-["signal",{"data":{"_placeholder":true,"num":9}}]"#,
        );
        if server.connections.contains_key(&c) {
            server.bytes(c, &vec![0; 100_000]);
        }
    }
    let open = |server: &RoomServer| {
        let open = |peer: &&Peer| server.connections.contains_key(&peer.connection());
        peers.iter().filter(open).count()
    };
    assert_eq!(open(&server), 41, "41 times 100,000 bytes are 4 MB");
    let [first, .., last] = &peers[..] else {
        panic!("60 peers");
    };
    assert!(first.reconnect(&mut server).recovered);
    let c = last.connection();
    for _ in 0..9 {
        server.bytes(c, &[0; 10]);
    }
    assert!(server.connections.contains_key(&c));
    assert_eq!(open(&server), 41);
}

/// M-3: while the server decides whether clients may take over earlier sockets, the packets of these clients wait.
/// Together they may have 4 MB. They are handled in order after the decision (S-13).
#[test]
fn m_3_packets_behind_a_claim() {
    for alive in [true, false] {
        let (mut server, [a, b]) = server_of();
        server.skip_to(10);
        let c = server.open_websocket();
        server.text(c, a.connect_packet());
        server.text(c, r#"421["chat-message","one"]"#);
        server.text(c, r#"422["chat-message","two"]"#);
        assert_eq!(server.take_for(c), []);
        server.skip_to(20);
        if alive {
            server.text(a.connection(), "3");
        } else {
            server.lost(a.connection());
        }
        server.until(1_000);
        let texts: Vec<Value> = b
            .heard(&mut server)
            .iter()
            .map(|e| e[1]["message"].clone())
            .collect();
        assert_eq!(texts, ["one", "two"], "{alive}");
        let done = format!("{:?}", server.take_for(c));
        assert_eq!(done.contains(&a.id), !alive, "{done}");
        assert!(done.find("40{") < done.find("431["), "{done}");
    }
    let (mut server, [a, _b]) = server_of();
    server.skip_to(10);
    let c = server.open_websocket();
    server.text(c, a.connect_packet());
    let large = format!("42[\"signal\",\"{}\"]", "x".repeat(130_000));
    let taken = (0..100).take_while(|_| {
        server.text(c, &large);
        server.connections.contains_key(&c)
    });
    assert_eq!(taken.count(), 4_194_304 / (large.len() - 1));
}

/// M-3: empty messages count too.
#[test]
fn m_3_empty_messages_behind_a_claim() {
    let (mut server, [a, _b]) = server_of();
    server.skip_to(10);
    let c = server.open_websocket();
    server.text(c, a.connect_packet());
    let taken = (0..100_000).take_while(|_| {
        server.text(c, "4");
        server.connections.contains_key(&c)
    });
    assert_eq!(taken.count(), 4_194_304 / 64);
}

/// M-5: a farewell has the last packets of a session that the server closed. Farewells are limited in number
/// and size; the oldest are dropped.
#[test]
fn m_5_farewells() {
    let mut server = server();
    for _ in 0..300 {
        let sid = server.open_polling();
        server.send(&sid, "40\x1e40");
    }
    let farewells = |server: &RoomServer| {
        let stored = server.platform.stored();
        stored
            .into_iter()
            .filter(|(key, _)| key.starts_with("farewell/"))
            .collect::<Vec<_>>()
    };
    assert_eq!(farewells(&server).len(), 256);
    let sender = Peer::connect(&mut server);
    for _ in 0..40 {
        let peer = Peer::connect_polling(&mut server);
        peer.stop_polling(&mut server);
        for _ in 0..5 {
            let signal = json!(["signal", { "to": peer.id, "data": "x".repeat(20_000) }]);
            sender.emit(&mut server, signal);
        }
        peer.write(&mut server, "4nonsense");
    }
    let bytes: usize = farewells(&server)
        .iter()
        .map(|(_, value)| value.len())
        .sum();
    assert!((900_000..1_100_000).contains(&bytes), "{bytes}");
}

/// M-6: a client may join 32 namespaces. The name of each may have 256 bytes, and each `auth` 16,384.
/// Anything beyond is refused, and the connection stays open.
#[test]
fn m_6_namespaces_and_auth() {
    let mut script = crate::obedient::obedient();
    let c = script.open_websocket();
    let refused = |script: &mut Script<_>, packet: &str| {
        script.text(c, packet);
        let done = script.take_for(c);
        matches!(&done[..], [Done::Sent(_, frame)] if frame.starts_with("44"))
    };
    let long = format!("40/{},", "x".repeat(256));
    assert!(refused(&mut script, &long));
    let large = format!("40{{\"token\":\"{}\"}}", "x".repeat(16_384));
    assert!(refused(&mut script, &large));
    for n in 0..32 {
        script.skip_to(script.now() + 1_000);
        assert!(!refused(&mut script, &format!("40/{n},")), "{n}");
    }
    script.skip_to(script.now() + 1_000);
    assert!(refused(&mut script, "40/one too many,"));
    let attached = script.connections[&c].len();
    assert!(
        attached < 16_384,
        "more than the platform attaches: {attached}"
    );
    script.text(c, "41/0,");
    script.skip_to(script.now() + 1_000);
    assert!(!refused(&mut script, "40/one more,"));
}

/// M-7: the chat is limited to 4 MB, whatever the number and length of its messages.
#[test]
fn m_7_the_history() {
    let mut server = server_with(Config {
        limits: Limits {
            history: 10_000,
            chat: 60_000,
            ..high_rates()
        },
        ..Config::default()
    });
    let a = Peer::connect(&mut server);
    for n in 0..100 {
        a.emit(
            &mut server,
            json!(["chat-message", format!("{n}{}", "x".repeat(50_000))]),
        );
    }
    let stored = server.platform.stored();
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
        let mut server = server_with(Config::default());
        let [a, b] = [Peer::connect(&mut server), Peer::connect(&mut server)];
        let c = a.connection();
        let taken = (0..5_000).take_while(|_| {
            server.text(c, packet);
            server.connections.contains_key(&c)
        });
        assert_eq!(taken.count(), 10 + 200, "the rate, and refused events");
        assert_eq!(b.call(&mut server, json!(["chat:history"]))["ok"], true);
    }
}
