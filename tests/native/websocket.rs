//! W: packets on a WebSocket.

use signalbox::engine::CloseReason;

use crate::raw::{conformance, script};
use crate::support::{Done, closed, sent, sent_bytes};

/// W-1
#[test]
fn w_1_one_packet_for_each_frame() {
    let mut script = script(conformance());
    let c = script.open_websocket();
    script
        .text(c, "4hello")
        .bytes(c, &[1, 2, 3, 4])
        .text(c, "bAQIDBA==")
        .bytes(c, &[])
        .text(c, "4a\x1e4b");
    script.expect([
        sent(c, "4hello"),
        sent_bytes(c, [1, 2, 3, 4]),
        sent_bytes(c, [1, 2, 3, 4]),
        sent_bytes(c, []),
        sent(c, "4a\x1e4b"),
    ]);
}

/// W-2
#[test]
fn w_2_the_client_closes() {
    let mut script = script(conformance());
    let c = script.open_websocket();
    script.text(c, "1").expect([closed(c)]);
    assert_eq!(script.core.ended, [CloseReason::TransportClose]);
    script.lost(c).expect([]);
    assert_eq!(script.core.ended.len(), 1, "it ended once");
}

/// W-3
#[test]
fn w_3_packets_without_meaning_are_ignored() {
    let mut script = script(conformance());
    let c = script.open_websocket();
    for frame in ["0", "0{}", "5", "6", "3", "3probe"] {
        script.text(c, frame).expect([]);
    }
    script.text(c, "4alive").expect([sent(c, "4alive")]);
}

/// W-3: an unexpected pong restarts the heartbeat.
#[test]
fn w_3_an_unsolicited_pong_rearms_the_heartbeat() {
    let mut script = script(conformance());
    let c = script.open_websocket();
    script.until(200).text(c, "3").until(499).expect([]);
    script.until(500).expect([sent(c, "2")]);
}

/// W-4
#[test]
fn w_4_an_invalid_packet_ends_the_session() {
    for frame in ["2", "2probe", "7", "abc", "", "\u{4e2d}", "-1"] {
        let mut script = script(conformance());
        let c = script.open_websocket();
        script.text(c, frame).expect([closed(c)]);
        assert_eq!(script.core.ended, [CloseReason::ParseError], "{frame:?}");
    }
}

/// W-5
#[test]
fn w_5_a_frame_that_is_too_large_ends_the_session() {
    let mut config = conformance();
    config.max_payload = 10;
    let mut script = script(config);
    let c = script.open_websocket();
    script.text(c, "4123456789").bytes(c, &[0; 10]);
    script.expect([sent(c, "4123456789"), sent_bytes(c, [0; 10])]);
    script
        .text(c, "4€€€0")
        .expect([Done::Closed(c, Some(1009))]);
    assert_eq!(script.core.ended, [CloseReason::TransportError]);
    let c = script.open_websocket();
    script
        .bytes(c, &[0; 11])
        .expect([Done::Closed(c, Some(1009))]);
}

/// W-6, D-10: the server closes without a code and without a close packet, which clients would ignore.
#[test]
fn w_6_the_server_closes_without_a_code() {
    let mut script = script(conformance());
    let c = script.open_websocket();
    script.text(c, "4bye").expect([closed(c)]);
    assert_eq!(script.core.ended, [CloseReason::ForcedServerClose]);
}

/// W-7
#[test]
fn w_7_one_open_packet_and_no_pong_but_to_the_probe() {
    let mut script = script(conformance());
    let (_, probe) = script.open_probe();
    script.text(probe, "2probe").text(probe, "5");
    for time in (300..3000).step_by(300) {
        script.until(time).text(probe, "3").text(probe, "4hello");
    }
    let frames = script.take();
    let others = frames
        .iter()
        .filter(|done| **done != sent(probe, "2") && **done != sent(probe, "4hello"));
    assert_eq!(others.collect::<Vec<_>>(), [&sent(probe, "3probe")]);
}

/// A lost connection ends its session; later input from it is ignored.
#[test]
fn w_a_lost_connection_ends_its_session() {
    let mut script = script(conformance());
    let c = script.open_websocket();
    script.lost(c).expect([]);
    assert_eq!(script.core.ended, [CloseReason::TransportClose]);
    script.text(c, "4hello").expect([]);
    assert_eq!(signalbox::io::Core::deadline(&script.core), None);
}
