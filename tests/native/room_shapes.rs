//! Each published form of offer, answer and candidate is delivered as its receiver expects it.

use serde_json::{Value, json};

use crate::peer::{Hall, Peer, hall_of};
use crate::support::{Done, sent_bytes};

pub fn description(kind: &str) -> Value {
    json!({ "type": kind, "sdp": "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\n" })
}

pub fn candidate() -> Value {
    json!({ "candidate": "candidate:1 1 udp 1 127.0.0.1 9 typ host", "sdpMid": "0", "sdpMLineIndex": 0 })
}

/// The tutorial's contract: the bare value reaches the target and no other client.
#[test]
fn the_tutorials_offer_answer_and_candidate() {
    for target in [
        "remotePeerId",
        "remoteUserId",
        "targetPeerId",
        "targetUserId",
    ] {
        let (mut hall, [a, b, c]) = hall_of();
        for (event, value) in [
            ("offer", description("offer")),
            ("answer", description("answer")),
            ("candidate", candidate()),
        ] {
            a.emit(&mut hall, json!([event, { event: value, target: b.id }]));
            assert_eq!(
                b.signals(&mut hall, &a),
                [json!([event, value])],
                "{target}"
            );
        }
        assert!(a.heard(&mut hall).is_empty());
        assert!(c.heard(&mut hall).is_empty());
    }
}

/// The tutorial's target may be an alias, and a description may be any JSON.
#[test]
fn the_tutorials_target_may_be_an_alias() {
    let (mut hall, [a, b, c]) = hall_of();
    b.emit(&mut hall, json!(["join", "bob"]));
    b.heard(&mut hall);
    a.emit(
        &mut hall,
        json!(["offer", { "offer": { "any": [1] }, "remotePeerId": "bob" }]),
    );
    assert_eq!(b.signals(&mut hall, &a), [json!(["offer", { "any": [1] }])]);
    assert!(c.heard(&mut hall).is_empty());
}

/// Asserts that each event is delivered as the second text. `@` is the target's id, `#` the
/// sender's.
fn delivered(table: &[(String, String)]) {
    for row in table {
        let (mut hall, [a, b]) = hall_of();
        let filled = |text: &str| text.replace('@', &b.id).replace('#', &a.id);
        let (sent, delivered) = (filled(&row.0), filled(&row.1));
        let reply = a.call(&mut hall, &sent);
        assert_eq!(reply, json!({ "ok": true, "delivered": 1 }), "{sent}");
        let delivered: Value = serde_json::from_str(&delivered).unwrap();
        assert_eq!(b.signals(&mut hall, &a), [delivered], "{sent}");
        assert!(a.heard(&mut hall).is_empty(), "{sent}");
    }
}

/// Other published forms.
#[test]
fn each_shape_is_delivered_as_its_receiver_expects_it() {
    let offer = description("offer").to_string();
    let init = candidate().to_string();
    let table = [
        // to all
        (
            format!(r#"["offer",{offer}]"#),
            format!(r#"["offer",{offer}]"#),
        ),
        (
            format!(r#"["answer",{offer}]"#),
            format!(r#"["answer",{offer}]"#),
        ),
        (
            format!(r#"["candidate",{init}]"#),
            format!(r#"["candidate",{init}]"#),
        ),
        (
            r#"["candidate",null]"#.to_owned(),
            r#"["candidate",null]"#.to_owned(),
        ),
        (
            r#"["candidate",""]"#.to_owned(),
            r#"["candidate",""]"#.to_owned(),
        ),
        (
            format!(r#"["offer",{{"offer":{offer}}}]"#),
            format!(r#"["offer",{offer}]"#),
        ),
        // wrapped
        (
            format!(r#"["offer",{{"to":"@","description":{offer}}}]"#),
            format!(r##"["offer",{{"to":"@","description":{offer},"from":"#"}}]"##),
        ),
        (
            format!(r#"["answer",{{"target":"@","sdp":{offer},"caller":"me"}}]"#),
            format!(r##"["answer",{{"target":"@","sdp":{offer},"caller":"#","from":"#"}}]"##),
        ),
        (
            r#"["candidate",{"to":"@","candidate":null}]"#.to_owned(),
            r##"["candidate",{"to":"@","candidate":null,"from":"#"}]"##.to_owned(),
        ),
        (
            r#"["candidate",{"to":"@","candidate":"","x":[1]}]"#.to_owned(),
            r##"["candidate",{"to":"@","candidate":"","x":[1],"from":"#"}]"##.to_owned(),
        ),
        (
            format!(r#"["offer",{{"description":{offer},"room":"room"}}]"#),
            format!(r##"["offer",{{"description":{offer},"room":"room","from":"#"}}]"##),
        ),
        (
            r#"["signal",{"to":"@","data":{"renegotiate":true}}]"#.to_owned(),
            r##"["signal",{"to":"@","data":{"renegotiate":true},"from":"#"}]"##.to_owned(),
        ),
        // id first
        (
            format!(r#"["offer","@",{offer}]"#),
            format!(r##"["offer","#",{offer}]"##),
        ),
        (
            format!(r#"["candidate","@",{init},7]"#),
            format!(r##"["candidate","#",{init},7]"##),
        ),
        (
            r#"["candidate","@",null]"#.to_owned(),
            r##"["candidate","#",null]"##.to_owned(),
        ),
        // room last
        (
            format!(r#"["offer",{offer},"room"]"#),
            format!(r#"["offer",{offer}]"#),
        ),
        // other names
        (
            format!(r#"["ice-candidate",{init}]"#),
            format!(r#"["ice-candidate",{init}]"#),
        ),
        (
            format!(r#"["ice","@",{init}]"#),
            format!(r##"["ice","#",{init}]"##),
        ),
        (
            format!(r#"["ice-candidate",{{"target":"@","candidate":{init}}}]"#),
            format!(r##"["ice-candidate",{{"target":"@","candidate":{init},"from":"#"}}]"##),
        ),
    ];
    delivered(&table);
}

/// The room may come before any other form, and a target after a description.
#[test]
fn a_room_before_and_a_target_after_other_arguments() {
    let offer = description("offer").to_string();
    delivered(&[
        (
            format!(r#"["offer",{offer},"@"]"#),
            format!(r#"["offer",{offer}]"#),
        ),
        (
            r#"["candidate",null,"@"]"#.to_owned(),
            r#"["candidate",null]"#.to_owned(),
        ),
        (
            format!(r#"["offer","room",{offer}]"#),
            format!(r#"["offer",{offer}]"#),
        ),
        (
            format!(r#"["offer","room","@",{offer}]"#),
            format!(r##"["offer","#",{offer}]"##),
        ),
        (
            format!(r#"["answer","room",{{"answer":{offer},"remotePeerId":"@"}}]"#),
            format!(r#"["answer",{offer}]"#),
        ),
        (
            r#"["signal","room","text"]"#.to_owned(),
            r#"["signal","text"]"#.to_owned(),
        ),
    ]);
}

/// The content of a signal is forwarded byte for byte.
#[test]
fn payloads_are_forwarded_byte_for_byte() {
    let sdp = "a=candidate:1 1 udp 2122260223 192.0.2.1 54400 typ host\\r\\n".repeat(1050);
    let long = format!(r#"{{"type":"offer", "sdp" :"{sdp}" }}"#);
    assert!(long.len() > 60_000);
    for payload in [
        long.as_str(),
        r#"{ "sdp":"中文 😀 €", "type":"offer","n":1.50e3 }"#,
        r#"{"type":"offer","sdp":"\ud83d\ude00 \ud800 \u0000 \u4E2D \/"}"#,
    ] {
        let (mut hall, [a, b]) = hall_of();
        for (sent, delivered) in [
            (
                format!(r#"["offer",{payload}]"#),
                format!(r#"["offer",{payload},"#),
            ),
            (
                format!(
                    r#"["offer",{{"offer":{payload},"remotePeerId":"{}"}}]"#,
                    b.id
                ),
                format!(r#"["offer",{payload},"#),
            ),
            (
                format!(r#"["offer",{{"to":"{}","description":{payload}}}]"#, b.id),
                format!(r#"["offer",{{"to":"{}","description":{payload},"#, b.id),
            ),
            (
                format!(r#"["offer","{}",{payload}]"#, b.id),
                format!(r#"["offer","{}",{payload},"#, a.id),
            ),
            (
                format!(r#"["offer",{{"offer":{payload}}}]"#),
                format!(r#"["offer",{payload},"#),
            ),
            (
                format!(r#"["offer",{payload},"{}"]"#, b.id),
                format!(r#"["offer",{payload},"#),
            ),
            (
                format!(r#"["offer","room",{payload}]"#),
                format!(r#"["offer",{payload},"#),
            ),
        ] {
            a.emit(&mut hall, &sent);
            let raw = b.heard_raw(&mut hall).pop().unwrap_or_default();
            assert!(raw.starts_with(&delivered), "{raw:.200}");
        }
    }
}

/// Attachments are forwarded with their signal.
#[test]
fn binary_signals() {
    let (mut hall, [a, b]) = hall_of();
    let places = r#"[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#;
    let frame = format!(r#"452-["signal",{{"to":"{}","data":{places}}}]"#, b.id);
    hall.text(a.connection(), frame)
        .bytes(a.connection(), &[1])
        .bytes(a.connection(), &[2, 3]);
    let got = hall.take_of(b.connection());
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
        let (mut hall, [host, other]) = hall_of();
        host.join(&mut hall, "host");
        other.join(&mut hall, "other");
        host.heard(&mut hall);
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
            hall.text(connection, format!(r#"451-7["{event}",{payload}]"#));
            hall.bytes(connection, b"bytes");
            let reply = host.acknowledged(&mut hall, 7).expect("an ack");
            let got = hall.take_of(other.connection());
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

/// An event that is no signal is refused. Its sender stays connected, and no other client gets it.
#[test]
fn invalid_payloads_are_refused() {
    let (mut hall, [a, b]) = hall_of();
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
            assert_eq!(a.refusal(&mut hall, &signal), "bad-payload", "{signal}");
        }
    }
    for (count, arrives) in [(16, true), (17, false)] {
        let mut args = vec![json!({ "data": 1 }); count];
        args.insert(0, json!("signal"));
        let reply = a.call(&mut hall, json!(args));
        assert_eq!(reply["ok"], arrives, "{count} arguments");
        assert_eq!(b.heard(&mut hall).len(), usize::from(arrives));
    }
    let crowded: serde_json::Map<_, _> = (0..65).map(|n| (format!("k{n}"), json!(n))).collect();
    assert_eq!(
        a.refusal(&mut hall, &json!(["offer", crowded])),
        "bad-payload"
    );
    a.emit(
        &mut hall,
        r#"["offer",{"\ud800":1,"type":"offer","sdp":""}]"#,
    );
    assert_eq!(a.heard_one(&mut hall)[1]["code"], "bad-payload");
    assert!(b.heard(&mut hall).is_empty());
    a.emit(&mut hall, json!(["offer", description("offer")]));
    assert_eq!(b.signals(&mut hall, &a).len(), 1, "still here");
}

/// Limits count the characters of a text, not its escapes.
#[test]
fn limits() {
    let (mut hall, [a, b]) = hall_of();
    let fits = |hall: &mut Hall, a: &Peer, event: Value| {
        let reply = a.call(hall, &event);
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
                fits(&mut hall, &a, json!([event, b.id, sdp(len)])),
                expected
            );
            assert_eq!(
                fits(&mut hall, &a, json!([event, wrapped])),
                expected,
                "{event} {len}"
            );
        }
    }
    // The meta of each receiver has it too.
    for (len, expected) in [(254, true), (255, false), (100_000, false)] {
        let cid = "x".repeat(len);
        for signal in [
            json!({ "to": b.id, "description": {}, "cid": cid }),
            json!({ "remotePeerId": b.id, "offer": {}, "cid": cid }),
            json!({ "offer": {}, "cid": cid }),
            json!({ "type": "offer", "sdp": "", "cid": cid }),
        ] {
            assert_eq!(fits(&mut hall, &a, json!(["offer", signal])), expected);
        }
    }
    let newlines = json!({ "type": "offer", "sdp": "\n".repeat(40_000) });
    assert!(newlines.to_string().len() > 65_536);
    assert!(fits(&mut hall, &a, json!(["offer", newlines])));
    b.heard(&mut hall);
    assert!(a.heard(&mut hall).is_empty());
}
