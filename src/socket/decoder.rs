//! Turns messages into packets. A packet is complete when all its attachments have arrived.

use std::num::NonZeroU8;

use super::namespace::Namespace;
use super::packet::{self, Packet, ParseError};
use crate::engine::Message;

/// ```text
/// Idle ──text, attachments follow──▶ Awaiting ──the last of them──▶ Idle
/// ```
#[derive(Debug, Default)]
pub enum Decoder {
    /// The next message begins a packet.
    #[default]
    Idle,
    /// Attachments of a packet are missing.
    Awaiting {
        /// The packet so far.
        packet: Packet,
        /// How many attachments are missing.
        missing: NonZeroU8,
        /// The size of the packet so far, in bytes.
        size: usize,
    },
}

impl Decoder {
    /// Takes the next message; `None` while attachments are missing. A packet and its attachments may
    /// have `limit` bytes together.
    ///
    /// # Errors
    ///
    /// All variants of [`ParseError`]. The caller then has to close the connection.
    pub fn push(&mut self, message: &Message, limit: usize) -> Result<Option<Packet>, ParseError> {
        match (std::mem::take(self), message) {
            (Self::Idle, Message::Text(frame)) => match packet::parse(frame)? {
                (packet, None) => Ok(Some(packet)),
                (packet, Some(missing)) => {
                    *self = Self::Awaiting {
                        packet,
                        missing,
                        size: frame.text().len(),
                    };
                    Ok(None)
                }
            },
            (Self::Idle, Message::Binary(_)) => Err(ParseError::StrayAttachment),
            (Self::Awaiting { .. }, Message::Text(_)) => Err(ParseError::MissingAttachment),
            (
                Self::Awaiting {
                    mut packet,
                    missing,
                    size,
                },
                Message::Binary(bytes),
            ) => {
                let size = size.saturating_add(bytes.len());
                if size > limit {
                    return Err(ParseError::TooLarge);
                }
                let (packet::Kind::Event { args, .. } | packet::Kind::Ack { args, .. }) =
                    &mut packet.kind
                else {
                    return Err(ParseError::Payload);
                };
                args.attachments.push(bytes.clone());
                if let Some(missing) = NonZeroU8::new(missing.get() - 1) {
                    *self = Self::Awaiting {
                        packet,
                        missing,
                        size,
                    };
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

    /// The namespace and the size of a packet whose attachments are not complete.
    #[must_use]
    pub fn awaiting(&self) -> Option<(&Namespace, usize)> {
        match self {
            Self::Idle => None,
            Self::Awaiting { packet, size, .. } => Some((&packet.namespace, *size)),
        }
    }
}
