//! The id of a socket.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::namespace::Namespace;
use crate::engine::Token;

/// A Socket.IO `sid`: identifies one client in one namespace. It is public and gives no access, unlike
/// an [`engine::Sid`](crate::engine::Sid).
///
/// Of its 120 bits, 96 are random. The last 24 are a checksum of these, by which
/// [`is_id`](Self::is_id) recognizes ids without a list of all that were ever minted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SocketId(Token);

impl SocketId {
    /// The id made of the first twelve of these bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 15]) -> Self {
        Self(Token::checked(bytes))
    }

    /// The id of the socket in this namespace, for a session of revision 3 with the id `sid`. In `/` it is
    /// the session's id. In other namespaces its client uses `/name#<sid>`, which [`SocketId::parse`]
    /// reads as this id.
    pub(super) fn of_session(sid: Token, namespace: &Namespace) -> Self {
        if namespace.is_main() {
            return Self(sid);
        }
        let digest = Sha256::new()
            .chain_update(sid.bytes())
            .chain_update(namespace.as_str())
            .finalize();
        let mut bytes = [0; 15];
        for (byte, digest) in bytes.iter_mut().zip(digest) {
            *byte = digest;
        }
        Self::new(bytes)
    }

    /// Whether this text has the form of an id, whether or not the socket is connected. One in 2²⁴ other
    /// texts of 20 characters has this form by accident.
    #[must_use]
    pub fn is_id(text: &str) -> bool {
        Self::parse(text).is_some_and(|id| id.0.is_checked())
    }

    /// `None` if no socket can have this id. Clients of Socket.IO 1 and 2 have ids such as
    /// `/name#<sid>` in namespaces other than `/`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Token::parse(text).map(Self).or_else(|| {
            let (namespace, sid) = text.split_once('#')?;
            let namespace = Namespace::parse(namespace)?;
            let sid = Token::parse(sid)?;
            (!namespace.is_main()).then(|| Self::of_session(sid, &namespace))
        })
    }
}

impl fmt::Display for SocketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The id as the name of a room: each socket is in the room of its own id.
impl From<SocketId> for String {
    fn from(id: SocketId) -> Self {
        id.to_string()
    }
}

impl fmt::Debug for SocketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SocketId({self})")
    }
}

/// The `pid` of connection state recovery: it proves that a client had a socket before. Only that client
/// gets it.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Pid(Token);

impl Pid {
    pub(super) const fn new(bytes: [u8; 15]) -> Self {
        Self(Token::new(bytes))
    }
}

impl fmt::Debug for Pid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pid(secret)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::mix;

    /// Fifteen pseudorandom bytes for each number.
    fn bytes(number: u64) -> [u8; 15] {
        let mut bytes = [0; 15];
        let halves = [mix(2 * number + 1), mix(2 * number + 2)].map(u64::to_be_bytes);
        for (byte, random) in bytes.iter_mut().zip(halves.concat()) {
            *byte = random;
        }
        bytes
    }

    #[test]
    fn ids_are_recognized_and_other_texts_of_their_length_are_not() {
        for number in 0..20_000 {
            let id = SocketId::new(bytes(number));
            let text = id.to_string();
            assert_eq!(text.len(), 20);
            assert!(SocketId::is_id(&text), "{text}");
            assert_eq!(SocketId::parse(&text), Some(id));
            let other = Token::new(bytes(number)).to_string();
            assert!(!SocketId::is_id(&other), "{other}");
        }
        for text in ["", "alice", "abcdefghijklmnopqrst", "+=+=+=+=+=+=+=+=+=+="] {
            assert!(!SocketId::is_id(text), "{text}");
        }
    }

    /// An id with one wrong character is not recognized.
    #[test]
    fn each_character_of_an_id_counts() {
        let id = SocketId::new(bytes(7)).to_string();
        for at in 0..id.len() {
            for letter in "AZaz09-_".chars() {
                let mut other = id.clone();
                other.replace_range(at..=at, &letter.to_string());
                assert_eq!(SocketId::is_id(&other), other == id, "{other}");
            }
        }
    }

    #[test]
    fn the_random_bits_are_those_that_were_given() {
        let [a, b] = [[1; 15], [2; 15]].map(SocketId::new);
        assert_ne!(a, b);
        assert_eq!(a.0.bytes().first_chunk(), Some(&[1; 12]));
    }
}
