//! How long a room's stored data outlives its last client.

use std::time::Duration;

use serde_json::{Value, json};
use signalbox::io::Core;
use signalbox::room::Config;
use signalbox::settings::Settings;
use signalbox::socket;

use crate::peer::{Peer, RoomServer, high_rates, server, server_on};

const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;

fn server_for(retention: Option<Duration>) -> RoomServer {
    let config = Config {
        limits: high_rates(),
        ..Config::default()
    };
    let server = socket::Config {
        retention,
        ..socket::Config::default()
    };
    server_on(config, server)
}

/// A room in which one client sent a message, and left at the returned time.
fn left(server: &mut RoomServer) -> u64 {
    let host = Peer::connect(server);
    host.join(server, "Host");
    host.call(server, json!(["chat-message", { "message": "kept" }]));
    host.call(server, json!(["host:lock", { "on": true }]));
    host.vanish_for_good(server);
    server.now()
}

fn history(server: &mut RoomServer) -> Value {
    let peer = Peer::connect(server);
    let joined = peer.join(server, "Ann");
    joined["history"].clone()
}

fn is_erased(server: &mut RoomServer) -> bool {
    server.platform.stored().is_empty() && server.meter.disk.rows.is_empty()
}

#[test]
fn the_storage_is_deleted_a_day_after_the_last_client() {
    let mut server = server();
    let gone = left(&mut server);
    server.until(gone + 24 * HOUR - 1);
    assert!(!is_erased(&mut server));
    server.until(gone + 24 * HOUR);
    assert!(is_erased(&mut server));
    assert_eq!(server.core.deadline(), None, "nothing is left to do");
    assert_eq!(
        history(&mut server),
        json!([]),
        "it is a new room, and open"
    );
}

/// No client is connected, so the object loses its memory, as it always does on the platform.
#[test]
fn the_deadline_survives_lost_memory_and_a_killed_server() {
    let mut server = server();
    let gone = left(&mut server);
    server.until(gone + HOUR).lose_memory();
    server.kill_until(gone + 2 * HOUR);
    server.until(gone + 24 * HOUR - 1);
    assert!(!is_erased(&mut server));
    server.until(gone + 24 * HOUR);
    assert!(is_erased(&mut server));
    server.lose_memory();
    assert!(is_erased(&mut server), "a restore stores nothing");
}

#[test]
fn a_client_that_connects_meanwhile_finds_everything_and_restarts_the_time() {
    let mut server = server_for(Some(Duration::from_secs(3_600)));
    let host = Peer::connect(&mut server);
    host.join(&mut server, "Host");
    host.call(&mut server, json!(["chat-message", { "message": "kept" }]));
    host.vanish_for_good(&mut server);
    let gone = server.now();
    server.until(gone + HOUR - MINUTE).lose_memory();
    let guest = Peer::connect(&mut server);
    let joined = guest.join(&mut server, "Guest");
    assert_eq!(joined["history"][0]["message"], "kept");
    server.until(gone + HOUR + MINUTE / 2);
    assert!(!is_erased(&mut server), "a client is connected");
    guest.vanish_for_good(&mut server);
    let gone = server.now();
    server.until(gone + HOUR - 1);
    assert!(!is_erased(&mut server));
    server.until(gone + HOUR);
    assert!(is_erased(&mut server));
}

#[test]
fn retention_of_zero_and_retention_without_end() {
    let mut server = server_for(Some(Duration::ZERO));
    left(&mut server);
    assert!(is_erased(&mut server));
    assert_eq!(history(&mut server), json!([]));

    let mut server = server_for(None);
    let gone = left(&mut server);
    server.until(gone + 10_000 * HOUR);
    assert!(!is_erased(&mut server));
    assert_eq!(server.core.deadline(), None);
}

#[test]
fn clients_that_store_nothing_leave_an_empty_storage() {
    let mut server = server();
    server.open_polling();
    server.get("EIO=4&transport=polling&sid=AAAAAAAAAAAAAAAAAAAA");
    server.until(10 * MINUTE);
    assert!(is_erased(&mut server));
    let [peer, other] = [Peer::connect(&mut server), Peer::connect(&mut server)];
    peer.emit(
        &mut server,
        json!(["offer", { "type": "offer", "sdp": "x" }]),
    );
    peer.vanish_for_good(&mut server);
    assert!(
        !is_erased(&mut server),
        "the other client is still connected"
    );
    other.vanish_for_good(&mut server);
    server.until(server.now() + 24 * HOUR);
    assert!(is_erased(&mut server));
}

/// An operator's request to an unused room stores nothing.
#[test]
fn operators_leave_nothing_stored() {
    for (action, kind, body) in [
        ("", "", ""),
        ("emit", "application/json", r#"{"event":"news"}"#),
        ("close", "", ""),
    ] {
        let mut server = server();
        assert_eq!(server.operate(action, kind, body).0, 200, "{action:?}");
        server.until(MINUTE);
        assert!(is_erased(&mut server), "{action:?}");
        assert_eq!(server.meter.rows, 0, "{action:?}");
        assert_eq!(server.core.deadline(), None, "{action:?}");
    }
}

/// A room that only had a visitor is deleted after 30 s. If an operator locks it before, it is kept as long as others,
/// also if memory was lost meanwhile.
#[test]
fn a_lock_in_a_room_that_waits_for_its_deletion_is_kept() {
    for (retention, lose_memory) in [
        (Some(Duration::from_millis(HOUR)), false),
        (Some(Duration::from_millis(HOUR)), true),
        (None, true),
    ] {
        let mut server = server_for(retention);
        let visitor = Peer::connect(&mut server);
        visitor.vanish_for_good(&mut server);
        server.until(server.now() + 10_000);
        if lose_memory {
            server.lose_memory();
        }
        let lock = server.operate("lock", "application/json", r#"{"on":true}"#);
        assert_eq!(lock.0, 200);
        let locked = server.now();
        server.until(locked + HOUR - 1);
        assert!(!is_erased(&mut server), "{retention:?}");
        server.until(locked + HOUR);
        assert_eq!(is_erased(&mut server), retention.is_some());
        assert_eq!(server.core.deadline(), None);
    }
}

/// Whatever visitors, operators and losses of memory do to an empty room: with a lock it is kept for the retention, from
/// the lock or from the last visitor on; without one it is deleted half a minute after the last visitor.
#[test]
fn an_empty_room_is_deleted_when_it_should_be() {
    const STEPS: u32 = 5;
    for sequence in 0..4_u32.pow(STEPS) {
        let mut server = server_for(Some(Duration::from_millis(HOUR)));
        let (mut left, mut locked) = (None, None);
        for step in (0..STEPS).map(|n| sequence / 4_u32.pow(n) % 4) {
            match step {
                0 => {
                    let visitor = Peer::connect(&mut server);
                    visitor.write(&mut server, "41");
                    visitor.vanish(&mut server);
                    left = Some(server.now());
                }
                1 => {
                    let lock = server.operate("lock", "application/json", r#"{"on":true}"#);
                    assert_eq!(lock.0, 200);
                    locked = locked.or(Some(server.now()));
                }
                2 => {
                    server.lose_memory();
                }
                _ => {
                    server.until(server.now() + 5_000);
                }
            }
        }
        let due = match (left, locked) {
            (left, Some(locked)) => locked.max(left.unwrap_or_default()) + HOUR,
            (Some(left), None) => left + 30_000,
            (None, None) => server.now(),
        };
        if locked.is_some() {
            server.until(due - 1);
            assert!(!is_erased(&mut server), "sequence {sequence}");
        }
        server.until(due);
        assert!(is_erased(&mut server), "sequence {sequence}");
    }
}

/// A client that disconnects leaves its namespace first and closes its session later. The end of the
/// session changes no record of the room, but the retention starts with it.
#[test]
fn a_client_that_disconnects_has_left() {
    let mut server = server_for(Some(Duration::ZERO));
    let peer = Peer::connect(&mut server);
    peer.join(&mut server, "Ann");
    peer.write(&mut server, "41");
    assert!(!is_erased(&mut server), "its connection is open");
    peer.vanish(&mut server);
    assert!(is_erased(&mut server));
}

/// After `host:clear` no row has any chat message. After the operators' `close` no row has data of the room,
/// and half a minute later there is no row.
#[test]
fn cleared_chat_and_closed_rooms_are_in_no_row() {
    let holds = |server: &RoomServer, text: &str| {
        let mut rows = server.meter.disk.rows.values();
        rows.any(|row| String::from_utf8_lossy(row).contains(text))
    };
    let mut server = server();
    let host = Peer::connect(&mut server);
    host.join(&mut server, "Host");
    let secret = "what nobody is to read";
    for n in 0..40 {
        server.until(server.now() + 1_000);
        host.call(
            &mut server,
            json!(["chat-message", { "message": format!("{secret} {n}") }]),
        );
    }
    assert!(holds(&server, secret));
    host.call(&mut server, json!(["host:clear"]));
    server.until(server.now() + 1_000);
    assert!(!holds(&server, secret));
    host.call(&mut server, json!(["chat-message", { "message": secret }]));
    server.until(server.now() + 1_000);
    let (status, _) = server.operate("close", "", "");
    assert_eq!(status, 200);
    assert!(!holds(&server, secret) && !holds(&server, "Host"));
    server.until(server.now() + 30_000);
    assert!(is_erased(&mut server));
}

/// Deleting everything takes long: a lone visitor who reloads the page must not wait for it.
#[test]
fn a_client_that_returns_within_half_a_minute_finds_the_storage_unchanged() {
    let mut server = server();
    for _ in 0..3 {
        Peer::connect(&mut server).vanish_for_good(&mut server);
        server.until(server.now() + 29_000).lose_memory();
        assert!(server.platform.stored().contains_key("retention"));
        assert!(!server.meter.disk.rows.is_empty());
    }
    server.until(server.now() + 1_000);
    assert!(is_erased(&mut server));
    assert_eq!(server.core.deadline(), None);
}

/// After the last client left, no row has any deleted data: events with candidates' addresses,
/// addresses of clients, and session ids.
#[test]
fn data_of_the_last_client_is_in_no_row() {
    let holds = |server: &RoomServer, text: &str| {
        let mut rows = server.meter.disk.rows.values();
        rows.any(|row| String::from_utf8_lossy(row).contains(text))
    };
    for retention in [None, Some(Duration::from_secs(86_400))] {
        let mut server = server_for(retention);
        let [host, guest] = [
            Peer::connect(&mut server),
            Peer::connect_polling(&mut server),
        ];
        host.join(&mut server, "Host");
        host.call(&mut server, json!(["chat-message", { "message": "kept" }]));
        let candidate = json!({ "candidate": "candidate:1 1 udp 1 198.51.100.77 9 typ host" });
        host.emit(
            &mut server,
            json!(["candidate", { "to": guest.id, "candidate": candidate }]),
        );
        guest.heard(&mut server);
        server.until(server.now() + 1_000);
        assert!(holds(&server, "198.51.100.77"));
        assert!(holds(&server, "192.0.2.1"));
        host.vanish(&mut server);
        guest.vanish(&mut server);
        server.until(server.now() + 32_000);
        assert!(!holds(&server, "198.51.100.77"), "{retention:?}");
        assert!(!holds(&server, "192.0.2.1"), "{retention:?}");
        assert!(holds(&server, "kept"), "{retention:?}");
    }
}

#[test]
fn the_retention_setting() {
    let retention = |text: &str| {
        let read = |name: &str| (name == "RETENTION").then(|| text.to_owned());
        let settings = Settings::default().configure(read);
        settings.map(|settings| settings.socket.retention).ok()
    };
    let seconds = |seconds| Some(Some(Duration::from_secs(seconds)));
    for (text, expected) in [
        ("24h", seconds(86_400)),
        ("30m", seconds(1_800)),
        (" 90s ", seconds(90)),
        ("7d", seconds(604_800)),
        ("0", seconds(0)),
        ("0h", seconds(0)),
        ("forever", Some(None)),
        ("24", None),
        ("h", None),
        ("1.5h", None),
        ("", None),
        ("99999999999999999999d", None),
    ] {
        assert_eq!(retention(text), expected, "{text:?}");
    }
}
