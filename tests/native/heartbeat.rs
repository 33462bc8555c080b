//! B: the heartbeat. A ping is sent pingInterval after the last ping, or after its pong if the server saw one.

use std::time::Duration;

use signalbox::engine::{AUTO_RESPONSE, CloseReason, Config};

use crate::raw::{conformance, defaults, script};
use crate::support::{at, closed, ok, polled, refused, sent};

/// B-1, K-1
#[test]
fn b_1_each_ping_is_an_interval_after_the_last_pong() {
    let mut script = script(defaults());
    let c = script.open_websocket();
    for turn in 1..=10 {
        let time = turn * 26_000 - 1_000;
        script.until(time - 1).expect([]);
        script.until(time).expect([sent(c, "2")]);
        script.until(time + 1_000).text(c, "3").expect([]);
    }
}

/// B-1: without a pong the session ends pingTimeout after the ping.
#[test]
fn b_1_no_pong_within_ping_timeout_ends_the_session() {
    let mut script = script(defaults());
    let c = script.open_websocket();
    script.until(44_999).expect([sent(c, "2")]);
    script.until(45_000).expect([closed(c)]);
    assert_eq!(script.core.ended, [CloseReason::PingTimeout]);
}

/// B-1: the same on polling.
#[test]
fn b_1_a_polling_session_expires() {
    let mut script = script(defaults());
    let sid = script.open_polling();
    let poll = script.poll(&sid);
    script.until(25_000).expect([polled(poll, "2")]);
    let poll = script.poll(&sid);
    script.until(45_000).expect([polled(poll, "1")]);
    assert_eq!(script.core.ended, [CloseReason::PingTimeout]);
}

/// B-2: while a pong is awaited, another packet extends the deadline once.
#[test]
fn b_2_another_packet_stands_in_for_the_pong_once() {
    let mut script = script(conformance());
    let c = script.open_websocket();
    script
        .until(400)
        .text(c, "4busy")
        .until(450)
        .text(c, "4busy")
        .take();
    script.until(599).take();
    assert_eq!(script.core.ended, []);
    script.until(600).take();
    assert_eq!(script.core.ended, [CloseReason::PingTimeout]);
}

/// B-2: before a ping, packets do not extend the deadline.
#[test]
fn b_2_packets_before_the_ping_do_not_count() {
    let mut script = script(conformance());
    let c = script.open_websocket();
    script
        .until(299)
        .text(c, "4busy")
        .expect([sent(c, "4busy")]);
    script.until(499).expect([sent(c, "2")]);
    script.until(500).expect([closed(c)]);
}

/// B-3
#[test]
fn b_3_pings_go_out_on_busy_links() {
    let mut script = script(conformance());
    let c = script.open_websocket();
    let mut pings = 0;
    for time in (10..=3_000).step_by(10) {
        script.until(time).text(c, "4busy");
        if script.take().contains(&sent(c, "2")) {
            pings += 1;
            script.text(c, "3");
        }
    }
    assert_eq!(pings, 10);
}

/// B-4, T-8: an expired session is closed, even if the alarm is late.
#[test]
fn b_4_expiry_does_not_wait_for_the_alarm() {
    let mut script = script(conformance());
    let sid = script.open_polling();
    script.skip_to(500);
    let poll = script.poll(&sid);
    script.expect([refused(poll, 1)]);
    let sid = script.open_polling();
    script.skip_to(999);
    let poll = script.poll(&sid);
    script.expect([polled(poll, "2")]);
}

/// B-5: intervals of minutes work, and each poll is answered within one interval.
#[test]
fn b_5_intervals_of_minutes() {
    const INTERVAL: u64 = 300_000;
    let mut script = script(Config {
        ping_interval: Duration::from_millis(INTERVAL),
        ping_timeout: Duration::from_secs(60),
        ..defaults()
    });
    let c = script.open_websocket();
    let sid = script.open_polling();
    let mut poll = script.poll(&sid);
    for turn in 1..=12 {
        script.until(turn * INTERVAL - 1).expect([]);
        script.until(turn * INTERVAL);
        assert_eq!(script.take_for(c), [sent(c, "2")]);
        script.expect([polled(poll, "2")]);
        let post = script.send(&sid, "3");
        script.text(c, "3").expect([ok(post)]);
        poll = script.poll(&sid);
    }
}

/// B-5: pings that are nearly due are sent with one that is due, so that a room wakes once for all.
#[test]
fn b_5_pings_go_out_together() {
    let mut script = script(Config {
        ping_slack: Some(Duration::from_secs(20)),
        ..defaults()
    });
    let [a, b, c, d] = [0, 5_000, 20_000, 20_001].map(|time| {
        script.until(time);
        script.open_websocket()
    });
    let mut pinged = script.until(25_000).take();
    pinged.sort_by_key(|done| format!("{done:?}"));
    assert_eq!(pinged, [sent(a, "2"), sent(b, "2"), sent(c, "2")]);
    script.until(44_999).expect([]);
    for c in [a, b, c] {
        script.text(c, "3");
    }
    script.until(45_001).expect([sent(d, "2")]);
}

/// B-6: the platform may answer pongs without waking the room. Before a session expires, the server asks the platform
/// for the time of the last such answer.
#[test]
fn b_6_absorbed_pongs_keep_a_session() {
    assert_eq!(AUTO_RESPONSE, ("3", "6"));
    let mut script = script(Config {
        absorb_pongs: true,
        ..defaults()
    });
    let c = script.open_websocket();
    for turn in 1..=10 {
        script.until(turn * 25_000).expect([sent(c, "2")]);
        let pong = at(turn * 25_000 + 100);
        script.platform.auto_responses.borrow_mut().insert(c, pong);
    }
    script.until(250_100 + 44_999).expect([sent(c, "2")]);
    script.until(250_100 + 45_000).expect([closed(c)]);
    assert_eq!(script.core.ended, [CloseReason::PingTimeout]);
}

/// B-6: the same after the loss of memory.
#[test]
fn b_6_absorbed_pongs_keep_a_session_that_was_forgotten() {
    let mut script = script(Config {
        absorb_pongs: true,
        ..defaults()
    });
    let c = script.open_websocket();
    for turn in 1..=10 {
        script.until(turn * 25_000).expect([sent(c, "2")]);
        let pong = at(turn * 25_000 + 100);
        script.platform.auto_responses.borrow_mut().insert(c, pong);
        script.lose_memory();
    }
    script.text(c, "4alive").expect([sent(c, "4alive")]);
}

/// B-7, T-10
#[test]
fn b_7_a_pong_is_not_answered() {
    let mut script = script(conformance());
    let c = script.open_websocket();
    script.until(300).expect([sent(c, "2")]);
    script.text(c, "3").until(599).expect([]);
    script.until(600).expect([sent(c, "2")]);
}

/// B-1: a pong by POST extends the deadline like one on a WebSocket.
#[test]
fn b_1_a_posted_pong_keeps_the_session() {
    let mut script = script(defaults());
    let sid = script.open_polling();
    let mut poll = script.poll(&sid);
    for turn in 1..=10 {
        script.until(turn * 25_000).expect([polled(poll, "2")]);
        poll = script.poll(&sid);
        let post = script.send(&sid, "3");
        script.expect([ok(post)]);
    }
    assert_eq!(script.core.ended, []);
}

/// A client is lost before the late alarm sends the ping that is due: no ping is sent.
#[test]
fn b_a_lost_client_is_not_pinged() {
    for late in [300, 500] {
        let mut script = script(conformance());
        let c = script.open_websocket();
        script.skip_to(late).lost(c).expect([]);
        assert_eq!(script.core.ended, [CloseReason::TransportClose]);
    }
    let mut script = script(conformance());
    let sid = script.open_polling();
    let poll = script.poll(&sid);
    script.skip_to(300).aborted(poll).expect([]);
    assert_eq!(script.core.ended, [CloseReason::TransportError]);
}
