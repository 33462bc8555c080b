//! U: the upgrade from polling to WebSocket.

use signalbox::engine::CloseReason;
use signalbox::io::Core;

use crate::raw::{conformance, defaults, script};
use crate::support::{
    accepted, at, closed, dismissed, ok, polled, refused, sent, sent_bytes, websocket,
};

/// U-1
#[test]
fn u_1_the_websocket_of_a_session_gets_no_open_packet() {
    let mut script = script(conformance());
    let sid = script.open_polling();
    let probe = script.upgrade(&websocket(&sid));
    script.expect([accepted(probe)]);
}

/// U-2: every poll, pending or new, is released until `5`.
#[test]
fn u_2_probe_is_answered_and_polls_are_released() {
    let mut script = script(defaults());
    let (sid, probe) = script.open_probe();
    let pending = script.poll(&sid);
    script.until(1_000).expect([]).text(probe, "2probe");
    script.expect([sent(probe, "3probe"), polled(pending, "6")]);
    for turn in 1..=3 {
        let arriving = script.poll(&sid);
        script.expect([]).until(1_000 + 100 * turn);
        script.expect([polled(arriving, "6")]);
    }
}

/// U-3: without a pending poll, `5` follows at once.
#[test]
fn u_3_upgrade_without_polls() {
    let mut script = script(conformance());
    let (_, probe) = script.open_probe();
    script
        .text(probe, "2probe")
        .text(probe, "5")
        .text(probe, "4hello");
    script.expect([sent(probe, "3probe"), sent(probe, "4hello")]);
    assert_eq!(script.core.ended, []);
}

/// U-4: after `5` the queue is sent, polling has ended, and the heartbeat starts again.
#[test]
fn u_4_on_upgrade_the_queue_flushes() {
    let mut script = script(defaults());
    let sid = script.open_polling();
    let poll = script.poll(&sid);
    script.until(25_000).expect([polled(poll, "2")]);
    let probe = script.upgrade(&websocket(&sid));
    script
        .text(probe, "2probe")
        .expect([accepted(probe), sent(probe, "3probe")]);
    let post = script.send(&sid, "4a\x1ebAQID\x1e4b");
    script.expect([ok(post)]);
    script.until(30_000).text(probe, "5");
    script.expect([
        sent(probe, "4a"),
        sent_bytes(probe, [1, 2, 3]),
        sent(probe, "4b"),
    ]);
    let poll = script.poll(&sid);
    script.expect([refused(poll, 3)]);
    script.until(54_999).expect([]);
    script.until(55_000).expect([sent(probe, "2")]);
    script.until(74_999).expect([]);
    script.until(75_000).expect([closed(probe)]);
}

/// U-5: no message is lost or reordered between the last poll and `5`, wherever memory is lost.
#[test]
fn u_5_nothing_is_lost_between_poll_and_upgrade() {
    for lost_at in 0..5 {
        let mut script = script(defaults());
        let (sid, probe) = script.open_probe();
        for (turn, step) in ["2probe", "4a", "4b", "5", "4c"].into_iter().enumerate() {
            if turn == lost_at {
                script.lose_memory();
            }
            if matches!(step, "4a" | "4b") {
                let post = script.send(&sid, step);
                assert_eq!(script.take_for(post), [ok(post)]);
            } else {
                script.text(probe, step);
            }
        }
        let mut frames = script.take();
        frames.retain(|done| *done != sent(probe, "2")); // it is sent again after the loss of memory
        assert_eq!(
            frames,
            ["3probe", "4a", "4b", "4c"].map(|frame| sent(probe, frame))
        );
    }
}

/// U-6
#[test]
fn u_6_a_probe_may_say_nothing_else() {
    for frame in [
        "42[\"x\"]",
        "2",
        "2prob",
        "2probe ",
        "5x",
        "1",
        "3",
        "6",
        "",
        "4",
    ] {
        let mut script = script(conformance());
        let (sid, probe) = script.open_probe();
        script.text(probe, frame).expect([closed(probe)]);
        script.lost(probe);
        let post = script.send(&sid, "4alive");
        let poll = script.poll(&sid);
        script.expect([ok(post), polled(poll, "4alive")]);
    }
    let mut script = script(conformance());
    let (_, probe) = script.open_probe();
    script.bytes(probe, b"2probe").expect([closed(probe)]);
}

/// U-6: `5` without a probe.
#[test]
fn u_6_an_upgrade_without_a_probe_is_accepted() {
    let mut script = script(conformance());
    let (_, probe) = script.open_probe();
    script.text(probe, "5").text(probe, "4hello");
    script.expect([sent(probe, "4hello")]);
}

/// U-7: the probe's WebSocket closes; polling continues, and the client may try again.
#[test]
fn u_7_a_lost_probe_leaves_polling_intact() {
    let mut script = script(defaults());
    let (sid, probe) = script.open_probe();
    script.text(probe, "2probe").lost(probe);
    script.expect([sent(probe, "3probe")]);
    let poll = script.poll(&sid);
    script.expect([]);
    script.until(10_000).expect([]);
    let second = script.upgrade(&websocket(&sid));
    script.text(second, "2probe");
    script.expect([accepted(second), sent(second, "3probe"), polled(poll, "6")]);
    script.text(second, "5").text(second, "4hello");
    script.expect([sent(second, "4hello")]);
}

/// U-7: a poll that was held when the probe was lost is still released.
#[test]
fn u_7_a_held_poll_outlives_the_probe() {
    let mut script = script(defaults());
    let (sid, probe) = script.open_probe();
    script.text(probe, "2probe");
    let poll = script.poll(&sid);
    script.lost(probe).expect([sent(probe, "3probe")]);
    script.until(100).expect([polled(poll, "6")]);
}

/// U-7, K-3: an upgrade that takes more than ten seconds is abandoned when the client next sends
/// something.
#[test]
fn u_7_an_upgrade_takes_ten_seconds_at_most() {
    let mut script = script(defaults());
    let (sid, probe) = script.open_probe();
    script.text(probe, "2probe").take();
    script.until(9_899);
    let poll = script.poll(&sid);
    script.until(9_999).expect([polled(poll, "6")]);
    let second = script.upgrade(&websocket(&sid));
    script.expect([dismissed(second)]).until(10_000);
    let poll = script.poll(&sid);
    script.expect([closed(probe)]).lost(probe);
    script.until(25_000).expect([polled(poll, "2")]);
    assert_eq!(script.core.ended, []);
}

/// U-7: the upgrade of a silent client is abandoned with the next ping.
#[test]
fn u_7_a_silent_upgrade_is_given_up_by_the_ping() {
    let mut script = script(defaults());
    let (_, probe) = script.open_probe();
    script.until(24_999).expect([]);
    script.until(25_000).expect([closed(probe)]);
}

/// An upgrade sets no alarm: each alarm costs money.
#[test]
fn u_an_upgrade_sets_no_deadline() {
    let mut script = script(defaults());
    let sid = script.open_polling();
    let deadline = Some(at(25_000));
    let pending = script.poll(&sid);
    let probe = script.upgrade(&websocket(&sid));
    assert_eq!(script.core.deadline(), deadline, "while it opens");
    script.until(5_000).text(probe, "2probe");
    assert_eq!(script.take_for(pending), [polled(pending, "6")]);
    script.poll(&sid);
    assert_eq!(script.core.deadline(), deadline, "while a poll is held");
    script.text(probe, "5");
    assert_eq!(script.core.deadline(), Some(at(30_000)), "the next ping");
}

/// U-8, K-3, T-7
#[test]
fn u_8_a_poll_during_the_upgrade_waits_for_its_end() {
    let mut script = script(conformance());
    let (sid, probe) = script.open_probe();
    script.text(probe, "2probe").take();
    let poll = script.poll(&sid);
    script.until(99).expect([]);
    script.text(probe, "5").expect([refused(poll, 3)]);
}

/// U-8, T-7: a poll that arrived less than 20 ms before the probe may have overtaken it, and waits for
/// 20 ms. It waits no longer, because a stock client sends `5` only after its poll has returned.
#[test]
fn u_8_a_poll_may_overtake_the_probe() {
    for upgrades in [true, false] {
        let mut script = script(conformance());
        let (sid, probe) = script.open_probe();
        let poll = script.poll(&sid);
        script.until(19).text(probe, "2probe");
        script.expect([sent(probe, "3probe")]).until(38).expect([]);
        if upgrades {
            script.text(probe, "5").expect([refused(poll, 3)]);
            script.until(100).expect([]);
        } else {
            script.until(39).expect([polled(poll, "6")]);
        }
    }
}

/// U-8: a poll that arrived 20 ms or more before the probe did not overtake it.
#[test]
fn u_8_a_poll_that_overtook_nothing_is_released_at_the_probe() {
    let mut script = script(conformance());
    let (sid, probe) = script.open_probe();
    let poll = script.poll(&sid);
    script.until(20).text(probe, "2probe");
    script.expect([sent(probe, "3probe"), polled(poll, "6")]);
}

/// U-8: a message also ends the wait.
#[test]
fn u_8_a_poll_during_the_upgrade_gets_new_messages() {
    let mut script = script(conformance());
    let (sid, probe) = script.open_probe();
    script.text(probe, "2probe").take();
    let poll = script.poll(&sid);
    let post = script.send(&sid, "4hello");
    script.expect([ok(post), polled(poll, "4hello")]);
}

/// A session that ends during its upgrade closes the probe.
#[test]
fn u_a_session_that_ends_closes_its_probe() {
    let mut script = script(conformance());
    let (sid, probe) = script.open_probe();
    script.text(probe, "2probe").take();
    let poll = script.poll(&sid);
    let post = script.send(&sid, "1");
    script.expect([closed(probe), polled(poll, "6"), ok(post)]);
    script.lost(probe).expect([]);
    assert_eq!(script.core.ended, [CloseReason::TransportClose]);
}

/// T-9: the upgrade completes before the first ping, whose time does not change.
#[test]
fn t_9_no_ping_before_its_time() {
    let mut script = script(conformance());
    let (_, probe) = script.open_probe();
    script
        .text(probe, "2probe")
        .until(50)
        .text(probe, "5")
        .text(probe, "4hello");
    script.expect([sent(probe, "3probe"), sent(probe, "4hello")]);
    script.until(349).expect([]);
    script.until(350).expect([sent(probe, "2")]);
}
