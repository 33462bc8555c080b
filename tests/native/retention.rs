//! How long a room's stored data outlives its last client.

use std::time::Duration;

use serde_json::{Value, json};
use signalbox::io::Core;
use signalbox::room::Config;
use signalbox::settings::Settings;
use signalbox::socket;

use crate::peer::{Hall, Peer, hall, hall_on, unhurried};

const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;

fn hall_for(retention: Option<Duration>) -> Hall {
    let config = Config {
        limits: unhurried(),
        ..Config::default()
    };
    let server = socket::Config {
        retention,
        ..socket::Config::default()
    };
    hall_on(config, server)
}

/// A room in which one client sent a message, and left at the returned time.
fn left(hall: &mut Hall) -> u64 {
    let host = Peer::connect(hall);
    host.join(hall, "Host");
    host.call(hall, json!(["chat-message", { "message": "kept" }]));
    host.call(hall, json!(["host:lock", { "on": true }]));
    host.vanish_for_good(hall);
    hall.now()
}

fn history(hall: &mut Hall) -> Value {
    let peer = Peer::connect(hall);
    let joined = peer.join(hall, "Ann");
    joined["history"].clone()
}

fn is_erased(hall: &mut Hall) -> bool {
    hall.platform.stored().is_empty() && hall.meter.disk.rows.is_empty()
}

#[test]
fn the_storage_is_deleted_a_day_after_the_last_client() {
    let mut hall = hall();
    let gone = left(&mut hall);
    hall.until(gone + 24 * HOUR - 1);
    assert!(!is_erased(&mut hall));
    hall.until(gone + 24 * HOUR);
    assert!(is_erased(&mut hall));
    assert_eq!(hall.core.deadline(), None, "nothing is left to do");
    assert_eq!(history(&mut hall), json!([]), "it is a new room, and open");
}

/// Memory is lost while no client is connected, as always on the platform.
#[test]
fn the_deadline_survives_lost_memory_and_a_killed_server() {
    let mut hall = hall();
    let gone = left(&mut hall);
    hall.until(gone + HOUR).lose_memory();
    hall.kill_until(gone + 2 * HOUR);
    hall.until(gone + 24 * HOUR - 1);
    assert!(!is_erased(&mut hall));
    hall.until(gone + 24 * HOUR);
    assert!(is_erased(&mut hall));
    hall.lose_memory();
    assert!(is_erased(&mut hall), "to look at it stores nothing");
}

#[test]
fn a_client_that_connects_meanwhile_finds_everything_and_restarts_the_time() {
    let mut hall = hall_for(Some(Duration::from_secs(3_600)));
    let host = Peer::connect(&mut hall);
    host.join(&mut hall, "Host");
    host.call(&mut hall, json!(["chat-message", { "message": "kept" }]));
    host.vanish_for_good(&mut hall);
    let gone = hall.now();
    hall.until(gone + HOUR - MINUTE).lose_memory();
    let guest = Peer::connect(&mut hall);
    let joined = guest.join(&mut hall, "Guest");
    assert_eq!(joined["history"][0]["message"], "kept");
    hall.until(gone + HOUR + MINUTE / 2);
    assert!(!is_erased(&mut hall), "somebody is there");
    guest.vanish_for_good(&mut hall);
    let gone = hall.now();
    hall.until(gone + HOUR - 1);
    assert!(!is_erased(&mut hall));
    hall.until(gone + HOUR);
    assert!(is_erased(&mut hall));
}

#[test]
fn retention_of_zero_and_retention_without_end() {
    let mut hall = hall_for(Some(Duration::ZERO));
    left(&mut hall);
    assert!(is_erased(&mut hall));
    assert_eq!(history(&mut hall), json!([]));

    let mut hall = hall_for(None);
    let gone = left(&mut hall);
    hall.until(gone + 10_000 * HOUR);
    assert!(!is_erased(&mut hall));
    assert_eq!(hall.core.deadline(), None);
}

#[test]
fn clients_that_store_nothing_leave_an_empty_storage() {
    let mut hall = hall();
    hall.open_polling();
    hall.get("EIO=4&transport=polling&sid=AAAAAAAAAAAAAAAAAAAA");
    hall.until(10 * MINUTE);
    assert!(is_erased(&mut hall));
    let [peer, other] = [Peer::connect(&mut hall), Peer::connect(&mut hall)];
    peer.emit(&mut hall, json!(["offer", { "type": "offer", "sdp": "x" }]));
    peer.vanish_for_good(&mut hall);
    assert!(!is_erased(&mut hall), "the other client is still connected");
    other.vanish_for_good(&mut hall);
    hall.until(hall.now() + 24 * HOUR);
    assert!(is_erased(&mut hall));
}

/// An operator's request to an unused room stores nothing.
#[test]
fn operators_leave_nothing_stored() {
    for (action, kind, body) in [
        ("", "", ""),
        ("emit", "application/json", r#"{"event":"news"}"#),
        ("close", "", ""),
    ] {
        let mut hall = hall();
        assert_eq!(hall.operate(action, kind, body).0, 200, "{action:?}");
        hall.until(MINUTE);
        assert!(is_erased(&mut hall), "{action:?}");
        assert_eq!(hall.meter.rows, 0, "{action:?}");
        assert_eq!(hall.core.deadline(), None, "{action:?}");
    }
}

/// A client that disconnects leaves its namespace first and closes its session later. Only the
/// first changes stored data.
#[test]
fn a_client_that_disconnects_has_left() {
    let mut hall = hall_for(Some(Duration::ZERO));
    let peer = Peer::connect(&mut hall);
    peer.join(&mut hall, "Ann");
    peer.write(&mut hall, "41");
    assert!(!is_erased(&mut hall), "its connection is open");
    peer.vanish(&mut hall);
    assert!(is_erased(&mut hall));
}

/// After `host:clear` no row has any chat message. After the operators' `close` there is no row.
#[test]
fn cleared_chat_and_closed_rooms_are_in_no_row() {
    let holds = |hall: &Hall, text: &str| {
        let mut rows = hall.meter.disk.rows.values();
        rows.any(|row| String::from_utf8_lossy(row).contains(text))
    };
    let mut hall = hall();
    let host = Peer::connect(&mut hall);
    host.join(&mut hall, "Host");
    let secret = "what nobody is to read";
    for n in 0..40 {
        hall.until(hall.now() + 1_000);
        host.call(
            &mut hall,
            json!(["chat-message", { "message": format!("{secret} {n}") }]),
        );
    }
    assert!(holds(&hall, secret));
    host.call(&mut hall, json!(["host:clear"]));
    hall.until(hall.now() + 1_000);
    assert!(!holds(&hall, secret));
    host.call(&mut hall, json!(["chat-message", { "message": secret }]));
    hall.until(hall.now() + 1_000);
    let (status, _) = hall.operate("close", "", "");
    assert_eq!(status, 200);
    assert!(!holds(&hall, secret) && !holds(&hall, "Host"));
    hall.until(hall.now() + 30_000);
    assert!(is_erased(&mut hall));
}

/// Deleting everything takes long: a lone visitor who reloads the page must not wait for it.
#[test]
fn a_client_that_returns_within_half_a_minute_finds_the_storage_unchanged() {
    let mut hall = hall();
    for _ in 0..3 {
        Peer::connect(&mut hall).vanish_for_good(&mut hall);
        hall.until(hall.now() + 29_000).lose_memory();
        assert!(hall.platform.stored().contains_key("retention"));
        assert!(!hall.meter.disk.rows.is_empty());
    }
    hall.until(hall.now() + 1_000);
    assert!(is_erased(&mut hall));
    assert_eq!(hall.core.deadline(), None);
}

/// After the last client left, no row has any deleted data: events with candidates' addresses,
/// addresses of clients, and session ids.
#[test]
fn data_of_the_last_client_is_in_no_row() {
    let holds = |hall: &Hall, text: &str| {
        let mut rows = hall.meter.disk.rows.values();
        rows.any(|row| String::from_utf8_lossy(row).contains(text))
    };
    for retention in [None, Some(Duration::from_secs(86_400))] {
        let mut hall = hall_for(retention);
        let [host, guest] = [Peer::connect(&mut hall), Peer::connect_polling(&mut hall)];
        host.join(&mut hall, "Host");
        host.call(&mut hall, json!(["chat-message", { "message": "kept" }]));
        let candidate = json!({ "candidate": "candidate:1 1 udp 1 198.51.100.77 9 typ host" });
        host.emit(
            &mut hall,
            json!(["candidate", { "to": guest.id, "candidate": candidate }]),
        );
        guest.heard(&mut hall);
        hall.until(hall.now() + 1_000);
        assert!(holds(&hall, "198.51.100.77"));
        assert!(holds(&hall, "192.0.2.1"));
        host.vanish(&mut hall);
        guest.vanish(&mut hall);
        hall.until(hall.now() + 32_000);
        assert!(!holds(&hall, "198.51.100.77"), "{retention:?}");
        assert!(!holds(&hall, "192.0.2.1"), "{retention:?}");
        assert!(holds(&hall, "kept"), "{retention:?}");
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
