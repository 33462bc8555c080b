//! The size limits of a POST's body and of its packets.

use signalbox::engine::{CloseReason, Config};
use signalbox::io::Method;

use crate::raw::{Raw, conformance, script};
use crate::support::{Done, Script, ok, polled, polling, refused_bare};

/// engine.io's `maxHttpBufferSize`.
const BODY: usize = 1_000_000;

fn with_max_payload(max_payload: usize) -> Script<Raw> {
    script(Config {
        max_payload,
        ..conformance()
    })
}

/// Posts the body and polls for its echo.
#[track_caller]
fn passes(script: &mut Script<Raw>, sid: &str, body: &str, echo: &str) {
    let post = script.send(sid, body);
    let poll = script.poll(sid);
    script.expect([ok(post), polled(poll, echo)]);
}

/// E-10: if one packet of a body is too large, the whole body is refused, wherever the packet is,
/// and the session stays open. A packet in base64 counts with the number of its decoded bytes.
#[test]
fn e_10_a_packet_beyond_max_payload_refuses_its_body() {
    for body in [
        "4123456789x",
        "4a\x1e4123456789x\x1e4b",
        "4a\x1eb0123456789abcdE", // eleven bytes
        "6123456789x",
        "4éééééx",
        "9123456789x",
    ] {
        let mut script = with_max_payload(10);
        let sid = script.open_polling();
        let post = script.send(&sid, body);
        script.expect([refused_bare(post, 413)]);
        passes(&mut script, &sid, "4alive", "4alive");
        assert!(script.core.ended.is_empty(), "{body}");
    }
}

/// E-10: `maxPayload` limits each packet, not the whole body.
#[test]
fn e_10_a_body_may_hold_many_packets_of_max_payload() {
    let mut script = with_max_payload(10);
    let sid = script.open_polling();
    let body = "4123456789\x1ebMDEyMzQ1Njc4OQ==\x1e4éééé\x1e6ignored..";
    let echo = "4123456789\x1ebMDEyMzQ1Njc4OQ==\x1e4éééé";
    passes(&mut script, &sid, body, echo);

    let mut script = script_of_a_room();
    let sid = script.open_polling();
    let signals = vec![format!("4{}", "x".repeat(4095)); 40].join("\x1e");
    passes(&mut script, &sid, &signals, &signals);
}

fn script_of_a_room() -> Script<Raw> {
    script(Config::default())
}

/// E-10: a body may have a million bytes, or `maxPayload` if that is more.
#[test]
fn e_10_a_body_beyond_the_limit_is_refused() {
    let packets = |length: usize| {
        let first = BODY / 2;
        format!(
            "4{}\x1e4{}",
            "x".repeat(first),
            "y".repeat(length - first - 3)
        )
    };
    for (max_payload, longest) in [(BODY / 2 + 1, BODY), (BODY, BODY), (BODY + 7, BODY + 7)] {
        let mut script = with_max_payload(max_payload);
        let sid = script.open_polling();
        let post = script.send(&sid, &packets(longest + 1));
        script.expect([refused_bare(post, 413)]);
        let body = packets(longest);
        let post = script.send(&sid, &body);
        let poll = script.poll(&sid);
        let [posted, polled] = &script.take()[..] else {
            panic!("max_payload {max_payload}: not two answers");
        };
        assert_eq!(*posted, ok(post));
        let echoed =
            matches!(polled, Done::Responded(r, 200, _, echo) if *r == poll && *echo == body);
        assert!(echoed, "max_payload {max_payload}: the echo differs"); // a megabyte is not printed
    }
}

/// E-10: each packet takes memory, so their number is limited too. The limit is how many of the shortest
/// events fit into `maxPayload`, because clients split their bodies at this size.
#[test]
fn e_10_a_body_holds_sixteen_thousand_packets() {
    let shortest = r#"42["a"]"#;
    let most = (Config::default().max_payload + 1) / (shortest.len() + 1);
    for (packets, passes) in [(most, true), (most + 1, false)] {
        let mut script = script_of_a_room();
        let sid = script.open_polling();
        let post = script.send(&sid, &vec!["6"; packets].join("\x1e"));
        script.expect([if passes {
            ok(post)
        } else {
            refused_bare(post, 413)
        }]);
    }
}

/// P-2: invalid UTF-8 becomes U+FFFD, as in JavaScript, and does not end the session.
#[test]
fn p_2_invalid_utf_8_is_replaced() {
    for (bytes, echo) in [
        (&b"4\xff"[..], "4\u{fffd}"),
        (b"4a\x80b\x1e4c", "4a\u{fffd}b\x1e4c"),
        (b"4\xe2\x82\x1e4c", "4\u{fffd}\x1e4c"), // cut in a character
        (b"4\xf0\x9f\x98", "4\u{fffd}"),
        (b"4\xed\xa0\x80", "4\u{fffd}\u{fffd}\u{fffd}"), // a surrogate
        (b"4\xc0\xaf", "4\u{fffd}\u{fffd}"),             // an overlong form
        (b"4\xef\xbb\xbfx", "4\u{feff}x"),
    ] {
        let mut script = script(conformance());
        let sid = script.open_polling();
        let post = post_bytes(&mut script, &sid, bytes);
        let poll = script.poll(&sid);
        script.expect([ok(post), polled(poll, echo)]);
    }
    // An invalid packet type is invalid in any encoding.
    let mut script = script(conformance());
    let sid = script.open_polling();
    let post = post_bytes(&mut script, &sid, b"\xff\xfe4");
    script.expect([ok(post)]);
    assert_eq!(script.core.ended, [CloseReason::ParseError]);
}

/// E-10: a replaced byte counts with the size of its replacement.
#[test]
fn e_10_replaced_bytes_are_measured_as_they_are_read() {
    let mut script = with_max_payload(10);
    let sid = script.open_polling();
    for (bytes, passes) in [(&b"4\xff\xff\xff"[..], true), (b"4\xff\xff\xff.", false)] {
        let post = post_bytes(&mut script, &sid, bytes);
        let answer = if passes {
            ok(post)
        } else {
            refused_bare(post, 413)
        };
        assert_eq!(script.take_for(post), [answer]);
    }
}

fn post_bytes(script: &mut Script<Raw>, sid: &str, bytes: &[u8]) -> u64 {
    let query = polling(sid);
    let kind = "text/plain;charset=UTF-8";
    script.request(Method::Post, &query, kind, bytes)
}
