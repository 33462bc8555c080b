//! Claims: a client asks for an earlier socket by its pid. Some claims are invalid, and some are for a socket whose
//! connection is still open.

use serde_json::{Value, json};

use crate::peer::{Peer, server, server_of};
use crate::recovery::{say, texts};
use crate::support::{Done, at, closed};

/// V-6: an application's own `auth` may use `pid` and `offset` for something else.
#[test]
fn v_6_an_invalid_claim_is_ignored() {
    let (mut server, [a]) = server_of();
    let own: Value = serde_json::from_str(&a.connect_packet()[2..]).unwrap();
    let pid = &own["pid"];
    a.vanish(&mut server);
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
        let c = server.open_websocket();
        server.text(c, format!("40{past}"));
        let Some(Done::Sent(_, reply)) = server.take_for(c).pop() else {
            panic!("no reply to {past}");
        };
        assert!(
            reply.starts_with("40{") && !reply.contains(&a.id),
            "{past}: {reply}"
        );
    }
    assert!(
        a.reconnect(&mut server).recovered,
        "the valid claim still works"
    );
}

/// V-5: a stolen pid does not take the socket, because the server pings the owner, and the owner answers.
#[test]
fn a_pid_in_use_recovers_nothing() {
    for connect in [Peer::connect, Peer::connect_polling] {
        let mut server = server();
        let owner = connect(&mut server);
        let thief = server.open_websocket();
        server.until(1000).text(thief, owner.connect_packet());
        assert!(
            server.take_for(thief).is_empty(),
            "the owner is pinged first"
        );
        server.until(1200);
        assert!(
            owner.heard(&mut server).is_empty(),
            "the owner answers the ping"
        );
        server.until(1500);
        let Some(Done::Sent(_, reply)) = server.take_for(thief).pop() else {
            panic!("no reply");
        };
        assert!(
            reply.starts_with("40{") && !reply.contains(&owner.id),
            "{reply}"
        );
        say(&mut server, &owner, "still here");
        assert_eq!(texts(&mut server, &owner), ["still here"]);
    }
}

/// V-5, B-6: the platform may answer the pong of the owner without waking the room. Then the server asks
/// the platform for the time of that answer.
#[test]
fn a_pid_in_use_is_noticed_by_an_absorbed_pong() {
    let (mut server, [owner]) = server_of();
    let thief = server.open_websocket();
    server.until(1000).text(thief, owner.connect_packet());
    let answered = at(1100);
    server
        .platform
        .auto_responses
        .borrow_mut()
        .insert(owner.connection(), answered);
    server.until(1500);
    let reply = server.take_for(thief);
    assert!(!format!("{reply:?}").contains(&owner.id), "{reply:?}");
    assert!(server.connections.contains_key(&owner.connection()));
}

/// V-5: a client may reconnect before the server notices its lost connection. It takes over its socket,
/// because the earlier connection does not answer.
#[test]
fn a_dead_connection_is_taken_over() {
    for connect in [Peer::connect, Peer::connect_polling] {
        let mut server = server();
        let [a, b] = [connect(&mut server), Peer::connect(&mut server)];
        a.join(&mut server, "a");
        b.join(&mut server, "b");
        a.heard(&mut server);
        say(&mut server, &b, "into the void");
        let c = server.open_websocket();
        server.until(1000).text(c, a.connect_packet());
        server.until(1499);
        assert!(server.take_for(c).is_empty());
        server.until(1500);
        let frames = format!("{:?}", server.take_for(c));
        assert!(
            frames.contains("into the void") && frames.contains(&a.id),
            "{frames}"
        );
        let heard: Vec<Value> = b.heard(&mut server).iter().map(|e| e[0].clone()).collect();
        assert_eq!(heard, ["chat-message", "peer:away", "peer:back"]);
    }
}

/// V-5: the earlier connection may end while the server checks it.
#[test]
fn an_earlier_connection_ends_while_it_is_checked() {
    let (mut server, [a]) = server_of();
    let c = server.open_websocket();
    server.text(c, a.connect_packet());
    assert!(server.take_for(c).is_empty());
    server.lost(a.connection());
    assert!(format!("{:?}", server.take_for(c)).contains(&a.id));
}

/// S-11: a claim that is lost with the memory is refused; the client may try again.
#[test]
fn s_11_a_claim_lost_with_memory_is_refused() {
    let (mut server, [a]) = server_of();
    let c = server.open_websocket();
    server.until(1000).text(c, a.connect_packet());
    server.lose_memory();
    assert_eq!(server.take_for(c), [closed(c)]);
    assert!(a.reconnect(&mut server).recovered);
}

/// S-12: a second CONNECT that arrives before the answer to the first is refused after that answer. The
/// client's connection may also end before the answer.
#[test]
fn s_12_a_second_connect_during_a_claim_is_refused() {
    let (mut server, [a]) = server_of();
    let (c, d) = (server.open_websocket(), server.open_websocket());
    server.text(c, a.connect_packet()).text(c, "40");
    assert_eq!(server.take_for(c), []);
    server.lost(a.connection());
    let done = server.take_for(c);
    assert!(
        matches!(&done[..], [Done::Sent(..), Done::Closed(..)]),
        "{done:?}"
    );
    assert!(a.reconnect(&mut server).recovered, "it can still recover");
    let (mut server, [a]) = server_of();
    server.text(d, a.connect_packet()).lost(d);
    server.until(1000).take();
    assert!(
        a.reconnect(&mut server).recovered,
        "no other client took the socket"
    );
}
