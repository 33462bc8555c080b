//! Clients outside a room do not affect those inside: nobody inside loses a place, the host role or
//! a stored record to them, or misses events because of them.

use serde_json::{Value, json};
use signalbox::room::Config;
use signalbox::room::config::Limits;

use crate::peer::{Peer, RoomServer, high_rates, server, server_of, server_with};
use crate::room_door::{denial, done, host_and_guest, knocks};
use crate::room_token::{server_with_tokens, token};
use crate::support::Done;

fn lock(server: &mut RoomServer, host: &Peer) {
    assert_eq!(
        host.call(server, json!(["host:lock", { "on": true }])),
        done()
    );
    host.heard(server);
}

/// The host of a locked room is away, and strangers knock all the time: at most 100 of them stay connected. The
/// host returns as the same peer, is still host, and learns of each stranger. No stranger gets the
/// chat or the host role, even after the host has left.
#[test]
fn strangers_knock_while_the_host_is_away() {
    for strangers in [1, 90, 100, 130] {
        let (mut server, [host]) = server_of();
        host.join(&mut server, "Host");
        host.call(&mut server, json!(["chat-message", "a secret"]));
        lock(&mut server, &host);
        let strangers: Vec<Peer> = (0..strangers)
            .map(|_| {
                server.skip_to(server.now() + 1);
                Peer::connect(&mut server)
            })
            .collect();
        server.take();
        let count = strangers.len().min(100); // the oldest were disconnected
        let waiting = &strangers[strangers.len() - count..];
        host.vanish(&mut server);
        let join = json!(["room:join", { "name": "Mallory" }]);
        for round in 0..30 {
            for stranger in waiting {
                for _ in 0..(if round == 0 { 10 } else { 1 }) {
                    let reply = stranger.call(&mut server, &join);
                    assert_eq!(reply["error"]["code"], "waiting", "{reply}");
                }
            }
            if round == 20 {
                server.lose_memory();
            }
            let then = server.now() + 900;
            server.until(then);
        }
        let back = host.reconnect(&mut server);
        assert!(back.recovered);
        let knocks = back.heard(&mut server);
        assert_eq!(knocks.len(), count);
        assert!(knocks.iter().all(|knock| knock[0] == "host:knock"));
        let me = back.join(&mut server, "Host");
        assert_eq!(me["self"]["host"], true);
        back.vanish_for_good(&mut server);
        for stranger in waiting {
            assert_eq!(denial(&mut server, stranger), "denied");
            for event in [&join, &json!(["chat:history"])] {
                assert_eq!(stranger.refusal(&mut server, event), "room-locked");
            }
        }
    }
}

/// M-12: a repeated knock changes, writes and sends nothing, unless the name is new.
#[test]
fn a_repeated_knock_has_no_effect() {
    let (mut server, [host, stranger]) = server_of();
    host.join(&mut server, "Host");
    lock(&mut server, &host);
    for (name, is_new) in [("Ann", true), ("Ann", false), ("Bob", true), ("Bob", false)] {
        let rows = server.rows_written;
        knocks(&mut server, &stranger, &json!({ "name": name }));
        let knock = json!(["host:knock", { "id": stranger.id, "name": name }]);
        let heard = host.heard(&mut server);
        assert_eq!(
            heard,
            if is_new { vec![knock] } else { Vec::new() },
            "{name}"
        );
        assert_eq!(server.rows_written > rows, is_new, "{name}");
    }
}

/// M-10: clients outside and inside are counted separately. Outside, a client that did not knock is
/// disconnected before one that did, and an older one before a newer one.
#[test]
fn outsiders_and_members_are_counted_separately() {
    let mut server = server_with(Config {
        limits: Limits {
            sockets: 4,
            ..high_rates()
        },
        ..Config::default()
    });
    let host = Peer::connect(&mut server);
    host.join(&mut server, "Host");
    lock(&mut server, &host);
    // Each client connects later than the one before.
    let connect = |server: &mut RoomServer| {
        server.skip_to(server.now() + 1);
        Peer::connect(server)
    };
    let strangers: [Peer; 4] = std::array::from_fn(|_| connect(&mut server));
    let [knocking, silent, third, fourth] = &strangers;
    knocks(&mut server, knocking, &json!({ "name": "Ann" }));
    let guest = connect(&mut server);
    let expect_disconnected = |server: &mut RoomServer, peer: &Peer| {
        let done = server.take_for(peer.connection());
        assert!(
            matches!(&done[..], [.., Done::Sent(_, end), Done::Closed(..)] if end == "41"),
            "{done:?}"
        );
        done
    };
    expect_disconnected(&mut server, silent);
    knocks(&mut server, &guest, &json!({ "name": "Guest" }));
    for other in [third, fourth] {
        connect(&mut server);
        expect_disconnected(&mut server, other);
    }
    host.call(&mut server, json!(["host:admit", { "id": guest.id }]));
    assert_eq!(guest.heard(&mut server)[0][0], "room:admitted");
    // A client was let in, so one place outside is free. Then all clients outside have knocked: the
    // oldest is disconnected when the next one connects, and is told so.
    let others: [Peer; 3] = std::array::from_fn(|_| connect(&mut server));
    for other in &others {
        knocks(&mut server, other, &json!({}));
    }
    let more = connect(&mut server);
    let told = expect_disconnected(&mut server, knocking);
    let told = format!("{told:?}");
    assert!(
        told.contains("room:denied") && told.contains("room-full"),
        "{told}"
    );
    drop(more);
    let (_, room) = server.operate("", "", "");
    assert_eq!(room["sockets"], 6, "two inside, four outside");
}

/// A host token skips every limit of sockets and of places for media.
#[test]
fn a_host_token_skips_the_limits() {
    let limits = Limits {
        sockets: 2,
        peers: 1,
        ..high_rates()
    };
    let mut server = server_with_tokens(false, limits);
    let [a, _b]: [Peer; 2] = std::array::from_fn(|_| Peer::connect(&mut server));
    let media = json!(["room:join", { "media": { "audio": true } }]);
    assert_eq!(a.call(&mut server, &media)["ok"], true);
    let auth = json!({ "token": token(json!({ "role": "host" })) });
    let host = Peer::connect_with(&mut server, &auth);
    let joined = host.call(&mut server, &media);
    assert_eq!(joined["self"]["host"], true, "{joined}");
    // So it also takes no seat of a peer that is away.
    a.vanish(&mut server);
    let other = Peer::connect_with(&mut server, &auth);
    assert_eq!(other.call(&mut server, &media)["ok"], true);
    assert!(a.reconnect(&mut server).recovered);
}

/// A client that joins with media takes the seat of the peer that has been away longest.
#[test]
fn a_present_peer_takes_the_seat_of_an_away_peer() {
    let (mut server, peers) = server_of::<8>();
    let media = json!(["room:join", { "media": { "video": true } }]);
    for peer in &peers {
        assert_eq!(peer.call(&mut server, &media)["ok"], true);
    }
    let full = Peer::connect(&mut server);
    assert_eq!(full.refusal(&mut server, &media), "room-full");
    let [host, first, second, ..] = &peers;
    first.vanish(&mut server);
    server.skip_to(server.now() + 1);
    second.vanish(&mut server);
    host.heard(&mut server);
    assert_eq!(full.call(&mut server, &media)["ok"], true);
    let heard = host.heard(&mut server);
    let left = json!(["peer:left", { "id": first.id, "reason": "timeout" }]);
    assert_eq!(heard[0], left, "the peer that was away longest leaves");
    assert!(!first.reconnect(&mut server).recovered);
    assert!(
        second.reconnect(&mut server).recovered,
        "the second is still a peer"
    );
    // A peer without audio and video needs no seat, until it turns one of them on.
    let silent = Peer::connect(&mut server);
    silent.join(&mut server, "silent");
    let on = json!(["peer:update", { "media": { "audio": true } }]);
    assert_eq!(silent.refusal(&mut server, &on), "room-full");
    second.vanish(&mut server);
}

/// A room full of sockets that are away accepts new clients.
#[test]
fn a_room_full_of_away_sockets_accepts_clients() {
    let mut server = server();
    for _ in 0..130 {
        let gone = Peer::connect(&mut server);
        gone.vanish(&mut server);
    }
    let here: Vec<Peer> = (0..100).map(|_| Peer::connect(&mut server)).collect();
    let c = server.open_websocket();
    server.text(c, "40");
    let done = format!("{:?}", server.take_for(c));
    assert!(done.contains("room-full"), "{done}");
    drop(here);
}

/// A polling client that closes before it fetches the reply to its CONNECT cannot recover, so its
/// socket is not kept. One that fetched the reply is kept.
#[test]
fn a_socket_that_cannot_recover_is_not_kept() {
    let mut server = server();
    for _ in 0..3 {
        let sid = server.open_polling();
        server.send(&sid, "40\x1e1");
        let sid = server.open_polling();
        server.send(&sid, "40");
        server.send(&sid, "1");
    }
    let sockets = |server: &mut RoomServer| server.operate("", "", "").1["sockets"].clone();
    assert_eq!(sockets(&mut server), 0);
    server.until(server.now() + 30_000);
    assert!(server.platform.stored().is_empty());
    let fetched = Peer::connect_polling(&mut server);
    fetched.write(&mut server, "1");
    assert_eq!(sockets(&mut server), 1);
    assert!(fetched.reconnect(&mut server).recovered);
}

/// M-11: the replay log stores an event for all once, not once for each receiver.
#[test]
fn offers_to_all_peers_write_few_rows() {
    let (mut server, peers) = server_of::<50>();
    let [a, b, ..] = &peers;
    let offer = |n: u64| json!(["offer", { "type": "offer", "sdp": n.to_string() }]);
    a.emit(&mut server, offer(0));
    server.platform.flush();
    let before = server.rows_written;
    for n in 1..=100 {
        let caller = if n % 2 == 0 { a } else { b };
        caller.emit(&mut server, offer(n));
    }
    let rows = server.rows_written - before;
    // The caller's event has two forms: one for polite receivers and one for the others.
    assert!(rows <= 3 * 100, "{rows} rows");
    server.lose_memory();
    for peer in &peers {
        peer.heard(&mut server);
    }
    let answer = json!(["answer", { "type": "answer", "sdp": "x" }]);
    let reply = peers[30].call(&mut server, answer);
    assert_eq!(reply["delivered"], 1, "an answer goes to the last caller");
    assert_eq!(a.heard(&mut server).len(), 1);
}

/// When a room is locked or gets a password, clients outside lose their aliases, so that members can
/// take them.
#[test]
fn aliases_of_outsiders_are_released() {
    let (mut server, host, guest) = host_and_guest();
    let silent = Peer::connect(&mut server);
    for (peer, alias) in [(&silent, "ann"), (&guest, "bob")] {
        assert_eq!(peer.call(&mut server, json!(["join", alias])), done());
    }
    guest.heard(&mut server);
    host.call(
        &mut server,
        json!(["host:password", { "password": "secret" }]),
    );
    let heard: Vec<Value> = guest.heard(&mut server);
    assert!(heard.contains(&json!(["user-left", "ann"])), "{heard:?}");
    assert_eq!(guest.call(&mut server, json!(["join", "ann"])), done());
}

/// A client whose socket is away, or has disconnected, gets no new rates by connecting again from the
/// same address.
#[test]
fn reconnecting_does_not_renew_rates() {
    for away in [true, false] {
        let mut server = server_with(Config::default());
        let a = Peer::connect(&mut server);
        for _ in 0..10 {
            a.call(&mut server, json!(["chat-message", "x"]));
        }
        if away {
            a.vanish(&mut server);
        } else {
            a.write(&mut server, "41");
        }
        for _ in 0..3 {
            let again = Peer::connect(&mut server);
            let chat = json!(["chat-message", "x"]);
            assert_eq!(again.refusal(&mut server, &chat), "rate-limited");
            again.vanish(&mut server);
        }
    }
}
