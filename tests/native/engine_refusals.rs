//! The engine refuses requests: each error, and what happens to the session.

use signalbox::engine::{Config, Rejection};
use signalbox::io::{ContentType, Method};

use crate::raw::{conformance, defaults, script};
use crate::support::{
    Done, POLLING, WEBSOCKET, accepted, dismissed, ok, polled, polling, refused, refused_bare,
    refused_upgrade, sent, session_id, websocket,
};

/// E-1: of two errors, engine.io's order decides which is reported.
#[test]
fn e_1_the_order_of_the_checks() {
    let mut script = script(conformance());
    let sid = script.open_polling();
    let unknown = session_id(999);
    let table = [
        (Method::Post, "EIO=3".to_owned(), 0),
        (Method::Post, format!("EIO=3&transport=x&sid={sid}"), 0),
        (
            Method::Other,
            format!("EIO=3&transport=websocket&sid={unknown}"),
            1,
        ),
        (
            Method::Post,
            format!("EIO=3&transport=websocket&sid={sid}"),
            3,
        ),
        (Method::Get, format!("EIO=3&transport=polling&sid={sid}"), 3),
        (Method::Post, "EIO=3&transport=websocket".to_owned(), 2),
        (Method::Get, "EIO=3&transport=websocket".to_owned(), 3),
        (Method::Get, "EIO=5&transport=polling".to_owned(), 5),
    ];
    for (method, query, code) in table {
        let request = script.request(method, &query, "", "");
        script.expect([refused(request, code)]);
    }
}

/// E-2
#[test]
fn e_2_an_unknown_transport() {
    let mut script = script(conformance());
    for query in [
        "EIO=4",
        "EIO=4&transport=",
        "EIO=4&transport=webtransport",
        "",
    ] {
        let request = script.get(query);
        script.expect([refused(request, 0)]);
        let request = script.upgrade(query);
        script.expect([refused_upgrade(request, 0)]);
    }
}

/// E-3
#[test]
fn e_3_an_unknown_sid() {
    let mut script = script(conformance());
    let gone = script.open_polling();
    let close = script.send(&gone, "1");
    script.expect([ok(close)]).until(101);
    for sid in [
        session_id(999),
        gone,
        "short".to_owned(),
        "%2B".to_owned(),
        "ÄÖ".repeat(5),
    ] {
        let request = script.poll(&sid);
        script.expect([refused(request, 1)]);
        let request = script.send(&sid, "4x");
        script.expect([refused(request, 1)]);
        let request = script.upgrade(&websocket(&sid));
        script.expect([refused_upgrade(request, 1)]);
    }
}

/// E-4
#[test]
fn e_4_a_handshake_is_a_get() {
    let mut script = script(conformance());
    for method in [Method::Post, Method::Other] {
        let request = script.request(method, POLLING, "text/plain", "4hello");
        script.expect([refused(request, 2)]);
    }
}

/// E-5
#[test]
fn e_5_a_session_and_a_request_that_do_not_fit() {
    let mut script = script(conformance());
    let request = script.get(WEBSOCKET);
    script.expect([refused(request, 3)]);
    let (sid, probe) = script.open_probe();
    let request = script.get(&format!("EIO=3&transport=polling&sid={sid}"));
    script.expect([refused(request, 3)]);
    script.text(probe, "5").take();
    let request = script.poll(&sid);
    script.expect([refused(request, 3)]);
    let request = script.send(&sid, "4hello");
    script.expect([refused(request, 3)]);
    script.text(probe, "4alive").expect([sent(probe, "4alive")]);
}

/// E-6: a handshake beyond the maximum number of sessions is refused on either transport. Other
/// sessions are not affected. The client is accepted after another session has ended.
#[test]
fn e_6_sessions_are_limited() {
    let mut script = script(Config {
        max_sessions: 2,
        ..defaults()
    });
    let sid = script.open_polling();
    let connection = script.open_websocket();
    let body = "Too many sessions: try again later";
    let json = format!(r#"{{"code":4,"message":"{body}"}}"#);
    let rows = script.platform.stored();
    let third = script.get(POLLING);
    script.expect([Done::Responded(third, 503, ContentType::Json, json)]);
    let third = script.upgrade(WEBSOCKET);
    script.expect([Done::Responded(
        third,
        503,
        ContentType::Html,
        body.to_owned(),
    )]);
    assert_eq!(script.platform.stored(), rows, "nothing is kept");
    // E-1: other errors of the request are reported as usual.
    let post = script.post(POLLING, "4x");
    script.expect([refused(post, 2)]);
    let revision = script.get("EIO=5&transport=polling");
    script.expect([refused(revision, 5)]);
    let post = script.send(&sid, "4alive");
    let poll = script.poll(&sid);
    script.expect([ok(post), polled(poll, "4alive")]);
    let probe = script.upgrade(&websocket(&sid));
    script.expect([accepted(probe)]);
    script.text(connection, "1").take();
    script.open_websocket();
    // A lost client counts until it expires.
    script.until(45_000).take();
    script.open_polling();
}

/// E-7: unsupported revisions are refused. Revision 3 is supported only with `revision_3`.
#[test]
fn e_7_other_revisions_are_refused() {
    for (query, always) in [
        ("transport=polling", true),
        ("EIO=3&transport=polling&t=1", false),
        ("EIO=&transport=polling", true),
        ("EIO=03&transport=polling", true),
        ("EIO=04&transport=polling", true),
        ("EIO=2&transport=polling", true),
        ("EIO=5&transport=polling", true),
    ] {
        for revision_3 in [true, false] {
            let mut script = script(Config {
                revision_3,
                ..conformance()
            });
            let request = script.get(query);
            let done = script.take();
            let is_refused = done == [refused(request, 5)];
            assert_eq!(is_refused, always || !revision_3, "{query}: {done:?}");
        }
    }
}

/// E-8: a second GET. An overlapping POST cannot occur here: a request arrives with its whole body.
#[test]
fn e_8_a_second_poll_ends_the_session() {
    let mut script = script(conformance());
    let sid = script.open_polling();
    let first = script.poll(&sid);
    let second = script.poll(&sid);
    script.expect([refused_bare(second, 400), polled(first, "1")]);
    let third = script.poll(&sid);
    script.expect([refused(third, 1)]);
    let reasons: Vec<String> = script.core.ended.iter().map(ToString::to_string).collect();
    assert_eq!(reasons, ["transport error"]);
}

/// E-9
#[test]
fn e_9_a_binary_body_ends_the_session() {
    let mut script = script(conformance());
    let sid = script.open_polling();
    let post = script.request(
        Method::Post,
        &polling(&sid),
        "application/octet-stream",
        "4hello",
    );
    script.expect([refused_bare(post, 400)]);
    let poll = script.poll(&sid);
    script.expect([refused(poll, 1)]);
}

/// E-11
#[test]
fn e_11_another_method_on_a_session() {
    let mut script = script(conformance());
    let sid = script.open_polling();
    let put = script.request(Method::Other, &polling(&sid), "", "4x");
    script.expect([refused(put, 3)]);
    let post = script.send(&sid, "4alive");
    script.expect([ok(post)]);
}

/// E-13, E-14: a refused WebSocket gets only the message, never JSON.
#[test]
fn e_13_e_14_a_websocket_is_refused_in_words() {
    let mut script = script(conformance());
    for (query, code) in [
        ("EIO=4&transport=x".to_owned(), 0),
        (websocket(&session_id(999)), 1),
        ("EIO=5&transport=websocket".to_owned(), 5),
        ("transport=websocket".to_owned(), 5),
    ] {
        let request = script.upgrade(&query);
        script.expect([refused_upgrade(request, code)]);
    }
}

/// E-15, T-6: a second WebSocket is accepted and closed.
#[test]
fn e_15_a_second_websocket_of_a_session_is_closed() {
    let mut script = script(conformance());
    let (sid, probe) = script.open_probe();
    let second = script.upgrade(&websocket(&sid));
    script.expect([dismissed(second)]);
    script.text(probe, "2probe").text(probe, "5");
    script.expect([sent(probe, "3probe")]);
    let third = script.upgrade(&websocket(&sid));
    script.expect([dismissed(third)]);
    script.text(probe, "4alive");
    script.expect([sent(probe, "4alive")]);
}

/// E-16
#[test]
fn e_16_a_websocket_that_wants_to_poll_is_refused() {
    let mut script = script(conformance());
    let sid = script.open_polling();
    for query in [POLLING.to_owned(), polling(&sid)] {
        let request = script.upgrade(&query);
        script.expect([refused_upgrade(request, 3)]);
    }
}

/// Refusals differ from each other, except the two without a message.
#[test]
fn e_each_refusal_has_its_own_code() {
    let codes: Vec<u8> = [
        Rejection::UnknownTransport,
        Rejection::UnknownSid,
        Rejection::BadHandshakeMethod,
        Rejection::BadRequest,
        Rejection::Full,
        Rejection::UnsupportedProtocol,
    ]
    .into_iter()
    .filter_map(|rejection| Some(rejection.code()?.0))
    .collect();
    assert_eq!(codes, [0, 1, 2, 3, 4, 5]);
    assert_eq!(Rejection::Misuse.code(), None);
    assert_eq!(Rejection::TooLarge.code(), None);
}
