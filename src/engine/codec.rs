//! The two revisions of the protocol. A session's revision decides how its packets are written.

use serde::{Deserialize, Serialize};

use super::packet::{ClientPacket, Message, PacketError, ServerPacket};
use super::rejection::Rejection;
use super::{payload, revision_3};
use crate::io::{ContentType, Data, Response};

/// A revision of Engine.IO.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Revision {
    /// Spoken by Socket.IO 1 and 2.
    #[serde(rename = "3")]
    Three,
    /// Spoken by Socket.IO 3 and 4.
    #[default]
    #[serde(rename = "4")]
    Four,
}

/// Whether a value is the default. A default is not stored.
pub(super) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// How the packets of a session are written on its transport. Stored packets do not depend on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Codec {
    /// The revision.
    #[serde(default)]
    pub revision: Revision,
    /// Whether binary messages are sent as base64 text, even on a WebSocket.
    #[serde(default)]
    pub base64: bool,
    /// Whether texts in payloads are encoded as UTF-8 twice, see [`revision_3`].
    #[serde(default)]
    pub(super) twice: bool,
}

impl Codec {
    /// The codec for clients of this revision.
    #[must_use]
    pub const fn new(revision: Revision, base64: bool) -> Self {
        Self {
            revision,
            base64,
            twice: false,
        }
    }

    /// Reads one WebSocket frame.
    ///
    /// # Errors
    ///
    /// [`PacketError::Empty`] and [`PacketError::Type`].
    pub fn read_frame(self, frame: &Data) -> Result<ClientPacket, PacketError> {
        match self.revision {
            Revision::Four => ClientPacket::from_frame(frame),
            Revision::Three => revision_3::read_frame(frame),
        }
    }

    /// Writes one WebSocket frame.
    #[inline]
    #[must_use]
    pub fn write_frame(self, packet: &ServerPacket) -> Data {
        match (self.revision, packet) {
            // Most messages are texts. A text has the same form in both revisions.
            (_, ServerPacket::Message(Message::Text(frame))) => Data::Text(frame.source().clone()),
            (Revision::Four, packet) => packet.to_frame(self.base64),
            (Revision::Three, packet) => revision_3::write_frame(packet, self.base64),
        }
    }

    /// Reads the packets of a request's body. If a packet is invalid, its error is the last item of the
    /// list, and the rest of the body is not read.
    ///
    /// # Errors
    ///
    /// [`Rejection::TooLarge`] if a packet is longer than `max_packet` bytes, or if there are too
    /// many; [`Rejection::Misuse`] if the body is invalid in this revision.
    pub fn read_body(
        &mut self,
        content_type: &str,
        body: &[u8],
        max_packet: usize,
    ) -> Result<Vec<Result<ClientPacket, PacketError>>, Rejection> {
        let is_binary = content_type.starts_with("application/octet-stream");
        match self.revision {
            Revision::Four if is_binary => Err(Rejection::Misuse),
            Revision::Four => payload::parse(body, max_packet),
            Revision::Three if is_binary => revision_3::read_bytes(body, max_packet),
            Revision::Three => revision_3::read_text(body, max_packet, &mut self.twice),
        }
    }

    /// The response to a poll.
    #[must_use]
    pub fn answer(self, packets: &[ServerPacket]) -> Response {
        let (content_type, body) = match self.revision {
            Revision::Four => (ContentType::Text, payload::encode(packets)),
            Revision::Three => revision_3::write_body(packets, self.base64, self.twice),
        };
        Response {
            status: 200,
            content_type,
            body,
            cookie: None,
        }
    }

    /// A response that releases a poll without data: the client polls again.
    #[must_use]
    pub fn noop(self) -> Response {
        self.answer(&[ServerPacket::Noop])
    }

    /// The maximum number of packets in a response.
    pub(super) const fn max_packets(self) -> usize {
        match self.revision {
            Revision::Four => usize::MAX,
            Revision::Three => revision_3::MAX_PACKETS,
        }
    }
}
