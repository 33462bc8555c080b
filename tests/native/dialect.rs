//! Shipped dialects, each with its transcript, and which values count as true.

use serde_json::json;
use signalbox::dialect::transcript::play;
use signalbox::dialect::{SHIPPED, Table};

pub use crate::dialect_client::table;
use crate::documents::example;

pub use signalbox::dialect::SHIPPED as SHIPPED_TABLES;

/// The errors of a table.
pub fn errors(json: &str) -> Vec<String> {
    match Table::parse(json) {
        Ok(_) => Vec::new(),
        Err(errors) => errors.iter().map(ToString::to_string).collect(),
    }
}

/// Each shipped table behaves as the tutorial's own server.
#[test]
fn each_shipped_dialect_plays_its_transcript() {
    for (name, json) in SHIPPED {
        let path = format!(
            "{}/dialects/transcripts/{name}.json",
            env!("CARGO_MANIFEST_DIR")
        );
        let transcript = std::fs::read_to_string(&path).expect(&path);
        if let Err(error) = play(table(json), &transcript) {
            panic!("{name}: {error}");
        }
    }
}

/// The guide's table is valid, and its transcript passes.
#[test]
fn the_table_of_the_guide_plays_its_transcript() {
    let table = table(example("dialect-table"));
    if let Err(error) = play(table, example("dialect-transcript")) {
        panic!("{error}");
    }
}

/// The guide names exactly the shipped dialects.
#[test]
fn the_guide_has_all_shipped_dialects() {
    let guide = include_str!("../../docs/dialects.md");
    let (_, list) = guide
        .split_once("| `dialect=` | tutorial | |\n|---|---|---|\n")
        .unwrap();
    let rows = list.lines().take_while(|line| line.starts_with("| `"));
    let mut names: Vec<&str> = rows.map(|row| row.split('`').nth(1).unwrap()).collect();
    names.sort_unstable();
    let shipped = SHIPPED.map(|(name, _)| name);
    assert_eq!(names, shipped, "docs/dialects.md, and SHIPPED");
    let number = format!("the servers of {} published tutorials", shipped.len());
    let readme = include_str!("../../README.md");
    assert!(readme.contains(&number), "README.md lacks: {number}");
}

/// Each table in the folder is compiled into the Worker.
#[test]
fn each_table_in_the_folder_is_shipped() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/dialects");
    for file in std::fs::read_dir(folder).unwrap() {
        let file = file.unwrap().file_name().into_string().unwrap();
        let table = file.strip_suffix(".json").filter(|name| *name != "schema");
        let is_shipped = |name| SHIPPED.iter().any(|(shipped, _)| *shipped == name);
        assert!(table.is_none_or(is_shipped), "{file} is not in SHIPPED");
    }
}

/// Tables for other tutorials. They use only what the guide describes.
#[test]
fn tables_for_other_tutorials_play_their_transcripts() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/dialects");
    let mut played = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let file = file.unwrap().file_name().into_string().unwrap();
        let Some(name) = file.strip_suffix("-transcript.json") else {
            continue;
        };
        let read = |file: String| std::fs::read_to_string(&file).expect(&file);
        let json = read(format!("{folder}/{name}.json"));
        let transcript = read(format!("{folder}/{file}"));
        match play(table(&json), &transcript) {
            Ok(steps) => played += steps,
            Err(error) => panic!("{name}: {error}"),
        }
    }
    assert!(played > 40, "{played}");
}

/// A zero counts as false, whichever client wrote it: some write it with a fraction.
#[test]
fn values_that_count_as_false() {
    const TABLE: &str =
        r#"{"on": {"go": [{"when": "$0", "emit": "yes", "else": [{"emit": "no"}]}]}}"#;
    for (value, holds) in [
        (json!(null), false),
        (json!(false), false),
        (json!(0), false),
        (json!(0.0), false),
        (json!(-0.0), false),
        (json!(""), false),
        (json!([]), false),
        (json!(0.5), true),
        (json!(10), true),
        (json!("0"), true),
        (json!("-"), true),
        (json!([0]), true),
        (json!({}), true),
    ] {
        let answer = if holds { "yes" } else { "no" };
        let steps = json!([
            {"connect": "ann"},
            {"by": "ann", "emit": ["go", value], "gets": {"ann": [[answer]]}},
        ]);
        if let Err(error) = play(table(TABLE), &steps.to_string()) {
            panic!("{value}: {error}");
        }
    }
}
