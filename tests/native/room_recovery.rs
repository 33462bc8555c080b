//! Members of a room lose their connections.

use serde_json::{Value, json};
use signalbox::room::Config;
use signalbox::room::config::Limits;

use crate::peer::{Peer, RoomServer, server_of, server_with};
use crate::recovery::{chat, say, texts};

/// Members see which peers are away, which have reconnected, and which have left. They can send to a
/// member that is away.
#[test]
fn members_see_which_peers_are_away() {
    let (mut server, [a, b, c]) = server_of();
    for peer in [&a, &b] {
        peer.join(&mut server, "x");
    }
    a.heard(&mut server);
    b.vanish(&mut server);
    assert_eq!(a.heard(&mut server), [json!(["peer:away", { "id": b.id }])]);
    let joined = c.join(&mut server, "c");
    assert_eq!(joined["peers"][1]["away"], true);
    let offer = json!(["offer", { "to": b.id, "description": { "sdp": 1 } }]);
    assert_eq!(
        a.call(&mut server, offer),
        json!({ "ok": true, "delivered": 1 })
    );
    let back = b.reconnect(&mut server);
    let heard = back.heard(&mut server);
    let names: Vec<&Value> = heard.iter().map(|event| &event[0]).collect();
    assert_eq!(names, ["peer:joined", "offer"]);
    let told = a.heard(&mut server).pop().unwrap();
    assert_eq!(told[0], "peer:back");
    let expected = json!([b.id, 2, false]);
    assert_eq!(
        json!([told[1]["id"], told[1]["n"], told[1]["away"]]),
        expected
    );
    back.vanish_for_good(&mut server);
    let left = json!(["peer:left", { "id": b.id, "reason": "timeout" }]);
    assert_eq!(a.heard(&mut server).pop(), Some(left));
    assert!(!back.reconnect(&mut server).recovered);
}

/// The queue for a member that is away is limited.
#[test]
fn the_queue_for_an_away_member_is_limited() {
    let limits = Limits {
        waiting: 2,
        ..Limits::default()
    };
    let mut server = server_with(Config {
        limits,
        ..Config::default()
    });
    let [a, b] = std::array::from_fn(|_| Peer::connect(&mut server));
    b.vanish(&mut server);
    let signal = json!(["signal", { "to": b.id, "data": 1 }]);
    for _ in 0..2 {
        assert_eq!(a.call(&mut server, &signal)["ok"], true);
    }
    let error = &a.call(&mut server, &signal)["error"];
    let told = json!([error["code"], error["retryAfterMs"]]);
    assert_eq!(told, json!(["rate-limited", 1000]));
    say(&mut server, &a, "this is for all");
    let back = b.reconnect(&mut server);
    assert_eq!(back.heard(&mut server).len(), 3);
    assert_eq!(a.call(&mut server, &signal)["ok"], true);
}

/// V-3, M-9: the log keeps within its limits. A client that missed more than the log holds is not recovered.
#[test]
fn a_client_that_missed_too_much_is_not_recovered() {
    let fill = |server: &mut RoomServer, peer: &Peer, events: usize, text: &str| {
        for _ in 0..events {
            say(server, peer, text);
        }
        texts(server, peer);
    };
    for (events, text, recovered) in [
        (999, "x", true),
        (1001, "x", false),
        (200, &*"x".repeat(4000), false),
    ] {
        let (mut server, [a, b]) = server_of();
        fill(&mut server, &a, 1, "first");
        texts(&mut server, &b);
        b.vanish(&mut server);
        fill(&mut server, &a, events, text);
        server.lose_memory();
        let rows = server.platform.stored();
        let log: Vec<usize> = rows
            .iter()
            .filter(|(key, _)| key.starts_with("log/") && *key != "log/state")
            .map(|(_, row)| row.len())
            .collect();
        assert!(
            log.len() <= 1000 && log.iter().sum::<usize>() <= 600_000,
            "{}",
            log.len()
        );
        drop(rows);
        let back = b.reconnect(&mut server);
        assert_eq!(back.recovered, recovered, "{events} events");
        assert_eq!(
            texts(&mut server, &back).len(),
            if recovered { events } else { 0 }
        );
    }
}

/// V-3: a client that fills the log pushes out its own events, not those that others wait for.
#[test]
fn one_socket_does_not_prevent_the_recovery_of_others() {
    type Flood<'a> = &'a dyn Fn(&mut RoomServer, &Peer, &Peer, &str);
    let large = |to: &str| json!(["signal", { "to": to, "data": "x".repeat(60_000) }]);
    let to_itself = |server: &mut RoomServer, peer: &Peer, _: &Peer, _: &str| {
        for _ in 0..9 {
            assert_eq!(peer.call(server, large(&peer.id))["ok"], true);
        }
    };
    let small = |server: &mut RoomServer, peer: &Peer, _: &Peer, _: &str| {
        for _ in 0..1100 {
            let signal = json!(["signal", { "to": peer.id, "data": 1 }]);
            assert_eq!(peer.call(server, signal)["ok"], true);
        }
    };
    let to_a_friend = |server: &mut RoomServer, peer: &Peer, friend: &Peer, _: &str| {
        for _ in 0..9 {
            assert_eq!(peer.call(server, large(&friend.id))["ok"], true);
        }
    };
    let refused = |server: &mut RoomServer, peer: &Peer, _: &Peer, _: &str| {
        for _ in 0..2000 {
            peer.emit(server, json!(["no such event"]));
        }
    };
    let to_the_one_away = |server: &mut RoomServer, peer: &Peer, _: &Peer, host: &str| {
        assert_eq!(peer.call(server, large(host))["ok"], true);
        assert_eq!(peer.call(server, large(host))["ok"], true);
        for _ in 0..9 {
            assert_eq!(peer.refusal(server, &large(host)), "rate-limited");
            let text = "x".repeat(24_000);
            let private = json!(["chat-message", { "message": text, "to": host, "enc": 1 }]);
            peer.call(server, private);
        }
    };
    let to_all = |server: &mut RoomServer, peer: &Peer, _: &Peer, _: &str| {
        for _ in 0..9 {
            let signal = json!(["signal", { "data": "x".repeat(60_000) }]);
            assert_eq!(peer.call(server, signal)["ok"], true);
        }
    };
    let floods: [(Flood, usize); 6] = [
        (&to_itself, 0),
        (&small, 0),
        (&to_a_friend, 0),
        (&refused, 0),
        (&to_the_one_away, 2),
        (&to_all, 2),
    ];
    for (case, (flood, signals)) in floods.into_iter().enumerate() {
        for lose_memory in [false, true] {
            let (mut server, [host, peer, friend]) = server_of();
            host.join(&mut server, "host");
            say(&mut server, &peer, "heard");
            host.heard(&mut server);
            host.vanish(&mut server);
            say(&mut server, &peer, "before");
            flood(&mut server, &peer, &friend, &host.id);
            say(&mut server, &friend, "after");
            if lose_memory {
                server.lose_memory();
            }
            let back = host.reconnect(&mut server);
            assert!(back.recovered, "case {case}");
            let heard = back.heard(&mut server);
            assert_eq!(chat(&heard)[0], "before", "case {case}");
            assert_eq!(chat(&heard).last().unwrap(), "after", "case {case}");
            let relayed = heard.iter().filter(|event| event[0] == "signal");
            assert_eq!(relayed.count(), signals, "case {case}");
            assert_eq!(back.join(&mut server, "host")["self"]["host"], true);
        }
    }
}

/// V-3: a client is recovered unless events that it missed are gone, also after the loss of memory.
#[test]
fn a_client_is_recovered_unless_events_that_it_missed_are_gone() {
    for lose_memory in [false, true] {
        let (mut server, [a, b, c]) = server_of();
        say(&mut server, &a, "heard");
        for peer in [&a, &b, &c] {
            texts(&mut server, peer);
        }
        // The loss of these clients is not noticed yet.
        for to in [&b; 12] {
            let signal = json!(["signal", { "to": to.id, "data": "x".repeat(60_000) }]);
            assert_eq!(a.call(&mut server, signal)["ok"], true);
        }
        say(&mut server, &a, "missed");
        b.vanish(&mut server);
        c.vanish(&mut server);
        if lose_memory {
            server.lose_memory();
        }
        let [b, c] = [b.reconnect(&mut server), c.reconnect(&mut server)];
        assert!(!b.recovered && c.recovered);
        assert_eq!(texts(&mut server, &c), ["missed"]);
    }
}

/// Cleared chat is not replayed to a client that was away. Other events are.
#[test]
fn cleared_chat_is_not_recovered() {
    let (mut server, [a, b]) = server_of();
    for peer in [&a, &b] {
        peer.join(&mut server, "x");
    }
    b.heard(&mut server);
    b.vanish(&mut server);
    say(&mut server, &a, "a secret");
    a.call(&mut server, json!(["peer:update", { "hand": true }]));
    a.call(&mut server, json!(["host:clear"]));
    let stored = |server: &RoomServer| {
        let rows = server.platform.stored();
        rows.values().any(|row| row.contains("a secret"))
    };
    assert!(!stored(&server));
    let back = b.reconnect(&mut server);
    assert!(back.recovered);
    let heard: Vec<Value> = back
        .heard(&mut server)
        .iter()
        .map(|e| e[0].clone())
        .collect();
    assert_eq!(heard, ["peer:updated", "room:state"]);
    say(&mut server, &a, "a secret");
    assert!(stored(&server));
    server.operate("close", "", "");
    assert!(!stored(&server));
}

/// V-3: old events are dropped unless a client that is away may need them.
#[test]
fn old_events_are_dropped() {
    let rows = |server: &RoomServer| {
        let rows = server.platform.stored();
        rows.keys().filter(|key| key.starts_with("log/")).count()
    };
    let (mut server, [a, b]) = server_of();
    for (peer, text) in [(&a, "1"), (&b, "2")] {
        say(&mut server, peer, text);
    }
    b.vanish(&mut server);
    server.kill_until(10 * 3_600_000);
    let [a, b] = [a.reconnect(&mut server), b.reconnect(&mut server)];
    assert!(
        a.recovered && b.recovered,
        "the server was down, the clients were not away"
    );
    assert_eq!(texts(&mut server, &a), ["1", "2"]);
    assert_eq!(texts(&mut server, &b), ["1", "2"]);
    let back = server.now();
    for time in (45_000..=270_000).step_by(45_000) {
        server.until(back + time);
        for peer in [&a, &b] {
            peer.heard(&mut server); // answers the ping
        }
    }
    assert!(rows(&server) >= 2, "only a new event drops old ones");
    for peer in [&a, &b] {
        say(&mut server, peer, "3");
    }
    assert_eq!(rows(&server), 2);
}
