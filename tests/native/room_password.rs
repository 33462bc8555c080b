//! The room's password.

use serde_json::{Value, json};

use crate::peer::{Peer, RoomServer, server};

const PASSWORD: &str = "öffne dich";

/// A room with a password, and its host.
fn room_with_password() -> (RoomServer, Peer) {
    let mut server = server();
    let host = Peer::connect(&mut server);
    host.join(&mut server, "Host");
    set(&mut server, &host, &json!(PASSWORD));
    (server, host)
}

fn set(server: &mut RoomServer, host: &Peer, password: &Value) {
    let done = host.call(server, json!(["host:password", { "password": password }]));
    assert_eq!(done, json!({ "ok": true }));
    let state = json!(["room:state", { "password": !password.is_null() }]);
    assert_eq!(host.heard(server).pop(), Some(state));
}

fn join(password: &str) -> Value {
    json!(["room:join", { "password": password }])
}

/// A new client is outside: it can neither listen nor send, and enters only with the password.
#[test]
fn a_password_keeps_out_clients_without_it() {
    let (mut server, host) = room_with_password();
    let guest = Peer::connect(&mut server);
    for event in [
        json!(["chat-message", "let me in"]),
        json!(["offer", host.id, {}]),
        json!(["join", "x"]),
        json!(["chat:history"]),
        json!(["chat:typing", { "on": true }]),
    ] {
        assert_eq!(guest.refusal(&mut server, &event), "room-locked", "{event}");
    }
    for event in [
        json!(["room:join"]),
        json!(["room:join", {}]),
        join(""),
        join("offne dich"),
    ] {
        assert_eq!(
            guest.refusal(&mut server, &event),
            "bad-password",
            "{event}"
        );
    }
    host.emit(&mut server, json!(["chat-message", "among us"]));
    assert!(guest.heard(&mut server).is_empty());
    let joined = guest.call(&mut server, join(PASSWORD));
    assert_eq!(joined["room"]["password"], true);
    assert_eq!(joined["history"][0]["message"], "among us");
    assert_eq!(
        guest.join(&mut server, "again")["ok"],
        true,
        "a peer needs no password"
    );
    guest.emit(&mut server, json!(["room:leave"]));
    assert_eq!(
        guest.join(&mut server, "back")["ok"],
        true,
        "a socket that was a peer needs no password"
    );
    let other = Peer::connect(&mut server);
    assert_eq!(
        other.refusal(&mut server, &json!(["room:join"])),
        "bad-password"
    );
}

/// After five wrong passwords from one address in a minute, by any sockets, even the right password
/// is refused, until a minute after the first wrong one.
#[test]
fn guessing_is_limited_by_address() {
    let (mut server, _) = room_with_password();
    "198.51.100.7".clone_into(&mut server.address);
    for guess in 0..5 {
        let guest = Peer::connect(&mut server);
        assert_eq!(
            guest.refusal(&mut server, &json!(["room:join"])),
            "bad-password",
            "a missing password is not a guess"
        );
        assert_eq!(
            guest.refusal(&mut server, &join(&guess.to_string())),
            "bad-password"
        );
        server.kill();
        server.skip_to(10 * (guess + 1));
    }
    let guest = Peer::connect(&mut server);
    let refused = guest.call(&mut server, join(PASSWORD));
    assert_eq!(refused["error"]["code"], "rate-limited");
    assert_eq!(refused["error"]["retryAfterMs"], 60_000 - 50);
    "192.0.2.1".clone_into(&mut server.address);
    let other = Peer::connect(&mut server);
    assert_eq!(
        other.call(&mut server, join(PASSWORD))["ok"],
        true,
        "another address"
    );
    server.skip_to(60_000);
    assert_eq!(
        guest.refusal(&mut server, &join("x")),
        "bad-password",
        "the first guess does not count any more"
    );
    assert_eq!(guest.refusal(&mut server, &join(PASSWORD)), "rate-limited");
    server.skip_to(60_040);
    assert_eq!(guest.call(&mut server, join(PASSWORD))["ok"], true);
}

/// The password is stored only as a hash, and survives the server and all clients.
#[test]
fn a_password_outlives_the_server() {
    let (mut server, host) = room_with_password();
    let rows = format!("{:?}", server.platform.stored());
    assert!(rows.contains("digest") && !rows.contains("dich"), "{rows}");
    server.kill();
    let host = host.reconnect(&mut server);
    assert!(host.recovered);
    host.emit(&mut server, json!(["room:leave"]));
    let guest = Peer::connect(&mut server);
    assert_eq!(
        guest.refusal(&mut server, &join("x")),
        "bad-password",
        "the room has no peers"
    );
    assert_eq!(
        guest.call(&mut server, join(PASSWORD))["self"]["host"],
        true
    );
}

/// After the password is removed no client is outside, until another is set.
#[test]
fn a_password_can_be_removed() {
    let (mut server, host) = room_with_password();
    let silent = Peer::connect(&mut server);
    set(&mut server, &host, &Value::Null);
    let chat = json!(["chat-message", "hi"]);
    assert_eq!(silent.call(&mut server, &chat)["ok"], true);
    host.heard(&mut server);
    set(&mut server, &host, &json!("other"));
    assert_eq!(silent.refusal(&mut server, &chat), "room-locked");
    for wrong in [
        json!([]),
        json!([{}]),
        json!([{ "password": "" }]),
        json!([{ "password": 7 }]),
        json!([{ "password": "x".repeat(129) }]),
    ] {
        let event = json!(["host:password", wrong[0]]);
        assert_eq!(host.refusal(&mut server, &event), "bad-payload", "{event}");
    }
    let guest = Peer::connect(&mut server);
    assert_eq!(guest.call(&mut server, join("other"))["ok"], true);
    assert_eq!(
        guest.refusal(&mut server, &json!(["host:password", { "password": null }])),
        "forbidden"
    );
}

/// If both are set, the password comes first. Unlocking does not remove it.
#[test]
fn a_password_and_a_lock() {
    let (mut server, host) = room_with_password();
    host.emit(&mut server, json!(["host:lock", { "on": true }]));
    let [a, b, c] = std::array::from_fn(|_| Peer::connect(&mut server));
    host.heard(&mut server);
    assert_eq!(a.refusal(&mut server, &join("x")), "bad-password");
    assert!(host.heard(&mut server).is_empty(), "no knock");
    for peer in [&a, &b] {
        assert_eq!(peer.refusal(&mut server, &join(PASSWORD)), "waiting");
    }
    host.call(&mut server, json!(["host:deny", { "id": b.id }]));
    let denied = b.heard_one(&mut server);
    assert_eq!(denied[0], "room:denied");
    assert_eq!(denied[1]["code"], "denied");
    assert_eq!(b.refusal(&mut server, &join(PASSWORD)), "denied");
    host.emit(&mut server, json!(["host:lock", { "on": false }]));
    assert_eq!(a.heard(&mut server)[0][0], "room:admitted");
    assert_eq!(
        c.refusal(&mut server, &json!(["room:join"])),
        "bad-password"
    );
    assert_eq!(
        c.refusal(&mut server, &json!(["chat-message", "x"])),
        "room-locked"
    );
    assert_eq!(b.call(&mut server, join(PASSWORD))["ok"], true);
}
