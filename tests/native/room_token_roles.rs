//! What a token gives its holder: a name, the host's role, and a subject by which it can be banned.

use serde_json::json;

use crate::peer::{Peer, RoomServer};
use crate::room_token::{NOW, connect, refusal, server, token};

#[test]
fn a_client_with_a_token_enters_under_its_name() {
    let mut server = server(true);
    let peer = Peer::connect_with(
        &mut server,
        &json!({ "token": token(json!({ "name": "Ada" })) }),
    );
    let joined = peer.join(&mut server, "Somebody else");
    assert_eq!(joined["self"]["name"], "Ada");
    assert_eq!(
        peer.refusal(&mut server, &json!(["peer:update", { "name": "Bob" }])),
        "forbidden"
    );
    let hand = peer.call(&mut server, json!(["peer:update", { "hand": true }]));
    assert_eq!(hand["ok"], true);
    let nameless = Peer::connect_with(&mut server, &json!({ "token": token(json!({})) }));
    assert_eq!(nameless.join(&mut server, "Bob")["self"]["name"], "Bob");
}

/// A token may make its holder host: the holder passes lock and password, and replaces the current
/// host.
#[test]
fn a_host_by_token() {
    let mut server = server(false);
    let first = Peer::connect(&mut server);
    first.join(&mut server, "First");
    first.emit(&mut server, json!(["host:lock", { "on": true }]));
    first.emit(
        &mut server,
        json!(["host:password", { "password": "secret" }]),
    );
    first.heard(&mut server);
    let admin = json!({ "token": token(json!({ "role": "admin" })) });
    let admin = Peer::connect_with(&mut server, &admin);
    assert_eq!(
        admin.refusal(&mut server, &json!(["room:join"])),
        "bad-password"
    );
    let auth = json!({ "token": token(json!({ "role": "host" })) });
    let host = Peer::connect_with(&mut server, &auth);
    assert_eq!(host.join(&mut server, "Host")["self"]["host"], true);
    let heard = first.heard(&mut server);
    assert_eq!(
        heard.last(),
        Some(&json!(["room:state", { "host": host.id }])),
        "{heard:?}"
    );
    server.kill();
    let host = host.reconnect(&mut server);
    assert!(host.recovered);
    assert_eq!(
        host.call(&mut server, json!(["host:lock", { "on": false }])),
        json!({ "ok": true })
    );
}

/// If the host leaves, another host by token is next, then the peer that has been here longest.
#[test]
fn a_host_by_token_is_the_next_host() {
    let mut server = server(false);
    let auth = json!({ "token": token(json!({ "role": "host" })) });
    let guest = Peer::connect(&mut server);
    let hosts = [(); 2].map(|()| Peer::connect_with(&mut server, &auth));
    let [first, second] = &hosts;
    guest.join(&mut server, "Guest");
    for host in &hosts {
        host.join(&mut server, "Host");
    }
    for (leaving, host) in [(second, first), (first, &guest)] {
        guest.heard(&mut server);
        leaving.emit(&mut server, json!(["room:leave"]));
        let state = json!(["room:state", { "host": host.id }]);
        assert_eq!(guest.heard(&mut server).pop(), Some(state));
    }
}

/// A host by token is not banned by address. A ban of a subject applies to its other sockets too.
#[test]
fn a_ban_of_a_subject_applies_to_all_its_sockets() {
    let mut server = server(false);
    let host = Peer::connect(&mut server);
    host.join(&mut server, "Host");
    "198.51.100.7".clone_into(&mut server.address);
    let eve = json!({ "token": token(json!({ "sub": "eve" })) });
    let guest = Peer::connect_with(&mut server, &eve);
    "203.0.113.5".clone_into(&mut server.address);
    let elsewhere = Peer::connect_with(&mut server, &eve);
    elsewhere.join(&mut server, "Eve");
    host.emit(&mut server, json!(["host:kick", { "id": guest.id }]));
    let chat = json!(["chat-message", "hi"]);
    assert_eq!(elsewhere.call(&mut server, &chat)["ok"], true, "a peer");
    elsewhere.emit(&mut server, json!(["room:leave"]));
    for event in [chat, json!(["room:join", {}])] {
        assert_eq!(elsewhere.refusal(&mut server, &event), "kicked");
    }
    "198.51.100.7".clone_into(&mut server.address);
    let auth = json!({ "token": token(json!({ "role": "host" })) });
    let owner = Peer::connect_with(&mut server, &auth);
    assert_eq!(owner.join(&mut server, "Owner")["self"]["host"], true);
}

/// A name in a token that is too long is cut, not refused, because the client cannot change it.
#[test]
fn a_long_name_in_a_token_is_cut() {
    let mut server = server(false);
    let name = format!(" {} ", "é".repeat(65));
    let auth = json!({ "token": token(json!({ "name": name })) });
    let peer = Peer::connect_with(&mut server, &auth);
    let joined = peer.join(&mut server, "Somebody else");
    assert_eq!(joined["self"]["name"], "é".repeat(64));
}

/// A kicked client with a token is banned by its subject, from any address. Others from its address
/// are not banned if their tokens have other subjects.
#[test]
fn a_kick_bans_the_subject() {
    let mut server = server(false);
    let host = Peer::connect(&mut server);
    host.join(&mut server, "Host");
    "198.51.100.7".clone_into(&mut server.address);
    let of = |sub: &str| token(json!({ "sub": sub }));
    let guest = Peer::connect_with(&mut server, &json!({ "token": of("eve") }));
    host.call(&mut server, json!(["host:kick", { "id": guest.id }]));
    let banned = |server: &mut RoomServer, token: &str| {
        let reply = connect(server, token);
        reply.starts_with("44") && refusal(&reply).0 == "kicked"
    };
    server.kill();
    assert!(banned(&mut server, &of("eve")));
    assert!(!banned(&mut server, &of("ann")));
    assert!(
        banned(&mut server, &token(json!({}))),
        "a token without a subject"
    );
    "192.0.2.1".clone_into(&mut server.address);
    assert!(banned(&mut server, &of("eve")), "from elsewhere");
    assert!(!banned(&mut server, &token(json!({}))));
    server.skip_to(NOW * 1000 + 600_000);
    let later = token(json!({ "sub": "eve", "exp": NOW + 6_000 }));
    assert!(!banned(&mut server, &later));
}
