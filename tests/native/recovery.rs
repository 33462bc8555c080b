//! V: connection state recovery.

use serde_json::{Value, json};
use signalbox::engine::Engine;
use signalbox::socket::{Config, Runner, Server};

use crate::obedient::Obedient;
use crate::peer::{Peer, RoomServer, server, server_of};
use crate::raw::defaults;
use crate::support::{Done, Script, sent};

/// K-6: how long a client may be away.
pub const WINDOW: u64 = 30_000;

pub fn say(server: &mut RoomServer, from: &Peer, text: &str) {
    let reply = from.call(server, json!(["chat-message", text]));
    assert_eq!(reply["ok"], true, "{reply}");
}

/// The texts of the received chat messages.
pub fn texts(server: &mut RoomServer, peer: &Peer) -> Vec<String> {
    chat(&peer.heard(server))
}

pub fn chat(events: &[Value]) -> Vec<String> {
    let chat = events.iter().filter(|event| event[0] == "chat-message");
    let text = |event: &Value| event[1]["message"].as_str().unwrap().to_owned();
    chat.map(text).collect()
}

/// V-1: a client that returns is the same socket. It gets the missed events before the reply, once.
#[test]
fn v_1_a_client_recovers_what_it_missed() {
    let mut server = server();
    for connect in [Peer::connect, Peer::connect_polling] {
        let a = Peer::connect(&mut server);
        let b = connect(&mut server);
        say(&mut server, &a, "heard");
        assert_eq!(texts(&mut server, &b), ["heard"]);
        b.vanish(&mut server);
        for text in ["one", "two"] {
            say(&mut server, &a, text);
        }
        let back = b.reconnect(&mut server);
        assert!(back.recovered && back.id == b.id);
        say(&mut server, &a, "three");
        assert_eq!(texts(&mut server, &back), ["one", "two", "three"]);
        back.vanish(&mut server);
        let again = back.reconnect(&mut server);
        assert!(again.recovered, "a client may recover again and again");
        assert!(texts(&mut server, &again).is_empty());
    }
}

/// V-1: the missed events come first, then the reply, with the same `sid` and `pid`.
#[test]
fn v_1_missed_events_precede_the_reply() {
    let (mut server, [a, b]) = server_of();
    b.vanish(&mut server);
    say(&mut server, &a, "missed");
    let c = server.open_websocket();
    server.text(c, b.connect_packet());
    let frames = server.take_for(c);
    let [Done::Sent(_, missed), Done::Sent(_, reply)] = &frames[..] else {
        panic!("{frames:?}");
    };
    assert!(
        missed.starts_with(r#"42["chat-message",{"message":"missed""#),
        "{missed}"
    );
    let reply: Value = serde_json::from_str(reply.strip_prefix("40").unwrap()).unwrap();
    let packet: Value =
        serde_json::from_str(b.connect_packet().strip_prefix("40").unwrap()).unwrap();
    assert_eq!(reply, json!({ "sid": b.id, "pid": packet["pid"] }));
}

/// V-2, V-3: each event ends with a higher offset than the one before; acks have no offset.
#[test]
fn v_2_v_3_every_event_carries_an_offset() {
    let (mut server, [a, b]) = server_of();
    a.join(&mut server, "a");
    b.join(&mut server, "b");
    say(&mut server, &a, "x");
    b.emit(
        &mut server,
        json!(["offer", { "to": a.id, "description": {} }]),
    );
    b.emit(&mut server, json!(["no such event"]));
    // `heard` removes the offset, and fails without one.
    let names = |heard: Vec<Value>| heard.iter().map(|e| e[0].clone()).collect::<Vec<_>>();
    assert_eq!(
        names(a.heard(&mut server)),
        ["peer:joined", "chat-message", "offer"]
    );
    assert_eq!(names(b.heard(&mut server)), ["chat-message", "room:error"]);
    let c = a.connection();
    server.text(c, r#"421["chat:history",{"limit":0}]"#);
    server.expect([sent(c, r#"431[{"messages":[],"more":true,"ok":true}]"#)]);
}

/// V-2, V-3: an event that asks for an ack has no offset, and is not logged.
#[test]
fn v_3_an_event_that_asks_for_an_ack_is_not_logged() {
    let mut script = Script::new(|platform| {
        let engine = Engine::new(defaults(), platform);
        Runner::new(Server::new(Config::default(), engine), Obedient::default())
    });
    let c = script.open_websocket();
    script.text(c, "40").take();
    script
        .text(c, r#"42["ask",1]"#)
        .expect([sent(c, r#"427["question",1]"#)]);
    let rows = script.platform.stored();
    assert!(!rows.keys().any(|key| key.starts_with("log/")), "{rows:?}");
}

/// V-4: recovery works however the connection was lost.
#[test]
fn v_4_every_loss_of_the_connection_can_be_recovered() {
    type Loss<'a> = &'a dyn Fn(&mut RoomServer, &Peer);
    let closed = |server: &mut RoomServer, peer: &Peer| peer.write(server, "1");
    let lost = |server: &mut RoomServer, peer: &Peer| peer.vanish(server);
    let silent = |server: &mut RoomServer, _: &Peer| {
        let now = server.now();
        server.until(now + 120_000);
    };
    let too_big = |server: &mut RoomServer, peer: &Peer| {
        server.text(peer.connection(), "4".repeat(131_073));
    };
    let killed = |server: &mut RoomServer, _: &Peer| {
        let now = server.now();
        server.skip_to(now + 25).kill();
    };
    let losses: [Loss; 5] = [&closed, &lost, &silent, &too_big, &killed];
    for (case, lose) in losses.into_iter().enumerate() {
        let (mut server, [a]) = server_of();
        lose(&mut server, &a);
        server.take();
        assert!(a.reconnect(&mut server).recovered, "case {case}");
    }
}

/// V-4: a client that disconnects leaves at once.
#[test]
fn v_4_a_disconnect_cannot_be_recovered() {
    let (mut server, [a, b]) = server_of();
    a.write(&mut server, "41");
    let back = a.reconnect(&mut server);
    assert!(!back.recovered && back.id != a.id);
    say(&mut server, &b, "hi");
    assert_eq!(texts(&mut server, &back), ["hi"]);
}

/// V-4: a client that violated the protocol of Socket.IO can recover, as with the JavaScript server.
#[test]
fn v_4_a_protocol_error_can_be_recovered() {
    for packet in [
        "4nonsense",
        "40",
        "42/other,[\"x\"]",
        "451-[\"x\"]\u{1e}4x",
        "44{}",
        "bAQID",
    ] {
        let (mut server, [a, b]) = server_of();
        for packet in packet.split('\u{1e}') {
            a.write(&mut server, packet);
        }
        server.take();
        say(&mut server, &b, "missed");
        let back = a.reconnect(&mut server);
        assert!(back.recovered && back.id == a.id, "{packet}");
        assert_eq!(texts(&mut server, &back), ["missed"], "{packet}");
    }
}

/// V-4: a client that closed with code 1001 is away for five seconds, and then leaves. It does not leave
/// at once, because a server or proxy that shuts down may send the same code.
#[test]
fn v_4_a_closed_page_leaves_after_five_seconds() {
    for (after, is_back) in [(4_999, true), (5_000, false)] {
        for restarts in [false, true] {
            let (mut server, [a, b]) = server_of();
            for peer in [&a, &b] {
                peer.join(&mut server, "x");
            }
            b.heard(&mut server);
            server.went_away(a.connection());
            assert_eq!(
                b.heard(&mut server),
                [json!(["peer:away", { "id": a.id }])],
                "nobody else is host yet"
            );
            if restarts {
                server.lose_memory();
            }
            server.until(server.now() + after);
            if is_back {
                assert!(a.reconnect(&mut server).recovered);
                assert_eq!(b.heard(&mut server)[0][0], "peer:back");
            } else {
                let left = json!(["peer:left", { "id": a.id, "reason": "left" }]);
                assert_eq!(b.heard(&mut server)[0], left);
                assert!(!a.reconnect(&mut server).recovered);
            }
        }
    }
}

/// V-4: after a reload the old socket leaves when the new one connects, and its alias is free. A socket
/// from another address stays.
#[test]
fn v_4_a_reloaded_page_replaces_its_old_socket() {
    let (mut server, [watcher]) = server_of();
    watcher.join(&mut server, "watcher");
    for (address, is_same) in [("192.0.2.1", true), ("198.51.100.7", false)] {
        "192.0.2.1".clone_into(&mut server.address);
        let [page, other] = [Peer::connect(&mut server), Peer::connect(&mut server)];
        for (peer, alias) in [(&page, "page"), (&other, "other")] {
            peer.join(&mut server, "x");
            peer.call(&mut server, json!(["join", alias]));
        }
        server.went_away(page.connection());
        other.vanish(&mut server); // it loses its connection, but its page stays open
        watcher.heard(&mut server);
        address.clone_into(&mut server.address);
        let again = Peer::connect(&mut server);
        let left = json!(["peer:left", { "id": page.id, "reason": "left" }]);
        let expected = if is_same { vec![left] } else { Vec::new() };
        assert_eq!(watcher.heard(&mut server), expected, "{address}");
        let reply = again.call(&mut server, json!(["join", "page"]));
        assert_eq!(reply["ok"], true, "the alias is free, from {address}");
        assert!(other.reconnect(&mut server).recovered);
        for peer in [again, other] {
            peer.vanish_for_good(&mut server);
        }
    }
}

/// V-4: a reloaded page replaces the socket of one closed page from its address. The other pages can
/// still reconnect.
#[test]
fn v_4_a_reload_replaces_only_one_socket_of_its_address() {
    let (mut server, pages) = server_of::<3>();
    for page in &pages {
        server.went_away(page.connection());
        server.until(server.now() + 1);
    }
    Peer::connect(&mut server);
    let back = pages.map(|page| page.reconnect(&mut server).recovered);
    assert_eq!(back, [false, true, true]);
}

/// E-18: an address that is over its limit may open one session for each of its sockets that is away.
#[test]
fn e_18_away_clients_reconnect_beyond_the_limit() {
    let (mut server, peers) = server_of::<3>();
    "198.51.100.7".clone_into(&mut server.address);
    let elsewhere = Peer::connect(&mut server);
    "192.0.2.1".clone_into(&mut server.address);
    assert_eq!(server.over_limit(), None, "nobody is away");
    for peer in peers.iter().chain([&elsewhere]) {
        peer.vanish(&mut server);
    }
    for round in 0..2 {
        if round > 0 {
            server.lose_memory();
        }
        let opened = [(); 2].map(|()| server.over_limit().expect("a session"));
        // Three sockets of this address are away, so three sessions may wait for their first CONNECT.
        if round == 0 {
            let third = server.over_limit().expect("a session");
            assert_eq!(server.over_limit(), None);
            server.lost(third);
        }
        for connection in opened {
            server.lost(connection);
        }
    }
    for (n, peer) in peers.iter().enumerate() {
        let connection = server.over_limit().expect("a session");
        server.text(connection, peer.connect_packet());
        let reply = format!("40{{\"sid\":\"{}\"", peer.id);
        let sent = server.take_for(connection);
        let is_reply =
            |done: &Done| matches!(done, Done::Sent(_, text) if text.starts_with(&reply));
        assert!(sent.iter().any(is_reply), "{n}: {sent:?}");
    }
    assert_eq!(server.over_limit(), None, "all of this address are back");
    "198.51.100.7".clone_into(&mut server.address);
    assert!(server.over_limit().is_some());
}

/// V-5: a client that has received no event gets all events since it connected.
#[test]
fn v_5_without_an_offset_all_events_are_replayed() {
    let (mut server, [a]) = server_of();
    say(&mut server, &a, "before");
    let b = Peer::connect(&mut server);
    server.lost(b.connection());
    say(&mut server, &a, "after");
    assert!(!b.connect_packet().contains("offset"));
    let back = b.reconnect(&mut server);
    assert!(back.recovered);
    assert_eq!(texts(&mut server, &back), ["after"]);
}

/// K-6: after the window, recovery is refused.
#[test]
fn k_6_recovery_ends_with_the_window() {
    let (mut server, [a, b]) = server_of();
    for (away, recovered) in [(WINDOW - 1, true), (WINDOW, false)] {
        let c = Peer::connect(&mut server);
        c.vanish(&mut server);
        let now = server.now();
        server.until(now + away);
        assert_eq!(
            c.reconnect(&mut server).recovered,
            recovered,
            "after {away} ms"
        );
    }
    drop((a, b));
}

/// V-1: attachments are replayed with their events.
#[test]
fn attachments_are_recovered() {
    let (mut server, [a, b]) = server_of();
    b.vanish(&mut server);
    let placeholder = json!({ "_placeholder": true, "num": 0 });
    let signal = json!(["signal", { "to": b.id, "data": placeholder }]);
    server
        .text(a.connection(), format!("451-{signal}"))
        .bytes(a.connection(), &[1, 2, 3]);
    let c = server.open_websocket();
    server.text(c, b.connect_packet());
    let done = server.take_for(c);
    assert!(
        matches!(&done[..], [Done::Sent(_, event), Done::SentBytes(_, bytes), Done::Sent(..)]
        if event.starts_with("451-[\"signal\"") && bytes[..] == [1, 2, 3]),
        "{done:?}"
    );
}
