//! Signals: offers, answers and candidates, in all shapes that published pages send.
//!
//! | shape | sent | delivered |
//! |---|---|---|
//! | tutorial | `{offer, remotePeerId}` | the bare description |
//! | bare | `description` | the same |
//! | wrapped | `{to, description, …}` | the object, with its sender |
//! | id first | `id, description` | `fromId, description` |
//! | id last | `description, id` | the description |
//! | room first | `room, …` | as without the room |
//! | room last | `description, room` | the description |
//!
//! In each object that is delivered as an argument, every field that states a sender has the true one.
//! The payload of a signal is read only as far as necessary to recognize its shape, and to find the sender
//! and the room that it states.

use super::RoomName;
use super::config::Limits;
use super::contract::names;
use super::error::{Code, Error};
use super::fields::{DEPTH, Fields, MAX, is_too_deep};
use super::role::{Role, is_word, word};
use super::target::check_room;
use crate::socket::{Args, Json, SocketId};

/// The fields that have the payload of a wrapped signal.
const PAYLOADS: [&str; 7] = [
    "description",
    "offer",
    "answer",
    "candidate",
    "sdp",
    "signal",
    "data",
];

/// How many bytes a wrapped signal may have beside its payload.
pub(crate) const WRAPPING_BYTES: usize = 1024;

/// The most arguments of a signal. Each may name a peer, and each search for a peer takes time.
const MAX_ARGUMENTS: usize = 16;

/// The longest `cid`, in bytes. Each receiver gets it twice.
const MAX_CID: usize = 256;

/// The kind of a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Offer,
    Answer,
    Candidate,
    Other,
}

impl Kind {
    /// `None` if the event is not a signal.
    pub(super) fn of(event: &str) -> Option<Self> {
        Some(match event {
            names::OFFER => Self::Offer,
            names::ANSWER => Self::Answer,
            names::CANDIDATE | names::ICE_CANDIDATE | names::ICE => Self::Candidate,
            names::SIGNAL => Self::Other,
            _ => return None,
        })
    }

    /// The field in which the tutorial carries it.
    fn field(self) -> &'static str {
        match self {
            Self::Offer => names::OFFER,
            Self::Answer => names::ANSWER,
            Self::Candidate => names::CANDIDATE,
            Self::Other => names::SIGNAL,
        }
    }

    fn limit(self, limits: &Limits) -> usize {
        match self {
            Self::Candidate => limits.candidate,
            Self::Offer | Self::Answer | Self::Other => limits.description,
        }
    }
}

/// A parsed signal.
#[derive(Debug)]
pub(super) struct Signal {
    pub(super) kind: Kind,
    pub(super) cid: Option<Json>,
    /// The first argument, or the second if the first is the room's name.
    first: Value,
    rest: Vec<Value>,
    shape: Shape,
}

#[derive(Debug)]
enum Value {
    Object(Fields),
    Plain(Json),
}

/// Which part of the arguments is delivered.
#[derive(Debug)]
enum Shape {
    /// The first argument.
    Bare,
    /// The payload that the first argument carries.
    Unwrapped(Value),
    /// The first argument, with its sender in `from`.
    Wrapped,
    /// All arguments, with the sender's id in place of the target's.
    IdFirst,
}

impl Value {
    fn read(json: &Json) -> Result<Self, Error> {
        let text = json.as_str();
        if text.starts_with('{') {
            let fields = Fields::read(json).ok_or_else(bad_object)?;
            if fields.is_too_deep() {
                return Err(too_deep());
            }
            return Ok(Self::Object(fields));
        }
        if text.starts_with('[') && is_too_deep(json) {
            return Err(too_deep());
        }
        Ok(Self::Plain(json.clone()))
    }

    /// The payload of a signal. It is delivered without the object around it. It is read only if it
    /// may state a sender or a room.
    fn payload(kind: Kind, fields: &Fields, json: &Json) -> Result<Self, Error> {
        if fields.may_claim(kind.field()) {
            return Self::read(json);
        }
        Ok(Self::Plain(json.clone()))
    }

    fn json(&self) -> &Json {
        match self {
            Self::Object(fields) => fields.json(),
            Self::Plain(json) => json,
        }
    }

    fn fields(&self) -> Option<&Fields> {
        match self {
            Self::Object(fields) => Some(fields),
            Self::Plain(_) => None,
        }
    }

    /// The value for delivery: see [`Fields::with_sender`].
    fn deliver(&self, sender: SocketId, required: bool) -> Json {
        match self {
            Self::Object(fields) => fields.with_sender(sender, required),
            Self::Plain(json) => json.clone(),
        }
    }
}

impl Signal {
    pub(super) fn parse(
        kind: Kind,
        args: &Args,
        room: &RoomName,
        limits: &Limits,
    ) -> Result<Self, Error> {
        let signal = Self::read(kind, &args.values, room)?;
        signal.check_size(limits, args)?;
        Ok(signal)
    }

    fn read(kind: Kind, values: &[Json], room: &RoomName) -> Result<Self, Error> {
        if values.len() > MAX_ARGUMENTS {
            let message = format!("a signal may have at most {MAX_ARGUMENTS} arguments");
            return Err(Error::bad_payload(message));
        }
        let (mut first, mut rest) = values.split_first().ok_or_else(|| missing(kind))?;
        if let Some((second, others)) = rest.split_first()
            && word(first).as_deref() == Some(room.as_str())
        {
            (first, rest) = (second, others);
        }
        let first = Value::read(first)?;
        let rest: Result<Vec<Value>, Error> = rest.iter().map(Value::read).collect();
        let rest = rest?;
        let shape = match &first {
            Value::Object(fields) => shape(kind, fields)?,
            Value::Plain(json) if !rest.is_empty() && word(json).is_some() => Shape::IdFirst,
            Value::Plain(json) if json.as_str().starts_with(['"', 'n']) => Shape::Bare,
            Value::Plain(_) => return Err(missing(kind)),
        };
        let signal = Self {
            kind,
            cid: first.fields().and_then(|fields| fields.get("cid").cloned()),
            first,
            rest,
            shape,
        };
        let payload = match &signal.shape {
            Shape::Unwrapped(payload) => payload.fields(),
            _ => None,
        };
        for fields in signal.objects().chain(payload) {
            check_room(room, fields)?;
        }
        Ok(signal)
    }

    fn check_size(&self, limits: &Limits, args: &Args) -> Result<(), Error> {
        if self
            .cid
            .as_ref()
            .is_some_and(|cid| cid.as_str().len() > MAX_CID)
        {
            let message = format!("a cid may have at most {MAX_CID} bytes");
            return Err(Error::new(Code::TooLarge, message));
        }
        let limit = self.kind.limit(limits);
        let attached: usize = args.attachments.iter().map(|bytes| bytes.len()).sum();
        if args.len() <= limit {
            return Ok(()); // decoding never makes a text longer
        }
        let fits = match (&self.shape, &self.first) {
            (Shape::Wrapped, Value::Object(fields)) => {
                let sizes = || fields.iter().map(|(_, json)| decoded_len(json));
                let size: usize = sizes().sum();
                sizes().max() <= Some(limit)
                    && attached.saturating_add(size) <= limit + WRAPPING_BYTES
            }
            (Shape::Unwrapped(payload), _) => {
                attached.saturating_add(decoded_len(payload.json())) <= limit
            }
            (Shape::IdFirst, _) => {
                let sizes = self.rest.iter().map(|value| decoded_len(value.json()));
                attached.saturating_add(sizes.sum()) <= limit
            }
            (_, first) => attached.saturating_add(decoded_len(first.json())) <= limit,
        };
        if fits {
            return Ok(());
        }
        let what = match self.kind {
            Kind::Candidate => "candidate",
            Kind::Offer | Kind::Answer => "session description",
            Kind::Other => "signal",
        };
        Err(Error::new(
            Code::TooLarge,
            format!("a {what} may have at most {limit} bytes"),
        ))
    }

    /// The id or alias that the arguments begin with.
    pub(super) fn first_word(&self) -> Option<String> {
        let is_first = matches!(self.shape, Shape::IdFirst);
        is_first.then(|| word(self.first.json())).flatten()
    }

    /// The words in `rest`, which may name a peer or a room. Each comes with its index in `rest`.
    pub(super) fn later_words(&self) -> impl Iterator<Item = (usize, String)> {
        let words = self.rest.iter().map(|value| word(value.json()));
        words
            .enumerate()
            .filter_map(|(place, word)| Some((place, word?)))
    }

    fn objects(&self) -> impl Iterator<Item = &Fields> {
        let values = std::iter::once(&self.first).chain(&self.rest);
        values.filter_map(Value::fields)
    }

    /// The values of all fields of the arguments, each with what its name states.
    pub(super) fn stated(&self) -> impl Iterator<Item = (Role, &Json)> {
        let objects = self.objects();
        objects.flat_map(|fields| stated(self.kind, fields))
    }

    /// Refuses an object that has neither a target nor a payload.
    pub(super) fn check_untargeted(&self) -> Result<(), Error> {
        let carries = |fields: &Fields| PAYLOADS.iter().any(|name| fields.get(name).is_some());
        match (&self.shape, self.first.fields()) {
            (Shape::Wrapped, Some(fields)) if self.kind != Kind::Other && !carries(fields) => {
                Err(missing(self.kind))
            }
            _ => Ok(()),
        }
    }

    /// The arguments to deliver, with the true sender and, if the receiver wants it, the meta.
    pub(super) fn deliver(&self, from: SocketId, meta: Option<Json>) -> Vec<Json> {
        let mut values = Vec::with_capacity(4); // usually enough, with the offset
        match &self.shape {
            Shape::Bare => values.push(self.first.deliver(from, false)),
            Shape::Wrapped => values.push(self.first.deliver(from, true)),
            Shape::Unwrapped(payload) => values.push(payload.deliver(from, false)),
            Shape::IdFirst => {
                values.push(Json::of(&from));
                values.extend(self.rest.iter().map(|value| value.deliver(from, false)));
            }
        }
        values.extend(meta);
        values
    }
}

/// The values of an object's fields, each with what its name states. The `id` of a candidate is left
/// out: some pages send the id of the media section there.
fn stated(kind: Kind, fields: &Fields) -> impl Iterator<Item = (Role, &Json)> {
    let stated = fields.stated();
    stated.filter(move |(role, _)| *role != Role::Id || !is_candidate(kind, fields))
}

fn is_candidate(kind: Kind, fields: &Fields) -> bool {
    kind == Kind::Candidate && is_text(fields, "candidate")
}

/// The shape of a signal that begins with an object.
fn shape(kind: Kind, fields: &Fields) -> Result<Shape, Error> {
    let words = stated(kind, fields).filter(|(_, json)| is_word(json));
    let target = words
        .map(|(role, _)| role)
        .min()
        .filter(|role| *role <= Role::Id);
    let payload = fields.get(kind.field());
    let unwrapped = |json| Value::payload(kind, fields, json).map(Shape::Unwrapped);
    if let Some(payload) = payload
        && target == Some(Role::Tutorial)
    {
        return unwrapped(payload);
    }
    if target.is_some() {
        return Ok(Shape::Wrapped);
    }
    let is_description = is_text(fields, "type") && is_text(fields, "sdp");
    if is_description || is_candidate(kind, fields) {
        return Ok(Shape::Bare);
    }
    // Clients send `undefined` as `null`, such as a target that the user has not entered yet.
    let is_alone = || {
        fields
            .iter()
            .all(|(name, json)| name == "cid" || name == kind.field() || json.as_str() == "null")
    };
    match payload {
        Some(payload) if kind != Kind::Other && is_alone() => unwrapped(payload),
        _ => Ok(Shape::Wrapped),
    }
}

/// Whether a field is a text. A text with a lone surrogate counts, although it cannot be decoded.
fn is_text(fields: &Fields, name: &str) -> bool {
    let value = fields.get(name);
    value.is_some_and(|json| json.as_str().starts_with('"'))
}

fn bad_object() -> Error {
    Error::bad_payload(format!(
        "an object may have at most {MAX} fields, and their names must be valid Unicode"
    ))
}

fn too_deep() -> Error {
    Error::bad_payload(format!("a signal may have at most {DEPTH} nested levels"))
}

fn missing(kind: Kind) -> Error {
    let field = kind.field();
    Error::bad_payload(match kind {
        Kind::Other => "signal takes {to?, data, cid?}".to_owned(),
        Kind::Candidate => format!("{field} takes {{to?, candidate, cid?}} or a candidate"),
        Kind::Offer | Kind::Answer => {
            format!("{field} takes {{to?, description, cid?}} or a description")
        }
    })
}

/// The length of a JSON text, with each escape counted as one byte.
fn decoded_len(json: &Json) -> usize {
    let mut bytes = json.as_str().bytes();
    let mut len = 0_usize;
    while let Some(byte) = bytes.next() {
        if byte == b'\\' && bytes.next() == Some(b'u') {
            bytes.nth(3);
        }
        len = len.saturating_add(1);
    }
    len
}
