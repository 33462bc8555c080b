//! In each delivered object, every field that states a sender has the true one, whatever the sender claims.

use serde_json::{Value, json};

use crate::peer::server_of;
use crate::room_shapes::{candidate, description};

/// Field names by which a sender may claim to be someone else.
const CLAIMS: [&str; 34] = [
    "from",
    "fromId",
    "fromID",
    "fromPeerId",
    "fromUserId",
    "fromSocketId",
    "fromSocket",
    "fromUser",
    "from_id",
    "from-user-id",
    "FROM",
    "sender",
    "senderId",
    "senderID",
    "senderPeerId",
    "senderSocketId",
    "senderUserId",
    "sender_sid",
    "caller",
    "callerId",
    "callerID",
    "callerPeerId",
    "callerSocketId",
    "callerUserId",
    "caller_uid",
    "source",
    "sourceId",
    "sourceSocketId",
    "myId",
    "mySocketId",
    "my_peer_id",
    "selfId",
    "ownId",
    "localPeerId",
];

/// The value with this additional field.
fn with(value: &Value, claim: &str, stated: &str) -> Value {
    let mut value = value.clone();
    value[claim] = json!(stated);
    value
}

/// In a signal of the shape `wrapped` (see `src/room/signal.rs`), claims are overwritten and `from` is added. The
/// server delivers the whole object that the client sent.
#[test]
fn claimed_senders_are_overwritten() {
    for (event, payload) in [
        ("offer", "description"),
        ("offer", "offer"),
        ("offer", "sdp"),
        ("answer", "answer"),
        ("answer", "description"),
        ("candidate", "candidate"),
        ("ice", "candidate"),
        ("signal", "data"),
        ("signal", "signal"),
    ] {
        for claim in CLAIMS {
            for target in ["to", "peerId", ""] {
                let (mut server, [a, b]) = server_of();
                let mut signal = json!({ payload: { "x": 1 }, claim: b.id, "keep": "me" });
                if !target.is_empty() {
                    signal[target] = json!(b.id);
                }
                a.emit(&mut server, json!([event, signal]));
                signal[claim] = json!(a.id);
                signal["from"] = json!(a.id);
                assert_eq!(b.signals(&mut server, &a), [json!([event, signal])]);
            }
        }
    }
}

/// In a signal of any other shape, claims are overwritten and no `from` is added. Of `{offer, remotePeerId}` the
/// server delivers only the payload, which is the value of `offer`.
#[test]
fn claims_in_unwrapped_forms_are_overwritten() {
    let text = json!({ "type": "offer", "sdp": "v=0" });
    let old = json!({ "candidate": "candidate:1", "id": "audio", "label": 0 });
    let own = json!({ "data": [1], "x": { "from": "nested values are the application's" } });
    for claim in CLAIMS {
        for (event, object) in [
            ("offer", &text),
            ("answer", &description("answer")),
            ("candidate", &candidate()),
            ("ice-candidate", &old),
            ("signal", &own),
        ] {
            let (mut server, [a, b]) = server_of();
            let (to, room) = (&b.id, "room");
            let sent = with(object, claim, &b.id);
            let delivered = with(object, claim, &a.id);
            let field = match event {
                "ice-candidate" => "candidate",
                other => other,
            };
            let mut shapes = vec![
                (
                    json!([{ field: sent, "remotePeerId": to }]),
                    json!([delivered]),
                ),
                (
                    json!([{ field: sent, "x": 1, "targetUserId": to }]),
                    json!([delivered]),
                ),
                (json!([to, sent]), json!([a.id, delivered])),
                (
                    json!([to, "text", sent, 7, sent]),
                    json!([a.id, "text", delivered, 7, delivered]),
                ),
                (json!([room, to, sent]), json!([a.id, delivered])),
            ];
            if event != "signal" {
                shapes.extend([
                    (json!([{ field: sent }]), json!([delivered])),
                    (json!([{ field: sent, "target": null }]), json!([delivered])),
                    (json!([sent]), json!([delivered])),
                    (json!([sent, room]), json!([delivered])),
                    (json!([sent, to]), json!([delivered])),
                    (json!([room, sent]), json!([delivered])),
                ]);
            }
            for (mut args, mut expected) in shapes {
                args.as_array_mut().unwrap().insert(0, json!(event));
                expected.as_array_mut().unwrap().insert(0, json!(event));
                a.emit(&mut server, &args);
                assert_eq!(b.signals(&mut server, &a), [expected], "{args}");
            }
        }
    }
}

/// Claims that are repeated or escaped are overwritten in all forms.
#[test]
fn repeated_and_escaped_claims_are_overwritten() {
    let (mut server, [a, b]) = server_of();
    let claim = format!(
        r#""from":"{0}","fr\u006fm":"{0}","caller":[1],"caller":"{0}","\u0073ender":{{"x":"{0}"}}"#,
        b.id
    );
    for signal in [
        format!(r#"["signal",{{"data":1,{claim}}}]"#),
        format!(
            r#"["signal",{{"signal":{{"data":1,{claim}}},"remotePeerId":"{}"}}]"#,
            b.id
        ),
        format!(r#"["offer",{{"offer":{{"type":"offer","sdp":"",{claim}}}}}]"#),
        format!(
            r#"["offer",{{"offer":0,"\u006fffer":{{{claim}}},"remotePeerId":"{}"}}]"#,
            b.id
        ),
        format!(
            r#"["signal",{{"signal":{{"\u0066rom":"{0}"}},"remotePeerId":"{0}"}}]"#,
            b.id
        ),
        format!(
            r#"["signal","{0}",{{"\u0066\u0072\u006f\u006d":"{0}"}}]"#,
            b.id
        ),
        format!(r#"["offer",{{"type":"offer","sdp":"",{claim}}}]"#),
        format!(r#"["candidate","{}",{{"candidate":"",{claim}}}]"#, b.id),
        format!(r#"["candidate","{}",null,{{{claim}}}]"#, b.id),
    ] {
        a.emit(&mut server, &signal);
        let raw = b.heard_raw(&mut server).remove(0);
        let (delivered, _) = raw.rsplit_once(r#",{"from":"#).expect("a meta");
        assert!(!delivered.contains(&b.id), "{raw}");
        assert!(!delivered.contains("[1]"), "{raw}");
        let event: Value = serde_json::from_str(&raw).unwrap();
        let objects = event
            .as_array()
            .unwrap()
            .iter()
            .filter(|value| value.is_object());
        let mut stated = objects.map(|object| &object["from"]);
        assert!(stated.all(|from| *from == json!(a.id)), "{raw}");
    }
}

/// An object with a claim and too many fields is refused: the server could not overwrite the claim.
#[test]
fn objects_with_too_many_fields() {
    let (mut server, [a, b]) = server_of();
    let mut crowd: serde_json::Map<_, _> = (0..64).map(|n| (format!("k{n}"), json!(n))).collect();
    crowd.insert("from".to_owned(), json!(b.id));
    for signal in [
        json!(["offer", crowd]),
        json!(["offer", b.id, crowd]),
        json!(["signal", { "signal": crowd, "remotePeerId": b.id }]),
    ] {
        assert_eq!(a.refusal(&mut server, &signal), "bad-payload", "{signal}");
    }
    assert!(b.heard(&mut server).is_empty());
}
