//! V: connection state recovery.

use serde_json::{Value, json};
use signalbox::engine::Engine;
use signalbox::socket::{Config, Runner, Server};

use crate::obedient::Obedient;
use crate::peer::{Hall, Peer, hall, hall_of};
use crate::raw::defaults;
use crate::support::{Done, Script, at, closed, sent};

/// K-6: how long a client may be away.
pub const WINDOW: u64 = 30_000;

pub fn say(hall: &mut Hall, from: &Peer, text: &str) {
    let reply = from.call(hall, json!(["chat-message", text]));
    assert_eq!(reply["ok"], true, "{reply}");
}

/// The texts of the received chat messages.
pub fn texts(hall: &mut Hall, peer: &Peer) -> Vec<String> {
    chat(&peer.heard(hall))
}

pub fn chat(events: &[Value]) -> Vec<String> {
    let chat = events.iter().filter(|event| event[0] == "chat-message");
    let text = |event: &Value| event[1]["message"].as_str().unwrap().to_owned();
    chat.map(text).collect()
}

/// V-1: a client that returns is the same socket. It gets the missed events before the reply, once.
#[test]
fn v_1_a_client_recovers_what_it_missed() {
    let mut hall = hall();
    for connect in [Peer::connect, Peer::connect_polling] {
        let a = Peer::connect(&mut hall);
        let b = connect(&mut hall);
        say(&mut hall, &a, "heard");
        assert_eq!(texts(&mut hall, &b), ["heard"]);
        b.vanish(&mut hall);
        for text in ["one", "two"] {
            say(&mut hall, &a, text);
        }
        let back = b.reconnect(&mut hall);
        assert!(back.recovered && back.id == b.id);
        say(&mut hall, &a, "three");
        assert_eq!(texts(&mut hall, &back), ["one", "two", "three"]);
        back.vanish(&mut hall);
        let again = back.reconnect(&mut hall);
        assert!(again.recovered, "as often as it likes");
        assert!(texts(&mut hall, &again).is_empty());
    }
}

/// V-1: the missed events come first, then the reply, with the same `sid` and `pid`.
#[test]
fn v_1_missed_events_precede_the_reply() {
    let (mut hall, [a, b]) = hall_of();
    b.vanish(&mut hall);
    say(&mut hall, &a, "missed");
    let c = hall.open_websocket();
    hall.text(c, b.connect_packet());
    let frames = hall.take_of(c);
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
    let (mut hall, [a, b]) = hall_of();
    a.join(&mut hall, "a");
    b.join(&mut hall, "b");
    say(&mut hall, &a, "x");
    b.emit(
        &mut hall,
        json!(["offer", { "to": a.id, "description": {} }]),
    );
    b.emit(&mut hall, json!(["no such event"]));
    // `heard` removes the offset, and fails without one.
    let names = |heard: Vec<Value>| heard.iter().map(|e| e[0].clone()).collect::<Vec<_>>();
    assert_eq!(
        names(a.heard(&mut hall)),
        ["peer:joined", "chat-message", "offer"]
    );
    assert_eq!(names(b.heard(&mut hall)), ["chat-message", "room:error"]);
    let c = a.connection();
    hall.text(c, r#"421["chat:history",{"limit":0}]"#);
    hall.expect([sent(c, r#"431[{"messages":[],"more":true,"ok":true}]"#)]);
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
    type Loss<'a> = &'a dyn Fn(&mut Hall, &Peer);
    let closed = |hall: &mut Hall, peer: &Peer| peer.write(hall, "1");
    let lost = |hall: &mut Hall, peer: &Peer| peer.vanish(hall);
    let silent = |hall: &mut Hall, _: &Peer| {
        let now = hall.now();
        hall.until(now + 120_000);
    };
    let too_big = |hall: &mut Hall, peer: &Peer| {
        hall.text(peer.connection(), "4".repeat(131_073));
    };
    let killed = |hall: &mut Hall, _: &Peer| {
        let now = hall.now();
        hall.late(now + 25).kill();
    };
    let losses: [Loss; 5] = [&closed, &lost, &silent, &too_big, &killed];
    for (case, lose) in losses.into_iter().enumerate() {
        let (mut hall, [a]) = hall_of();
        lose(&mut hall, &a);
        hall.take();
        assert!(a.reconnect(&mut hall).recovered, "case {case}");
    }
}

/// V-4: a client that disconnects leaves at once.
#[test]
fn v_4_a_disconnect_cannot_be_recovered() {
    let (mut hall, [a, b]) = hall_of();
    a.write(&mut hall, "41");
    let back = a.reconnect(&mut hall);
    assert!(!back.recovered && back.id != a.id);
    say(&mut hall, &b, "hi");
    assert_eq!(texts(&mut hall, &back), ["hi"]);
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
        let (mut hall, [a, b]) = hall_of();
        for packet in packet.split('\u{1e}') {
            a.write(&mut hall, packet);
        }
        hall.take();
        say(&mut hall, &b, "missed");
        let back = a.reconnect(&mut hall);
        assert!(back.recovered && back.id == a.id, "{packet}");
        assert_eq!(texts(&mut hall, &back), ["missed"], "{packet}");
    }
}

/// V-4: a client that closed with code 1001 is away for five seconds, and then leaves. It does not leave
/// at once, because a server or proxy that shuts down may send the same code.
#[test]
fn v_4_a_closed_page_leaves_after_five_seconds() {
    for (after, is_back) in [(4_999, true), (5_000, false)] {
        for restarts in [false, true] {
            let (mut hall, [a, b]) = hall_of();
            for peer in [&a, &b] {
                peer.join(&mut hall, "x");
            }
            b.heard(&mut hall);
            hall.went_away(a.connection());
            assert_eq!(
                b.heard(&mut hall),
                [json!(["peer:away", { "id": a.id }])],
                "nobody else is host yet"
            );
            if restarts {
                hall.lose_memory();
            }
            hall.until(hall.now() + after);
            if is_back {
                assert!(a.reconnect(&mut hall).recovered);
                assert_eq!(b.heard(&mut hall)[0][0], "peer:back");
            } else {
                let left = json!(["peer:left", { "id": a.id, "reason": "left" }]);
                assert_eq!(b.heard(&mut hall)[0], left);
                assert!(!a.reconnect(&mut hall).recovered);
            }
        }
    }
}

/// V-4: after a reload the old socket leaves when the new one connects, and its alias is free. A socket
/// from another address stays.
#[test]
fn v_4_a_reloaded_page_replaces_its_old_socket() {
    let (mut hall, [watcher]) = hall_of();
    watcher.join(&mut hall, "watcher");
    for (address, is_same) in [("192.0.2.1", true), ("198.51.100.7", false)] {
        "192.0.2.1".clone_into(&mut hall.address);
        let [page, other] = [Peer::connect(&mut hall), Peer::connect(&mut hall)];
        for (peer, alias) in [(&page, "page"), (&other, "other")] {
            peer.join(&mut hall, "x");
            peer.call(&mut hall, json!(["join", alias]));
        }
        hall.went_away(page.connection());
        other.vanish(&mut hall); // its connection is lost: the page was not left
        watcher.heard(&mut hall);
        address.clone_into(&mut hall.address);
        let again = Peer::connect(&mut hall);
        let left = json!(["peer:left", { "id": page.id, "reason": "left" }]);
        let expected = if is_same { vec![left] } else { Vec::new() };
        assert_eq!(watcher.heard(&mut hall), expected, "{address}");
        let reply = again.call(&mut hall, json!(["join", "page"]));
        assert_eq!(reply["ok"], true, "the alias is free, from {address}");
        assert!(other.reconnect(&mut hall).recovered);
        for peer in [again, other] {
            peer.vanish_for_good(&mut hall);
        }
    }
}

/// V-4: a reloaded page replaces the socket of one closed page from its address. The other pages can
/// still reconnect.
#[test]
fn v_4_a_reload_replaces_only_one_socket_of_its_address() {
    let (mut hall, pages) = hall_of::<3>();
    for page in &pages {
        hall.went_away(page.connection());
        hall.until(hall.now() + 1);
    }
    Peer::connect(&mut hall);
    let back = pages.map(|page| page.reconnect(&mut hall).recovered);
    assert_eq!(back, [false, true, true]);
}

/// E-18: beyond the limit of its address, a handshake opens a session only while clients from that
/// address are away, one session for each.
#[test]
fn e_18_away_clients_reconnect_beyond_the_limit() {
    let (mut hall, peers) = hall_of::<3>();
    "198.51.100.7".clone_into(&mut hall.address);
    let elsewhere = Peer::connect(&mut hall);
    "192.0.2.1".clone_into(&mut hall.address);
    assert_eq!(hall.over_limit(), None, "nobody is away");
    for peer in peers.iter().chain([&elsewhere]) {
        peer.vanish(&mut hall);
    }
    for round in 0..2 {
        if round > 0 {
            hall.lose_memory();
        }
        let opened = [(); 2].map(|()| hall.over_limit().expect("a session"));
        // As many undecided claims are allowed as clients are away.
        if round == 0 {
            let third = hall.over_limit().expect("a session");
            assert_eq!(hall.over_limit(), None);
            hall.lost(third);
        }
        for connection in opened {
            hall.lost(connection);
        }
    }
    for (n, peer) in peers.iter().enumerate() {
        let connection = hall.over_limit().expect("a session");
        hall.text(connection, peer.connect_packet());
        let reply = format!("40{{\"sid\":\"{}\"", peer.id);
        let sent = hall.take_of(connection);
        let is_reply =
            |done: &Done| matches!(done, Done::Sent(_, text) if text.starts_with(&reply));
        assert!(sent.iter().any(is_reply), "{n}: {sent:?}");
    }
    assert_eq!(hall.over_limit(), None, "all of this address are back");
    "198.51.100.7".clone_into(&mut hall.address);
    assert!(hall.over_limit().is_some());
}

/// V-5: a client that has received no event gets all events since it connected.
#[test]
fn v_5_without_an_offset_all_events_are_replayed() {
    let (mut hall, [a]) = hall_of();
    say(&mut hall, &a, "before");
    let b = Peer::connect(&mut hall);
    hall.lost(b.connection());
    say(&mut hall, &a, "after");
    assert!(!b.connect_packet().contains("offset"));
    let back = b.reconnect(&mut hall);
    assert!(back.recovered);
    assert_eq!(texts(&mut hall, &back), ["after"]);
}

/// V-6: an application's own `auth` may use these names for something else.
#[test]
fn v_6_an_invalid_claim_is_ignored() {
    let (mut hall, [a]) = hall_of();
    let own: Value = serde_json::from_str(&a.connect_packet()[2..]).unwrap();
    let pid = &own["pid"];
    a.vanish(&mut hall);
    for past in [
        json!({ "pid": 7 }),
        json!({ "pid": "x" }),
        json!({ "pid": a.id, "offset": "0000000000000000" }),
        json!({ "pid": { "pid": pid } }),
        json!({ "offset": "0000000000000001" }),
        json!({ "pid": pid, "offset": 7 }),
        json!({ "pid": pid, "offset": "x" }),
        json!({ "pid": pid, "offset": "-1" }),
    ] {
        let c = hall.open_websocket();
        hall.text(c, format!("40{past}"));
        let Some(Done::Sent(_, reply)) = hall.take_of(c).pop() else {
            panic!("no reply to {past}");
        };
        assert!(
            reply.starts_with("40{") && !reply.contains(&a.id),
            "{past}: {reply}"
        );
    }
    assert!(a.reconnect(&mut hall).recovered, "none of that was it");
}

/// K-6: after the window, recovery is refused.
#[test]
fn k_6_recovery_ends_with_the_window() {
    let (mut hall, [a, b]) = hall_of();
    for (away, recovered) in [(WINDOW - 1, true), (WINDOW, false)] {
        let c = Peer::connect(&mut hall);
        c.vanish(&mut hall);
        let now = hall.now();
        hall.until(now + away);
        assert_eq!(
            c.reconnect(&mut hall).recovered,
            recovered,
            "after {away} ms"
        );
    }
    drop((a, b));
}

/// V-5: a stolen pid does not take the socket, because the server pings the owner, and the owner answers.
#[test]
fn a_pid_in_use_recovers_nothing() {
    for connect in [Peer::connect, Peer::connect_polling] {
        let mut hall = hall();
        let owner = connect(&mut hall);
        let thief = hall.open_websocket();
        hall.until(1000).text(thief, owner.connect_packet());
        assert!(hall.take_of(thief).is_empty(), "the owner is pinged first");
        hall.until(1200);
        assert!(
            owner.heard(&mut hall).is_empty(),
            "the owner answers the ping"
        );
        hall.until(1500);
        let Some(Done::Sent(_, reply)) = hall.take_of(thief).pop() else {
            panic!("no reply");
        };
        assert!(
            reply.starts_with("40{") && !reply.contains(&owner.id),
            "{reply}"
        );
        say(&mut hall, &owner, "still here");
        assert_eq!(texts(&mut hall, &owner), ["still here"]);
    }
}

/// V-5, B-6: the platform may absorb the owner's pong.
#[test]
fn a_pid_in_use_is_noticed_by_an_absorbed_pong() {
    let (mut hall, [owner]) = hall_of();
    let thief = hall.open_websocket();
    hall.until(1000).text(thief, owner.connect_packet());
    let answered = at(1100);
    hall.platform
        .auto_responses
        .borrow_mut()
        .insert(owner.connection(), answered);
    hall.until(1500);
    let reply = hall.take_of(thief);
    assert!(!format!("{reply:?}").contains(&owner.id), "{reply:?}");
    assert!(hall.connections.contains_key(&owner.connection()));
}

/// V-5: a client may reconnect before the server notices its lost connection. It takes over its socket,
/// because the earlier connection does not answer.
#[test]
fn a_dead_connection_is_taken_over() {
    for connect in [Peer::connect, Peer::connect_polling] {
        let mut hall = hall();
        let [a, b] = [connect(&mut hall), Peer::connect(&mut hall)];
        a.join(&mut hall, "a");
        b.join(&mut hall, "b");
        a.heard(&mut hall);
        say(&mut hall, &b, "into the void");
        let c = hall.open_websocket();
        hall.until(1000).text(c, a.connect_packet());
        hall.until(1499);
        assert!(hall.take_of(c).is_empty());
        hall.until(1500);
        let frames = format!("{:?}", hall.take_of(c));
        assert!(
            frames.contains("into the void") && frames.contains(&a.id),
            "{frames}"
        );
        let heard: Vec<Value> = b.heard(&mut hall).iter().map(|e| e[0].clone()).collect();
        assert_eq!(heard, ["chat-message", "peer:away", "peer:back"]);
    }
}

/// V-5: the loss may be noticed while the earlier connection is being checked.
#[test]
fn an_earlier_connection_ends_while_it_is_checked() {
    let (mut hall, [a]) = hall_of();
    let c = hall.open_websocket();
    hall.text(c, a.connect_packet());
    assert!(hall.take_of(c).is_empty());
    hall.lost(a.connection());
    assert!(format!("{:?}", hall.take_of(c)).contains(&a.id));
}

/// S-11: a claim that is lost with the memory is refused; the client may try again.
#[test]
fn s_11_a_claim_lost_with_memory_is_refused() {
    let (mut hall, [a]) = hall_of();
    let c = hall.open_websocket();
    hall.until(1000).text(c, a.connect_packet());
    hall.lose_memory();
    assert_eq!(hall.take_of(c), [closed(c)]);
    assert!(a.reconnect(&mut hall).recovered);
}

/// S-12: a second CONNECT during an undecided one is refused after the decision. The claimant may
/// disconnect meanwhile.
#[test]
fn s_12_a_second_connect_during_a_claim_is_refused() {
    let (mut hall, [a]) = hall_of();
    let (c, d) = (hall.open_websocket(), hall.open_websocket());
    hall.text(c, a.connect_packet()).text(c, "40");
    assert_eq!(hall.take_of(c), []);
    hall.lost(a.connection());
    let done = hall.take_of(c);
    assert!(
        matches!(&done[..], [Done::Sent(..), Done::Closed(..)]),
        "{done:?}"
    );
    assert!(a.reconnect(&mut hall).recovered, "it can still recover");
    let (mut hall, [a]) = hall_of();
    hall.text(d, a.connect_packet()).lost(d);
    hall.until(1000).take();
    assert!(
        a.reconnect(&mut hall).recovered,
        "no other client took the socket"
    );
}

/// V-1: attachments are replayed with their events.
#[test]
fn attachments_are_recovered() {
    let (mut hall, [a, b]) = hall_of();
    b.vanish(&mut hall);
    let placeholder = json!({ "_placeholder": true, "num": 0 });
    let signal = json!(["signal", { "to": b.id, "data": placeholder }]);
    hall.text(a.connection(), format!("451-{signal}"))
        .bytes(a.connection(), &[1, 2, 3]);
    let c = hall.open_websocket();
    hall.text(c, b.connect_packet());
    let done = hall.take_of(c);
    assert!(
        matches!(&done[..], [Done::Sent(_, event), Done::SentBytes(_, bytes), Done::Sent(..)]
        if event.starts_with("451-[\"signal\"") && bytes[..] == [1, 2, 3]),
        "{done:?}"
    );
}
