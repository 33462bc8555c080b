//! The client module, the documentation and the types have the same events, errors, limits and actions of
//! operators as the server.

use std::collections::{BTreeMap, BTreeSet};

use signalbox::room::config::Limits;
use signalbox::room::operator::Action;

const SERVER: &str = include_str!("../../src/room/contract.rs");
const ERRORS: &str = include_str!("../../src/room/error.rs");
const DOCUMENT: &str = include_str!("../../docs/contract.md");
const TYPES: &str = include_str!("../../public/contract.d.ts");
const MODULE: &str = include_str!("../../public/client/protocol.js");

/// A map from each constant in `text` to the name that it stands for.
fn names(text: &'static str, prefix: &str, assigned: &str) -> BTreeMap<&'static str, &'static str> {
    let lines = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix(prefix));
    let pairs = lines.filter_map(|line| line.split_once(assigned));
    pairs
        .map(|(name, value)| (name, value.trim_matches([' ', '"', ',', ';'])))
        .collect()
}

/// A map from the server's constants to the names of all events.
pub fn events() -> BTreeMap<&'static str, &'static str> {
    let (_, after) = SERVER.split_once("pub mod names {").expect("the names");
    let (server, _) = after.split_once("\n}").expect("their end");
    names(server, "pub const ", ": &str = ")
}

/// The codes of all errors.
fn codes() -> Vec<String> {
    let (_, after) = ERRORS.split_once("pub enum Code {").expect("the codes");
    let (codes, _) = after.split_once("\n}").expect("their end");
    let codes = codes.lines().map(str::trim);
    let codes = codes.filter(|line| !line.is_empty() && !line.starts_with("///"));
    codes
        .map(|code| {
            let code = code.trim_end_matches(',').chars();
            let kebab = code.flat_map(|c| {
                let dash = c.is_uppercase().then_some('-');
                dash.into_iter().chain(c.to_lowercase())
            });
            kebab.collect::<String>().trim_start_matches('-').to_owned()
        })
        .collect()
}

#[test]
fn every_event_is_documented_and_typed() {
    for event in events().into_values() {
        let is_documented = DOCUMENT.contains(&format!("`{event}`"));
        assert!(is_documented, "docs/contract.md lacks {event}");
        let typed = [format!("\n  {event}("), format!("\n  \"{event}\"(")];
        let alias = matches!(event, "ice" | "ice-candidate");
        assert!(
            alias || typed.iter().any(|line| TYPES.contains(line)),
            "public/contract.d.ts lacks {event}"
        );
    }
}

#[test]
fn every_error_is_documented_and_typed() {
    let codes = codes();
    assert!(codes.len() >= 15, "{codes:?}");
    for code in &codes {
        let is_documented = DOCUMENT.contains(&format!("\n| `{code}` |"));
        assert!(is_documented, "docs/contract.md lacks {code}");
        let is_typed = TYPES.contains(&format!("\n  | \"{code}\""));
        assert!(is_typed, "public/contract.d.ts lacks {code}");
    }
    assert_eq!(TYPES.matches("\n  | \"").count(), codes.len());
}

/// The source text of the room's native tests.
fn tests() -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/native");
    let files = std::fs::read_dir(folder).expect("the tests");
    let files = files.map(|file| file.expect("a file").path());
    files
        .filter(|file| {
            file.file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with("room_"))
        })
        .map(|file| std::fs::read_to_string(file).expect("a test"))
        .collect()
}

#[test]
fn every_event_and_every_error_is_tested() {
    let tests = tests();
    let events = events().into_values().map(str::to_owned);
    for name in events.chain(codes()) {
        let is_tested = tests.contains(&format!("\"{name}\""));
        assert!(is_tested, "no test in tests/native/room_*.rs has {name}");
    }
}

#[test]
fn every_limit_is_typed() {
    let (_, after) = TYPES
        .split_once("export interface Limits {\n")
        .expect("the limits");
    let (typed, _) = after.split_once("\n}").expect("their end");
    let typed = typed.lines().map(str::trim);
    let typed = typed.filter(|line| !line.starts_with("/**"));
    let typed: BTreeSet<&str> = typed
        .filter_map(|line| Some(line.split_once(':')?.0))
        .collect();
    let limits = serde_json::to_value(Limits::default()).expect("limits");
    let limits = limits.as_object().expect("an object").keys();
    assert_eq!(typed, limits.map(String::as_str).collect());
}

#[test]
fn every_action_of_operators_is_documented() {
    let document = include_str!("../../docs/api.md");
    for name in Action::names() {
        let paths = [
            format!("`GET /api/rooms/<room>/{name}`"),
            format!("`POST …/{name}`"),
        ];
        let is_documented = paths.iter().any(|path| document.contains(path));
        assert!(is_documented, "docs/api.md lacks {name}");
    }
}

#[test]
fn event_names_are_the_servers() {
    let server = events();
    let (_, after) = MODULE
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

/// The table of browsers in docs/testing.md names files of tests.
#[test]
fn the_files_in_the_table_of_browsers_exist() {
    let document = include_str!("../../docs/testing.md");
    let (_, section) = document.split_once("\n## Browsers\n").expect("the section");
    let rows = section.lines().skip_while(|line| !line.starts_with('|'));
    let rows = rows.take_while(|line| line.starts_with('|'));
    let names: Vec<&str> = rows
        .flat_map(|row| row.split('`').skip(1).step_by(2))
        .collect();
    assert!(names.len() >= 20, "{names:?}");
    for name in names {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/e2e/browser");
        let path = format!("{folder}/{name}.test.mjs");
        assert!(std::path::Path::new(&path).exists(), "{name}");
    }
}
