//! What a signal may carry: attachments, a valid payload, and how much.

use serde_json::{Value, json};

use crate::peer::{Peer, RoomServer, server_of};
use crate::room_shapes::description;
use crate::support::{Done, sent_bytes};

/// Attachments are forwarded with their signal.
#[test]
fn binary_signals() {
    let (mut server, [a, b]) = server_of();
    let places = r#"[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#;
    let frame = format!(r#"452-["signal",{{"to":"{}","data":{places}}}]"#, b.id);
    server
        .text(a.connection(), frame)
        .bytes(a.connection(), &[1])
        .bytes(a.connection(), &[2, 3]);
    let got = server.take_for(b.connection());
    let start = format!(
        r#"452-["signal",{{"to":"{}","data":{places},"from":"{}"}},"#,
        b.id, a.id
    );
    assert!(
        matches!(&got[0], Done::Sent(_, frame) if frame.starts_with(&start)),
        "{got:?}"
    );
    assert_eq!(
        got[1..],
        [
            sent_bytes(b.connection(), [1]),
            sent_bytes(b.connection(), [2, 3])
        ]
    );
}

/// Only signals may carry attachments: every other event with attachments is refused.
#[test]
fn binary_elsewhere_is_refused() {
    let signals = [
        "offer",
        "answer",
        "candidate",
        "ice",
        "ice-candidate",
        "signal",
    ];
    let place = r#"{"_placeholder":true,"num":0}"#;
    let mut events: Vec<&str> = crate::names::events().into_values().collect();
    events.push("hello");
    for event in events {
        let (mut server, [host, other]) = server_of();
        host.join(&mut server, "host");
        other.join(&mut server, "other");
        host.heard(&mut server);
        for payload in [
            place.to_owned(),
            format!(
                r#"{{"message":"x","name":"x","to":"{0}","id":"{0}","on":true,"password":null,"enc":{place},"data":{place}}}"#,
                other.id
            ),
            format!(r#""x",{place}"#),
            format!(r#"{place},"x""#),
        ] {
            let connection = host.connection();
            server.text(connection, format!(r#"451-7["{event}",{payload}]"#));
            server.bytes(connection, b"bytes");
            let reply = host.acknowledged(&mut server, 7).expect("an ack");
            let got = server.take_for(other.connection());
            if signals.contains(&event) {
                let arrived = got.contains(&sent_bytes(other.connection(), *b"bytes"));
                assert_eq!(reply["ok"], arrived, "{event} {payload}");
                continue;
            }
            assert_eq!(reply["error"]["code"], "bad-payload", "{event} {payload}");
            assert!(got.is_empty(), "{event} {payload}");
        }
    }
}

/// A signal with invalid arguments is refused. Its sender stays connected, and no other client gets it.
#[test]
fn invalid_payloads_are_refused() {
    let (mut server, [a, b]) = server_of();
    for args in [
        json!([]),
        json!([7]),
        json!([true]),
        json!([[1]]),
        json!([{}]),
        json!([{ "hello": "world" }]),
        json!([{ "to": 1.5 }]),
        json!([1.5, description("offer")]),
        json!([-1, description("offer")]),
        json!([false, description("offer")]),
        json!([[], description("offer")]),
    ] {
        for event in ["offer", "answer", "candidate", "ice", "ice-candidate"] {
            let mut signal = args.clone();
            signal.as_array_mut().unwrap().insert(0, json!(event));
            assert_eq!(a.refusal(&mut server, &signal), "bad-payload", "{signal}");
        }
    }
    for (count, arrives) in [(16, true), (17, false)] {
        let mut args = vec![json!({ "data": 1 }); count];
        args.insert(0, json!("signal"));
        let reply = a.call(&mut server, json!(args));
        assert_eq!(reply["ok"], arrives, "{count} arguments");
        assert_eq!(b.heard(&mut server).len(), usize::from(arrives));
    }
    let crowded: serde_json::Map<_, _> = (0..65).map(|n| (format!("k{n}"), json!(n))).collect();
    assert_eq!(
        a.refusal(&mut server, &json!(["offer", crowded])),
        "bad-payload"
    );
    a.emit(
        &mut server,
        r#"["offer",{"\ud800":1,"type":"offer","sdp":""}]"#,
    );
    assert_eq!(a.heard_one(&mut server)[1]["code"], "bad-payload");
    assert!(b.heard(&mut server).is_empty());
    a.emit(&mut server, json!(["offer", description("offer")]));
    assert_eq!(
        b.signals(&mut server, &a).len(),
        1,
        "the sender is still connected"
    );
}

/// Limits count bytes, and each escape of a text as one byte.
#[test]
fn limits() {
    let (mut server, [a, b]) = server_of();
    let fits = |server: &mut RoomServer, a: &Peer, event: Value| {
        let reply = a.call(server, &event);
        reply["ok"] == true || {
            assert_eq!(reply["error"]["code"], "too-large");
            false
        }
    };
    let sdp = |len: usize| json!({ "type": "offer", "sdp": "x".repeat(len) });
    let around = sdp(0).to_string().len();
    for (event, limit) in [("offer", 65_536), ("answer", 65_536), ("candidate", 2_048)] {
        for (len, expected) in [(limit - around, true), (limit - around + 1, false)] {
            let wrapped = json!({ "to": b.id, "description": sdp(len), "candidate": {} });
            let candidate = json!({ "to": b.id, "candidate": sdp(len) });
            let wrapped = if event == "candidate" {
                candidate
            } else {
                wrapped
            };
            assert_eq!(
                fits(&mut server, &a, json!([event, b.id, sdp(len)])),
                expected
            );
            assert_eq!(
                fits(&mut server, &a, json!([event, wrapped])),
                expected,
                "{event} {len}"
            );
        }
    }
    // A `cid` has a limit of its own, because each receiver gets it twice: in the signal, and in the
    // meta, the argument that the server adds.
    for (len, expected) in [(254, true), (255, false), (100_000, false)] {
        let cid = "x".repeat(len);
        for signal in [
            json!({ "to": b.id, "description": {}, "cid": cid }),
            json!({ "remotePeerId": b.id, "offer": {}, "cid": cid }),
            json!({ "offer": {}, "cid": cid }),
            json!({ "type": "offer", "sdp": "", "cid": cid }),
        ] {
            assert_eq!(fits(&mut server, &a, json!(["offer", signal])), expected);
        }
    }
    let newlines = json!({ "type": "offer", "sdp": "\n".repeat(40_000) });
    assert!(newlines.to_string().len() > 65_536);
    assert!(fits(&mut server, &a, json!(["offer", newlines])));
    b.heard(&mut server);
    assert!(a.heard(&mut server).is_empty());
}

/// An object with neither a payload nor a target is refused.
#[test]
fn an_object_without_payload_and_target_is_refused() {
    let (mut server, [a, b]) = server_of();
    for signal in [
        json!({}),
        json!({ "x": 1 }),
        json!({ "x": "nobody" }),
        json!({ "id": a.id }),
    ] {
        for event in ["offer", "answer", "candidate", "ice", "ice-candidate"] {
            let event = json!([event, signal]);
            assert_eq!(a.refusal(&mut server, &event), "bad-payload", "{event}");
        }
    }
    let heard: Vec<Value> = b.heard(&mut server);
    assert!(heard.is_empty());
}
