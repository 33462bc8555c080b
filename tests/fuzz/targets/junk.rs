//! Input of hostile peers.

use super::bytes::Bytes;

/// Parts of packets, payloads and queries, and other texts.
pub const PIECES: [&str; 64] = [
    "0",
    "1",
    "2",
    "3",
    "4",
    "5",
    "6",
    "7",
    "b",
    "\x1e",
    "2probe",
    "42",
    "43",
    "45",
    "46",
    "40",
    "41",
    "44",
    "-",
    "/",
    ",",
    "/admin,",
    "?",
    "1-",
    "2-",
    "10-",
    "11-",
    "0-",
    "[",
    "]",
    "{",
    "}",
    "\"",
    ":",
    "null",
    "true",
    "1.5e3",
    "\"a\"",
    "[\"x\"]",
    "[\"offer\",{\"to\":\"bob\"}]",
    "{\"_placeholder\":true,\"num\":0}",
    "{\"_placeholder\":true,\"num\":1}",
    "\\",
    "\\ud800",
    "\u{0}",
    "é",
    "中",
    "😀",
    "AQID",
    "==",
    "&",
    "=",
    "EIO=4",
    "transport=polling",
    "transport=websocket",
    "sid=",
    "b64=1",
    "%41",
    "+",
    "\"connect\"",
    "[\"room:join\",{}]",
    "[\"chat-message\",\"hi\"]",
    "[\"join\",\"bob\"]",
    "[\"candidate\",null]",
];

pub fn junk(bytes: &mut Bytes) -> String {
    let pieces = 1 + bytes.below(8);
    (0..pieces).map(|_| *bytes.pick(&PIECES)).collect()
}

/// Bytes that are mostly text.
pub fn junk_bytes(bytes: &mut Bytes) -> Vec<u8> {
    let mut text = junk(bytes).into_bytes();
    if bytes.chance(4) {
        let place = bytes.below(text.len());
        text[place] = bytes.byte();
    }
    text
}
