//! S: Socket.IO packets, events, acks and attachments.

use std::rc::Rc;

use signalbox::engine::Engine;
use signalbox::handlers::Handlers;
use signalbox::socket::{App, Runner, Server};

use crate::echo;
use crate::obedient::obedient;
use crate::raw::conformance;
use crate::settings::{unlimited, without_recovery};
use crate::support::{Script, closed, id, ok, polled, refused, sent, sent_bytes};

pub fn echo() -> Script<Runner<Handlers>> {
    Script::new(|store| {
        let handlers = Handlers::new(echo::echo, unlimited(), Rc::clone(&store));
        let engine = Engine::new(conformance(), store);
        Runner::new(Server::new(without_recovery(), engine), handlers)
    })
}

/// A client on a WebSocket, in `/`.
pub fn joined<A: App>(script: &mut Script<Runner<A>>) -> u64 {
    let c = script.open_websocket();
    script.text(c, "40").take();
    c
}

/// S-2, S-15: an ack is sent once, and its id has the same digits as the event's. An event without an
/// id gets no ack.
#[test]
fn s_15_events_are_acknowledged_once() {
    let mut script = echo();
    let c = joined(&mut script);
    for ack in ["0", "7", "007", "99999999999999999999"] {
        script.text(
            c,
            format!(r#"42{ack}["message-with-ack",1,"2",{{"3":[false]}}]"#),
        );
        script.expect([sent(c, format!(r#"43{ack}[1,"2",{{"3":[false]}}]"#))]);
    }
    script.text(c, r#"42["message-with-ack",1]"#).expect([]);
}

/// S-3, S-15, K-9: binary events and binary acks, each with several attachments, in both
/// directions.
#[test]
fn s_3_binary_there_and_back() {
    let mut script = echo();
    let c = joined(&mut script);
    let places = r#"{"_placeholder":true,"num":0},{"a":[{"_placeholder":true,"num":1}]}"#;
    script.text(c, format!(r#"452-["message",{places}]"#));
    script.bytes(c, &[1, 2, 3]).expect([]).bytes(c, &[4, 5, 6]);
    script.expect([
        sent(c, format!(r#"452-["message-back",{places}]"#)),
        sent_bytes(c, [1, 2, 3]),
        sent_bytes(c, [4, 5, 6]),
    ]);
    script.text(c, format!(r#"452-789["message-with-ack",{places}]"#));
    script.bytes(c, &[1, 2, 3]).bytes(c, &[4, 5, 6]);
    script.expect([
        sent(c, format!("462-789[{places}]")),
        sent_bytes(c, [1, 2, 3]),
        sent_bytes(c, [4, 5, 6]),
    ]);
}

/// S-4: a placeholder without an attachment closes its sender's connection. Otherwise it would
/// close the connection of every receiver. This holds for any spelling of its name, at any depth.
#[test]
fn s_4_placeholders_that_name_no_attachment() {
    let deep = |depth: usize, place: &str| {
        let (open, close) = ("[".repeat(depth), "]".repeat(depth));
        format!("{open}{place}{close}")
    };
    let good = r#"{"_placeholder":true,"num":0}"#;
    let bad = r#"{"_placeholder":true,"num":1}"#;
    for (place, fits) in [
        (good.to_owned(), true),
        (
            r#"{"\u005fplaceholder":true,"n\u0075m":0}"#.to_owned(),
            true,
        ),
        (r#"{"_placeholder":false,"num":1}"#.to_owned(), true),
        (r#"{"_placeholder":true,"_placeholder":1}"#.to_owned(), true),
        (format!(r#"{{"a":["_placeholder",{{"b":{good}}}]}}"#), true),
        (deep(63, good), true),
        (deep(100, "0"), true),
        (bad.to_owned(), false),
        (r#"{"\u005fplaceholder":true,"num":1}"#.to_owned(), false),
        (
            r#"{"_placeholder":1,"_placeholder":true}"#.to_owned(),
            false,
        ),
        (
            r#"{"_placeholder":true,"num":0,"num":-1}"#.to_owned(),
            false,
        ),
        (r#"{"_placeholder":true,"num":"0"}"#.to_owned(), false),
        (format!(r#"{{"a":[{{"b":{bad}}}]}}"#), false),
        (deep(64, good), false),
    ] {
        let mut script = echo();
        let c = joined(&mut script);
        script.text(c, format!(r#"451-["message",{place}]"#));
        script.bytes(c, &[1]);
        if fits {
            script.expect([
                sent(c, format!(r#"451-["message-back",{place}]"#)),
                sent_bytes(c, [1]),
            ]);
        } else {
            script.expect([closed(c)]);
        }
    }
}

/// P-5: a header and its attachments may come in different POSTs; they are sent in order.
#[test]
fn p_5_attachments_come_in_their_own_posts() {
    let mut script = echo();
    let sid = script.open_polling();
    for body in [
        "40",
        r#"452-["message",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#,
        "bAQID",
        "bBAUG",
    ] {
        let post = script.send(&sid, body);
        script.expect([ok(post)]);
    }
    let poll = script.poll(&sid);
    let back =
        r#"452-["message-back",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#;
    script.expect([polled(
        poll,
        format!(
            "40{{\"sid\":\"{}\"}}\x1e42[\"auth\",{{}}]\x1e{back}\x1ebAQID\x1ebBAUG",
            id(2)
        ),
    )]);
}

/// The server asks, the client acknowledges, with attachments or without.
#[test]
fn s_15_a_client_acknowledges() {
    let mut script = obedient();
    let c = joined(&mut script);
    script
        .text(c, r#"42["ask",1]"#)
        .expect([sent(c, r#"427["question",1]"#)]);
    script.text(c, r#"437["yes"]"#).expect([]);
    script.text(
        c,
        r#"462-7[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#,
    );
    script.bytes(c, &[1]).bytes(c, &[2, 3]).expect([]);
    script.text(c, "437").expect([]);
    assert_eq!(
        script.core.app().log,
        [
            r#"ack 7: ["yes"] []"#,
            r#"ack 7: [{"_placeholder":true,"num":0}, {"_placeholder":true,"num":1}] [1, 2]"#,
            "ack 7: [] []",
        ]
    );
}

/// S-4, S-5: a protocol error closes the connection.
#[test]
fn s_4_an_invalid_packet_ends_the_connection() {
    let table = [
        "4",
        "47",
        "49[]",
        "4x",
        r#"42["a""#,
        "42{}",
        r#"42"a""#,
        "42[]",
        "42[{}]",
        "42[null]",
        "42[true]",
        "42[[]]",
        r#"42["connect"]"#,
        r#"42["connect_error"]"#,
        r#"42["disconnect"]"#,
        r#"42["disconnecting"]"#,
        r#"42["newListener"]"#,
        r#"42["removeListener"]"#,
        r#"42["\u0063onnect"]"#,
        "43{}",
        "431x",
        r#"43"a""#,
        "40/new,[]",
        "40/new,\"x\"",
        "40/new,null",
        "40/new,{",
        "41{}",
        "41[]",
        "45[\"a\"]",
        "45-[\"a\"]",
        "450-[\"a\"]",
        "4511-[\"a\"]",
        "45-1-[\"a\"]",
        "451.5-[\"a\"]",
        "45+1-[\"a\"]",
        "45x-[\"a\"]",
        "451-{}",
        "46[]",
        "460-[]",
        "4611-1[]",
    ];
    for frame in table {
        let mut script = echo();
        let c = joined(&mut script);
        script.text(c, frame).expect([closed(c)]);
    }
}

/// S-4: attachments that are unexpected or missing close the connection.
#[test]
fn s_4_attachments_that_do_not_fit_end_the_connection() {
    for frames in [
        &["b"][..],
        &[r#"451-["a",{"_placeholder":true,"num":0}]"#, r#"42["a"]"#],
        &[r#"451-["a",{"_placeholder":true,"num":1}]"#, "b"],
        &[r#"451-["a",{"_placeholder":true,"num":-1}]"#, "b"],
        &[r#"451-["a",{"_placeholder":true,"num":0.5}]"#, "b"],
        &[r#"451-["a",{"_placeholder":true}]"#, "b"],
        &[r#"451-["a",{"x":[{"_placeholder":true,"num":"0"}]}]"#, "b"],
        &[
            r#"452-["a",{"_placeholder":true,"num":0}]"#,
            "b",
            "40/custom",
        ],
    ] {
        let mut script = echo();
        let c = joined(&mut script);
        let (last, first) = frames.split_last().unwrap();
        for frame in first {
            script.text(c, frame).expect([]);
        }
        script.text(c, last).expect([closed(c)]);
    }
}

/// S-5, S-6: deviations that are tolerated.
#[test]
fn s_6_oddities_are_tolerated() {
    let mut script = echo();
    let c = joined(&mut script);
    for frame in [
        "42",
        "43[]",
        "4399[1]",
        "43",
        "42[1,2]",
        "42[-1]",
        r#"42["error"]"#,
        r#"42["ping"]"#,
    ] {
        script.text(c, frame).expect([]);
    }
    script.text(c, r#"42["message","alive"]"#);
    script.expect([sent(c, r#"42["message-back","alive"]"#)]);
}

/// S-7: on polling, the next poll gets the close packet.
#[test]
fn s_7_a_parse_error_closes_a_polling_session() {
    let mut script = echo();
    let sid = script.open_polling();
    let post = script.send(&sid, "4abc");
    script.expect([ok(post)]);
    let poll = script.poll(&sid);
    script.expect([polled(poll, "6\x1e1")]);
    let poll = script.poll(&sid);
    script.expect([refused(poll, 1)]);
}

/// S-4: packets after an error in the same payload do not count.
#[test]
fn s_4_nothing_counts_after_a_mistake() {
    for mistake in ["4abc", "40", "42{}"] {
        let mut script = obedient();
        let sid = script.open_polling();
        script.send(&sid, "40");
        script.send(&sid, &format!("42[\"a\"]\x1e{mistake}\x1e42[\"b\"]\x1e41"));
        assert_eq!(script.core.app().log, ["a false", "forced server close"]);
    }
}
