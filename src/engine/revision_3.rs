//! Revision 3: how clients of Socket.IO 1 and 2 write packets and payloads.
//!
//! ```text
//! binary packet   = "b" type base64, or the type as a byte and the data
//! text payload    = { length ":" packet }                       length in UTF-16 units
//! binary payload  = { ( 0 | 1 ) length 255 packet }             length in bytes, digits as bytes 0 to 9
//! ```
//!
//! Specification: <https://github.com/socketio/engine.io-protocol/tree/v3>.
//!
//! Beyond the specification: clients of Socket.IO 1 encode a text as UTF-8 before they put it into
//! a text payload, so each byte becomes one character. They expect the same of a text payload from
//! the server. So the server sends them binary payloads, in which texts are encoded once. A client
//! that cannot read binary payloads gets text payloads. After it has sent a text that was encoded
//! twice, the server also encodes the texts for it twice.

use super::Rejection;
use super::packet::{ClientPacket, Message, PacketError, ServerPacket};
use super::payload;
use crate::base64;
use crate::io::{ContentType, Data, Text};

/// The maximum number of packets in a response: clients in Python read no more.
pub(super) const MAX_PACKETS: usize = 16;

/// Follows the length in a binary payload.
const LENGTH_END: u8 = 255;

/// The maximum number of digits in a length: the length of the largest body has fewer.
const MAX_DIGITS: usize = 9;

type Packet = Result<ClientPacket, PacketError>;

pub(super) fn read_frame(frame: &Data) -> Packet {
    match frame {
        Data::Text(text) => read_packet(text),
        Data::Binary(bytes) => read_binary(bytes),
    }
}

fn read_packet(text: &Text) -> Packet {
    match text.as_bytes() {
        [b'2', ..] => Ok(ClientPacket::Ping),
        [b'3', ..] => Ok(ClientPacket::Ignored),
        [b'b', kind @ b'0'..=b'6', ..] => {
            let data = text.get(2..).unwrap_or_default();
            typed(kind - b'0', || base64::decode(data))
        }
        [b'b', ..] => Err(PacketError::Type),
        _ => ClientPacket::parse(text),
    }
}

fn read_binary(bytes: &[u8]) -> Packet {
    let (kind, data) = bytes.split_first().ok_or(PacketError::Empty)?;
    typed(*kind, || data.to_vec())
}

/// A packet of this type in binary form. The data of any type but a message is ignored.
fn typed(kind: u8, data: impl FnOnce() -> Vec<u8>) -> Packet {
    match kind {
        1 => Ok(ClientPacket::Close),
        2 => Ok(ClientPacket::Ping),
        4 => Ok(ClientPacket::Message(Message::binary(data()))),
        0 | 3 | 5 | 6 => Ok(ClientPacket::Ignored),
        _ => Err(PacketError::Type),
    }
}

pub(super) fn write_frame(packet: &ServerPacket, base64: bool) -> Data {
    match packet {
        ServerPacket::Message(Message::Binary(bytes)) if base64 => {
            Data::Text(write_base64(bytes).into())
        }
        ServerPacket::Message(Message::Binary(bytes)) => Data::Binary(write_binary(bytes).into()),
        packet => packet.to_frame(false),
    }
}

fn write_base64(bytes: &[u8]) -> String {
    let mut text = "b4".to_owned();
    base64::encode(bytes, &mut text);
    text
}

fn write_binary(bytes: &[u8]) -> Vec<u8> {
    [&[4], bytes].concat()
}

/// The packets of a body, and their limits.
struct Packets {
    read: Vec<Packet>,
    max_packet: usize,
}

impl Packets {
    /// Adds a packet of this size. Returns `false` if the packet is invalid: reading stops there.
    fn push(&mut self, packet: Packet, written: usize) -> Result<bool, Rejection> {
        let size = match &packet {
            Ok(ClientPacket::Message(Message::Binary(bytes))) => bytes.len(),
            _ => written,
        };
        if size > self.max_packet || self.read.len() == payload::MAX_PACKETS {
            return Err(Rejection::TooLarge);
        }
        let is_good = packet.is_ok();
        self.read.push(packet);
        Ok(is_good)
    }
}

/// Reads a text payload. Invalid UTF-8 becomes U+FFFD, as in JavaScript.
pub(super) fn read_text(
    body: &[u8],
    max_packet: usize,
    twice: &mut bool,
) -> Result<Vec<Packet>, Rejection> {
    let body = String::from_utf8_lossy(body);
    let mut rest = &*body;
    let mut packets = Packets {
        read: Vec::new(),
        max_packet,
    };
    if rest.is_empty() {
        return Err(Rejection::Misuse);
    }
    while !rest.is_empty() {
        let (length, behind) = rest.split_once(':').ok_or(Rejection::Misuse)?;
        let length = number(length.bytes().map(|digit| digit.wrapping_sub(b'0')))?;
        let (packet, behind) = split_at_unit(behind, length).ok_or(Rejection::Misuse)?;
        rest = behind;
        if packet.is_empty() {
            continue;
        }
        let once = decode_once(packet);
        *twice |= once.is_some();
        let text: Text = once.map_or_else(|| packet.into(), Text::from);
        let written = text.len();
        if !packets.push(read_packet(&text), written)? {
            break;
        }
    }
    Ok(packets.read)
}

/// Reads a binary payload.
pub(super) fn read_bytes(body: &[u8], max_packet: usize) -> Result<Vec<Packet>, Rejection> {
    let mut rest = body;
    let mut packets = Packets {
        read: Vec::new(),
        max_packet,
    };
    if rest.is_empty() {
        return Err(Rejection::Misuse);
    }
    while let Some((kind, behind)) = rest.split_first() {
        let digits = behind.iter().take_while(|digit| **digit != LENGTH_END);
        let (length, behind) = behind
            .split_at_checked(digits.count())
            .ok_or(Rejection::Misuse)?;
        let length = number(length.iter().copied())?;
        let (_, behind) = behind.split_first().ok_or(Rejection::Misuse)?;
        let (packet, behind) = behind.split_at_checked(length).ok_or(Rejection::Misuse)?;
        rest = behind;
        let packet = match kind {
            0 => read_packet(&String::from_utf8_lossy(packet).into_owned().into()),
            1 => read_binary(packet),
            _ => return Err(Rejection::Misuse),
        };
        if !packets.push(packet, length)? {
            break;
        }
    }
    Ok(packets.read)
}

/// The number that these digits form.
fn number(digits: impl ExactSizeIterator<Item = u8>) -> Result<usize, Rejection> {
    if !(1..=MAX_DIGITS).contains(&digits.len()) {
        return Err(Rejection::Misuse);
    }
    let mut digits = digits.map(usize::from);
    digits.try_fold(0, |number, digit| match digit {
        0..=9 => Ok(number * 10 + digit),
        _ => Err(Rejection::Misuse),
    })
}

/// Splits a text after this many UTF-16 units.
fn split_at_unit(text: &str, units: usize) -> Option<(&str, &str)> {
    let mut left = units;
    for (at, letter) in text.char_indices() {
        if left == 0 {
            return text.split_at_checked(at);
        }
        left = left.checked_sub(letter.len_utf16())?;
    }
    (left == 0).then_some((text, ""))
}

/// Undoes the second UTF-8 encoding: each character of `text` is one byte. `None` if the bytes are
/// not UTF-8, or are ASCII, which is the same in both forms. A text that was encoded only once is
/// misread only if it looks like `Ã©`, which hardly occurs in real text.
fn decode_once(text: &str) -> Option<String> {
    if text.is_ascii() {
        return None;
    }
    let bytes = text.chars().map(|letter| u8::try_from(letter).ok());
    let bytes: Option<Vec<u8>> = bytes.collect();
    String::from_utf8(bytes?).ok()
}

/// Writes a response: as text if it is ASCII, or if the client reads only text.
pub(super) fn write_body(
    packets: &[ServerPacket],
    base64: bool,
    twice: bool,
) -> (ContentType, String) {
    let frames: Vec<Data> = packets
        .iter()
        .map(|packet| write_frame(packet, base64))
        .collect();
    let is_ascii = |frame: &Data| matches!(frame, Data::Text(text) if text.is_ascii());
    if base64 || frames.iter().all(is_ascii) {
        let mut body = String::new();
        for frame in &frames {
            if let Data::Text(text) = frame {
                write_text(text, twice, &mut body);
            }
        }
        return (ContentType::Text, body);
    }
    let mut body = Vec::new();
    for frame in &frames {
        match frame {
            Data::Text(text) => write_bytes(0, text.as_bytes(), &mut body),
            Data::Binary(bytes) => write_bytes(1, bytes, &mut body),
        }
    }
    let mut octets = String::new();
    base64::encode(&body, &mut octets);
    (ContentType::Octets, octets)
}

fn write_text(packet: &str, twice: bool, out: &mut String) {
    let units = if twice {
        packet.len()
    } else {
        packet.encode_utf16().count()
    };
    out.push_str(&units.to_string());
    out.push(':');
    if twice {
        out.extend(packet.bytes().map(char::from));
    } else {
        out.push_str(packet);
    }
}

fn write_bytes(kind: u8, packet: &[u8], out: &mut Vec<u8>) {
    out.push(kind);
    let length = packet.len().to_string();
    out.extend(length.bytes().map(|digit| digit.wrapping_sub(b'0')));
    out.push(LENGTH_END);
    out.extend(packet);
}
