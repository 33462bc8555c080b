//! Clients outside a room do not affect its members: they take no place, no host role and no stored
//! record, and cause no missed events.

use serde_json::{Value, json};
use signalbox::room::Config;
use signalbox::room::config::Limits;

use crate::peer::{Hall, Peer, hall, hall_of, hall_with, unhurried};
use crate::room_door::{denial, done, house, knocks};
use crate::room_token::{hall_with_tokens, token};
use crate::support::Done;

fn lock(hall: &mut Hall, host: &Peer) {
    assert_eq!(
        host.call(hall, json!(["host:lock", { "on": true }])),
        done()
    );
    host.heard(hall);
}

/// The host of a locked room is away, and the maximum number of strangers knock all the time. The
/// host returns as the same peer, is still host, and learns of each stranger. No stranger gets the
/// chat or the host role, even after the host has left.
#[test]
fn strangers_knock_while_the_host_is_away() {
    for strangers in [1, 90, 100, 130] {
        let (mut hall, [host]) = hall_of();
        host.join(&mut hall, "Host");
        host.call(&mut hall, json!(["chat-message", "a secret"]));
        lock(&mut hall, &host);
        let strangers: Vec<Peer> = (0..strangers)
            .map(|_| {
                hall.late(hall.now() + 1);
                Peer::connect(&mut hall)
            })
            .collect();
        hall.take();
        let count = strangers.len().min(100); // the oldest were disconnected
        let waiting = &strangers[strangers.len() - count..];
        host.vanish(&mut hall);
        let join = json!(["room:join", { "name": "Mallory" }]);
        for round in 0..30 {
            for stranger in waiting {
                for _ in 0..(if round == 0 { 10 } else { 1 }) {
                    let reply = stranger.call(&mut hall, &join);
                    assert_eq!(reply["error"]["code"], "waiting", "{reply}");
                }
            }
            if round == 20 {
                hall.lose_memory();
            }
            let then = hall.now() + 900;
            hall.until(then);
        }
        let back = host.reconnect(&mut hall);
        assert!(back.recovered);
        let knocks = back.heard(&mut hall);
        assert_eq!(knocks.len(), count);
        assert!(knocks.iter().all(|knock| knock[0] == "host:knock"));
        let me = back.join(&mut hall, "Host");
        assert_eq!(me["self"]["host"], true);
        back.vanish_for_good(&mut hall);
        for stranger in waiting {
            assert_eq!(denial(&mut hall, stranger), "denied");
            for event in [&join, &json!(["chat:history"])] {
                assert_eq!(stranger.refusal(&mut hall, event), "room-locked");
            }
        }
    }
}

/// M-12: a repeated knock changes, writes and sends nothing, unless the name is new.
#[test]
fn a_repeated_knock_has_no_effect() {
    let (mut hall, [host, stranger]) = hall_of();
    host.join(&mut hall, "Host");
    lock(&mut hall, &host);
    for (name, news) in [("Ann", true), ("Ann", false), ("Bob", true), ("Bob", false)] {
        let rows = hall.rows_written;
        knocks(&mut hall, &stranger, &json!({ "name": name }));
        let knock = json!(["host:knock", { "id": stranger.id, "name": name }]);
        let heard = host.heard(&mut hall);
        assert_eq!(heard, if news { vec![knock] } else { Vec::new() }, "{name}");
        assert_eq!(hall.rows_written > rows, news, "{name}");
    }
}

/// M-10: clients outside and inside are counted separately. Outside, the oldest is disconnected
/// first, and a silent one before one that knocked.
#[test]
fn outsiders_and_members_are_counted_separately() {
    let mut hall = hall_with(Config {
        limits: Limits {
            sockets: 4,
            ..unhurried()
        },
        ..Config::default()
    });
    let host = Peer::connect(&mut hall);
    host.join(&mut hall, "Host");
    lock(&mut hall, &host);
    // Each client connects later than the one before.
    let come = |hall: &mut Hall| {
        hall.late(hall.now() + 1);
        Peer::connect(hall)
    };
    let strangers: [Peer; 4] = std::array::from_fn(|_| come(&mut hall));
    let [knocking, silent, third, fourth] = &strangers;
    knocks(&mut hall, knocking, &json!({ "name": "Ann" }));
    let guest = come(&mut hall);
    let put_out = |hall: &mut Hall, peer: &Peer| {
        let done = hall.take_of(peer.connection());
        assert!(
            matches!(&done[..], [.., Done::Sent(_, end), Done::Closed(..)] if end == "41"),
            "{done:?}"
        );
        done
    };
    put_out(&mut hall, silent);
    knocks(&mut hall, &guest, &json!({ "name": "Guest" }));
    for other in [third, fourth] {
        come(&mut hall);
        put_out(&mut hall, other);
    }
    host.call(&mut hall, json!(["host:admit", { "id": guest.id }]));
    assert_eq!(guest.heard(&mut hall)[0][0], "room:admitted");
    // One was let in, so there is a free place. After that, clients that knocked are disconnected,
    // and are told so.
    let others: [Peer; 3] = std::array::from_fn(|_| come(&mut hall));
    for other in &others {
        knocks(&mut hall, other, &json!({}));
    }
    let more = come(&mut hall);
    let told = put_out(&mut hall, knocking);
    let told = format!("{told:?}");
    assert!(
        told.contains("room:denied") && told.contains("room-full"),
        "{told}"
    );
    drop(more);
    let (_, room) = hall.operate("", "", "");
    assert_eq!(room["sockets"], 6, "two inside, four outside");
}

/// A host token skips every limit of sockets and of places for media.
#[test]
fn a_host_token_skips_the_limits() {
    let limits = Limits {
        sockets: 2,
        peers: 1,
        ..unhurried()
    };
    let mut hall = hall_with_tokens(false, limits);
    let [a, _b]: [Peer; 2] = std::array::from_fn(|_| Peer::connect(&mut hall));
    let media = json!(["room:join", { "media": { "audio": true } }]);
    assert_eq!(a.call(&mut hall, &media)["ok"], true);
    let auth = json!({ "token": token(json!({ "role": "host" })) });
    let host = Peer::connect_with(&mut hall, &auth);
    let joined = host.call(&mut hall, &media);
    assert_eq!(joined["self"]["host"], true, "{joined}");
}

/// A peer that is present takes the place, the role or the alias of a peer that is away.
#[test]
fn a_present_peer_takes_the_seat_of_an_away_peer() {
    let (mut hall, peers) = hall_of::<8>();
    let media = json!(["room:join", { "media": { "video": true } }]);
    for peer in &peers {
        assert_eq!(peer.call(&mut hall, &media)["ok"], true);
    }
    let full = Peer::connect(&mut hall);
    assert_eq!(full.refusal(&mut hall, &media), "room-full");
    let [host, first, second, ..] = &peers;
    first.vanish(&mut hall);
    hall.late(hall.now() + 1);
    second.vanish(&mut hall);
    host.heard(&mut hall);
    assert_eq!(full.call(&mut hall, &media)["ok"], true);
    let heard = host.heard(&mut hall);
    let left = json!(["peer:left", { "id": first.id, "reason": "timeout" }]);
    assert_eq!(heard[0], left, "the peer that was away longest leaves");
    assert!(!first.reconnect(&mut hall).recovered);
    assert!(
        second.reconnect(&mut hall).recovered,
        "the second is still a peer"
    );
    // A peer without a camera needs no place for media.
    let silent = Peer::connect(&mut hall);
    silent.join(&mut hall, "silent");
    let on = json!(["peer:update", { "media": { "audio": true } }]);
    assert_eq!(silent.refusal(&mut hall, &on), "room-full");
    second.vanish(&mut hall);
}

/// A room full of sockets that are away accepts new clients.
#[test]
fn a_room_full_of_away_sockets_accepts_clients() {
    let mut hall = hall();
    for _ in 0..130 {
        let gone = Peer::connect(&mut hall);
        gone.vanish(&mut hall);
    }
    let here: Vec<Peer> = (0..100).map(|_| Peer::connect(&mut hall)).collect();
    let c = hall.open_websocket();
    hall.text(c, "40");
    let done = format!("{:?}", hall.take_of(c));
    assert!(done.contains("room-full"), "{done}");
    drop(here);
}

/// A polling client that closes before it fetches the reply to its CONNECT cannot recover, so its
/// socket is not kept. One that fetched the reply is kept.
#[test]
fn a_socket_that_cannot_recover_is_not_kept() {
    let mut hall = hall();
    for _ in 0..3 {
        let sid = hall.open_polling();
        hall.send(&sid, "40\x1e1");
        let sid = hall.open_polling();
        hall.send(&sid, "40");
        hall.send(&sid, "1");
    }
    let sockets = |hall: &mut Hall| hall.operate("", "", "").1["sockets"].clone();
    assert_eq!(sockets(&mut hall), 0);
    hall.until(hall.now() + 30_000);
    assert!(hall.platform.stored().is_empty());
    let fetched = Peer::connect_polling(&mut hall);
    fetched.write(&mut hall, "1");
    assert_eq!(sockets(&mut hall), 1);
    assert!(fetched.reconnect(&mut hall).recovered);
}

/// M-11: an event for all is logged once, not once for each receiver.
#[test]
fn offers_to_all_peers_write_few_rows() {
    let (mut hall, peers) = hall_of::<50>();
    let [a, b, ..] = &peers;
    let offer = |n: u64| json!(["offer", { "type": "offer", "sdp": n.to_string() }]);
    a.emit(&mut hall, offer(0));
    hall.platform.flush();
    let before = hall.rows_written;
    for n in 1..=100 {
        let caller = if n % 2 == 0 { a } else { b };
        caller.emit(&mut hall, offer(n));
    }
    let rows = hall.rows_written - before;
    // The caller's event has two forms: one for polite receivers and one for the others.
    assert!(rows <= 3 * 100, "{rows} rows");
    hall.lose_memory();
    for peer in &peers {
        peer.heard(&mut hall);
    }
    let answer = json!(["answer", { "type": "answer", "sdp": "x" }]);
    let reply = peers[30].call(&mut hall, answer);
    assert_eq!(reply["delivered"], 1, "an answer goes to the last caller");
    assert_eq!(a.heard(&mut hall).len(), 1);
}

/// When a room is locked or gets a password, clients outside lose their aliases, so that members can
/// take them.
#[test]
fn aliases_of_outsiders_are_released() {
    let (mut hall, host, guest) = house();
    let silent = Peer::connect(&mut hall);
    for (peer, alias) in [(&silent, "ann"), (&guest, "bob")] {
        assert_eq!(peer.call(&mut hall, json!(["join", alias])), done());
    }
    guest.heard(&mut hall);
    host.call(
        &mut hall,
        json!(["host:password", { "password": "secret" }]),
    );
    let heard: Vec<Value> = guest.heard(&mut hall);
    assert!(heard.contains(&json!(["user-left", "ann"])), "{heard:?}");
    assert_eq!(guest.call(&mut hall, json!(["join", "ann"])), done());
}

/// The next socket from the address of a socket that is away gets the rest of its rates.
#[test]
fn reconnecting_does_not_renew_rates() {
    for away in [true, false] {
        let mut hall = hall_with(Config::default());
        let a = Peer::connect(&mut hall);
        for _ in 0..10 {
            a.call(&mut hall, json!(["chat-message", "x"]));
        }
        if away {
            a.vanish(&mut hall);
        } else {
            a.write(&mut hall, "41");
        }
        for _ in 0..3 {
            let again = Peer::connect(&mut hall);
            let chat = json!(["chat-message", "x"]);
            assert_eq!(again.refusal(&mut hall, &chat), "rate-limited");
            again.vanish(&mut hall);
        }
    }
}
