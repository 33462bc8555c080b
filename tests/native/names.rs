//! The page and the server speak of the same events.

use std::collections::BTreeMap;

const SERVER: &str = include_str!("../../src/room/contract.rs");
const PAGE: &str = include_str!("../../public/client/protocol.js");

/// Events that other clients use and the page does not.
const NOT_THE_PAGES: [&str; 18] = [
    "CHAT_HISTORY",
    "HOST_ADMIT",
    "HOST_CLEAR",
    "HOST_DENY",
    "HOST_KICK",
    "HOST_KNOCK",
    "HOST_LOCK",
    "HOST_MUTE",
    "HOST_MUTE_REQUEST",
    "HOST_TRANSFER",
    "ROOM_ADMITTED",
    "ROOM_DENIED",
    "ICE",
    "ICE_CANDIDATE",
    "JOIN",
    "SIGNAL",
    "USER_JOINED",
    "USER_LEFT",
];

/// The names in `text`, by what they are called there.
fn names(text: &'static str, prefix: &str, assigned: &str) -> BTreeMap<&'static str, &'static str> {
    let lines = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix(prefix));
    let pairs = lines.filter_map(|line| line.split_once(assigned));
    pairs
        .map(|(name, value)| (name, value.trim_matches([' ', '"', ',', ';'])))
        .collect()
}

#[test]
fn event_names_are_the_servers() {
    let (_, after) = SERVER.split_once("pub mod names {").expect("the names");
    let (server, _) = after.split_once("\n}").expect("their end");
    let mut server = names(server, "pub const ", ": &str = ");
    let (_, after) = PAGE
        .split_once("export const EVENTS = {")
        .expect("the names");
    let (page, _) = after.split_once("\n}").expect("their end");
    let page = names(page, "", ": ");
    assert!(
        server.len() >= 20 && page.len() >= 15,
        "{server:?} {page:?}"
    );
    for name in NOT_THE_PAGES {
        assert!(server.remove(name).is_some(), "the server has no {name}");
    }
    assert_eq!(page, server);
}
