//! Packets: what one WebSocket frame, or one part of a payload, carries.
//!
//! ```text
//! packet = type [ data ]        0 open · 1 close · 2 ping · 3 pong · 4 message · 5 upgrade · 6 noop
//! ```
//!
//! Each direction has its own enum, because each has packets that the other must not send. The
//! functions here read and write revision 4, which is also the stored form;
//! [`revision_3`](super::revision_3) has the other form.

use std::rc::Rc;

use crate::base64;
use crate::io::{Data, Text};

/// A message in either direction. A text is kept as the whole frame, so forwarding it copies
/// nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// A text, with its packet type `4`.
    Text(Frame),
    /// Bytes.
    Binary(Rc<[u8]>),
}

/// The frame of a text message: `4`, then the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame(Text);

impl Frame {
    /// The text of the message.
    #[must_use]
    pub fn text(&self) -> &str {
        self.0.get(1..).unwrap_or_default()
    }

    /// The whole frame, shared.
    pub(crate) fn source(&self) -> &Text {
        &self.0
    }
}

impl Message {
    /// Makes a text message.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::written(text.len(), |frame| frame.push_str(text))
    }

    /// Makes a text message of about `size` bytes. `write` appends its text.
    pub(crate) fn written(size: usize, write: impl FnOnce(&mut String)) -> Self {
        let mut frame = String::with_capacity(size.saturating_add(1));
        frame.push('4');
        write(&mut frame);
        Self::Text(Frame(frame.into()))
    }

    /// The message's size in bytes, without the packet type.
    #[must_use]
    pub fn size(&self) -> usize {
        match self {
            Self::Text(frame) => frame.text().len(),
            Self::Binary(bytes) => bytes.len(),
        }
    }

    /// Makes a binary message.
    pub fn binary(bytes: impl Into<Rc<[u8]>>) -> Self {
        Self::Binary(bytes.into())
    }
}

/// A packet that a client may send on an open session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientPacket {
    /// `1`: closes the session.
    Close,
    /// `2`: asks for a pong, in revision 3.
    Ping,
    /// `3`: answers a ping, in revision 4.
    Pong,
    /// `4…`, `b…` or a binary frame.
    Message(Message),
    /// `0`, `5`, `6`, and in revision 3 also `3`: these have no meaning here and are ignored.
    Ignored,
}

/// Why a packet is invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PacketError {
    /// It has no packet type.
    Empty,
    /// Its packet type is unknown, or it is a ping in revision 4, where only the server pings.
    Type,
}

impl ClientPacket {
    /// Reads one packet.
    ///
    /// # Errors
    ///
    /// [`PacketError::Empty`] and [`PacketError::Type`].
    pub fn parse(text: &Text) -> Result<Self, PacketError> {
        Ok(match text.as_bytes().first().ok_or(PacketError::Empty)? {
            b'1' => Self::Close,
            b'3' => Self::Pong,
            b'4' => Self::Message(Message::Text(Frame(text.clone()))),
            b'b' => Self::Message(Message::binary(base64::decode(
                text.get(1..).unwrap_or_default(),
            ))),
            b'0' | b'5' | b'6' => Self::Ignored,
            _ => return Err(PacketError::Type),
        })
    }

    /// Reads one WebSocket frame.
    ///
    /// # Errors
    ///
    /// As [`ClientPacket::parse`].
    pub fn from_frame(frame: &Data) -> Result<Self, PacketError> {
        match frame {
            Data::Text(text) => Self::parse(text),
            Data::Binary(bytes) => Ok(Self::Message(Message::Binary(Rc::clone(bytes)))),
        }
    }
}

/// A packet on a WebSocket that is being probed for an upgrade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProbePacket {
    /// `2probe`
    Probe,
    /// `5`
    Upgrade,
}

impl ProbePacket {
    /// Reads a frame. `None` if it is neither packet.
    #[must_use]
    pub fn from_frame(frame: &Data) -> Option<Self> {
        match frame {
            Data::Text(text) if **text == *"2probe" => Some(Self::Probe),
            Data::Text(text) if **text == *"5" => Some(Self::Upgrade),
            _ => None,
        }
    }
}

/// A packet that the server sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerPacket {
    /// `0…`: opens the session. Its data are JSON: the `sid` and the settings of the connection.
    Open(String),
    /// `1`: ends a polling session.
    Close,
    /// `2`: asks for a pong, in revision 4.
    Ping,
    /// `3`: answers a ping, in revision 3.
    Pong,
    /// `3probe`: accepts a probe.
    ProbePong,
    /// `4…`, or a binary frame.
    Message(Message),
    /// `6`: answers a poll without data.
    Noop,
}

impl ServerPacket {
    /// Writes one WebSocket frame. With `base64`, a binary message becomes text.
    #[must_use]
    pub fn to_frame(&self, base64: bool) -> Data {
        match self {
            Self::Message(Message::Text(frame)) => Data::Text(frame.0.clone()),
            Self::Message(Message::Binary(bytes)) if !base64 => Data::Binary(Rc::clone(bytes)),
            packet => {
                let mut text = String::new();
                packet.write(&mut text);
                Data::Text(text.into())
            }
        }
    }

    /// Appends the packet in the form of a payload.
    pub(super) fn write(&self, out: &mut String) {
        match self {
            Self::Open(handshake) => {
                out.push('0');
                out.push_str(handshake);
            }
            Self::Close => out.push('1'),
            Self::Ping => out.push('2'),
            Self::Pong => out.push('3'),
            Self::ProbePong => out.push_str("3probe"),
            Self::Message(Message::Text(frame)) => out.push_str(&frame.0),
            Self::Message(Message::Binary(bytes)) => {
                out.push('b');
                base64::encode(bytes, out);
            }
            Self::Noop => out.push('6'),
        }
    }

    /// The packet's approximate size in a payload, in bytes.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Message(Message::Text(frame)) => frame.0.len(),
            Self::Message(Message::Binary(bytes)) => bytes.len() / 3 * 4 + 5,
            _ => 8,
        }
    }
}
