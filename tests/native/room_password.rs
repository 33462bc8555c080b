//! The room's password.

use serde_json::{Value, json};

use crate::peer::{Hall, Peer, hall};

const PASSWORD: &str = "öffne dich";

/// A host that has set a password.
fn house() -> (Hall, Peer) {
    let mut hall = hall();
    let host = Peer::connect(&mut hall);
    host.join(&mut hall, "Host");
    set(&mut hall, &host, &json!(PASSWORD));
    (hall, host)
}

fn set(hall: &mut Hall, host: &Peer, password: &Value) {
    let done = host.call(hall, json!(["host:password", { "password": password }]));
    assert_eq!(done, json!({ "ok": true }));
    let state = json!(["room:state", { "password": !password.is_null() }]);
    assert_eq!(host.heard(hall).pop(), Some(state));
}

fn join(password: &str) -> Value {
    json!(["room:join", { "password": password }])
}

/// A new client is outside: it can neither listen nor send, and enters only with the password.
#[test]
fn a_password_keeps_out_clients_without_it() {
    let (mut hall, host) = house();
    let guest = Peer::connect(&mut hall);
    for event in [
        json!(["chat-message", "let me in"]),
        json!(["offer", host.id, {}]),
        json!(["join", "x"]),
        json!(["chat:history"]),
        json!(["chat:typing", { "on": true }]),
    ] {
        assert_eq!(guest.refusal(&mut hall, &event), "room-locked", "{event}");
    }
    for event in [
        json!(["room:join"]),
        json!(["room:join", {}]),
        join(""),
        join("offne dich"),
    ] {
        assert_eq!(guest.refusal(&mut hall, &event), "bad-password", "{event}");
    }
    host.emit(&mut hall, json!(["chat-message", "among us"]));
    assert!(guest.heard(&mut hall).is_empty());
    let joined = guest.call(&mut hall, join(PASSWORD));
    assert_eq!(joined["room"]["password"], true);
    assert_eq!(joined["history"][0]["message"], "among us");
    assert_eq!(
        guest.join(&mut hall, "again")["ok"],
        true,
        "who is in needs none"
    );
    guest.emit(&mut hall, json!(["room:leave"]));
    assert_eq!(
        guest.join(&mut hall, "back")["ok"],
        true,
        "who was in needs none"
    );
    let other = Peer::connect(&mut hall);
    assert_eq!(
        other.refusal(&mut hall, &json!(["room:join"])),
        "bad-password"
    );
}

/// After five wrong passwords in a minute from one address, under any names, even the right one is
/// refused, until a minute after the first.
#[test]
fn guessing_is_limited_by_address() {
    let (mut hall, _) = house();
    "198.51.100.7".clone_into(&mut hall.address);
    for guess in 0..5 {
        let guest = Peer::connect(&mut hall);
        assert_eq!(
            guest.refusal(&mut hall, &json!(["room:join"])),
            "bad-password",
            "no guess"
        );
        assert_eq!(
            guest.refusal(&mut hall, &join(&guess.to_string())),
            "bad-password"
        );
        hall.kill();
        hall.late(10 * (guess + 1));
    }
    let guest = Peer::connect(&mut hall);
    let refused = guest.call(&mut hall, join(PASSWORD));
    assert_eq!(refused["error"]["code"], "rate-limited");
    assert_eq!(refused["error"]["retryAfterMs"], 60_000 - 50);
    "192.0.2.1".clone_into(&mut hall.address);
    let other = Peer::connect(&mut hall);
    assert_eq!(
        other.call(&mut hall, join(PASSWORD))["ok"],
        true,
        "another address"
    );
    hall.late(60_000);
    assert_eq!(
        guest.refusal(&mut hall, &join("x")),
        "bad-password",
        "one is forgotten"
    );
    assert_eq!(guest.refusal(&mut hall, &join(PASSWORD)), "rate-limited");
    hall.late(60_040);
    assert_eq!(guest.call(&mut hall, join(PASSWORD))["ok"], true);
}

/// The password is stored only as a hash, and survives the server and all clients.
#[test]
fn a_password_outlives_the_server() {
    let (mut hall, host) = house();
    let rows = format!("{:?}", hall.platform.stored());
    assert!(rows.contains("digest") && !rows.contains("dich"), "{rows}");
    hall.kill();
    let host = host.reconnect(&mut hall);
    assert!(host.recovered);
    host.emit(&mut hall, json!(["room:leave"]));
    let guest = Peer::connect(&mut hall);
    assert_eq!(
        guest.refusal(&mut hall, &join("x")),
        "bad-password",
        "nobody is in"
    );
    assert_eq!(guest.call(&mut hall, join(PASSWORD))["self"]["host"], true);
}

/// After the password is removed no client is outside, until another is set.
#[test]
fn a_password_can_be_removed() {
    let (mut hall, host) = house();
    let silent = Peer::connect(&mut hall);
    set(&mut hall, &host, &Value::Null);
    let chat = json!(["chat-message", "hi"]);
    assert_eq!(silent.call(&mut hall, &chat)["ok"], true);
    host.heard(&mut hall);
    set(&mut hall, &host, &json!("other"));
    assert_eq!(silent.refusal(&mut hall, &chat), "room-locked");
    for wrong in [
        json!([]),
        json!([{}]),
        json!([{ "password": "" }]),
        json!([{ "password": 7 }]),
        json!([{ "password": "x".repeat(129) }]),
    ] {
        let event = json!(["host:password", wrong[0]]);
        assert_eq!(host.refusal(&mut hall, &event), "bad-payload", "{event}");
    }
    let guest = Peer::connect(&mut hall);
    assert_eq!(guest.call(&mut hall, join("other"))["ok"], true);
    assert_eq!(
        guest.refusal(&mut hall, &json!(["host:password", { "password": null }])),
        "forbidden"
    );
}

/// If both are set, the password comes first. Unlocking does not remove it.
#[test]
fn a_password_and_a_lock() {
    let (mut hall, host) = house();
    host.emit(&mut hall, json!(["host:lock", { "on": true }]));
    let [a, b, c] = std::array::from_fn(|_| Peer::connect(&mut hall));
    host.heard(&mut hall);
    assert_eq!(a.refusal(&mut hall, &join("x")), "bad-password");
    assert!(host.heard(&mut hall).is_empty(), "no knock");
    for peer in [&a, &b] {
        assert_eq!(peer.refusal(&mut hall, &join(PASSWORD)), "waiting");
    }
    host.call(&mut hall, json!(["host:deny", { "id": b.id }]));
    let denied = b.heard_one(&mut hall);
    assert_eq!(denied[0], "room:denied");
    assert_eq!(denied[1]["code"], "denied");
    assert_eq!(b.refusal(&mut hall, &join(PASSWORD)), "denied");
    host.emit(&mut hall, json!(["host:lock", { "on": false }]));
    assert_eq!(a.heard(&mut hall)[0][0], "room:admitted");
    assert_eq!(c.refusal(&mut hall, &json!(["room:join"])), "bad-password");
    assert_eq!(
        c.refusal(&mut hall, &json!(["chat-message", "x"])),
        "room-locked"
    );
    assert_eq!(b.call(&mut hall, join(PASSWORD))["ok"], true);
}
