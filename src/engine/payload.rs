//! Payloads of revision 4: the packets of one HTTP body, separated by the record separator. Stored
//! packets have this form in both revisions.

use super::Rejection;
use super::packet::{ClientPacket, Message, PacketError, ServerPacket};

const SEPARATOR: char = '\x1e';

/// The maximum number of packets in a body: each packet takes memory, however short it is. Clients
/// split bodies by `maxPayload`. A body as long as the default `maxPayload` holds this many of the
/// shortest events, `42["a"]`.
pub(super) const MAX_PACKETS: usize = 16_384;

/// Reads the packets of a request's body, up to the first invalid one, whose error is then the last
/// item. Invalid UTF-8 becomes U+FFFD, as in JavaScript.
///
/// # Errors
///
/// [`Rejection::TooLarge`] if a packet is longer than `max_packet` bytes, or if there are too many.
/// The size of a binary packet is the size of its data before base64.
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

/// Appends messages to `body` in the form of a payload, for storage.
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

/// Reads the packets of a stored body.
pub(super) fn unpack_packets(body: &str) -> Vec<ServerPacket> {
    let packet = |part: &str| unpack_packet(part);
    body.split(SEPARATOR).filter_map(packet).collect()
}

/// Reads one stored packet. `None` for a stored ping: it is not sent again.
pub(super) fn unpack_packet(part: &str) -> Option<ServerPacket> {
    Some(match ClientPacket::parse(&part.into()) {
        Ok(ClientPacket::Message(message)) => ServerPacket::Message(message),
        Ok(ClientPacket::Pong) => ServerPacket::Pong,
        Ok(ClientPacket::Close) => ServerPacket::Close,
        Ok(ClientPacket::Ignored) => ServerPacket::Noop,
        _ => return None,
    })
}

/// Reads the output of [`pack`].
pub(crate) fn unpack(body: &str) -> Vec<Message> {
    let packets = body.split(SEPARATOR);
    let message = |packet: &str| match ClientPacket::parse(&packet.into()) {
        Ok(ClientPacket::Message(message)) => Some(message),
        _ => None,
    };
    packets.filter_map(message).collect()
}
