//! The role of a field, by its name. Published pages use many names for the same role.

use crate::socket::Json;

/// A page that names the target with one of these names expects the bare payload.
const TUTORIAL: [&str; 4] = [
    "remotePeerId",
    "remoteUserId",
    "targetPeerId",
    "targetUserId",
];

/// How many letters of a name are compared: more than the longest known name has.
const LONGEST: usize = 32;

/// The role of a field. If several fields state a target, the role that comes first in this list decides;
/// for the same role, the least number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    /// The target, by one of the names in [`TUTORIAL`].
    Tutorial,
    /// The target.
    Target(u8),
    /// A peer: the target, unless the value names the sender itself.
    Peer(u8),
    /// Also a peer. In a candidate, `id` is the media section.
    Id,
    /// The sender.
    Sender,
    /// The room.
    Room,
    /// The signal itself or a part of it: a description, a field of a candidate, the `cid`.
    Payload,
    /// No known role.
    Other,
}

impl Role {
    /// The role of a field of this name. Case, `_` and `-` are ignored, but not in the names in [`TUTORIAL`].
    pub(super) fn of(name: &str) -> Self {
        let mut letters = [0; LONGEST];
        let name = match name.as_bytes() {
            name if name.iter().all(u8::is_ascii_lowercase) => name, // most names
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

    /// The role of a name such as `targetSocketId`: the name without its endings decides.
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
            b"other" if name != b"other" => Self::Target(7),
            b"from" | b"sender" | b"caller" | b"source" => Self::Sender,
            b"my" | b"own" | b"self" | b"local" if is_id => Self::Sender,
            b"peer" => Self::Peer(0),
            b"user" if is_id => Self::Peer(1),
            b"socket" | b"client" if is_id => Self::Peer(2),
            _ => Self::Other,
        }
    }
}

/// The name in lower case, without `_` and `-`, and cut to the length of `letters`.
fn normal<'a>(name: &[u8], letters: &'a mut [u8; LONGEST]) -> &'a [u8] {
    let mut len = 0;
    let counted = name.iter().filter(|byte| !matches!(byte, b'_' | b'-'));
    for (letter, byte) in letters.iter_mut().zip(counted) {
        *letter = byte.to_ascii_lowercase();
        len += 1;
    }
    letters.get(..len).unwrap_or_default()
}

/// The name without the first of these endings that leaves at least one letter.
fn without<'a, const N: usize>(name: &'a [u8], endings: [&[u8]; N]) -> &'a [u8] {
    let mut stems = endings
        .into_iter()
        .filter_map(|ending| name.strip_suffix(ending));
    stems.find(|stem| !stem.is_empty()).unwrap_or(name)
}

/// Whether a value may be the name of a peer or a room: a text or a number.
pub(super) fn is_word(json: &Json) -> bool {
    matches!(json.as_str().as_bytes().first(), Some(b'"' | b'0'..=b'9'))
}

/// The name of a peer or a room: a text, or a whole number, which becomes a text.
pub(super) fn word(json: &Json) -> Option<String> {
    if !is_word(json) {
        return None;
    }
    let number = || json.read().map(|number: u64| number.to_string());
    json.text().or_else(number)
}
