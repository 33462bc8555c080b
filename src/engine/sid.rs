//! The session id of Engine.IO.

use std::fmt;

use serde::{Deserialize, Serialize};

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Fifteen random bytes, as two numbers of sixty bits. Each number is written as ten URL-safe
/// characters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Token(u64, u64);

impl Token {
    pub(crate) const fn new(bytes: [u8; 15]) -> Self {
        let [first @ .., _, _, _, _, _, _, _] = bytes; // one byte is in both numbers
        let [_, _, _, _, _, _, _, last @ ..] = bytes;
        let last = u64::from_be_bytes(last) & (u64::MAX >> 4);
        Self(u64::from_be_bytes(first) >> 4, last)
    }

    /// A token of the first twelve of these bytes and their checksum, which [`Token::is_checked`]
    /// recognizes.
    pub(crate) const fn checked(mut bytes: [u8; 15]) -> Self {
        let [random @ .., x, y, z] = &mut bytes;
        [*x, *y, *z] = checksum(*random);
        Self::new(bytes)
    }

    /// Whether the token may come from [`Token::checked`]. One in 2²⁴ other tokens passes by accident.
    pub(crate) fn is_checked(self) -> bool {
        Self::checked(self.bytes()) == self
    }

    /// The bytes of the token.
    pub(crate) const fn bytes(self) -> [u8; 15] {
        let [_, bytes @ ..] = ((self.0 as u128) << 60 | self.1 as u128).to_be_bytes();
        bytes
    }

    /// Reads the output of [`fmt::Display`]; `None` if `text` is not a token.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (first, last) = text.as_bytes().split_at_checked(10)?;
        Some(Self(number(first)?, number(last)?))
    }

    /// Calls `take` with the twenty characters.
    fn with_text<T>(self, take: impl FnOnce(&str) -> T) -> T {
        let mut text = [0; 20];
        for (mut number, letters) in [self.0, self.1].into_iter().zip(text.chunks_mut(10)) {
            for letter in letters.iter_mut().rev() {
                let sextet = (number & 63) as usize;
                *letter = ALPHABET.get(sextet).copied().unwrap_or_default();
                number >>= 6;
            }
        }
        take(std::str::from_utf8(&text).unwrap_or_default())
    }
}

/// A checksum of 24 bits. It is no proof: anybody can compute it.
const fn checksum(bytes: [u8; 12]) -> [u8; 3] {
    let [first @ .., _, _, _, _] = bytes;
    let [_, _, _, _, _, _, _, _, last @ ..] = bytes;
    let last = u32::from_be_bytes(last) as u64;
    let sum = mix(mix(u64::from_be_bytes(first)) ^ last);
    let [_, _, _, _, _, sum @ ..] = sum.to_be_bytes();
    sum
}

/// Spreads each bit over all bits: the finalizer of `SplitMix64`.
pub(crate) const fn mix(bits: u64) -> u64 {
    let bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

/// The number that ten characters represent.
fn number(letters: &[u8]) -> Option<u64> {
    let letters: &[u8; 10] = letters.try_into().ok()?;
    let mut sextets = letters.iter().map(|letter| sextet(*letter));
    sextets.try_fold(0, |number, sextet| Some(number << 6 | u64::from(sextet?)))
}

/// The value of a letter of the alphabet.
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

/// An Engine.IO session id. In revision 4 it is a secret: whoever knows it can take over the
/// session, so only the handshake shows it, to its own client. In revision 3 it is public, see
/// `owner.rs`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sid(Token);

impl Sid {
    /// Makes an id. Its checksum lets a Worker refuse most invented ids before it wakes an object.
    pub(super) const fn new(bytes: [u8; 15]) -> Self {
        Self(Token::checked(bytes))
    }

    /// The id as a token.
    pub(super) const fn token(self) -> Token {
        self.0
    }

    /// Reads an id; `None` if no session can have it.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let token = Token::parse(text).filter(|token| token.is_checked());
        token.map(Self)
    }

    /// The id as text, only for the open packet and for storage keys.
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
    fn twenty_url_safe_characters_are_read_back() {
        for bytes in [[0; 15], [255; 15], [7; 15], *b"fifteen bytes!!"] {
            let sid = Sid::new(bytes);
            let text = sid.reveal();
            assert_eq!(text.len(), 20);
            assert!(text.bytes().all(|byte| ALPHABET.contains(&byte)), "{text}");
            assert_eq!(Sid::parse(&text), Some(sid));
        }
    }

    #[test]
    fn other_texts_are_not_ids() {
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
