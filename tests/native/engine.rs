//! The engine: constants, queries, and the handshake.

use signalbox::engine::Config;
use signalbox::io::ContentType;

use crate::raw::{conformance, defaults, script};
use crate::support::{
    Done, POLLING, WEBSOCKET, accepted, ok, polled, sent, session_id, sid_of, websocket,
};

/// K-1, K-2: the handshake has the configured values. The intervals of a hibernating room are
/// longer than engine.io's.
#[test]
fn k_1_k_2_the_handshake_states_the_settings() {
    for (config, numbers) in [
        (defaults(), (25_000, 20_000, 1_000_000)),
        (conformance(), (300, 200, 1_000_000)),
        (Config::default(), (45_000, 75_000, 131_072)),
    ] {
        let mut script = script(config);
        let request = script.get(POLLING);
        let (interval, timeout, payload) = numbers;
        script.expect([polled(
            request,
            format!(
                r#"0{{"sid":"{}","upgrades":["websocket"],"pingInterval":{interval},"pingTimeout":{timeout},"maxPayload":{payload}}}"#,
                session_id(1)
            ),
        )]);
    }
}

/// R-3
#[test]
fn r_3_parameters_come_in_any_order_and_the_last_of_a_name_counts() {
    for query in [
        "transport=polling&EIO=4",
        "room=a%20b&name=%E6%88%91&EIO=4&transport=polling&t=P1x&b64=1",
        "EIO=3&transport=nothing&sid=zzz&EIO=4&transport=polling&sid=",
        "&&x&=&EIO=4&transport=polling&",
    ] {
        let mut script = script(conformance());
        let request = script.get(query);
        assert!(
            matches!(&script.take()[..], [Done::Responded(r, 200, ..)] if *r == request),
            "{query}"
        );
    }
}

/// R-4: the first POST, the upgrade and the first poll may come within one millisecond on three
/// connections.
#[test]
fn r_4_the_first_requests_arrive_in_any_order() {
    for order in [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
    ] {
        let mut script = script(conformance());
        let sid = script.open_polling();
        let (mut polls, mut probe) = (Vec::new(), 0);
        for step in order {
            match step {
                0 => {
                    let post = script.send(&sid, "4hello");
                    assert_eq!(script.take_for(post), [ok(post)]);
                }
                1 => probe = script.upgrade(&websocket(&sid)),
                _ => polls.push(script.poll(&sid)),
            }
        }
        assert_eq!(script.take_for(probe), [accepted(probe)], "{order:?}");
        assert_eq!(script.take(), [polled(polls[0], "4hello")], "{order:?}");
        script
            .text(probe, "2probe")
            .text(probe, "5")
            .text(probe, "4on");
        script.expect([sent(probe, "3probe"), sent(probe, "4on")]);
    }
}

/// R-9: with `b64=1` binary messages are sent as text, even on a WebSocket, before and after the
/// loss of memory.
#[test]
fn r_9_base64_on_request() {
    let mut script = script(conformance());
    let connection = script.upgrade(&format!("{WEBSOCKET}&b64=1"));
    script.take();
    script
        .bytes(connection, &[1, 2, 3, 4])
        .text(connection, "bAQIDBA");
    script.expect([sent(connection, "bAQIDBA=="), sent(connection, "bAQIDBA==")]);
    script.lose_memory().bytes(connection, &[1, 2, 3, 4]);
    script.expect([sent(connection, "bAQIDBA==")]);
}

/// H-1, H-5
#[test]
fn h_1_a_polling_handshake_is_the_open_packet_alone() {
    for query in [POLLING, "EIO=4&transport=polling&sid="] {
        let mut script = script(defaults());
        let request = script.get(query);
        let body = r#""upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#;
        script.expect([polled(
            request,
            format!(r#"0{{"sid":"{}",{body}"#, session_id(1)),
        )]);
    }
}

/// H-2, H-5
#[test]
fn h_2_a_websocket_handshake_offers_no_upgrade() {
    let mut script = script(defaults());
    let connection = script.upgrade(WEBSOCKET);
    let body = r#""upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#;
    script.expect([
        accepted(connection),
        sent(
            connection,
            format!(r#"0{{"sid":"{}",{body}"#, session_id(1)),
        ),
    ]);
}

/// H-3
#[test]
fn h_3_numbers_are_numbers() {
    let mut script = script(defaults());
    script.get(POLLING);
    let Some(Done::Responded(_, _, ContentType::Text, body)) = script.take().pop() else {
        panic!("no handshake");
    };
    let handshake: serde_json::Value = serde_json::from_str(&body[1..]).unwrap();
    for key in ["pingInterval", "pingTimeout", "maxPayload"] {
        assert!(handshake[key].is_u64(), "{key}");
    }
    assert_eq!(handshake.as_object().unwrap().len(), 5);
}

/// H-4
#[test]
fn h_4_a_sid_is_twenty_url_safe_characters_and_belongs_to_one_session() {
    let mut script = script(conformance());
    let sids: std::collections::BTreeSet<String> =
        (0..100).map(|_| script.open_polling()).collect();
    assert_eq!(sids.len(), 100);
    for sid in sids {
        assert_eq!(sid.len(), 20);
        let safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        assert!(sid.chars().all(safe), "{sid}");
    }
}

/// H-4: only the handshake of a session shows its `sid`.
#[test]
fn h_4_later_packets_do_not_show_the_sid() {
    let mut script = script(conformance());
    let request = script.get(POLLING);
    let sid = match script.take().pop() {
        Some(Done::Responded(r, _, _, body)) if r == request => sid_of(&body),
        other => panic!("no handshake: {other:?}"),
    };
    script.send(&sid, "4hello");
    script.poll(&sid);
    let probe = script.upgrade(&websocket(&sid));
    script
        .text(probe, "2probe")
        .text(probe, "5")
        .text(probe, "4bye");
    assert!(!format!("{:?}", script.take()).contains(&sid));
}
