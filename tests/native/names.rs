//! The page speaks of events as the server does.

use std::collections::BTreeMap;

const SERVER: &str = include_str!("../../src/room/contract.rs");
const PAGE: &str = include_str!("../../public/client/protocol.js");

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
    let server = names(server, "pub const ", ": &str = ");
    let (_, after) = PAGE
        .split_once("export const EVENTS = {")
        .expect("the names");
    let (page, _) = after.split_once("\n}").expect("their end");
    let page = names(page, "", ": ");
    assert!(
        server.len() >= 20 && page.len() >= 15,
        "{server:?} {page:?}"
    );
    for (name, event) in page {
        assert_eq!(server.get(name), Some(&event), "{name}");
    }
}
