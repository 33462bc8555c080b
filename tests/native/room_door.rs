//! Who may enter: the lock, knocking, and clients outside.

use serde_json::{Value, json};
use signalbox::room::Config;
use signalbox::room::config::Limits;

use crate::peer::{Hall, Peer, hall, hall_of, hall_with, unhurried};

/// A host and a guest.
pub fn house() -> (Hall, Peer, Peer) {
    let mut hall = hall();
    let host = Peer::connect(&mut hall);
    "198.51.100.7".clone_into(&mut hall.address);
    let guest = Peer::connect(&mut hall);
    "192.0.2.1".clone_into(&mut hall.address);
    host.join(&mut hall, "Host");
    guest.join(&mut hall, "Guest");
    host.heard(&mut hall);
    (hall, host, guest)
}

pub fn done() -> Value {
    json!({ "ok": true })
}

/// The reason that a waiting client is refused.
pub fn denial(hall: &mut Hall, peer: &Peer) -> String {
    let event = peer.heard_one(hall);
    assert_eq!(event[0], "room:denied");
    event[1]["code"].as_str().expect("a code").to_owned()
}

pub fn knocks(hall: &mut Hall, peer: &Peer, joining: &Value) {
    assert_eq!(
        peer.refusal(hall, &json!(["room:join", joining])),
        "waiting"
    );
}

/// A locked room: a new client waits outside until the host decides. It can neither listen nor
/// send.
#[test]
fn the_host_admits_clients_to_a_locked_room() {
    let (mut hall, host, guest) = house();
    assert_eq!(
        host.call(&mut hall, json!(["host:lock", { "on": true }])),
        done()
    );
    let locked = json!(["room:state", { "locked": true }]);
    assert_eq!(guest.heard(&mut hall), std::slice::from_ref(&locked));
    assert_eq!(host.heard(&mut hall), [locked]);
    let [a, b] = [Peer::connect(&mut hall), Peer::connect_polling(&mut hall)];
    for peer in [&a, &b] {
        for event in [
            json!(["chat-message", "let me in"]),
            json!(["offer", host.id, {}]),
            json!(["join", "x"]),
            json!(["chat:history"]),
            json!(["ice:get"]),
        ] {
            assert_eq!(peer.refusal(&mut hall, &event), "room-locked", "{event}");
        }
    }
    guest.emit(&mut hall, json!(["chat-message", "among us"]));
    guest.emit(&mut hall, json!(["signal", { "data": "for all" }]));
    assert_eq!(
        guest.refusal(&mut hall, &json!(["signal", { "to": a.id, "data": 1 }])),
        "unknown-peer"
    );
    host.heard(&mut hall);
    guest.heard(&mut hall);
    assert!(a.heard(&mut hall).is_empty() && b.heard(&mut hall).is_empty());
    for (peer, name) in [(&a, "Ann"), (&b, "Bob")] {
        assert_eq!(
            peer.refusal(&mut hall, &json!(["room:join", { "name": name }])),
            "waiting"
        );
        let knock = json!(["host:knock", { "id": peer.id, "name": name }]);
        assert_eq!(host.heard(&mut hall), [knock]);
    }
    hall.lose_memory();
    assert_eq!(
        host.call(&mut hall, json!(["host:deny", { "id": b.id }])),
        done()
    );
    assert_eq!(denial(&mut hall, &b), "denied");
    assert_eq!(
        host.refusal(&mut hall, &json!(["host:admit", { "id": b.id }])),
        "unknown-peer"
    );
    assert_eq!(
        host.call(&mut hall, json!(["host:admit", { "id": a.id }])),
        done()
    );
    let [admitted] = &a.heard(&mut hall)[..] else {
        panic!("not one event");
    };
    assert_eq!(admitted[0], "room:admitted");
    assert_eq!(admitted[1]["self"]["name"], "Ann");
    assert_eq!(admitted[1]["room"]["locked"], true);
    assert_eq!(admitted[1]["history"][0]["message"], "among us");
    assert_eq!(guest.heard(&mut hall)[0][0], "peer:joined");
    assert_eq!(
        a.call(&mut hall, json!(["chat-message", "thanks"]))["ok"],
        true
    );
    assert!(b.heard(&mut hall).is_empty());
    assert_eq!(
        a.join(&mut hall, "Anna")["self"]["name"],
        "Anna",
        "who is in may join again"
    );
}

/// Unlocking a room lets in all waiting clients.
#[test]
fn waiting_clients_enter_when_the_room_opens() {
    let (mut hall, host, guest) = house();
    host.emit(&mut hall, json!(["host:lock", { "on": true }]));
    let a = Peer::connect(&mut hall);
    a.refusal(&mut hall, &json!(["room:join", {}]));
    // The next host learns of the waiting clients.
    host.emit(&mut hall, json!(["room:leave"]));
    let knock = json!(["host:knock", { "id": a.id, "name": null }]);
    assert_eq!(guest.heard(&mut hall).pop(), Some(knock));
    let silent = Peer::connect(&mut hall);
    guest.emit(&mut hall, json!(["host:lock", { "on": false }]));
    assert_eq!(a.heard(&mut hall)[0][0], "room:admitted");
    assert_eq!(
        silent.call(&mut hall, json!(["chat-message", "hi"]))["ok"],
        true
    );
}

/// Closing a room leaves no strangers inside, however they entered; an open room may have
/// strangers.
#[test]
fn clients_that_have_not_joined_are_outside_once_the_room_closes() {
    for closing in [
        json!(["host:lock", { "on": true }]),
        json!(["host:password", { "password": "secret" }]),
    ] {
        let (mut hall, host, guest) = house();
        let silent = Peer::connect(&mut hall);
        silent.call(&mut hall, json!(["join", "me"]));
        silent.emit(&mut hall, json!(["signal", { "to": host.id, "data": 1 }]));
        let mut outside = vec![silent];
        for n in 0..3 {
            for peer in &outside {
                let history = peer.call(&mut hall, json!(["chat:history"]));
                assert_eq!(history["ok"], true);
            }
            assert_eq!(host.call(&mut hall, &closing), done());
            if n == 1 {
                guest.emit(&mut hall, json!(["room:leave"]));
                hall.lose_memory();
                outside.push(guest.reconnect(&mut hall));
            }
            for peer in [&host].into_iter().chain(&outside) {
                peer.heard(&mut hall);
            }
            host.emit(&mut hall, json!(["chat-message", "among us"]));
            host.emit(
                &mut hall,
                json!(["answer", { "type": "answer", "sdp": "x" }]),
            );
            host.emit(&mut hall, json!(["join", format!("host {n}")]));
            for peer in &outside {
                for event in ["chat-message", "chat:history", "offer", "join"] {
                    let event = json!([event, "x"]);
                    assert_eq!(peer.refusal(&mut hall, &event), "room-locked", "{event}");
                }
                for to in [json!(peer.id), json!("me")] {
                    let signal = json!(["signal", { "to": to, "data": 1 }]);
                    assert_eq!(host.refusal(&mut hall, &signal), "unknown-peer");
                }
                assert_eq!(peer.heard(&mut hall), [] as [Value; 0]);
            }
            let freed = json!(["join", "me"]);
            assert_eq!(host.call(&mut hall, &freed), done());
            for open in [
                json!(["host:lock", { "on": false }]),
                json!(["host:password", { "password": null }]),
            ] {
                assert_eq!(host.call(&mut hall, open), done());
            }
        }
    }
}

/// A locked room stays locked after its peers left. Waiting and new clients are told so, and get no
/// chat.
#[test]
fn a_locked_room_without_peers() {
    let (mut hall, [first, waiting, silent]) = hall_of();
    first.join(&mut hall, "First");
    first.call(&mut hall, json!(["chat-message", "a secret"]));
    first.emit(&mut hall, json!(["host:lock", { "on": true }]));
    waiting.heard(&mut hall);
    silent.heard(&mut hall);
    knocks(&mut hall, &waiting, &json!({ "name": "Ann" }));
    assert_eq!(first.call(&mut hall, json!(["room:leave"])), done());
    assert_eq!(denial(&mut hall, &waiting), "denied");
    hall.kill();
    let [waiting, silent] = [waiting, silent].map(|peer| peer.reconnect(&mut hall));
    let new = Peer::connect(&mut hall);
    for peer in [&waiting, &silent, &new] {
        for event in [json!(["room:join", {}]), json!(["chat:history"])] {
            assert_eq!(peer.refusal(&mut hall, &event), "room-locked", "{event}");
        }
        assert!(peer.heard(&mut hall).is_empty());
    }
    let (_, room) = hall.operate("", "", "");
    assert_eq!(room["room"]["locked"], true);
    hall.operate("close", "", "");
    assert_eq!(
        Peer::connect(&mut hall).join(&mut hall, "b")["self"]["host"],
        true
    );
}

/// A member of a closed room returns with the secret of its join, as another socket that gets a new
/// secret. A client that left before the room closed, or was kicked, cannot.
#[test]
fn a_former_member_returns_with_a_secret() {
    for close in [
        json!(["host:lock", { "on": true }]),
        json!(["host:password", { "password": "secret" }]),
    ] {
        let (mut hall, host, _) = house();
        let secret = |joined: &Value| joined["rejoin"].as_str().expect("a secret").to_owned();
        let host_secret = secret(&host.join(&mut hall, "Host"));
        "203.0.113.1".clone_into(&mut hall.address);
        let [early, kicked] = std::array::from_fn(|_| Peer::connect(&mut hall));
        let early_secret = secret(&early.join(&mut hall, "Early"));
        early.emit(&mut hall, json!(["room:leave"]));
        let kicked_secret = secret(&kicked.join(&mut hall, "Kicked"));
        assert_eq!(host.call(&mut hall, &close), done());
        host.emit(&mut hall, json!(["host:kick", { "id": kicked.id }]));
        "203.0.113.2".clone_into(&mut hall.address);
        host.emit(&mut hall, json!(["room:leave"]));
        hall.kill();
        let rejoin = |secret: &str| json!(["room:join", { "name": "x", "rejoin": secret }]);
        for wrong in [&early_secret, &kicked_secret, "", "guess"] {
            let peer = Peer::connect(&mut hall);
            let code = peer.refusal(&mut hall, &rejoin(wrong));
            assert!(
                matches!(&*code, "waiting" | "room-locked" | "bad-password"),
                "{code}"
            );
        }
        let back = Peer::connect(&mut hall);
        let joined = back.call(&mut hall, rejoin(&host_secret));
        assert_eq!(joined["ok"], true, "{joined}");
        assert_ne!(secret(&joined), host_secret);
        let again = Peer::connect(&mut hall);
        let code = again.refusal(&mut hall, &rejoin(&host_secret));
        assert!(
            matches!(&*code, "waiting" | "bad-password"),
            "it counts once: {code}"
        );
    }
}

/// A client with the secret of a socket that is away takes its place at once: the others see that
/// socket leave, and the client is host again if it was.
#[test]
fn a_returning_client_replaces_its_old_socket() {
    let (mut hall, host, guest) = house();
    let joined = host.join(&mut hall, "Host");
    host.vanish(&mut hall);
    hall.until(hall.now() + 1_000);
    guest.heard(&mut hall);
    let back = Peer::connect(&mut hall);
    let rejoin = json!(["room:join", { "name": "Host", "rejoin": joined["rejoin"] }]);
    assert_eq!(back.call(&mut hall, rejoin)["ok"], true);
    let heard = guest.heard(&mut hall);
    let names: Vec<&Value> = heard.iter().map(|event| &event[0]).collect();
    assert_eq!(names, ["peer:joined", "room:state", "peer:left"]);
    assert_eq!(heard[1][1], json!({ "host": back.id }));
    assert_eq!(heard[2][1], json!({ "id": host.id, "reason": "timeout" }));
    assert!(!host.reconnect(&mut hall).recovered);
}

/// A client that leaves, or enters in another way, stops waiting.
#[test]
fn a_client_that_leaves_or_enters_stops_waiting() {
    let (mut hall, host, guest) = house();
    host.emit(&mut hall, json!(["host:lock", { "on": true }]));
    let [gone, in_already] = std::array::from_fn(|_| Peer::connect(&mut hall));
    for peer in [&gone, &in_already] {
        knocks(&mut hall, peer, &json!({ "name": "before" }));
    }
    assert_eq!(gone.call(&mut hall, json!(["room:leave"])), done());
    assert_eq!(
        host.refusal(&mut hall, &json!(["host:admit", { "id": gone.id }])),
        "unknown-peer"
    );
    let admit = json!(["host:admit", { "id": in_already.id }]);
    assert_eq!(host.call(&mut hall, admit), done());
    in_already.join(&mut hall, "now");
    for peer in [&host, &guest] {
        peer.emit(&mut hall, json!(["room:leave"]));
    }
    gone.heard(&mut hall);
    in_already.heard(&mut hall);
    hall.lose_memory();
    in_already.emit(&mut hall, json!(["host:lock", { "on": false }]));
    let open = json!(["room:state", { "locked": false }]);
    assert_eq!(in_already.heard(&mut hall), [open]);
    assert!(gone.heard(&mut hall).is_empty());
    let joined = guest.join(&mut hall, "Guest");
    assert_eq!(joined["peers"][0]["name"], "now");
}

/// Knocking does not bypass a password that is set meanwhile.
#[test]
fn a_client_that_knocked_without_the_password_is_refused() {
    let (mut hall, host, _guest) = house();
    host.emit(&mut hall, json!(["host:lock", { "on": true }]));
    let guest = Peer::connect(&mut hall);
    knocks(&mut hall, &guest, &json!({}));
    let set = json!(["host:password", { "password": "secret" }]);
    host.emit(&mut hall, set);
    assert_eq!(denial(&mut hall, &guest), "bad-password");
    host.emit(&mut hall, json!(["host:lock", { "on": false }]));
    assert!(guest.heard(&mut hall).is_empty());
    let join = json!(["room:join", {}]);
    assert_eq!(guest.refusal(&mut hall, &join), "bad-password");
    let join = json!(["room:join", { "password": "secret" }]);
    assert_eq!(guest.call(&mut hall, join)["ok"], true);
}

/// Knocking does not bypass the capacity: the first client gets the place, and the others are refused.
#[test]
fn an_admission_needs_a_free_seat() {
    let limits = Limits {
        peers: 1,
        ..unhurried()
    };
    for admit in [false, true] {
        let mut hall = hall_with(Config {
            limits: limits.clone(),
            ..Config::default()
        });
        let host = Peer::connect(&mut hall);
        host.join(&mut hall, "Host");
        host.emit(&mut hall, json!(["host:lock", { "on": true }]));
        let guests: [_; 4] = std::array::from_fn(|_| Peer::connect(&mut hall));
        for guest in &guests {
            hall.late(hall.now() + 1);
            knocks(&mut hall, guest, &json!({ "media": { "audio": true } }));
        }
        let [first, others @ ..] = &guests;
        if admit {
            let admit = |peer: &Peer| json!(["host:admit", { "id": peer.id }]);
            assert_eq!(host.call(&mut hall, admit(first)), done());
            for other in others {
                assert_eq!(host.refusal(&mut hall, &admit(other)), "room-full");
            }
        }
        host.emit(&mut hall, json!(["host:lock", { "on": false }]));
        assert_eq!(first.heard(&mut hall)[0][0], "room:admitted");
        for other in others {
            assert_eq!(denial(&mut hall, other), "room-full");
        }
        let [second, ..] = others;
        assert_eq!(second.join(&mut hall, "without")["ok"], true);
    }
}
