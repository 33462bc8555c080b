//! The server of a room is killed: its members recover, and no message is lost or delivered twice.

use serde_json::{Value, json};

use crate::peer::{Peer, server, server_of};
use crate::recovery::{WINDOW, chat, say, texts};

/// V-3: clients that lose their connections when the server is killed can recover, even if the server is
/// down for a long time.
#[test]
fn clients_lost_with_the_server_can_recover() {
    let mut server = server();
    let (a, b) = (
        Peer::connect(&mut server),
        Peer::connect_polling(&mut server),
    );
    say(&mut server, &a, "heard");
    assert_eq!(texts(&mut server, &b), ["heard"]);
    say(&mut server, &a, "into the void");
    texts(&mut server, &a);
    server.kill_until(600_000);
    let a = a.reconnect(&mut server);
    say(&mut server, &a, "new");
    let back = b.reconnect(&mut server);
    assert!(a.recovered && back.recovered);
    assert_eq!(texts(&mut server, &back), ["into the void", "new"]);
}

/// After a kill, clients recover as the same sockets and keep alias, `n` and host. A client that does
/// not return leaves.
#[test]
fn clients_recover_after_a_kill() {
    let mut server = server();
    let [a, b] = [
        Peer::connect(&mut server),
        Peer::connect_polling(&mut server),
    ];
    for (peer, name) in [(&a, "ann"), (&b, "bob")] {
        peer.emit(&mut server, json!(["join", name]));
        peer.join(&mut server, name);
    }
    say(&mut server, &a, "one");
    for peer in [&a, &b] {
        peer.heard(&mut server);
    }
    server.kill();
    let back = b.reconnect(&mut server);
    assert!(back.recovered && back.id == b.id);
    let call = back.call(&mut server, json!(["signal", { "to": "ann", "data": 1 }]));
    assert_eq!(
        call["ok"], true,
        "the first client is away, and keeps its alias"
    );
    let ann = a.reconnect(&mut server);
    assert!(ann.recovered && ann.id == a.id);
    let heard: Vec<Value> = ann
        .heard(&mut server)
        .iter()
        .map(|e| e[0].clone())
        .collect();
    assert_eq!(heard, ["peer:away", "peer:back", "signal"]);
    let joined = ann.join(&mut server, "ann");
    assert_eq!([&joined["self"]["n"], &joined["peers"][0]["n"]], [1, 2]);
    assert_eq!(joined["self"]["host"], true);
    assert_eq!(joined["peers"].as_array().unwrap().len(), 1);
    // Ann does not return after the second kill, so she leaves when the window ends. The new server never
    // had a connection of hers.
    server.kill();
    let back = back.reconnect(&mut server);
    let now = server.now();
    server.until(now + WINDOW);
    let left = json!(["peer:left", { "id": a.id, "reason": "timeout" }]);
    assert!(back.heard(&mut server).contains(&left));
}

/// A leave is committed within 25 ms. If the server is killed before the commit, the peer is away
/// until it expires.
#[test]
fn a_client_that_left_just_before_a_kill_is_away_until_it_expires() {
    for (passed, is_known) in [(0, true), (25, false)] {
        let (mut server, [a, b]) = server_of();
        a.join(&mut server, "a");
        b.join(&mut server, "b");
        let now = server.now();
        server.until(now + 25);
        b.write(&mut server, "41");
        let now = server.now();
        server.until(now + passed).kill();
        let back = a.reconnect(&mut server);
        assert!(back.recovered);
        let peers = &back.join(&mut server, "a")["peers"];
        assert_eq!(peers.as_array().unwrap().len(), usize::from(is_known));
        assert!(!is_known || peers[0]["away"] == true);
        let now = server.now();
        server.until(now + WINDOW);
        let peers = &back.join(&mut server, "a")["peers"];
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
        let mut server = server();
        let [a, b] = [
            Peer::connect(&mut server),
            Peer::connect_polling(&mut server),
        ];
        a.call(&mut server, message("before"));
        let mut all = [texts(&mut server, &a), texts(&mut server, &b)];
        let event = format!("427{}", message("now"));
        server.crash_after(point).text(a.connection(), event);
        let acked = server
            .sent_to(a.connection())
            .iter()
            .any(|frame| frame.starts_with("437["));
        acknowledged.push(acked);
        for (all, peer) in all.iter_mut().zip([&a, &b]) {
            all.extend(chat(&peer.heard_last(&mut server)));
        }
        let [a, b] = [a.reconnect(&mut server), b.reconnect(&mut server)];
        assert!(a.recovered && b.recovered);
        if !acked {
            assert_eq!(a.call(&mut server, message("now"))["ok"], true);
        }
        say(&mut server, &b, "after");
        for (mut all, peer) in all.into_iter().zip([&a, &b]) {
            all.extend(texts(&mut server, peer));
            assert_eq!(
                all,
                ["before", "now", "after"],
                "killed after {point} outputs"
            );
        }
    }
    assert!(!acknowledged[0] && acknowledged[29], "{acknowledged:?}");
}
