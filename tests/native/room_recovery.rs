//! Members of a room lose their connections or their server.

use serde_json::{Value, json};
use signalbox::room::Config;
use signalbox::room::config::Limits;

use crate::peer::{Hall, Peer, hall, hall_of, hall_with};
use crate::recovery::{WINDOW, chat, say, texts};

/// Members see which peers are away, which have reconnected, and which have left. They can send to a
/// member that is away.
#[test]
fn members_see_which_peers_are_away() {
    let (mut hall, [a, b, c]) = hall_of();
    for peer in [&a, &b] {
        peer.join(&mut hall, "x");
    }
    a.heard(&mut hall);
    b.vanish(&mut hall);
    assert_eq!(a.heard(&mut hall), [json!(["peer:away", { "id": b.id }])]);
    let joined = c.join(&mut hall, "c");
    assert_eq!(joined["peers"][1]["away"], true);
    let offer = json!(["offer", { "to": b.id, "description": { "sdp": 1 } }]);
    assert_eq!(
        a.call(&mut hall, offer),
        json!({ "ok": true, "delivered": 1 })
    );
    let back = b.reconnect(&mut hall);
    let heard = back.heard(&mut hall);
    let names: Vec<&Value> = heard.iter().map(|event| &event[0]).collect();
    assert_eq!(names, ["peer:joined", "offer"]);
    let told = a.heard(&mut hall).pop().unwrap();
    assert_eq!(told[0], "peer:back");
    let expected = json!([b.id, 2, false]);
    assert_eq!(
        json!([told[1]["id"], told[1]["n"], told[1]["away"]]),
        expected
    );
    back.vanish_for_good(&mut hall);
    let left = json!(["peer:left", { "id": b.id, "reason": "timeout" }]);
    assert_eq!(a.heard(&mut hall).pop(), Some(left));
    assert!(!back.reconnect(&mut hall).recovered);
}

/// The queue for a member that is away is limited.
#[test]
fn the_queue_for_an_away_member_is_limited() {
    let limits = Limits {
        waiting: 2,
        ..Limits::default()
    };
    let mut hall = hall_with(Config {
        limits,
        ..Config::default()
    });
    let [a, b] = std::array::from_fn(|_| Peer::connect(&mut hall));
    b.vanish(&mut hall);
    let signal = json!(["signal", { "to": b.id, "data": 1 }]);
    for _ in 0..2 {
        assert_eq!(a.call(&mut hall, &signal)["ok"], true);
    }
    let error = &a.call(&mut hall, &signal)["error"];
    let told = json!([error["code"], error["retryAfterMs"]]);
    assert_eq!(told, json!(["rate-limited", 1000]));
    say(&mut hall, &a, "this is for all");
    let back = b.reconnect(&mut hall);
    assert_eq!(back.heard(&mut hall).len(), 3);
    assert_eq!(a.call(&mut hall, &signal)["ok"], true);
}

/// V-3, M-9: a client that missed more than the log holds is not recovered. The others are told
/// once.
#[test]
fn a_client_that_missed_too_much_is_not_recovered() {
    let fill = |hall: &mut Hall, peer: &Peer, events: usize, text: &str| {
        for _ in 0..events {
            say(hall, peer, text);
        }
        texts(hall, peer);
    };
    for (events, text, recovered) in [
        (999, "x", true),
        (1001, "x", false),
        (200, &*"x".repeat(4000), false),
    ] {
        let (mut hall, [a, b]) = hall_of();
        fill(&mut hall, &a, 1, "first");
        texts(&mut hall, &b);
        b.vanish(&mut hall);
        fill(&mut hall, &a, events, text);
        hall.lose_memory();
        let rows = hall.platform.stored();
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
        let back = b.reconnect(&mut hall);
        assert_eq!(back.recovered, recovered, "{events} events");
        assert_eq!(
            texts(&mut hall, &back).len(),
            if recovered { events } else { 0 }
        );
    }
}

/// V-3: a client that fills the log pushes out its own events, not those that others wait for.
#[test]
fn one_socket_does_not_prevent_the_recovery_of_others() {
    type Flood<'a> = &'a dyn Fn(&mut Hall, &Peer, &Peer, &str);
    let large = |to: &str| json!(["signal", { "to": to, "data": "x".repeat(60_000) }]);
    let to_itself = |hall: &mut Hall, peer: &Peer, _: &Peer, _: &str| {
        for _ in 0..9 {
            assert_eq!(peer.call(hall, large(&peer.id))["ok"], true);
        }
    };
    let small = |hall: &mut Hall, peer: &Peer, _: &Peer, _: &str| {
        for _ in 0..1100 {
            let signal = json!(["signal", { "to": peer.id, "data": 1 }]);
            assert_eq!(peer.call(hall, signal)["ok"], true);
        }
    };
    let to_a_friend = |hall: &mut Hall, peer: &Peer, friend: &Peer, _: &str| {
        for _ in 0..9 {
            assert_eq!(peer.call(hall, large(&friend.id))["ok"], true);
        }
    };
    let refused = |hall: &mut Hall, peer: &Peer, _: &Peer, _: &str| {
        for _ in 0..2000 {
            peer.emit(hall, json!(["no such event"]));
        }
    };
    let to_the_one_away = |hall: &mut Hall, peer: &Peer, _: &Peer, host: &str| {
        assert_eq!(peer.call(hall, large(host))["ok"], true);
        assert_eq!(peer.call(hall, large(host))["ok"], true);
        for _ in 0..9 {
            assert_eq!(peer.refusal(hall, &large(host)), "rate-limited");
            let text = "x".repeat(24_000);
            let private = json!(["chat-message", { "message": text, "to": host, "enc": 1 }]);
            peer.call(hall, private);
        }
    };
    let to_all = |hall: &mut Hall, peer: &Peer, _: &Peer, _: &str| {
        for _ in 0..9 {
            let signal = json!(["signal", { "data": "x".repeat(60_000) }]);
            assert_eq!(peer.call(hall, signal)["ok"], true);
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
            let (mut hall, [host, peer, friend]) = hall_of();
            host.join(&mut hall, "host");
            say(&mut hall, &peer, "heard");
            host.heard(&mut hall);
            host.vanish(&mut hall);
            say(&mut hall, &peer, "before");
            flood(&mut hall, &peer, &friend, &host.id);
            say(&mut hall, &friend, "after");
            if lose_memory {
                hall.lose_memory();
            }
            let back = host.reconnect(&mut hall);
            assert!(back.recovered, "case {case}");
            let heard = back.heard(&mut hall);
            assert_eq!(chat(&heard)[0], "before", "case {case}");
            assert_eq!(chat(&heard).last().unwrap(), "after", "case {case}");
            let relayed = heard.iter().filter(|event| event[0] == "signal");
            assert_eq!(relayed.count(), signals, "case {case}");
            assert_eq!(back.join(&mut hall, "host")["self"]["host"], true);
        }
    }
}

/// V-3: only clients whose events are gone are not recovered, also after the loss of memory.
#[test]
fn only_clients_that_miss_events_are_not_recovered() {
    for lose_memory in [false, true] {
        let (mut hall, [a, b, c]) = hall_of();
        say(&mut hall, &a, "heard");
        for peer in [&a, &b, &c] {
            texts(&mut hall, peer);
        }
        // The loss of these clients is not noticed yet.
        for to in [&b; 12] {
            let signal = json!(["signal", { "to": to.id, "data": "x".repeat(60_000) }]);
            assert_eq!(a.call(&mut hall, signal)["ok"], true);
        }
        say(&mut hall, &a, "missed");
        b.vanish(&mut hall);
        c.vanish(&mut hall);
        if lose_memory {
            hall.lose_memory();
        }
        let [b, c] = [b.reconnect(&mut hall), c.reconnect(&mut hall)];
        assert!(!b.recovered && c.recovered);
        assert_eq!(texts(&mut hall, &c), ["missed"]);
    }
}

/// Cleared chat is not replayed to a client that was away. Other events are.
#[test]
fn cleared_chat_is_not_recovered() {
    let (mut hall, [a, b]) = hall_of();
    for peer in [&a, &b] {
        peer.join(&mut hall, "x");
    }
    b.heard(&mut hall);
    b.vanish(&mut hall);
    say(&mut hall, &a, "a secret");
    a.call(&mut hall, json!(["peer:update", { "hand": true }]));
    a.call(&mut hall, json!(["host:clear"]));
    let stored = |hall: &Hall| {
        let rows = hall.platform.stored();
        rows.values().any(|row| row.contains("a secret"))
    };
    assert!(!stored(&hall));
    let back = b.reconnect(&mut hall);
    assert!(back.recovered);
    let heard: Vec<Value> = back.heard(&mut hall).iter().map(|e| e[0].clone()).collect();
    assert_eq!(heard, ["peer:updated", "room:state"]);
    say(&mut hall, &a, "a secret");
    assert!(stored(&hall));
    hall.operate("close", "", "");
    assert!(!stored(&hall));
}

/// V-3: old events are dropped unless a client that is away may need them.
#[test]
fn old_events_are_dropped() {
    let rows = |hall: &Hall| {
        let rows = hall.platform.stored();
        rows.keys().filter(|key| key.starts_with("log/")).count()
    };
    let (mut hall, [a, b]) = hall_of();
    for (peer, text) in [(&a, "1"), (&b, "2")] {
        say(&mut hall, peer, text);
    }
    b.vanish(&mut hall);
    hall.kill_until(10 * 3_600_000);
    let [a, b] = [a.reconnect(&mut hall), b.reconnect(&mut hall)];
    assert!(a.recovered && b.recovered, "the server was away, not they");
    assert_eq!(texts(&mut hall, &a), ["1", "2"]);
    assert_eq!(texts(&mut hall, &b), ["1", "2"]);
    let back = hall.now();
    for time in (45_000..=270_000).step_by(45_000) {
        hall.until(back + time);
        for peer in [&a, &b] {
            peer.heard(&mut hall); // answers the ping
        }
    }
    assert!(rows(&hall) >= 2, "they go as others come");
    for peer in [&a, &b] {
        say(&mut hall, peer, "3");
    }
    assert_eq!(rows(&hall), 2);
}

/// V-3: a client can recover if it lost its connection shortly before the server was killed, even if the
/// server is down for a long time.
#[test]
fn clients_lost_with_the_server_can_recover() {
    let mut hall = hall();
    let (a, b) = (Peer::connect(&mut hall), Peer::connect_polling(&mut hall));
    say(&mut hall, &a, "heard");
    assert_eq!(texts(&mut hall, &b), ["heard"]);
    say(&mut hall, &a, "into the void");
    texts(&mut hall, &a);
    hall.kill_until(600_000);
    let a = a.reconnect(&mut hall);
    say(&mut hall, &a, "new");
    let back = b.reconnect(&mut hall);
    assert!(a.recovered && back.recovered);
    assert_eq!(texts(&mut hall, &back), ["into the void", "new"]);
}

/// Hibernation, eviction or a crash: clients notice at most a lost connection.
#[test]
fn a_killed_server_is_recovered_from() {
    let mut hall = hall();
    let [a, b] = [Peer::connect(&mut hall), Peer::connect_polling(&mut hall)];
    for (peer, name) in [(&a, "ann"), (&b, "bob")] {
        peer.emit(&mut hall, json!(["join", name]));
        peer.join(&mut hall, name);
    }
    say(&mut hall, &a, "one");
    for peer in [&a, &b] {
        peer.heard(&mut hall);
    }
    hall.kill();
    let back = b.reconnect(&mut hall);
    assert!(back.recovered && back.id == b.id);
    let call = back.call(&mut hall, json!(["signal", { "to": "ann", "data": 1 }]));
    assert_eq!(
        call["ok"], true,
        "she is away, and still known by her alias"
    );
    let ann = a.reconnect(&mut hall);
    assert!(ann.recovered && ann.id == a.id);
    let heard: Vec<Value> = ann.heard(&mut hall).iter().map(|e| e[0].clone()).collect();
    assert_eq!(heard, ["peer:away", "peer:back", "signal"]);
    let joined = ann.join(&mut hall, "ann");
    assert_eq!([&joined["self"]["n"], &joined["peers"][0]["n"]], [1, 2]);
    assert_eq!(joined["self"]["host"], true);
    assert_eq!(joined["peers"].as_array().unwrap().len(), 1);
    // A client that does not return leaves, although no connection was lost since.
    hall.kill();
    let back = back.reconnect(&mut hall);
    let now = hall.now();
    hall.until(now + WINDOW);
    let left = json!(["peer:left", { "id": a.id, "reason": "timeout" }]);
    assert!(back.heard(&mut hall).contains(&left));
}

/// A leave is committed within 25 ms. A server that is killed before treats the peer as away, until
/// it expires.
#[test]
fn a_client_that_left_just_before_a_kill_is_away_until_it_expires() {
    for (passed, is_known) in [(0, true), (25, false)] {
        let (mut hall, [a, b]) = hall_of();
        a.join(&mut hall, "a");
        b.join(&mut hall, "b");
        let now = hall.now();
        hall.until(now + 25);
        b.write(&mut hall, "41");
        let now = hall.now();
        hall.until(now + passed).kill();
        let back = a.reconnect(&mut hall);
        assert!(back.recovered);
        let peers = &back.join(&mut hall, "a")["peers"];
        assert_eq!(peers.as_array().unwrap().len(), usize::from(is_known));
        assert!(!is_known || peers[0]["away"] == true);
        let now = hall.now();
        hall.until(now + WINDOW);
        let peers = &back.join(&mut hall, "a")["peers"];
        assert_eq!(*peers, json!([]), "{passed}");
    }
}

/// The server is killed at each point of a turn. The sender repeats unacknowledged messages, and
/// every member gets each message once, in order.
#[test]
fn a_message_is_delivered_once_wherever_the_server_is_killed() {
    let message = |mid: &str| json!(["chat-message", { "message": mid, "mid": mid }]);
    let mut acknowledged = Vec::new();
    for point in 0..30 {
        let mut hall = hall();
        let [a, b] = [Peer::connect(&mut hall), Peer::connect_polling(&mut hall)];
        a.call(&mut hall, message("before"));
        let mut all = [texts(&mut hall, &a), texts(&mut hall, &b)];
        let event = format!("427{}", message("now"));
        hall.crash_after(point).text(a.connection(), event);
        let acked = hall
            .sent_to(a.connection())
            .iter()
            .any(|frame| frame.starts_with("437["));
        acknowledged.push(acked);
        for (all, peer) in all.iter_mut().zip([&a, &b]) {
            all.extend(chat(&peer.heard_last(&mut hall)));
        }
        let [a, b] = [a.reconnect(&mut hall), b.reconnect(&mut hall)];
        assert!(a.recovered && b.recovered);
        if !acked {
            assert_eq!(a.call(&mut hall, message("now"))["ok"], true);
        }
        say(&mut hall, &b, "after");
        for (mut all, peer) in all.into_iter().zip([&a, &b]) {
            all.extend(texts(&mut hall, peer));
            assert_eq!(
                all,
                ["before", "now", "after"],
                "killed after {point} outputs"
            );
        }
    }
    assert!(!acknowledged[0] && acknowledged[29], "{acknowledged:?}");
}
