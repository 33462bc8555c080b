//! Parsers and writers: packets of both protocols, payloads, attachments.

use std::rc::Rc;

use signalbox::engine::{
    ClientPacket, Codec, Message, PacketError, Revision, ServerPacket, payload,
};
use signalbox::io::{ContentType, Data};
use signalbox::socket::{Decoder, Kind, Packet, ParseError};

use super::bytes::Bytes;
use super::junk::junk;

/// Reads a frame as a packet of Engine.IO and of Socket.IO. A packet that is written and read again is the same.
/// Returns whether it was a packet of Socket.IO.
pub fn packet(bytes: &[u8]) -> bool {
    let frame = match std::str::from_utf8(bytes) {
        Ok(text) => Data::Text(text.into()),
        Err(_) => Data::Binary(bytes.into()),
    };
    let packet = ClientPacket::from_frame(&frame);
    if let Ok(ClientPacket::Message(message)) = &packet {
        for base64 in [false, true] {
            let again = ServerPacket::Message(message.clone()).to_frame(base64);
            assert_eq!(ClientPacket::from_frame(&again), packet);
        }
    }
    for base64 in [false, true] {
        let codec = Codec::new(Revision::Three, base64);
        let packet = codec.read_frame(&frame);
        if let Ok(ClientPacket::Message(message)) = &packet {
            let again = codec.write_frame(&ServerPacket::Message(message.clone()));
            assert_eq!(codec.read_frame(&again), packet);
        }
    }
    let Data::Text(text) = frame else {
        assert!(packet.is_ok(), "any bytes are a message");
        return false;
    };
    let mut decoder = Decoder::default();
    let mut pushed = decoder.push(&Message::text(&text), usize::MAX);
    let mut attachments = Vec::new();
    while pushed == Ok(None) {
        assert!(attachments.len() < 10, "more than ten attachments");
        let bytes = Message::binary(vec![1; attachments.len()]);
        pushed = decoder.push(&bytes, usize::MAX);
        attachments.push(bytes);
    }
    let Ok(Some(packet)) = pushed else {
        return false;
    };
    let written = packet.to_string();
    let again = read(&written, &attachments);
    assert_eq!(again, packet);
    assert_eq!(again.to_string(), written);
    true
}

fn read(text: &str, attachments: &[Message]) -> Packet {
    let mut decoder = Decoder::default();
    let mut read = decoder.push(&Message::text(text), usize::MAX);
    for bytes in attachments {
        assert_eq!(read, Ok(None), "{text}");
        read = decoder.push(bytes, usize::MAX);
    }
    read.unwrap().expect("a packet")
}

/// The body of a POST: each part is a packet, up to the first invalid one. Messages that are written and
/// read again are the same. Returns the number of messages.
pub fn payload(bytes: &[u8]) -> usize {
    let Ok(packets) = payload::parse(bytes, usize::MAX) else {
        let parts = bytes.split(|byte| *byte == 0x1e).count();
        assert!(parts > 16_384, "refused with {parts} packets");
        return 0;
    };
    let text = String::from_utf8_lossy(bytes);
    let parts: Vec<&str> = text.split('\x1e').collect();
    let expected = parts
        .iter()
        .map(|part| ClientPacket::parse(&(*part).into()));
    let good = expected.clone().take_while(Result::is_ok).count();
    let read = parts.len().min(good + 1);
    assert_eq!(packets, expected.take(read).collect::<Vec<_>>());
    let decoded = Message::binary(unbase64(&text));
    let read = ClientPacket::parse(&format!("b{text}").into());
    assert_eq!(read, Ok(ClientPacket::Message(decoded)));
    let mut messages: Vec<ServerPacket> = packets.into_iter().filter_map(message).collect();
    messages.push(ServerPacket::Message(Message::binary(bytes)));
    let again = payload::parse(payload::encode(&messages).as_bytes(), usize::MAX);
    let again = again.expect("they fit");
    let again: Vec<ServerPacket> = again.into_iter().filter_map(message).collect();
    assert_eq!(again, messages);
    for content_type in [TEXT, OCTETS] {
        reread_revision_3(content_type, bytes);
    }
    frame_revision_3(&parts);
    messages.len() - 1
}

const TEXT: &str = "text/plain";
const OCTETS: &str = "application/octet-stream";

/// Messages of revision 3 that are written and read again are the same.
fn reread_revision_3(content_type: &str, bytes: &[u8]) {
    let read = |content_type: &str, body: &[u8]| {
        let mut codec = Codec::new(Revision::Three, false);
        let packets = codec.read_body(content_type, body, usize::MAX).ok()?;
        let messages: Vec<ServerPacket> = packets.into_iter().filter_map(message).collect();
        Some((codec, messages)).filter(|(_, messages)| !messages.is_empty())
    };
    let Some((codec, messages)) = read(content_type, bytes) else {
        return;
    };
    let answer = codec.answer(&messages);
    let again = match answer.content_type {
        ContentType::Octets => read(OCTETS, &unbase64(&answer.body)),
        _ => read(TEXT, answer.body.as_bytes()),
    };
    assert_eq!(again.expect("messages").1, messages);
}

/// Writes the parts, each after its length, as a binary and as a text body of revision 3. Both are read up to
/// the first invalid packet.
fn frame_revision_3(parts: &[&str]) {
    let parts = || parts.iter().filter(|part| !part.is_empty());
    if parts().count() == 0 {
        return;
    }
    let codec = Codec::new(Revision::Three, false);
    let packets = parts().map(|part| codec.read_frame(&Data::Text((*part).into())));
    let good = packets.clone().take_while(Result::is_ok).count();
    let expected: Vec<_> = packets.take(good + 1).collect();
    let digits = |length: usize| length.to_string().into_bytes();
    let mut octets = Vec::new();
    let mut text = String::new();
    for part in parts() {
        octets.push(0);
        octets.extend(digits(part.len()).iter().map(|digit| digit - b'0'));
        octets.push(255);
        octets.extend(part.as_bytes());
        text.push_str(&part.encode_utf16().count().to_string());
        text.push(':');
        text.push_str(part);
    }
    let read = |content_type, body: &[u8]| {
        let mut codec = codec;
        let read = codec.read_body(content_type, body, usize::MAX);
        (
            read.expect("a body"),
            codec == Codec::new(Revision::Three, false),
        )
    };
    assert_eq!(read(OCTETS, &octets).0, expected);
    if let (packets, true) = read(TEXT, text.as_bytes()) {
        assert_eq!(packets, expected, "{text}");
    }
}

fn message(packet: Result<ClientPacket, PacketError>) -> Option<ServerPacket> {
    match packet {
        Ok(ClientPacket::Message(message)) => Some(ServerPacket::Message(message)),
        _ => None,
    }
}

/// Decodes base64 bit by bit.
pub fn unbase64(text: &str) -> Vec<u8> {
    let value = |byte| match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    };
    let digits = text.bytes().filter_map(value);
    let bits: Vec<u8> = digits
        .flat_map(|digit| (0..6).rev().map(move |bit| digit >> bit & 1))
        .collect();
    let byte = |bits: &[u8]| bits.iter().fold(0, |byte, bit| byte << 1 | bit);
    bits.chunks_exact(8).map(byte).collect()
}

/// A packet whose attachments are missing.
struct Awaited {
    /// Whether each of its placeholders names one of its attachments.
    good: bool,
    count: usize,
    came: Vec<Rc<[u8]>>,
}

/// Messages in any order: a packet is complete when its last attachment arrives, and has its attachments in the
/// order of their arrival. Earlier errors make no difference. Returns the number of complete packets.
pub fn decoder(bytes: &[u8]) -> usize {
    let mut bytes = Bytes::new(bytes);
    let mut decoder = Decoder::default();
    let mut came_out = 0;
    let mut awaited: Option<Awaited> = None;
    while !bytes.is_empty() {
        // Mostly the kind of message that is expected.
        let usual = !bytes.chance(16);
        let attachment = usual == awaited.is_some();
        match bytes.below(2) {
            _ if attachment => {
                let attachment: Rc<[u8]> = bytes.some(8).into();
                let read = decoder.push(&Message::Binary(Rc::clone(&attachment)), usize::MAX);
                let Some(mut packet) = awaited.take() else {
                    assert_eq!(read, Err(ParseError::StrayAttachment));
                    continue;
                };
                packet.came.push(attachment);
                if packet.came.len() < packet.count {
                    assert_eq!(read, Ok(None));
                    awaited = Some(packet);
                } else if packet.good {
                    assert_eq!(attached(read.unwrap().expect("a packet")), packet.came);
                    came_out += 1;
                } else {
                    assert_eq!(read, Err(ParseError::Placeholder));
                }
            }
            kind => {
                let (text, expected) = if kind == 0 {
                    let (text, good, count) = event(&mut bytes);
                    (text, Some((good, count)))
                } else {
                    (junk(&mut bytes), None)
                };
                let read = decoder.push(&Message::text(&text), usize::MAX);
                if awaited.take().is_some() {
                    assert_eq!(read, Err(ParseError::MissingAttachment));
                    continue;
                }
                let anew = Decoder::default().push(&Message::text(&text), usize::MAX);
                assert_eq!(read, anew, "{text}");
                match expected {
                    Some((good, count @ 1..=10)) => {
                        assert_eq!(read, Ok(None), "{text}");
                        let came = Vec::new();
                        awaited = Some(Awaited { good, count, came });
                    }
                    Some(_) => assert_eq!(read, Err(ParseError::AttachmentCount), "{text}"),
                    None if read == Ok(None) => decoder = Decoder::default(),
                    None => {}
                }
            }
        }
    }
    came_out
}

/// Returns an event as a text; whether each of its placeholders names one of its attachments; and the number of its
/// attachments.
fn event(bytes: &mut Bytes) -> (String, bool, usize) {
    let count = bytes.below(13);
    let places: Vec<usize> = (0..bytes.below(4)).map(|_| bytes.below(12)).collect();
    let place = |num: &usize| format!(r#",[{{"x":{{"_placeholder":true,"num":{num}}}}}]"#);
    let args: String = places.iter().map(place).collect();
    let namespace = bytes.pick(&["", "/,", "/a,", "/a?b=c,"]);
    let id = bytes.pick(&["", "0", "12", "18446744073709551616"]);
    let text = format!(r#"5{count}-{namespace}{id}["x"{args}]"#);
    (text, places.iter().all(|num| *num < count), count)
}

fn attached(packet: Packet) -> Vec<Rc<[u8]>> {
    match packet.kind {
        Kind::Event { args, .. } | Kind::Ack { args, .. } => args.attachments,
        other => panic!("attachments of {other:?}"),
    }
}
