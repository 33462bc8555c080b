//! What a field states, by its name: published pages have many names for the same thing.

use crate::socket::Json;

/// Names by which the tutorial states the target; it expects the bare payload then.
const TUTORIAL: [&str; 4] = [
    "remotePeerId",
    "remoteUserId",
    "targetPeerId",
    "targetUserId",
];

/// Longer than any name that states something, without `_` and `-`.
const LONGEST: usize = 32;

/// What a field states. Of those that state a target, the lesser is tried first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    /// The target, as the tutorial has it.
    Tutorial,
    /// The target.
    Target(u8),
    /// A peer: the target, unless it is the sender itself.
    Peer(u8),
    /// The same, but in a candidate the media section.
    Id,
    /// The sender.
    Sender,
    /// The room.
    Room,
    /// Something of the signal itself, such as its description or a part of a candidate.
    Payload,
    /// Unknown.
    Other,
}

impl Role {
    /// The role of a field of this name. Case, `_` and `-` do not count.
    pub(super) fn of(name: &str) -> Self {
        let mut letters = [0; LONGEST];
        let name = match name.as_bytes() {
            name if name.iter().all(u8::is_ascii_lowercase) => name, // as most are
            _ if TUTORIAL.contains(&name) => return Self::Tutorial,
            name => normal(name, &mut letters),
        };
        match name {
            b"to" => Self::Target(0),
            b"id" => Self::Id,
            b"from" => Self::Sender,
            b"description"
            | b"offer"
            | b"answer"
            | b"candidate"
            | b"sdp"
            | b"signal"
            | b"data"
            | b"type"
            | b"cid"
            | b"sdpmid"
            | b"sdpmlineindex"
            | b"usernamefragment"
            | b"ufrag"
            | b"foundation"
            | b"component"
            | b"priority"
            | b"address"
            | b"protocol"
            | b"port"
            | b"tcptype"
            | b"relatedaddress"
            | b"relatedport"
            | b"relayprotocol"
            | b"url"
            | b"label"
            | b"kind"
            | b"ice"
            | b"icecandidate"
            | b"signaldata"
            | b"sessiondescription" => Self::Payload,
            b"usertocall" | b"usertosignal" | b"usertoanswer" | b"usertoconnect" => Self::Target(8),
            [b'r', b'o', b'o', b'm', rest @ ..]
            | [b'm', b'e', b'e', b't', b'i', b'n', b'g', rest @ ..] => match rest {
                b"" | b"id" | b"name" | b"code" | b"key" | b"no" | b"number" => Self::Room,
                _ => Self::Other,
            },
            _ => Self::of_stem(name),
        }
    }

    /// The role of a name such as `targetSocketId`, by what it begins with.
    fn of_stem(name: &[u8]) -> Self {
        let stem = without(name, [b"uuid", b"uid", b"sid", b"id"]);
        let is_id = stem.len() < name.len();
        match without(stem, [b"peer", b"user", b"socket", b"client"]) {
            b"to" => Self::Target(0),
            b"target" => Self::Target(1),
            b"receiver" => Self::Target(2),
            b"recipient" => Self::Target(3),
            b"callee" => Self::Target(4),
            b"dest" | b"destination" => Self::Target(5),
            b"remote" => Self::Target(6),
            b"other" => Self::Target(7),
            b"from" | b"sender" | b"caller" | b"source" => Self::Sender,
            b"my" | b"own" | b"self" | b"local" if stem.len() < name.len() => Self::Sender,
            b"peer" => Self::Peer(0),
            b"user" if is_id => Self::Peer(1),
            b"socket" | b"client" if is_id => Self::Peer(2),
            _ => Self::Other,
        }
    }
}

/// A name in lower case without `_` and `-`, cut where it is longer than `letters`.
fn normal<'a>(name: &[u8], letters: &'a mut [u8; LONGEST]) -> &'a [u8] {
    let mut len = 0;
    let counted = name.iter().filter(|byte| !matches!(byte, b'_' | b'-'));
    for (letter, byte) in letters.iter_mut().zip(counted) {
        *letter = byte.to_ascii_lowercase();
        len += 1;
    }
    letters.get(..len).unwrap_or_default()
}

/// A name without the first of these endings that it has, unless it is nothing else.
fn without<'a, const N: usize>(name: &'a [u8], endings: [&[u8]; N]) -> &'a [u8] {
    let mut stems = endings
        .into_iter()
        .filter_map(|ending| name.strip_suffix(ending));
    stems.find(|stem| !stem.is_empty()).unwrap_or(name)
}

/// Whether a value may name a peer or a room: a text or a whole number.
pub(super) fn is_word(json: &Json) -> bool {
    matches!(json.as_str().as_bytes().first(), Some(b'"' | b'0'..=b'9'))
}

/// The text by which a value names a peer or a room, if it is one.
pub(super) fn word(json: &Json) -> Option<String> {
    if !is_word(json) {
        return None;
    }
    let number = || json.read().map(|number: u64| number.to_string());
    json.text().or_else(number)
}
