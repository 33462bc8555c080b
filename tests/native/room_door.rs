//! Who may enter: the lock, knocking, and clients outside.

use serde_json::{Value, json};
use signalbox::room::Config;
use signalbox::room::config::Limits;

use crate::peer::{Peer, RoomServer, high_rates, server, server_of, server_with};

/// A host and a guest.
pub fn host_and_guest() -> (RoomServer, Peer, Peer) {
    let mut server = server();
    let host = Peer::connect(&mut server);
    "198.51.100.7".clone_into(&mut server.address);
    let guest = Peer::connect(&mut server);
    "192.0.2.1".clone_into(&mut server.address);
    host.join(&mut server, "Host");
    guest.join(&mut server, "Guest");
    host.heard(&mut server);
    (server, host, guest)
}

pub fn done() -> Value {
    json!({ "ok": true })
}

/// The reason that a waiting client is refused.
pub fn denial(server: &mut RoomServer, peer: &Peer) -> String {
    let event = peer.heard_one(server);
    assert_eq!(event[0], "room:denied");
    event[1]["code"].as_str().expect("a code").to_owned()
}

pub fn knocks(server: &mut RoomServer, peer: &Peer, joining: &Value) {
    assert_eq!(
        peer.refusal(server, &json!(["room:join", joining])),
        "waiting"
    );
}

/// A locked room: a new client waits outside until the host decides. It can neither listen nor
/// send.
#[test]
fn the_host_admits_clients_to_a_locked_room() {
    let (mut server, host, guest) = host_and_guest();
    assert_eq!(
        host.call(&mut server, json!(["host:lock", { "on": true }])),
        done()
    );
    let locked = json!(["room:state", { "locked": true }]);
    assert_eq!(guest.heard(&mut server), std::slice::from_ref(&locked));
    assert_eq!(host.heard(&mut server), [locked]);
    let [a, b] = [
        Peer::connect(&mut server),
        Peer::connect_polling(&mut server),
    ];
    for peer in [&a, &b] {
        for event in [
            json!(["chat-message", "let me in"]),
            json!(["offer", host.id, {}]),
            json!(["join", "x"]),
            json!(["chat:history"]),
            json!(["ice:get"]),
            json!(["peer:outcome", { "outcome": "direct", "ms": 1 }]),
        ] {
            assert_eq!(peer.refusal(&mut server, &event), "room-locked", "{event}");
        }
    }
    guest.emit(&mut server, json!(["chat-message", "among us"]));
    guest.emit(&mut server, json!(["signal", { "data": "for all" }]));
    assert_eq!(
        guest.refusal(&mut server, &json!(["signal", { "to": a.id, "data": 1 }])),
        "unknown-peer"
    );
    host.heard(&mut server);
    guest.heard(&mut server);
    assert!(a.heard(&mut server).is_empty() && b.heard(&mut server).is_empty());
    for (peer, name) in [(&a, "Ann"), (&b, "Bob")] {
        assert_eq!(
            peer.refusal(&mut server, &json!(["room:join", { "name": name }])),
            "waiting"
        );
        let knock = json!(["host:knock", { "id": peer.id, "name": name }]);
        assert_eq!(host.heard(&mut server), [knock]);
    }
    server.lose_memory();
    assert_eq!(
        host.call(&mut server, json!(["host:deny", { "id": b.id }])),
        done()
    );
    assert_eq!(denial(&mut server, &b), "denied");
    assert_eq!(
        host.refusal(&mut server, &json!(["host:admit", { "id": b.id }])),
        "unknown-peer"
    );
    assert_eq!(
        host.call(&mut server, json!(["host:admit", { "id": a.id }])),
        done()
    );
    let [admitted] = &a.heard(&mut server)[..] else {
        panic!("not one event");
    };
    assert_eq!(admitted[0], "room:admitted");
    assert_eq!(admitted[1]["self"]["name"], "Ann");
    assert_eq!(admitted[1]["room"]["locked"], true);
    assert_eq!(admitted[1]["history"][0]["message"], "among us");
    assert_eq!(guest.heard(&mut server)[0][0], "peer:joined");
    assert_eq!(
        a.call(&mut server, json!(["chat-message", "thanks"]))["ok"],
        true
    );
    assert!(b.heard(&mut server).is_empty());
    assert_eq!(
        a.join(&mut server, "Anna")["self"]["name"],
        "Anna",
        "a peer may join again"
    );
}

/// Unlocking a room lets in all waiting clients.
#[test]
fn waiting_clients_enter_when_the_room_opens() {
    let (mut server, host, guest) = host_and_guest();
    host.emit(&mut server, json!(["host:lock", { "on": true }]));
    let a = Peer::connect(&mut server);
    a.refusal(&mut server, &json!(["room:join", {}]));
    // The next host learns of the waiting clients.
    host.emit(&mut server, json!(["room:leave"]));
    let knock = json!(["host:knock", { "id": a.id, "name": null }]);
    assert_eq!(guest.heard(&mut server).pop(), Some(knock));
    let silent = Peer::connect(&mut server);
    guest.emit(&mut server, json!(["host:lock", { "on": false }]));
    assert_eq!(a.heard(&mut server)[0][0], "room:admitted");
    assert_eq!(
        silent.call(&mut server, json!(["chat-message", "hi"]))["ok"],
        true
    );
}

/// A lock or a password puts every stranger outside, however it entered. In a room without them,
/// strangers may be inside.
#[test]
fn clients_that_have_not_joined_are_outside_once_the_door_closes() {
    for closing in [
        json!(["host:lock", { "on": true }]),
        json!(["host:password", { "password": "secret" }]),
    ] {
        let (mut server, host, guest) = host_and_guest();
        let silent = Peer::connect(&mut server);
        silent.call(&mut server, json!(["join", "me"]));
        silent.emit(&mut server, json!(["signal", { "to": host.id, "data": 1 }]));
        let mut outside = vec![silent];
        for n in 0..3 {
            for peer in &outside {
                let history = peer.call(&mut server, json!(["chat:history"]));
                assert_eq!(history["ok"], true);
            }
            assert_eq!(host.call(&mut server, &closing), done());
            if n == 1 {
                guest.emit(&mut server, json!(["room:leave"]));
                server.lose_memory();
                outside.push(guest.reconnect(&mut server));
            }
            for peer in [&host].into_iter().chain(&outside) {
                peer.heard(&mut server);
            }
            host.emit(&mut server, json!(["chat-message", "among us"]));
            host.emit(
                &mut server,
                json!(["answer", { "type": "answer", "sdp": "x" }]),
            );
            host.emit(&mut server, json!(["join", format!("host {n}")]));
            for peer in &outside {
                for event in ["chat-message", "chat:history", "offer", "join"] {
                    let event = json!([event, "x"]);
                    assert_eq!(peer.refusal(&mut server, &event), "room-locked", "{event}");
                }
                for to in [json!(peer.id), json!("me")] {
                    let signal = json!(["signal", { "to": to, "data": 1 }]);
                    assert_eq!(host.refusal(&mut server, &signal), "unknown-peer");
                }
                assert_eq!(peer.heard(&mut server), [] as [Value; 0]);
            }
            let freed = json!(["join", "me"]);
            assert_eq!(host.call(&mut server, &freed), done());
            for open in [
                json!(["host:lock", { "on": false }]),
                json!(["host:password", { "password": null }]),
            ] {
                assert_eq!(host.call(&mut server, open), done());
            }
        }
    }
}

/// A locked room stays locked after its peers left. Waiting and new clients are told so, and get no
/// chat.
#[test]
fn a_locked_room_without_peers() {
    let (mut server, [first, waiting, silent]) = server_of();
    first.join(&mut server, "First");
    first.call(&mut server, json!(["chat-message", "a secret"]));
    first.emit(&mut server, json!(["host:lock", { "on": true }]));
    waiting.heard(&mut server);
    silent.heard(&mut server);
    knocks(&mut server, &waiting, &json!({ "name": "Ann" }));
    assert_eq!(first.call(&mut server, json!(["room:leave"])), done());
    assert_eq!(denial(&mut server, &waiting), "denied");
    server.kill();
    let [waiting, silent] = [waiting, silent].map(|peer| peer.reconnect(&mut server));
    let new = Peer::connect(&mut server);
    for peer in [&waiting, &silent, &new] {
        for event in [json!(["room:join", {}]), json!(["chat:history"])] {
            assert_eq!(peer.refusal(&mut server, &event), "room-locked", "{event}");
        }
        assert!(peer.heard(&mut server).is_empty());
    }
    let (_, room) = server.operate("", "", "");
    assert_eq!(room["room"]["locked"], true);
    server.operate("close", "", "");
    assert_eq!(
        Peer::connect(&mut server).join(&mut server, "b")["self"]["host"],
        true
    );
}

/// A peer that left a room with a lock or a password returns with its rejoin secret, and gets a new one. A
/// client that left before the lock or the password was set, or that was kicked, cannot return.
#[test]
fn a_former_member_returns_with_a_secret() {
    for close in [
        json!(["host:lock", { "on": true }]),
        json!(["host:password", { "password": "secret" }]),
    ] {
        let (mut server, host, _) = host_and_guest();
        let secret = |joined: &Value| joined["rejoin"].as_str().expect("a secret").to_owned();
        let host_secret = secret(&host.join(&mut server, "Host"));
        "203.0.113.1".clone_into(&mut server.address);
        let [early, kicked] = std::array::from_fn(|_| Peer::connect(&mut server));
        let early_secret = secret(&early.join(&mut server, "Early"));
        early.emit(&mut server, json!(["room:leave"]));
        let kicked_secret = secret(&kicked.join(&mut server, "Kicked"));
        assert_eq!(host.call(&mut server, &close), done());
        host.emit(&mut server, json!(["host:kick", { "id": kicked.id }]));
        "203.0.113.2".clone_into(&mut server.address);
        host.emit(&mut server, json!(["room:leave"]));
        server.kill();
        let rejoin = |secret: &str| json!(["room:join", { "name": "x", "rejoin": secret }]);
        for wrong in [&early_secret, &kicked_secret, "", "guess"] {
            let peer = Peer::connect(&mut server);
            let code = peer.refusal(&mut server, &rejoin(wrong));
            assert!(
                matches!(&*code, "waiting" | "room-locked" | "bad-password"),
                "{code}"
            );
        }
        let back = Peer::connect(&mut server);
        let joined = back.call(&mut server, rejoin(&host_secret));
        assert_eq!(joined["ok"], true, "{joined}");
        assert_ne!(secret(&joined), host_secret);
        let again = Peer::connect(&mut server);
        let code = again.refusal(&mut server, &rejoin(&host_secret));
        assert!(
            matches!(&*code, "waiting" | "bad-password"),
            "a secret is valid once: {code}"
        );
    }
}

/// A client with the rejoin secret of a socket that is away takes its place at once: the others see that
/// socket leave, and the client is host again if it was.
#[test]
fn a_returning_client_replaces_its_old_socket() {
    let (mut server, host, guest) = host_and_guest();
    let joined = host.join(&mut server, "Host");
    host.vanish(&mut server);
    server.until(server.now() + 1_000);
    guest.heard(&mut server);
    let back = Peer::connect(&mut server);
    let rejoin = json!(["room:join", { "name": "Host", "rejoin": joined["rejoin"] }]);
    assert_eq!(back.call(&mut server, rejoin)["ok"], true);
    let heard = guest.heard(&mut server);
    let names: Vec<&Value> = heard.iter().map(|event| &event[0]).collect();
    assert_eq!(names, ["peer:joined", "room:state", "peer:left"]);
    assert_eq!(heard[1][1], json!({ "host": back.id }));
    assert_eq!(heard[2][1], json!({ "id": host.id, "reason": "timeout" }));
    assert!(!host.reconnect(&mut server).recovered);
}

/// A client that leaves, or that the host has admitted, no longer waits: unlocking the room does not admit
/// it again.
#[test]
fn a_client_that_leaves_or_enters_stops_waiting() {
    let (mut server, host, guest) = host_and_guest();
    host.emit(&mut server, json!(["host:lock", { "on": true }]));
    let [gone, in_already] = std::array::from_fn(|_| Peer::connect(&mut server));
    for peer in [&gone, &in_already] {
        knocks(&mut server, peer, &json!({ "name": "before" }));
    }
    assert_eq!(gone.call(&mut server, json!(["room:leave"])), done());
    assert_eq!(
        host.refusal(&mut server, &json!(["host:admit", { "id": gone.id }])),
        "unknown-peer"
    );
    let admit = json!(["host:admit", { "id": in_already.id }]);
    assert_eq!(host.call(&mut server, admit), done());
    in_already.join(&mut server, "now");
    for peer in [&host, &guest] {
        peer.emit(&mut server, json!(["room:leave"]));
    }
    gone.heard(&mut server);
    in_already.heard(&mut server);
    server.lose_memory();
    in_already.emit(&mut server, json!(["host:lock", { "on": false }]));
    let open = json!(["room:state", { "locked": false }]);
    assert_eq!(in_already.heard(&mut server), [open]);
    assert!(gone.heard(&mut server).is_empty());
    let joined = guest.join(&mut server, "Guest");
    assert_eq!(joined["peers"][0]["name"], "now");
}

/// Knocking does not bypass a password that is set meanwhile.
#[test]
fn a_client_that_knocked_without_the_password_is_refused() {
    let (mut server, host, _guest) = host_and_guest();
    host.emit(&mut server, json!(["host:lock", { "on": true }]));
    let guest = Peer::connect(&mut server);
    knocks(&mut server, &guest, &json!({}));
    let set = json!(["host:password", { "password": "secret" }]);
    host.emit(&mut server, set);
    assert_eq!(denial(&mut server, &guest), "bad-password");
    host.emit(&mut server, json!(["host:lock", { "on": false }]));
    assert!(guest.heard(&mut server).is_empty());
    let join = json!(["room:join", {}]);
    assert_eq!(guest.refusal(&mut server, &join), "bad-password");
    let join = json!(["room:join", { "password": "secret" }]);
    assert_eq!(guest.call(&mut server, join)["ok"], true);
}

/// Knocking does not bypass the capacity: the first client gets the place, and the others are refused.
#[test]
fn an_admission_needs_a_free_seat() {
    let limits = Limits {
        peers: 1,
        ..high_rates()
    };
    for admit in [false, true] {
        let mut server = server_with(Config {
            limits: limits.clone(),
            ..Config::default()
        });
        let host = Peer::connect(&mut server);
        host.join(&mut server, "Host");
        host.emit(&mut server, json!(["host:lock", { "on": true }]));
        let guests: [_; 4] = std::array::from_fn(|_| Peer::connect(&mut server));
        for guest in &guests {
            server.skip_to(server.now() + 1);
            knocks(&mut server, guest, &json!({ "media": { "audio": true } }));
        }
        let [first, others @ ..] = &guests;
        if admit {
            let admit = |peer: &Peer| json!(["host:admit", { "id": peer.id }]);
            assert_eq!(host.call(&mut server, admit(first)), done());
            for other in others {
                assert_eq!(host.refusal(&mut server, &admit(other)), "room-full");
            }
        }
        host.emit(&mut server, json!(["host:lock", { "on": false }]));
        assert_eq!(first.heard(&mut server)[0][0], "room:admitted");
        for other in others {
            assert_eq!(denial(&mut server, other), "room-full");
        }
        let [second, ..] = others;
        assert_eq!(second.join(&mut server, "without")["ok"], true);
    }
}
