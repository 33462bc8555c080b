//! Dialects: tables that are shipped, each with its transcript.

use signalbox::dialect::transcript::play;
use signalbox::dialect::{SHIPPED, Table};

pub use signalbox::dialect::SHIPPED as SHIPPED_TABLES;

/// The table as it was read, or all that is wrong with it.
pub fn table(json: &str) -> Table {
    Table::parse(json).unwrap_or_else(|errors| {
        let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
        panic!("{}", errors.join("\n"))
    })
}

/// What is wrong with a table.
pub fn errors(json: &str) -> Vec<String> {
    match Table::parse(json) {
        Ok(_) => Vec::new(),
        Err(errors) => errors.iter().map(ToString::to_string).collect(),
    }
}

/// The server of each tutorial, as a table, does what its own server does.
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
