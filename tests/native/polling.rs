//! P: polling.

use signalbox::engine::CloseReason;

use crate::obedient::obedient;
use crate::raw::{conformance, defaults, script};
use crate::support::{ok, polled, refused, refused_bare, sent, websocket};

/// P-1
#[test]
fn p_1_a_post_is_answered_ok_whatever_it_holds() {
    let mut script = script(conformance());
    let sid = script.open_polling();
    let post = script.send(&sid, "4hello\x1e4world");
    script.expect([ok(post)]);
    let poll = script.poll(&sid);
    script.expect([polled(poll, "4hello\x1e4world")]);
    let invalid = script.send(&sid, "4last\x1eabc");
    script.expect([ok(invalid)]);
}

/// P-2: base64 is read leniently, and written as the standard says.
#[test]
fn p_2_packets_of_a_payload() {
    for (sent, echoed) in [
        ("4", "4"),
        ("4hello", "4hello"),
        ("4€\u{1F600}", "4€\u{1F600}"),
        ("bAQIDBA==", "bAQIDBA=="),
        ("bAQIDBA", "bAQIDBA=="),
        ("b-_8", "b+/8="),
        ("bAQ\nID BA!=", "bAQIDBA=="),
        ("b", "b"),
    ] {
        let mut script = script(conformance());
        let sid = script.open_polling();
        let post = script.send(&sid, sent);
        let poll = script.poll(&sid);
        script.expect([ok(post), polled(poll, echoed)]);
    }
}

/// P-3
#[test]
fn p_3_processing_stops_at_the_first_bad_packet() {
    for body in [
        "",
        "4a\x1e",
        "\x1e4a",
        "4a\x1e\x1e4b",
        "4a\x1e24b",
        "abc",
        "4a\x1e72",
    ] {
        let mut script = script(conformance());
        let sid = script.open_polling();
        let poll = script.poll(&sid);
        let post = script.send(&sid, body);
        script.expect([polled(poll, "1"), ok(post)]);
        let poll = script.poll(&sid);
        script.expect([refused(poll, 1)]);
        assert_eq!(script.core.ended, [CloseReason::ParseError], "{body:?}");
    }
}

/// P-3: packets before an invalid one count, packets after it do not.
#[test]
fn p_3_packets_before_the_bad_one_are_delivered() {
    for bad in ["", "2", "7", "abc"] {
        let mut script = obedient();
        let sid = script.open_polling();
        script.send(&sid, "40");
        script.send(&sid, &format!("42[\"a\"]\x1e{bad}\x1e42[\"b\"]"));
        assert_eq!(script.core.app().log, ["a false", "parse error"], "{bad:?}");
    }
}

/// P-6
#[test]
fn p_6_a_poll_takes_all_waiting_packets_or_is_held() {
    let mut script = script(conformance());
    let sid = script.open_polling();
    for body in ["4a", "4b\x1ebAQID"] {
        let post = script.send(&sid, body);
        script.expect([ok(post)]);
    }
    let poll = script.poll(&sid);
    script.expect([polled(poll, "4a\x1e4b\x1ebAQID")]);
    let poll = script.poll(&sid);
    script.expect([]);
    let post = script.send(&sid, "4c\x1e4d");
    script.expect([ok(post), polled(poll, "4c\x1e4d")]);
}

/// P-6: a ping ends the wait of a held poll.
#[test]
fn p_6_a_held_poll_is_released_by_the_ping() {
    let mut script = script(defaults());
    let sid = script.open_polling();
    let poll = script.poll(&sid);
    script.until(24_999).expect([]);
    script.until(25_000).expect([polled(poll, "2")]);
}

/// P-7
#[test]
fn p_7_one_poll_at_a_time() {
    let mut script = script(conformance());
    let sid = script.open_polling();
    let first = script.poll(&sid);
    let second = script.poll(&sid);
    script.expect([refused_bare(second, 400), polled(first, "1")]);
    let post = script.send(&sid, "4late");
    script.expect([refused(post, 1)]);
}

/// P-8
#[test]
fn p_8_an_aborted_poll_ends_the_session() {
    let mut script = script(conformance());
    let sid = script.open_polling();
    let poll = script.poll(&sid);
    script.aborted(poll).expect([]);
    assert_eq!(script.core.ended, [CloseReason::TransportError]);
    let poll = script.poll(&sid);
    script.expect([refused(poll, 1)]);
    assert!(script.platform.stored().is_empty());
}

/// P-8: of many sessions only the one with that poll ends.
#[test]
fn p_8_an_abort_ends_one_session_of_many() {
    let mut script = script(conformance());
    let polls: Vec<(String, u64)> = (0..20)
        .map(|_| {
            let sid = script.open_polling();
            let answered = script.poll(&sid);
            script.send(&sid, "4hello");
            assert_eq!(script.take_for(answered), [polled(answered, "4hello")]);
            let poll = script.poll(&sid);
            script.aborted(answered);
            (sid, poll)
        })
        .collect();
    script.take();
    for (ended, (sid, poll)) in polls.iter().enumerate() {
        assert_eq!(script.core.ended.len(), ended);
        script.send(sid, "4alive");
        assert_eq!(script.take_for(*poll), [polled(*poll, "4alive")]);
        let poll = script.poll(sid);
        script.aborted(poll);
        script.take();
        let poll = script.poll(sid);
        script.expect([refused(poll, 1)]);
    }
    assert!(script.platform.stored().is_empty());
}

/// P-8: an abort after the answer has no effect.
#[test]
fn p_8_an_abort_after_the_answer_is_late() {
    let mut script = script(conformance());
    let sid = script.open_polling();
    let poll = script.poll(&sid);
    let post = script.send(&sid, "4hello");
    script.expect([ok(post), polled(poll, "4hello")]);
    let next = script.poll(&sid);
    script.aborted(poll).expect([]);
    script.send(&sid, "4alive");
    assert_eq!(script.take_for(next), [polled(next, "4alive")]);
}

/// P-9
#[test]
fn p_9_answers_may_exceed_max_payload() {
    let mut config = conformance();
    config.max_payload = 8;
    let mut script = script(config);
    let sid = script.open_polling();
    for _ in 0..3 {
        script.send(&sid, "41234567");
    }
    script.take();
    let poll = script.poll(&sid);
    script.expect([polled(poll, "41234567\x1e41234567\x1e41234567")]);
}

/// The queue is limited: a client that never polls is disconnected.
#[test]
fn p_a_queue_that_grows_without_end_ends_its_session() {
    let mut config = conformance();
    config.max_queued = 100;
    let mut script = script(config);
    let sid = script.open_polling();
    let message = format!("4{}", "x".repeat(49));
    script.send(&sid, &format!("4{}", "x".repeat(200)));
    assert!(script.core.ended.is_empty(), "one message always fits");
    let poll = script.poll(&sid);
    script.take_for(poll);
    for _ in 0..2 {
        script.send(&sid, &message);
    }
    assert!(script.core.ended.is_empty(), "two messages fit");
    script.send(&sid, &message);
    assert_eq!(script.core.ended, [CloseReason::TransportError]);
    script.take();
    let poll = script.poll(&sid);
    script.expect([refused(poll, 1)]);
}

/// P-10
#[test]
fn p_10_a_pending_poll_learns_that_the_server_closed() {
    let mut script = script(conformance());
    let sid = script.open_polling();
    let poll = script.poll(&sid);
    let post = script.send(&sid, "4bye");
    assert_eq!(script.take_for(poll), [polled(poll, "1")]);
    script.expect([ok(post)]);
    let poll = script.poll(&sid);
    script.expect([refused(poll, 1)]);
    assert_eq!(script.core.ended, [CloseReason::ForcedServerClose]);
}

/// P-10, K-5: without a pending poll, the next poll within 30 s gets the close packet, once.
#[test]
fn p_10_the_next_poll_learns_that_the_server_closed() {
    for (wait, learns) in [(0, true), (30_000, true), (30_001, false)] {
        let mut script = script(conformance());
        let sid = script.open_polling();
        script.send(&sid, "4bye");
        script.take();
        script.until(wait);
        let poll = script.poll(&sid);
        script.expect([if learns {
            polled(poll, "6\x1e1")
        } else {
            refused(poll, 1)
        }]);
        let poll = script.poll(&sid);
        script.expect([refused(poll, 1)]);
    }
}

/// P-10: queued packets come first.
#[test]
fn p_10_the_queue_is_delivered_before_the_close() {
    let mut script = script(conformance());
    let sid = script.open_polling();
    script.send(&sid, "4last words\x1e4bye");
    script.take();
    for body in ["4last words", "6\x1e1"] {
        let poll = script.poll(&sid);
        script.expect([polled(poll, body)]);
    }
    let poll = script.poll(&sid);
    script.expect([refused(poll, 1)]);
    // The same with a pending poll, which is answered once.
    let sid = script.open_polling();
    let poll = script.poll(&sid);
    let post = script.send(&sid, "4last words\x1e4bye");
    script.expect([ok(post), polled(poll, "4last words")]);
    let poll = script.poll(&sid);
    script.expect([polled(poll, "6\x1e1")]);
}

/// P-11
#[test]
fn p_11_the_client_closes_with_a_poll_pending() {
    let mut script = script(conformance());
    let sid = script.open_polling();
    let poll = script.poll(&sid);
    let post = script.send(&sid, "1");
    script.expect([polled(poll, "6"), ok(post)]);
    let poll = script.poll(&sid);
    script.expect([refused(poll, 1)]);
    assert_eq!(script.core.ended, [CloseReason::TransportClose]);
}

/// P-12, T-7: a poll that arrives at most 100 ms after the client's close packet is still answered.
#[test]
fn p_12_a_poll_may_race_the_clients_close() {
    for (wait, races) in [(0, true), (100, true), (101, false)] {
        let mut script = script(conformance());
        let sid = script.open_polling();
        let post = script.send(&sid, "1");
        script.expect([ok(post)]).until(wait);
        let poll = script.poll(&sid);
        script.expect([if races {
            polled(poll, "6")
        } else {
            refused(poll, 1)
        }]);
        let poll = script.poll(&sid);
        script.expect([refused(poll, 1)]);
    }
}

/// P-12: only a poll may be late.
#[test]
fn p_12_nothing_else_may_race_the_clients_close() {
    let mut script = script(conformance());
    let sid = script.open_polling();
    script.send(&sid, "1");
    script.take();
    let post = script.send(&sid, "4late");
    script.expect([refused(post, 1)]);
    let upgrade = script.upgrade(&websocket(&sid));
    script.expect([crate::support::refused_upgrade(upgrade, 1)]);
}

/// P-13: a poll that is held too long gets a noop, and the client polls again.
#[test]
fn p_13_an_overdue_poll_is_released() {
    let mut script = script(defaults());
    let sid = script.open_polling();
    let poll = script.poll(&sid);
    script.overdue(poll).expect([polled(poll, "6")]);
    script.overdue(poll).expect([]);
    let poll = script.poll(&sid);
    script.expect([]);
    script.send(&sid, "4alive");
    assert_eq!(script.take_for(poll), [polled(poll, "4alive")]);
}

/// Sessions do not get each other's messages.
#[test]
fn sessions_are_apart() {
    let mut script = script(conformance());
    let (a, b) = (script.open_polling(), script.open_polling());
    let connection = script.open_websocket();
    let (poll_a, poll_b) = (script.poll(&a), script.poll(&b));
    script.send(&a, "4for a");
    script.text(connection, "4for c");
    assert_eq!(script.take_for(poll_a), [polled(poll_a, "4for a")]);
    assert_eq!(script.take_for(poll_b), []);
    assert_eq!(script.take_for(connection), [sent(connection, "4for c")]);
}
