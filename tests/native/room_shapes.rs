//! Each published form of offer, answer and candidate is delivered as its receiver expects it.

use serde_json::{Value, json};

use crate::peer::server_of;

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
        let (mut server, [a, b, c]) = server_of();
        for (event, value) in [
            ("offer", description("offer")),
            ("answer", description("answer")),
            ("candidate", candidate()),
        ] {
            a.emit(&mut server, json!([event, { event: value, target: b.id }]));
            assert_eq!(
                b.signals(&mut server, &a),
                [json!([event, value])],
                "{target}"
            );
        }
        assert!(a.heard(&mut server).is_empty());
        assert!(c.heard(&mut server).is_empty());
    }
}

/// The tutorial's target may be an alias, and a description may be any JSON.
#[test]
fn the_tutorials_target_may_be_an_alias() {
    let (mut server, [a, b, c]) = server_of();
    b.emit(&mut server, json!(["join", "bob"]));
    b.heard(&mut server);
    a.emit(
        &mut server,
        json!(["offer", { "offer": { "any": [1] }, "remotePeerId": "bob" }]),
    );
    assert_eq!(
        b.signals(&mut server, &a),
        [json!(["offer", { "any": [1] }])]
    );
    assert!(c.heard(&mut server).is_empty());
}

/// Asserts for each row that its first text, an event, is delivered as its second text. `@` stands
/// for the target's id, `#` for the sender's.
fn delivered(table: &[(String, String)]) {
    for row in table {
        let (mut server, [a, b]) = server_of();
        let filled = |text: &str| text.replace('@', &b.id).replace('#', &a.id);
        let (sent, delivered) = (filled(&row.0), filled(&row.1));
        let reply = a.call(&mut server, &sent);
        assert_eq!(reply, json!({ "ok": true, "delivered": 1 }), "{sent}");
        let delivered: Value = serde_json::from_str(&delivered).unwrap();
        assert_eq!(b.signals(&mut server, &a), [delivered], "{sent}");
        assert!(a.heard(&mut server).is_empty(), "{sent}");
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
        let (mut server, [a, b]) = server_of();
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
            a.emit(&mut server, &sent);
            let raw = b.heard_raw(&mut server).pop().unwrap_or_default();
            assert!(raw.starts_with(&delivered), "{raw:.200}");
        }
    }
}
