//! From messages to packets: waits for a packet's attachments.

use std::num::NonZeroU8;

use super::packet::{self, Kind, Packet, ParseError};
use crate::engine::Message;

/// ```text
/// Idle ──text, attachments follow──▶ Awaiting ──the last of them──▶ Idle
/// ```
#[derive(Debug, Default)]
pub enum Decoder {
    /// The next message begins a packet.
    #[default]
    Idle,
    /// A packet's attachments are still to come.
    Awaiting {
        /// The packet so far.
        packet: Packet,
        /// How many are to come.
        missing: NonZeroU8,
    },
}

impl Decoder {
    /// Takes the next message; `None` while attachments are still to come.
    ///
    /// # Errors
    ///
    /// All variants of [`ParseError`]. The connection is then to be closed.
    pub fn push(&mut self, message: &Message) -> Result<Option<Packet>, ParseError> {
        match (std::mem::take(self), message) {
            (Self::Idle, Message::Text(frame)) => match packet::parse(frame)? {
                (packet, None) => Ok(Some(packet)),
                (packet, Some(missing)) => {
                    *self = Self::Awaiting { packet, missing };
                    Ok(None)
                }
            },
            (Self::Idle, Message::Binary(_)) => Err(ParseError::StrayAttachment),
            (Self::Awaiting { .. }, Message::Text(_)) => Err(ParseError::MissingAttachment),
            (
                Self::Awaiting {
                    mut packet,
                    missing,
                },
                Message::Binary(bytes),
            ) => {
                let (Kind::Event { args, .. } | Kind::Ack { args, .. }) = &mut packet.kind else {
                    return Err(ParseError::Payload);
                };
                args.attachments.push(bytes.clone());
                if let Some(missing) = NonZeroU8::new(missing.get() - 1) {
                    *self = Self::Awaiting { packet, missing };
                    return Ok(None);
                }
                if packet::placeholders_fit(&args.values, args.attachments.len()) {
                    Ok(Some(packet))
                } else {
                    Err(ParseError::Placeholder)
                }
            }
        }
    }
}
