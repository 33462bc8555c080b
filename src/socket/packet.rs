//! Packets. Each is in a message of Engine.IO.
//!
//! ```text
//! packet = type [ n "-" ] [ namespace "," ] [ ack id ] [ json ]
//! type   = 0 CONNECT · 1 DISCONNECT · 2 EVENT · 3 ACK · 4 CONNECT_ERROR · 5 BINARY_EVENT · 6 BINARY_ACK
//! ```
//!
//! Types 5 and 6 are followed by `n` binary messages, the attachments, for which placeholders
//! `{"_placeholder":true,"num":k}` stand in the JSON.

use std::fmt::{self, Write};
use std::num::NonZeroU8;

use super::args::{self, Args, Json};
use super::namespace::Namespace;
use crate::engine::{Frame, Message};

/// The most attachments a packet may have, as in socket.io-parser.
const MAX_ATTACHMENTS: u8 = 10;

/// How deep arguments with placeholders may be nested.
const MAX_DEPTH: usize = 64;

/// The names of events that the client libraries raise themselves. No packet may carry an event with such a name.
const RESERVED: [&str; 6] = [
    "connect",
    "connect_error",
    "disconnect",
    "disconnecting",
    "newListener",
    "removeListener",
];

/// A packet.
#[derive(Clone, Debug, PartialEq)]
pub struct Packet {
    /// The namespace it belongs to.
    pub namespace: Namespace,
    /// Its type and content.
    pub kind: Kind,
}

/// The type and content of a packet.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// CONNECT, with the client's `auth` or the server's `sid`: an object.
    Connect(Option<Json>),
    /// DISCONNECT
    Disconnect,
    /// EVENT or, with attachments, BINARY_EVENT.
    Event {
        /// Its ack id, if it asks for an ack.
        id: Option<AckId>,
        /// Its name, decoded. If the name is a number, the text of the number.
        name: String,
        /// Its arguments.
        args: Args,
    },
    /// ACK or, with attachments, BINARY_ACK.
    Ack {
        /// The ack id of the event.
        id: Option<AckId>,
        /// The arguments.
        args: Args,
    },
    /// CONNECT_ERROR: an object. In revision 3 it is ERROR: any JSON. Only servers send these.
    ConnectError(Json),
    /// An EVENT without payload: tolerated, and without effect.
    Nothing,
}

/// An ack id: digits, returned unchanged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AckId(Box<str>);

impl AckId {
    /// The id as a number, if it fits.
    #[must_use]
    pub fn number(&self) -> Option<u64> {
        self.0.parse().ok()
    }
}

impl From<u64> for AckId {
    fn from(number: u64) -> Self {
        Self(number.to_string().into())
    }
}

/// Why a message is not a valid packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParseError {
    /// The packet type is missing or unknown.
    Type,
    /// The number of attachments is missing, zero, or more than ten.
    AttachmentCount,
    /// The payload is not JSON.
    Json,
    /// The payload is JSON, but not of the kind that this type of packet has.
    Payload,
    /// The event's name is neither a string nor a number.
    Name,
    /// The event's name is reserved.
    ReservedName,
    /// A placeholder names an attachment that does not exist.
    Placeholder,
    /// Text instead of an attachment.
    MissingAttachment,
    /// An attachment that was not announced.
    StrayAttachment,
    /// A packet and its attachments together are too large.
    TooLarge,
}

/// Reads a packet and the number of attachments that follow it.
///
/// # Errors
///
/// All variants of [`ParseError`] except the last four.
pub(super) fn parse(frame: &Frame) -> Result<(Packet, Option<NonZeroU8>), ParseError> {
    let text = frame.text();
    let mut rest = Rest(text.get(1..).unwrap_or_default());
    let binary = matches!(text.as_bytes().first(), Some(b'5' | b'6'));
    let attachments = if binary {
        Some(rest.attachments()?)
    } else {
        None
    };
    let namespace = rest.namespace();
    let id = rest.digits().map(|digits| AckId(digits.into()));
    let json = rest.0;
    let kind = match text.as_bytes().first() {
        Some(b'0') => Kind::Connect(match json {
            "" => None,
            json => Some(object(frame, json)?),
        }),
        Some(b'1') if json.is_empty() => Kind::Disconnect,
        Some(b'1') => return Err(ParseError::Payload),
        Some(b'2') if json.is_empty() => Kind::Nothing,
        Some(b'2' | b'5') => event(frame, id, json)?,
        Some(b'3') if json.is_empty() => Kind::Ack {
            id,
            args: Args::default(),
        },
        Some(b'3' | b'6') => Kind::Ack {
            id,
            args: Args::new(array(frame, json)?),
        },
        Some(b'4') => Kind::ConnectError(object(frame, json)?),
        _ => return Err(ParseError::Type),
    };
    Ok((Packet { namespace, kind }, attachments))
}

fn event(frame: &Frame, id: Option<AckId>, json: &str) -> Result<Kind, ParseError> {
    let mut values = array(frame, json)?;
    if values.is_empty() {
        return Err(ParseError::Payload);
    }
    let name = values.remove(0);
    let name = match name.as_str().as_bytes().first() {
        // A name with a lone surrogate cannot be a Rust string. Its JSON is used instead.
        Some(b'"') => name.text().unwrap_or_else(|| name.as_str().to_owned()),
        Some(b'-' | b'0'..=b'9') => name.as_str().to_owned(),
        _ => return Err(ParseError::Name),
    };
    if is_reserved(&name) {
        return Err(ParseError::ReservedName);
    }
    Ok(Kind::Event {
        id,
        name,
        args: Args::new(values),
    })
}

/// Whether this name is reserved.
pub(crate) fn is_reserved(name: &str) -> bool {
    RESERVED.contains(&name)
}

/// The elements of the array at the end of a frame.
fn array(frame: &Frame, json: &str) -> Result<Vec<Json>, ParseError> {
    let payload = payload(frame, json);
    payload.elements().ok_or_else(|| match payload.scan() {
        Some(_) => ParseError::Payload,
        None => ParseError::Json,
    })
}

/// The object at the end of a frame.
fn object(frame: &Frame, json: &str) -> Result<Json, ParseError> {
    let payload = payload(frame, json);
    let scan = payload.scan().ok_or(ParseError::Json)?;
    let is_object = scan.fields.is_some();
    is_object.then_some(payload).ok_or(ParseError::Payload)
}

fn payload(frame: &Frame, json: &str) -> Json {
    let end = frame.source().len();
    Json::slice(frame.source(), end.saturating_sub(json.len())..end)
}

struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    fn attachments(&mut self) -> Result<NonZeroU8, ParseError> {
        let (count, rest) = self.0.split_once('-').ok_or(ParseError::AttachmentCount)?;
        self.0 = rest;
        if !count.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(ParseError::AttachmentCount);
        }
        count
            .parse()
            .ok()
            .filter(|count: &NonZeroU8| count.get() <= MAX_ATTACHMENTS)
            .ok_or(ParseError::AttachmentCount)
    }

    fn namespace(&mut self) -> Namespace {
        if !self.0.starts_with('/') {
            return Namespace::main();
        }
        let (name, rest) = self.0.split_once(',').unwrap_or((self.0, ""));
        self.0 = rest;
        Namespace::parse(name).unwrap_or_else(Namespace::main)
    }

    fn digits(&mut self) -> Option<&'a str> {
        let end = self.0.bytes().take_while(u8::is_ascii_digit).count();
        let (digits, rest) = self.0.split_at_checked(end)?;
        self.0 = rest;
        (!digits.is_empty()).then_some(digits)
    }
}

/// Whether each placeholder in `values` names one of `count` attachments.
pub(super) fn placeholders_fit(values: &[Json], count: usize) -> bool {
    values.iter().all(|json| {
        let text = json.as_str();
        let may_have_some = text.contains('\\') || text.contains("_placeholder");
        !may_have_some || fits(json, count)
    })
}

/// Whether a value has a placeholder, or too many levels to tell.
pub(crate) fn has_placeholder(value: &Json) -> bool {
    !placeholders_fit(std::slice::from_ref(value), 0)
}

/// Each level is scanned again, so the number of levels is limited.
fn fits(json: &Json, count: usize) -> bool {
    let Some(scan) = json.scan().filter(|scan| scan.depth <= MAX_DEPTH) else {
        return false;
    };
    let Some(fields) = &scan.fields else {
        let elements = json.elements().unwrap_or_default();
        return elements.iter().all(|json| fits(json, count));
    };
    let field = |name| {
        let mut fields = fields.iter().rev(); // the last field of a name counts
        let (_, value) =
            fields.find(|(n, _)| json.part(n.clone()).text().as_deref() == Some(name))?;
        Some(json.part(value.clone()))
    };
    if field("_placeholder").is_some_and(|json| json.as_str() == "true") {
        return field("num")
            .and_then(|json| json.read())
            .is_some_and(|num: usize| num < count);
    }
    let mut values = fields.iter().map(|(_, value)| json.part(value.clone()));
    values.all(|json| fits(&json, count))
}

/// Writes the packet, without its attachments.
impl fmt::Display for Packet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Connect(payload) => {
                self.head(f, '0', None, None)?;
                payload
                    .iter()
                    .try_for_each(|json| f.write_str(json.as_str()))
            }
            Kind::Disconnect => self.head(f, '1', None, None),
            Kind::Event { id, name, args } => {
                let kind = if args.attachments.is_empty() {
                    '2'
                } else {
                    '5'
                };
                self.head(f, kind, Some(args), id.as_ref())?;
                f.write_str("[")?;
                args::write_text(f, name)?;
                for json in &args.values {
                    f.write_str(",")?;
                    f.write_str(json.as_str())?;
                }
                f.write_str("]")
            }
            Kind::Ack { id, args } => {
                let kind = if args.attachments.is_empty() {
                    '3'
                } else {
                    '6'
                };
                self.head(f, kind, Some(args), id.as_ref())?;
                f.write_str("[")?;
                for (position, json) in args.values.iter().enumerate() {
                    if position > 0 {
                        f.write_str(",")?;
                    }
                    f.write_str(json.as_str())?;
                }
                f.write_str("]")
            }
            Kind::ConnectError(payload) => {
                self.head(f, '4', None, None)?;
                f.write_str(payload.as_str())
            }
            Kind::Nothing => self.head(f, '2', None, None),
        }
    }
}

impl Packet {
    /// The message of this packet, without its attachments.
    #[must_use]
    pub fn message(&self) -> Message {
        let payload = match &self.kind {
            Kind::Event { args, .. } | Kind::Ack { args, .. } => {
                let values = args.values.iter();
                values
                    .map(|json| json.as_str().len().saturating_add(1))
                    .sum()
            }
            Kind::Connect(Some(json)) | Kind::ConnectError(json) => json.as_str().len(),
            _ => 0_usize,
        };
        let around = 64; // usually enough, so that the text does not have to grow
        Message::written(payload.saturating_add(around), |frame| {
            write!(frame, "{self}").unwrap_or_default(); // writing to a String cannot fail
        })
    }

    fn head(
        &self,
        f: &mut fmt::Formatter<'_>,
        kind: char,
        args: Option<&Args>,
        id: Option<&AckId>,
    ) -> fmt::Result {
        f.write_char(kind)?;
        if let Some(args) = args
            && !args.attachments.is_empty()
        {
            write!(f, "{}-", args.attachments.len())?;
        }
        if !self.namespace.is_main() {
            write!(f, "{},", self.namespace)?;
        }
        id.map_or(Ok(()), |id| f.write_str(&id.0))
    }
}
