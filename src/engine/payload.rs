//! Payloads of revision 4: the packets of one HTTP body, joined by the record separator. Stored
//! packets have this form, too, whatever their session speaks.

use super::Rejection;
use super::packet::{ClientPacket, Message, PacketError, ServerPacket};

const SEPARATOR: char = '\x1e';

/// The most packets in a body, as each takes some memory of its own, however short it is: as many of
/// the shortest events, `42["a"]`, as fill a room's `maxPayload`, by which clients split.
pub(super) const MAX_PACKETS: usize = 16_384;

/// Reads the packets of a request's body up to the first bad one, which it returns as its error.
/// What is not UTF-8 is read as U+FFFD, as JavaScript reads it.
///
/// # Errors
///
/// [`Rejection::TooLarge`] if one of them is longer than `max_packet` bytes, of binary before it was
/// encoded as base64, or if there are too many.
pub fn parse(
    body: &[u8],
    max_packet: usize,
) -> Result<Vec<Result<ClientPacket, PacketError>>, Rejection> {
    let body = String::from_utf8_lossy(body);
    let mut packets = Vec::new();
    for part in body.split(SEPARATOR) {
        let packet = ClientPacket::parse(&part.into());
        let size = match &packet {
            Ok(ClientPacket::Message(Message::Binary(bytes))) => bytes.len(),
            _ => part.len(),
        };
        if size > max_packet || packets.len() == MAX_PACKETS {
            return Err(Rejection::TooLarge);
        }
        let stop = packet.is_err();
        packets.push(packet);
        if stop {
            break;
        }
    }
    Ok(packets)
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

/// Reads the packets of a body that was stored.
pub(super) fn unpack_packets(body: &str) -> Vec<ServerPacket> {
    let packet = |part: &str| unpack_packet(part);
    body.split(SEPARATOR).filter_map(packet).collect()
}

/// Reads a packet that was stored. Of those that wait, pings are not kept.
pub(super) fn unpack_packet(part: &str) -> Option<ServerPacket> {
    Some(match ClientPacket::parse(&part.into()) {
        Ok(ClientPacket::Message(message)) => ServerPacket::Message(message),
        Ok(ClientPacket::Pong) => ServerPacket::Pong,
        Ok(ClientPacket::Close) => ServerPacket::Close,
        Ok(ClientPacket::Ignored) => ServerPacket::Noop,
        _ => return None,
    })
}

/// Reads what [`pack`] wrote.
pub(crate) fn unpack(body: &str) -> Vec<Message> {
    let packets = body.split(SEPARATOR);
    let message = |packet: &str| match ClientPacket::parse(&packet.into()) {
        Ok(ClientPacket::Message(message)) => Some(message),
        _ => None,
    };
    packets.filter_map(message).collect()
}
