//! Payloads: the packets of one HTTP body, joined by the record separator.

use super::packet::{ClientPacket, Message, PacketError, ServerPacket};

const SEPARATOR: char = '\x1e';

/// Reads the packets of a request's body up to the first bad one, which it returns as its error.
#[must_use]
pub fn parse(body: &[u8]) -> Vec<Result<ClientPacket, PacketError>> {
    let Ok(text) = std::str::from_utf8(body) else {
        return vec![Err(PacketError::Encoding)];
    };
    let mut packets = Vec::new();
    for part in text.split(SEPARATOR) {
        let packet = ClientPacket::parse(&part.into());
        let stop = packet.is_err();
        packets.push(packet);
        if stop {
            break;
        }
    }
    packets
}

/// Writes the body of a response.
pub fn encode<'a>(packets: impl IntoIterator<Item = &'a ServerPacket>) -> String {
    let mut body = String::new();
    for (position, packet) in packets.into_iter().enumerate() {
        if position > 0 {
            body.push(SEPARATOR);
        }
        packet.write(&mut body);
    }
    body
}

/// Writes messages behind `body` as that of a response would hold them, to be stored.
pub(crate) fn pack(mut body: String, messages: &[Message]) -> String {
    for (position, message) in messages.iter().enumerate() {
        if position > 0 {
            body.push(SEPARATOR);
        }
        if let Message::Text(frame) = message {
            body.reserve(frame.source().len());
        }
        ServerPacket::Message(message.clone()).write(&mut body);
    }
    body
}

/// Reads what [`pack`] wrote.
pub(crate) fn unpack(body: &str) -> Vec<Message> {
    let packets = parse(body.as_bytes()).into_iter();
    let message = |packet| match packet {
        Ok(ClientPacket::Message(message)) => Some(message),
        _ => None,
    };
    packets.filter_map(message).collect()
}
