//! Signals: offers, answers, candidates, in all the shapes that published pages send them.
//!
//! | shape | sent | delivered |
//! |---|---|---|
//! | tutorial | `{offer, remotePeerId}` | the bare description |
//! | bare | `description` | the same |
//! | wrapped | `{to, description, …}` | the object, its sender stated |
//! | id first | `id, description` | `fromId, description` |
//! | room last | `description, room` | the description |
//!
//! What a signal carries is never read beyond what tells the shapes apart.

use super::config::Limits;
use super::contract::names;
use super::error::{Code, Error};
use super::fields::{DEPTH, Fields, is_too_deep};
use crate::socket::{Args, Json, SocketId};

/// Fields by which the tutorial names its target.
const TUTORIAL_TARGETS: [&str; 4] = [
    "remotePeerId",
    "remoteUserId",
    "targetPeerId",
    "targetUserId",
];

/// Fields by which others do, in order of precedence.
const TARGETS: [&str; 11] = [
    "to",
    "target",
    "targetId",
    "toId",
    "receiver",
    "receiverId",
    "recipient",
    "peerId",
    "userId",
    "socketId",
    "id",
];

/// Fields in which a sender may claim to be somebody.
const SENDERS: [&str; 18] = [
    "from",
    "fromId",
    "fromID",
    "fromPeerId",
    "fromUserId",
    "fromSocketId",
    "sender",
    "senderId",
    "senderID",
    "senderPeerId",
    "senderSocketId",
    "caller",
    "callerId",
    "callerID",
    "callerPeerId",
    "callerSocketId",
    "source",
    "sourceId",
];

/// Fields that hold what a wrapped signal is about.
const PAYLOADS: [&str; 7] = [
    "description",
    "offer",
    "answer",
    "candidate",
    "sdp",
    "signal",
    "data",
];

/// How much longer than its payload a wrapped signal may be, in bytes.
const WRAPPING: usize = 1024;

/// The longest `cid`, in bytes: each receiver gets it twice.
const MAX_CID: usize = 256;

/// What a signal is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Offer,
    Answer,
    Candidate,
    Other,
}

impl Kind {
    /// `None` if the event is no signal.
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

/// Whom a signal is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// The sender does not say.
    Unsaid,
    /// A peer id or an alias.
    Named(String),
}

/// A signal, ready to be delivered.
#[derive(Debug)]
pub(super) struct Signal {
    pub(super) kind: Kind,
    pub(super) target: Target,
    /// The room that the sender believes to be in.
    pub(super) room: Option<String>,
    pub(super) cid: Option<Json>,
    shape: Shape,
}

#[derive(Debug)]
enum Shape {
    Bare(Json),
    Wrapped(Fields),
    IdFirst(Vec<Json>),
}

impl Signal {
    pub(super) fn parse(kind: Kind, args: &Args, limits: &Limits) -> Result<Self, Error> {
        let signal = Self::read(kind, &args.values)?;
        signal.check_size(limits, args)?;
        Ok(signal)
    }

    fn read(kind: Kind, values: &[Json]) -> Result<Self, Error> {
        let (first, second) = (values.first(), values.get(1));
        let first = first.ok_or_else(|| missing(kind))?;
        let id_first = first.text().zip(second);
        if let Some((id, _)) = id_first {
            if values.iter().any(is_too_deep) {
                return Err(too_deep());
            }
            return Ok(Self {
                kind,
                target: Target::Named(id),
                room: None,
                cid: None,
                shape: Shape::IdFirst(values.get(1..).unwrap_or_default().to_vec()),
            });
        }
        let fields = match first.as_str().as_bytes().first() {
            Some(b'{') => Some(Fields::read(first).ok_or_else(|| missing(kind))?),
            Some(b'"' | b'n') => None,
            _ => return Err(missing(kind)),
        };
        if fields.as_ref().is_some_and(Fields::is_too_deep) {
            return Err(too_deep());
        }
        let cid = fields
            .as_ref()
            .and_then(|fields| fields.get("cid").cloned());
        let (target, shape) = match fields {
            Some(fields) => object(kind, first, fields)?,
            None => (Target::Unsaid, Shape::Bare(first.clone())),
        };
        Ok(Self {
            kind,
            target,
            room: second.and_then(Json::text),
            cid,
            shape,
        })
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
            return Ok(()); // what the escapes stand for is no longer than they are
        }
        let fits = match &self.shape {
            Shape::Bare(json) => attached.saturating_add(decoded_len(json)) <= limit,
            Shape::IdFirst(values) => {
                let size: usize = values.iter().map(decoded_len).sum();
                attached.saturating_add(size) <= limit
            }
            Shape::Wrapped(fields) => {
                let sizes = || fields.iter().map(|(_, json)| decoded_len(json));
                let size: usize = sizes().sum();
                sizes().max() <= Some(limit) && attached.saturating_add(size) <= limit + WRAPPING
            }
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

    /// The arguments to deliver, with the true sender and, for those who want it, the meta.
    pub(super) fn deliver(&self, from: SocketId, meta: Option<Json>) -> Vec<Json> {
        let mut values = Vec::with_capacity(4); // as a rule, with the offset that comes behind
        match &self.shape {
            Shape::Bare(json) => values.push(json.clone()),
            Shape::Wrapped(fields) => {
                values.push(fields.overwrite(&SENDERS, "from", &Json::of(&from)));
            }
            Shape::IdFirst(rest) => {
                values.push(Json::of(&from));
                values.extend(rest.iter().cloned());
            }
        }
        values.extend(meta);
        values
    }
}

fn object(kind: Kind, json: &Json, fields: Fields) -> Result<(Target, Shape), Error> {
    let payload = fields.get(kind.field());
    let tutorial = named(&fields, &TUTORIAL_TARGETS);
    if let (Some(_), Some(payload)) = (&tutorial, payload) {
        return Ok((target(tutorial), Shape::Bare(payload.clone())));
    }
    // Any text: one with a lone surrogate could not be read.
    let is_text = |name| {
        fields
            .get(name)
            .is_some_and(|json| json.as_str().starts_with('"'))
    };
    let description = is_text("type") && is_text("sdp");
    let init = kind == Kind::Candidate && is_text("candidate");
    // Old candidates have an `id` of their own: the media section's.
    let targets = TARGETS.iter().filter(|name| !(init && **name == "id"));
    let wrapped = tutorial.or_else(|| named(&fields, targets));
    if wrapped.is_some() {
        return Ok((target(wrapped), Shape::Wrapped(fields)));
    }
    if description || init {
        return Ok((Target::Unsaid, Shape::Bare(json.clone())));
    }
    // What is `null` was `undefined`, such as a target before there is one.
    let alone = || {
        fields
            .iter()
            .all(|(name, json)| name == "cid" || name == kind.field() || json.as_str() == "null")
    };
    match payload {
        Some(payload) if kind != Kind::Other && alone() => {
            Ok((Target::Unsaid, Shape::Bare(payload.clone())))
        }
        _ if PAYLOADS.iter().any(|name| fields.get(name).is_some()) || kind == Kind::Other => {
            Ok((Target::Unsaid, Shape::Wrapped(fields)))
        }
        _ => Err(missing(kind)),
    }
}

/// The first of these fields that holds an id.
fn named<'a>(fields: &Fields, names: impl IntoIterator<Item = &'a &'a str>) -> Option<String> {
    names.into_iter().find_map(|name| {
        let json = fields.get(name)?;
        json.text()
            .or_else(|| json.read::<u64>().map(|id| id.to_string()))
    })
}

fn target(name: Option<String>) -> Target {
    name.map_or(Target::Unsaid, Target::Named)
}

fn too_deep() -> Error {
    Error::bad_payload(format!("a signal may be nested {DEPTH} levels deep"))
}

fn missing(kind: Kind) -> Error {
    let field = kind.field();
    Error::bad_payload(match kind {
        Kind::Other => "signal takes {to, data}".to_owned(),
        Kind::Candidate => format!("{field} takes {{to, candidate}} or a candidate"),
        Kind::Offer | Kind::Answer => format!("{field} takes {{to, description}} or a description"),
    })
}

/// A JSON text's length with each escape counted as one byte, as the text it stands for has.
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
