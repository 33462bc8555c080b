//! Names of rooms: the cases of `tests/room-names.json`, which also test the page and the Worker.

use std::collections::BTreeMap;

use serde::Deserialize;
use signalbox::room::{RoomName, RoomNameError};

/// The cases, which the page's tests share.
#[derive(Deserialize)]
struct Cases {
    names: Vec<String>,
    refused: BTreeMap<String, String>,
    marks: Vec<String>,
}

fn cases() -> Cases {
    let json = include_str!("../room-names.json");
    serde_json::from_str(json).expect("cases")
}

#[test]
fn valid_names() {
    for name in cases().names {
        assert_eq!(
            RoomName::parse(&name).map(|name| name.as_str().to_owned()),
            Ok(name)
        );
    }
}

#[test]
fn invalid_names() {
    for (name, reason) in cases().refused {
        let found = match RoomName::parse(&name) {
            Ok(_) => "none",
            Err(RoomNameError::Empty) => "empty",
            Err(RoomNameError::TooLong) => "long",
            Err(RoomNameError::Dots) => "dots",
            Err(RoomNameError::Character(c)) => {
                assert!(name.contains(c), "{name:?} has no {c:?}");
                "character"
            }
        };
        assert_eq!(found, reason, "{name:?}");
    }
}

/// The only valid characters are letters, digits, four signs and the listed marks.
#[test]
fn valid_characters_of_a_name() {
    let point = |text: &str| u32::from_str_radix(text, 16).expect("a code point");
    let marks: Vec<_> = cases()
        .marks
        .iter()
        .map(|range| range.split_once('-').unwrap_or((range, range)))
        .map(|(first, last)| point(first)..=point(last))
        .collect();
    for c in '\0'..=char::MAX {
        let is_mark = marks.iter().any(|range| range.contains(&u32::from(c)));
        let is_allowed = c.is_alphanumeric() || "._~-".contains(c) || is_mark;
        assert_eq!(
            RoomName::parse(&format!("x{c}")).is_ok(),
            is_allowed,
            "{c:?}"
        );
    }
}
