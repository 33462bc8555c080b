//! Inputs cut at every position: nothing panics, and no packet is accepted without the end of its JSON or without all
//! its attachments.

use signalbox::engine::{ClientPacket, Message, PacketError, payload};
use signalbox::socket::Decoder;

use crate::raw::{conformance, script};
use crate::support::{Done, ok};

const PACKETS: [&str; 14] = [
    "0",
    r#"0/admin,{"token":"123"}"#,
    "0/a?b=c",
    r#"2["foo","b\"ar\\",{"x":[1,2.5e3,null]}]"#,
    r#"2/admin,12["foo","中文😀"]"#,
    r#"2["\ud83d\ude00\ud800"]"#,
    "3/admin,13[\"bar\"]",
    "312[]",
    r#"4{"message":"no","data":{"code":"x"}}"#,
    "1",
    "1/admin,",
    r#"51-["baz",{"_placeholder":true,"num":0}]"#,
    r#"52-/admin,7["b",{"_placeholder":true,"num":1},{"_placeholder":true,"num":0}]"#,
    r#"61-15["bar",{"_placeholder":true,"num":0}]"#,
];

/// The positions at which a text may be cut.
fn cuts(text: &str) -> impl Iterator<Item = usize> {
    (0..=text.len()).filter(|at| text.is_char_boundary(*at))
}

#[test]
fn every_prefix_and_suffix_of_a_packet() {
    for packet in PACKETS {
        for at in cuts(packet) {
            let (start, end) = packet.split_at(at);
            for part in [start, end] {
                let mut decoder = Decoder::default();
                let first = decoder.push(&Message::text(part), usize::MAX);
                let then = decoder.push(&Message::binary(*b"\x01"), usize::MAX);
                let awaits = matches!(first, Ok(None));
                assert!(awaits || then.is_err(), "a stray attachment: {part}");
                let _ = ClientPacket::parse(&part.into());
            }
            if at < packet.len() && packet.ends_with(['}', ']']) {
                let json = start.contains(['{', '[']);
                let read = Decoder::default().push(&Message::text(start), usize::MAX);
                assert!(!json || read.is_err(), "half a payload was read: {start}");
            }
        }
    }
}

/// K-9, S-3: attachments come one by one, ten at most. The packet is complete only with the last of
/// them.
#[test]
fn every_number_of_attachments() {
    for count in 1..=10_u8 {
        let places: Vec<String> = (0..count)
            .map(|num| format!(r#"{{"_placeholder":true,"num":{num}}}"#))
            .collect();
        let wire = format!("5{count}-[\"x\",{}]", places.join(","));
        let mut decoder = Decoder::default();
        assert_eq!(decoder.push(&Message::text(&wire), usize::MAX), Ok(None));
        for num in 0..count {
            let packet = decoder.push(&Message::binary([num]), usize::MAX).unwrap();
            assert_eq!(packet.is_some(), num + 1 == count);
            if let Some(packet) = packet {
                assert_eq!(packet.to_string(), wire);
            }
        }
        assert!(
            decoder.push(&Message::binary([0]), usize::MAX).is_err(),
            "one too many"
        );
    }
    let eleven = Message::text(r#"511-["x",{"_placeholder":true,"num":0}]"#);
    assert!(Decoder::default().push(&eleven, usize::MAX).is_err());
}

fn parse(body: &[u8]) -> Vec<Result<ClientPacket, PacketError>> {
    payload::parse(body, usize::MAX).expect("no packet is too large")
}

const BODY: &str = "4hello\x1ebAQIDBA==\x1e4中文😀\x1e3\x1e4world\x1e6";

/// A body that is cut at any byte, even within a character.
#[test]
fn every_prefix_of_a_payload() {
    let whole = parse(BODY.as_bytes());
    assert_eq!(whole.len(), 6);
    for at in 0..BODY.len() {
        let part = parse(&BODY.as_bytes()[..at]);
        let packets = &part[..part.len() - 1]; // the last may be cut
        assert_eq!(packets, &whole[..packets.len()], "at {at}");
    }
}

/// A payload split at its separators has the same packets.
#[test]
fn every_split_of_a_payload_into_posts() {
    let packets: Vec<&str> = BODY.split('\x1e').collect();
    let joints = packets.len() - 1;
    for splits in 0..1_u32 << joints {
        let mut bodies = vec![packets[0].to_owned()];
        for (joint, packet) in packets[1..].iter().enumerate() {
            if splits >> joint & 1 == 1 {
                bodies.push((*packet).to_owned());
            } else {
                let body = bodies.last_mut().unwrap();
                body.push('\x1e');
                body.push_str(packet);
            }
        }
        let mut script = script(conformance());
        let sid = script.open_polling();
        for body in bodies {
            let post = script.send(&sid, &body);
            script.expect([ok(post)]);
        }
        let poll = script.poll(&sid);
        let echoed = "4hello\x1ebAQIDBA==\x1e4中文😀\x1e4world".to_owned();
        assert!(
            matches!(&script.take()[..], [Done::Responded(r, 200, _, body)] if *r == poll && *body == echoed)
        );
    }
}
