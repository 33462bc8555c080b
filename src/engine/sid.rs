//! The session id of Engine.IO.

use std::fmt;

use serde::{Deserialize, Serialize};

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Fifteen random bytes, written as twenty URL-safe characters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Token([u8; 15]);

impl Token {
    pub(crate) const fn new(bytes: [u8; 15]) -> Self {
        Self(bytes)
    }

    /// `None` unless `text` is what [`fmt::Display`] writes of some token.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.len() != 20 {
            return None;
        }
        let mut bytes = [0; 15];
        for (group, chunk) in text.as_bytes().chunks(4).zip(bytes.chunks_mut(3)) {
            let mut value = 0_u32;
            for byte in group {
                value = value << 6 | u32::from(sextet(*byte)?);
            }
            chunk.copy_from_slice(value.to_be_bytes().get(1..)?);
        }
        Some(Self(bytes))
    }
}

impl Token {
    /// Calls this with the twenty characters.
    fn with_text<T>(self, take: impl FnOnce(&str) -> T) -> T {
        let mut text = [0; 20];
        for (chunk, group) in self.0.chunks(3).zip(text.chunks_mut(4)) {
            let bytes = chunk.iter();
            let value = bytes.fold(0_u32, |value, byte| value << 8 | u32::from(*byte));
            for (letter, shift) in group.iter_mut().zip([18, 12, 6, 0]) {
                let sextet = (value >> shift) & 63;
                *letter = ALPHABET.get(sextet as usize).copied().unwrap_or_default();
            }
        }
        take(std::str::from_utf8(&text).unwrap_or_default())
    }
}

/// What a letter of the alphabet stands for.
const fn sextet(letter: u8) -> Option<u8> {
    Some(match letter {
        b'A'..=b'Z' => letter - b'A',
        b'a'..=b'z' => letter - b'a' + 26,
        b'0'..=b'9' => letter - b'0' + 52,
        b'-' => 62,
        b'_' => 63,
        _ => return None,
    })
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.with_text(|text| f.pad(text))
    }
}

impl Serialize for Token {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.with_text(|text| serializer.serialize_str(text))
    }
}

impl<'de> Deserialize<'de> for Token {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("not an id"))
    }
}

/// An Engine.IO session id: the session's secret. Whoever knows it can take the session over, so
/// only the handshake shows it, to its own client.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sid(Token);

impl Sid {
    pub(super) const fn new(bytes: [u8; 15]) -> Self {
        Self(Token::new(bytes))
    }

    /// `None` if no session can have this id.
    pub(super) fn parse(text: &str) -> Option<Self> {
        Token::parse(text).map(Self)
    }

    /// The text that goes into the handshake and the client's URLs, and nowhere else.
    pub(super) fn reveal(self) -> String {
        self.0.to_string()
    }
}

impl fmt::Debug for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sid(secret)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// H-4
    #[test]
    fn twenty_url_safe_characters_there_and_back() {
        for bytes in [[0; 15], [255; 15], [7; 15], *b"fifteen bytes!!"] {
            let sid = Sid::new(bytes);
            let text = sid.reveal();
            assert_eq!(text.len(), 20);
            assert!(text.bytes().all(|byte| ALPHABET.contains(&byte)), "{text}");
            assert_eq!(Sid::parse(&text), Some(sid));
        }
    }

    #[test]
    fn other_texts_are_no_ids() {
        for text in [
            "",
            "short",
            "0123456789012345678+",
            "０１２３４５６",
            "012345678901234567890",
        ] {
            assert_eq!(Sid::parse(text), None, "{text}");
        }
    }

    #[test]
    fn debug_output_keeps_the_secret() {
        assert_eq!(format!("{:?}", Sid::new([7; 15])), "Sid(secret)");
    }
}
