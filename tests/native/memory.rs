//! What survives the loss of memory. Hibernation, eviction and a restart are the same to the core.

use signalbox::engine::CloseReason;

use crate::raw::{conformance, defaults, script};
use crate::support::{
    Done, accepted, closed, dismissed, ok, polled, refused, sent, sent_bytes, session_id, websocket,
};

#[test]
fn a_session_on_a_websocket_goes_on() {
    let mut script = script(conformance());
    let c = script.open_websocket();
    script.lose_memory().text(c, "4hello").bytes(c, &[1]);
    script.expect([sent(c, "4hello"), sent_bytes(c, [1])]);
    script.until(299).expect([]);
    script.until(300).expect([sent(c, "2")]);
    script.lose_memory().until(499).expect([]);
    script.until(500).expect([closed(c)]);
}

#[test]
fn a_pending_poll_stays_pending() {
    let mut script = script(conformance());
    let sid = script.open_polling();
    let poll = script.poll(&sid);
    script.lose_memory().expect([]);
    let post = script.send(&sid, "4hello");
    script.expect([ok(post), polled(poll, "4hello")]);
    let poll = script.poll(&sid);
    script.lose_memory().until(300).expect([polled(poll, "2")]);
}

/// A polling session's queue survives, text and bytes. A ping is added, because the time of the
/// last ping is unknown.
#[test]
fn queued_packets_are_not_lost() {
    let mut script = script(conformance());
    let sid = script.open_polling();
    script.send(&sid, "4a\x1ebAQID\x1e4\u{4e2d}\"\\\n");
    script.take();
    script.lose_memory().lose_memory();
    let poll = script.poll(&sid);
    script.expect([polled(poll, "4a\x1ebAQID\x1e4\u{4e2d}\"\\\n\x1e2")]);
    let poll = script.poll(&sid);
    script.expect([]);
    script.send(&sid, "4b");
    assert_eq!(
        script.take_for(poll),
        [polled(poll, "4b")],
        "no packet is sent twice"
    );
}

/// An upgrade holds a poll for at most 100 ms, also if memory is lost.
#[test]
fn an_upgrade_goes_on() {
    let mut script = script(defaults());
    let (sid, probe) = script.open_probe();
    script.lose_memory().text(probe, "2probe");
    script.expect([sent(probe, "3probe")]).lose_memory();
    let poll = script.poll(&sid);
    script.expect([polled(poll, "2")]);
    let poll = script.poll(&sid);
    script.lose_memory().until(99).expect([]);
    script.until(100).expect([polled(poll, "6")]);
    script.lose_memory().text(probe, "5").text(probe, "4hello");
    script.expect([sent(probe, "2"), sent(probe, "4hello")]);
    script.lose_memory();
    let poll = script.poll(&sid);
    script.expect([refused(poll, 3)]);
}

#[test]
fn an_unfinished_upgrade_is_abandoned_in_time() {
    let mut script = script(defaults());
    let (sid, probe) = script.open_probe();
    script.until(5_000).lose_memory().until(9_999);
    let again = script.upgrade(&websocket(&sid));
    script.expect([dismissed(again)]).until(10_000);
    let again = script.upgrade(&websocket(&sid));
    script.expect([closed(probe), accepted(again)]);
}

/// A poll that overtook the `2probe` is answered, although the server no longer knows when the poll
/// arrived.
#[test]
fn a_poll_during_the_upgrade_is_released() {
    let mut script = script(defaults());
    script.until(1_000);
    let (sid, probe) = script.open_probe();
    let poll = script.poll(&sid);
    script.lose_memory().text(probe, "2probe");
    script.expect([sent(probe, "3probe"), polled(poll, "6")]);
}

/// A pong that is posted while a poll is pending is not lost.
#[test]
fn a_posted_pong_is_remembered() {
    let mut script = script(defaults());
    let sid = script.open_polling();
    let poll = script.poll(&sid);
    script.until(25_000).expect([polled(poll, "2")]);
    let poll = script.poll(&sid);
    let post = script.send(&sid, "3");
    script.expect([ok(post)]).lose_memory();
    script.until(50_000).expect([polled(poll, "2")]);
    assert_eq!(script.core.ended, []);
}

/// A client between two polls has pingTimeout to return.
#[test]
fn a_session_between_two_polls_is_kept() {
    for (wait, kept) in [(19_999, true), (20_000, false)] {
        let mut script = script(defaults());
        let sid = script.open_polling();
        script.until(20_000).lose_memory().skip_to(20_000 + wait);
        let poll = script.poll(&sid);
        assert_eq!(script.take().contains(&refused(poll, 1)), !kept, "{wait}");
    }
}

/// A lost client expires however often memory is lost, even if its queue is not empty.
#[test]
fn the_session_of_a_lost_client_expires() {
    for body in ["", "4unread"] {
        let mut script = script(defaults());
        let sid = script.open_polling();
        if !body.is_empty() {
            script.send(&sid, body);
        }
        script.lose_memory();
        for _ in 0..4 {
            let next = script.now() + 4_999;
            script.until(next).lose_memory();
            assert_eq!(script.core.ended, [], "{body:?}");
        }
        script.until(20_000);
        assert_eq!(script.core.ended, [CloseReason::PingTimeout], "{body:?}");
        assert!(script.platform.stored().is_empty());
    }
}

/// A client that returns has a new deadline, and expires only if it is silent again.
#[test]
fn a_session_lives_on_when_its_client_returns() {
    let mut script = script(defaults());
    let sid = script.open_polling();
    script.lose_memory().until(15_000).take();
    let poll = script.poll(&sid);
    script.expect([polled(poll, "2")]);
    let poll = script.poll(&sid);
    script.lose_memory().until(30_000);
    script.expect([]);
    script.until(40_000).expect([polled(poll, "2")]);
}

/// The stored value of a session is deleted with the session, and when the session leaves polling.
#[test]
fn nothing_is_left_behind() {
    let mut script = script(conformance());
    let (_, probe) = script.open_probe();
    assert_eq!(script.platform.stored().len(), 1);
    script.text(probe, "5");
    assert!(script.platform.stored().is_empty(), "upgraded");
    for body in ["1", "4bye", "abc"] {
        let sid = script.open_polling();
        script.send(&sid, body);
        let then = script.now() + 30_001; // a farewell waits this long
        assert!(script.until(then).platform.stored().is_empty(), "{body}");
    }
}

/// An attachment that is damaged or of another version ends only its own connection or request: the
/// connection is closed, the request answered.
#[test]
fn attachments_that_cannot_be_read() {
    for junk in JUNK {
        let mut script = script(conformance());
        let (c, other) = (script.open_websocket(), script.open_websocket());
        let sid = script.open_polling();
        let poll = script.poll(&sid);
        script.connections.insert(c, junk.to_owned());
        script.requests.insert(poll, junk.to_owned());
        script.lose_memory().expect([closed(c), polled(poll, "6")]);
        script.text(other, "4hi").expect([sent(other, "4hi")]);
        let poll = script.poll(&sid);
        script.expect([polled(poll, "2")]);
    }
}

/// A record that is damaged or of another version stops the object. The reason reveals no secret.
#[test]
fn records_that_cannot_be_read() {
    for junk in JUNK {
        let mut script = script(conformance());
        let sid = script.open_polling();
        let mut rows = script.platform.stored();
        for row in rows.values_mut() {
            junk.clone_into(row);
        }
        script.set_stored(rows);
        for _ in 0..2 {
            script.lose_memory();
            let done = script.take();
            let [Done::Halted(reason)] = &done[..] else {
                panic!("{junk:?}: {done:?}");
            };
            assert!(reason.starts_with("a stored record of kind \"session\" cannot be read"));
            assert!(!reason.contains(&sid), "{reason}");
        }
        assert!(
            !script.platform.stored().is_empty(),
            "nothing is overwritten"
        );
    }
}

/// A storage that cannot be read stops the object too.
#[test]
fn storage_that_fails() {
    let mut script = script(conformance());
    let sid = script.open_polling();
    script
        .platform
        .broken
        .replace(Some("the disk is gone".to_owned()));
    script.lose_memory();
    assert_eq!(script.take(), [Done::Halted("the disk is gone".to_owned())]);
    script.platform.broken.take();
    let poll = script.lose_memory().poll(&sid);
    script.expect([polled(poll, "2")]);
}

/// Unreadable stored values and attachments: truncated, damaged, of other versions.
const JUNK: [&str; 8] = [
    "",
    "1",
    "{}",
    "null",
    "1{\"session\":{}}",
    "1{\"sid\":\"x\"}",
    "2{}",
    "\u{0}",
];

/// Memory may be lost between an upgrade and the deletion of the session's stored value. Then the session stays on
/// the WebSocket, and the value is deleted.
#[test]
fn a_stored_session_that_outlived_its_upgrade_is_deleted() {
    let mut script = script(conformance());
    let (sid, probe) = script.open_probe();
    let rows = script.platform.stored();
    script.text(probe, "5").take();
    script.set_stored(rows);
    script
        .lose_memory()
        .text(probe, "4hello")
        .expect([sent(probe, "4hello")]);
    assert!(script.platform.stored().is_empty());
    let second = script.upgrade(&websocket(&sid));
    script.expect([dismissed(second)]);
}

/// A session that is opened after the loss of memory does not get the id of an earlier session.
#[test]
fn a_session_after_the_loss_of_memory_gets_a_new_id() {
    let mut script = script(conformance());
    script.open_websocket();
    script.open_polling();
    script.lose_memory();
    assert_eq!(script.open_polling(), session_id(3));
}

/// A turn without a lasting change stores nothing.
#[test]
fn messages_on_a_websocket_are_not_written_down() {
    let mut script = script(conformance());
    let c = script.open_websocket();
    assert_ne!(script.connections[&c], "");
    script.connections.insert(c, "untouched".to_owned());
    script.text(c, "4hello").bytes(c, &[1, 2]);
    assert_eq!(script.connections[&c], "untouched");
    script.text(c, "3");
    assert_ne!(script.connections[&c], "untouched", "a pong is stored");
}
