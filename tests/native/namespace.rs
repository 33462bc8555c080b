//! S: joining and leaving namespaces.

use serde_json::{Value, json};

use crate::obedient::obedient;
use crate::peer::server;
use crate::socket::{echo, joined};
use crate::support::{Done, closed, id, ok, polled, refused, sent, sent_bytes, session_id};

/// S-8, R-5, R-6, T-3: auth comes in the CONNECT packet; the reply has only the sid.
#[test]
fn s_8_connect() {
    for (frame, auth) in [
        ("40", "{}"),
        ("40{}", "{}"),
        (r#"40{"token":"t"}"#, r#"{"token":"t"}"#),
        (r#"40{"n":{"a":[1, 2]}}"#, r#"{"n":{"a":[1, 2]}}"#),
    ] {
        let mut script = echo();
        let c = script.open_websocket();
        script.text(c, frame).expect([
            sent(c, format!(r#"40{{"sid":"{}"}}"#, id(2))),
            sent(c, format!(r#"42["auth",{auth}]"#)),
        ]);
        assert_ne!(session_id(1), id(2), "H-4");
    }
    for frame in ["40/custom", "40/custom,", r#"40/custom,{"token":"t"}"#] {
        let mut script = echo();
        let c = script.open_websocket();
        let auth = if frame.ends_with('}') {
            r#"{"token":"t"}"#
        } else {
            "{}"
        };
        script.text(c, frame).expect([
            sent(c, format!(r#"40/custom,{{"sid":"{}"}}"#, id(2))),
            sent(c, format!(r#"42/custom,["auth",{auth}]"#)),
        ]);
    }
}

/// S-9
#[test]
fn s_9_an_unknown_namespace() {
    let mut script = echo();
    let c = script.open_websocket();
    script.text(c, "40/random");
    script.expect([sent(c, r#"44/random,{"message":"Invalid namespace"}"#)]);
    script.text(c, "40").take();
    script
        .text(c, r#"42["message"]"#)
        .expect([sent(c, r#"42["message-back"]"#)]);
}

/// S-10, D-8: a refusal has a message and, if set, data; the client may try again.
#[test]
fn s_10_a_refusal() {
    let mut script = obedient();
    let c = script.open_websocket();
    for _ in 0..2 {
        script.text(c, "40/refused");
        let Some(Done::Sent(_, frame)) = script.take().pop() else {
            panic!("no answer");
        };
        let error: Value =
            serde_json::from_str(frame.strip_prefix("44/refused,").unwrap()).unwrap();
        assert_eq!(
            error,
            json!({ "message": "not you", "data": { "code": "x" } })
        );
    }
    assert!(
        script.core.app().log.is_empty(),
        "the application gets no disconnect event of a refused socket"
    );
}

/// S-12
#[test]
fn s_12_packets_for_namespaces_that_were_not_joined() {
    for frame in [
        "40",
        "40{}",
        "44{\"message\":\"x\"}",
        "44/custom,{}",
        r#"42/custom,["message"]"#,
        "43/custom,1[]",
        "41/custom,",
        r#"42/never,["message"]"#,
    ] {
        let mut script = echo();
        let c = joined(&mut script);
        script.text(c, frame).expect([closed(c)]);
    }
}

/// S-13: events right behind a CONNECT are handled after it.
#[test]
fn s_13_events_may_follow_connect_at_once() {
    let mut script = echo();
    let sid = script.open_polling();
    script.send(
        &sid,
        "40\x1e42[\"message\",1]\x1e421[\"message-with-ack\",2]",
    );
    script.take();
    let poll = script.poll(&sid);
    script.expect([polled(
        poll,
        format!(
            "40{{\"sid\":\"{}\"}}\x1e42[\"auth\",{{}}]\x1e42[\"message-back\",1]\x1e431[2]",
            id(2)
        ),
    )]);
}

/// S-13: events on their way to a namespace that the server closed are not errors.
#[test]
fn s_13_packets_for_a_namespace_that_the_server_left() {
    let mut script = obedient();
    let c = joined(&mut script);
    script.text(c, r#"42["kick"]"#).expect([sent(c, "41")]);
    script
        .text(c, r#"42["late"]"#)
        .text(c, "431[]")
        .text(c, "41")
        .expect([]);
    assert_eq!(script.core.app().log, ["server namespace disconnect"]);
    script.text(c, "40").take();
    script.text(c, r#"42["again"]"#).expect([]);
    assert_eq!(script.core.app().log[1], "again false");
}

/// S-14
#[test]
fn s_14_leaving_a_namespace_keeps_the_connection() {
    let mut script = echo();
    let c = joined(&mut script);
    script.text(c, "40/custom").take();
    script.text(c, "41").expect([]);
    script.until(300).expect([sent(c, "2")]);
    script.text(c, "3").text(c, "41/custom,").expect([]);
    script.lose_memory();
    script.until(600).expect([sent(c, "2")]);
    script.text(c, "3").text(c, "40").take();
    script
        .text(c, r#"42["message"]"#)
        .expect([sent(c, r#"42["message-back"]"#)]);
}

/// S-11: a socket gets no events before its CONNECT is answered.
#[test]
fn s_11_nothing_is_sent_before_the_connect_is_answered() {
    let mut script = obedient();
    let c = script.open_websocket();
    script.text(c, "40/later").expect([]);
}

/// S-14: the server closes one namespace, or all namespaces and the connection.
#[test]
fn s_14_the_server_disconnects() {
    let mut script = obedient();
    let c = joined(&mut script);
    script.text(c, "40/a").text(c, "40/b").take();
    script
        .text(c, r#"42/a,["kick"]"#)
        .expect([sent(c, "41/a,")]);
    script.text(c, r#"42["close"]"#);
    script.expect([sent(c, "41"), sent(c, "41/b,"), closed(c)]);
    assert_eq!(script.core.app().log, ["server namespace disconnect"; 3]);
}

/// S-16, S-11, K-4: a client must be accepted in time; a CONNECT without an answer is not enough.
#[test]
fn s_16_a_client_has_to_join_within_the_connect_timeout() {
    for (frame, stays) in [
        ("40", true),
        ("40/refused", false),
        ("40/later", false),
        ("", false),
    ] {
        let mut script = obedient();
        let c = script.open_websocket();
        if !frame.is_empty() {
            script.text(c, frame).take();
        }
        script.until(25_000).text(c, "3").take();
        script.lose_memory().until(44_999).expect([]);
        script.until(45_000);
        assert_eq!(script.take().contains(&closed(c)), !stays, "{frame}");
    }
}

/// S-16: a client that has closed its connection is not closed again at the deadline.
#[test]
fn s_16_a_client_that_is_gone_is_not_closed() {
    let mut script = obedient();
    let c = script.open_websocket();
    script.until(25_000).text(c, "3").take();
    script.skip_to(45_000).lost(c).expect([]);
}

/// S-17: a restart sends nothing; sockets and the application's data survive.
#[test]
fn s_17_sockets_outlive_memory() {
    let mut script = obedient();
    let c = joined(&mut script);
    script
        .text(c, r#"42["keep",{"a":1}]"#)
        .text(c, "40/b")
        .take();
    script.lose_memory().expect([]);
    let mut log = script.core.app().log.clone();
    log.sort();
    assert_eq!(log, [r#"/ restored: Some({"a":1})"#, "/b restored: None"]);
    script.text(c, r#"42["ask"]"#).text(c, r#"42/b,["ask"]"#);
    script.expect([
        sent(c, r#"427["question"]"#),
        sent(c, r#"42/b,7["question"]"#),
    ]);
}

/// The spec's "Sample session", upgrade included.
#[test]
fn the_sample_session() {
    let mut script = obedient();
    let sid = script.open_polling();
    let post = script.send(&sid, "40");
    script.expect([ok(post)]);
    let poll = script.poll(&sid);
    script.expect([polled(poll, format!(r#"40{{"sid":"{}"}}"#, id(2)))]);
    let post = script.send(&sid, "42[\"hello\"]\x1e42[\"world\"]");
    script.expect([ok(post)]);
    let c = script.upgrade(&crate::support::websocket(&sid));
    script.take();
    script.text(c, "2probe").expect([sent(c, "3probe")]);
    script
        .text(c, "5")
        .text(c, r#"42["hello"]"#)
        .text(c, r#"42["world"]"#)
        .expect([]);
    script.text(c, "40/admin,");
    script.expect([sent(c, format!(r#"40/admin,{{"sid":"{}"}}"#, id(3)))]);
    script.text(c, r#"42/admin,1["tellme"]"#);
    script.expect([
        sent(c, r#"461-/admin,1[{"_placeholder":true,"num":0}]"#),
        sent_bytes(c, [9]),
    ]);
    script.until(25_000).expect([sent(c, "2")]);
    script.text(c, "3").text(c, "1").expect([closed(c)]);
    let log = ["hello false", "world false", "hello false", "world false"];
    assert_eq!(script.core.app().log[..4], log);
    assert_eq!(script.core.app().log[4..], ["transport close"; 2]);
}

/// S-18: a client that connects too often is disconnected. A human rate is allowed.
#[test]
fn s_18_connects_without_end() {
    let mut script = obedient();
    let sid = script.open_polling();
    let post = script.send(&sid, &["40", "41"].repeat(1000).join("\x1e"));
    assert_eq!(script.take_for(post), [ok(post)]);
    assert_eq!(
        script.core.app().log,
        ["client namespace disconnect"; 20],
        "20 CONNECTs at once are allowed, and no more"
    );
    let post = script.send(&sid, "40");
    assert_eq!(script.take_for(post), [refused(post, 1)]);

    let mut server = server();
    let c = server.open_websocket();
    for time in 0..40 {
        server.until(time * 1000).text(c, "40").text(c, "41");
    }
    assert!(
        server.connections.contains_key(&c),
        "one CONNECT in a second is allowed"
    );
    for _ in 0..19 {
        server.text(c, "40/refused");
    }
    assert!(
        server.connections.contains_key(&c),
        "19 more CONNECTs are allowed"
    );
    server.take();
    server.text(c, "40/refused").expect([closed(c)]);
}

/// D-12: the reasons of a disconnect, in socket.io's words.
#[test]
fn d_12_reasons() {
    let mut script = obedient();
    for (frame, reason) in [
        ("1", "transport close"),
        ("2", "parse error"),
        ("4abc", "forced server close"),
        ("41", "client namespace disconnect"),
        (r#"42["kick"]"#, "server namespace disconnect"),
    ] {
        let c = joined(&mut script);
        script.text(c, frame);
        assert_eq!(script.core.app().log.last().unwrap(), reason, "{frame}");
    }
    joined(&mut script);
    script.until(45_000);
    assert_eq!(script.core.app().log.last().unwrap(), "ping timeout");
    let sid = script.open_polling();
    script.send(&sid, "40");
    script.poll(&sid);
    let poll = script.poll(&sid);
    script.aborted(poll);
    assert_eq!(script.core.app().log.last().unwrap(), "transport error");
}

/// T-4: a client that only answers pings is connected until the connect timeout, and no longer. The heartbeat
/// tests of the protocol's test suite have such clients.
#[test]
fn t_4_a_client_without_a_namespace_stays_until_the_connect_timeout() {
    let mut script = echo();
    let c = script.open_websocket();
    for turn in 1..150 {
        script.until(turn * 300).expect([sent(c, "2")]);
        script.text(c, "3");
    }
    script.until(44_999).expect([]);
    script.until(45_000).expect([closed(c)]);
}

/// T-3: a client in `/custom` gets only the greeting.
#[test]
fn t_3_custom_only_greets() {
    let mut script = echo();
    let c = script.open_websocket();
    script.text(c, "40/custom").take();
    script.text(c, r#"42/custom,["message",1]"#).expect([]);
    script
        .text(c, r#"42/custom,1["message-with-ack",1]"#)
        .expect([]);
    script.lose_memory().text(c, "40").take();
    script
        .text(c, r#"42["message",1]"#)
        .expect([sent(c, r#"42["message-back",1]"#)]);
}
