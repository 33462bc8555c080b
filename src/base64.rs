//! Base64 (RFC 4648): binary messages inside a polling payload, tokens, digests, credentials.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Appends `bytes` in the standard alphabet, padded.
pub(crate) fn encode(bytes: &[u8], out: &mut String) {
    for chunk in bytes.chunks(3) {
        let group = chunk
            .iter()
            .chain(&[0, 0])
            .take(3)
            .fold(0_u32, |group, byte| group << 8 | u32::from(*byte));
        for position in 0..4 {
            let sextet = (group >> (18 - 6 * position)) & 63;
            out.push(if position <= chunk.len() {
                digit(ALPHABET, sextet)
            } else {
                '='
            });
        }
    }
}

fn digit(alphabet: &[u8; 64], sextet: u32) -> char {
    alphabet
        .get(sextet as usize)
        .map_or('=', |byte| char::from(*byte))
}

/// Decodes the standard and the URL-safe alphabet, with or without padding. Characters of neither are
/// skipped, as in Node.
pub(crate) fn decode(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 3);
    let (mut group, mut bits) = (0_u32, 0_u32);
    for sextet in text.bytes().filter_map(sextet) {
        group = (group << 6 | sextet) & 0xFFFF;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from((group >> bits) & 0xFF).unwrap_or_default());
        }
    }
    bytes
}

fn sextet(byte: u8) -> Option<u32> {
    let value = match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    };
    Some(u32::from(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(bytes: &[u8]) -> String {
        let mut out = String::new();
        encode(bytes, &mut out);
        out
    }

    /// The vectors of RFC 4648, section 10.
    #[test]
    fn vectors() {
        for (plain, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(encoded(plain.as_bytes()), text);
            assert_eq!(decode(text), plain.as_bytes());
        }
    }

    #[test]
    fn decoding_accepts_other_forms() {
        assert_eq!(decode("AQIDBA"), [1, 2, 3, 4], "no padding");
        assert_eq!(decode("AQ\nID BA=="), [1, 2, 3, 4], "junk");
        assert_eq!(decode("_-8"), decode("/+8="), "the URL-safe alphabet");
    }

    #[test]
    fn every_byte_is_decoded_again() {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(decode(&encoded(&all)), all);
    }
}
