//! The checker of dialects: `npm run dialect -- check FILE [--transcript FILE]`.
//!
//! It reads a table with the server's own code, and plays a transcript against the server's core.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "this is a command"
)]

use std::fs;
use std::process::ExitCode;

use signalbox::dialect::{Dialects, SHIPPED, Table, transcript};

/// The largest size of a variable on Cloudflare. `DIALECTS` is one variable with all tables.
const VARIABLE_BYTES: usize = 5_000;

/// In place of FILE, this means: read the environment variable `DIALECTS`. `npm run dialect` sets it from a
/// `wrangler.toml`.
const VARIABLE: &str = "DIALECTS";

const USAGE: &str = "usage: npm run dialect -- check FILE [--transcript FILE]
       npm run dialect -- list
       npm run dialect -- show NAME

check  reads a table and says what is wrong with it; with --transcript, plays a transcript against it;
       FILE may also have the form of DIALECTS, or be a wrangler.toml with DIALECTS in it
list   the dialects that come with Signalbox
show   prints one of them";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments[..] {
        ["check", file] => check(file, None),
        ["check", file, "--transcript", transcript] => check(file, Some(transcript)),
        ["list"] => list(),
        ["show", name] => show(name),
        _ => Err(USAGE.to_owned()),
    };
    match done {
        Ok(text) => {
            println!("{text}");
            ExitCode::SUCCESS
        }
        Err(text) => {
            eprintln!("{text}");
            ExitCode::FAILURE
        }
    }
}

fn read(file: &str) -> Result<String, String> {
    if file == VARIABLE {
        return std::env::var(VARIABLE)
            .map_err(|_| "this wrangler.toml has no DIALECTS in [vars]".to_owned());
    }
    fs::read_to_string(file).map_err(|error| format!("{file} cannot be read: {error}"))
}

fn check(file: &str, transcript: Option<&str>) -> Result<String, String> {
    let json = read(file)?;
    if file == VARIABLE || has_form_of_dialects(&json) {
        return match transcript {
            None => check_all(file, &json),
            Some(_) => Err(format!(
                "{file} gives each table a name: a transcript is for a file with one table"
            )),
        };
    }
    let table = Table::parse(&json).map_err(|errors| {
        let lines: Vec<String> = errors
            .iter()
            .map(|error| format!("{file}: {error}"))
            .collect();
        lines.join("\n")
    })?;
    let Some(transcript) = transcript else {
        return Ok(format!("{file} is a dialect{}", size(&json)));
    };
    let steps = transcript::play(table, &read(transcript)?)
        .map_err(|error| format!("{transcript}: {error}"))?;
    Ok(format!(
        "{file} is a dialect, and {transcript} went as written: {steps} steps{}",
        size(&json)
    ))
}

/// Whether this JSON is an object whose fields are tables.
fn has_form_of_dialects(json: &str) -> bool {
    let json = serde_json::from_str::<serde_json::Value>(json).unwrap_or_default();
    let tables = json.as_object().filter(|fields| !fields.contains_key("on"));
    tables.is_some_and(|tables| {
        !tables.is_empty() && tables.values().all(|table| table.get("on").is_some())
    })
}

/// Checks the tables of `DIALECTS`.
fn check_all(file: &str, json: &str) -> Result<String, String> {
    let mut dialects = Dialects::default();
    dialects
        .set_own(json)
        .map_err(|errors| format!("{file}: {errors}"))?;
    let shipped = SHIPPED.map(|(name, _)| name);
    let names = dialects.names().len().saturating_sub(shipped.len());
    let noun = if names == 1 { "dialect" } else { "dialects" };
    Ok(format!("{file} has {names} {noun}{}", size(json)))
}

/// The message about a table's size, because Cloudflare limits the size of variables.
fn size(json: &str) -> String {
    let compact = serde_json::from_str::<serde_json::Value>(json).map(|json| json.to_string());
    let bytes = compact.map_or(json.len(), |json| json.len());
    let more = if bytes > VARIABLE_BYTES {
        format!(
            "\nIt is larger than the {VARIABLE_BYTES} bytes that Cloudflare lets a variable have: docs/dialects.md \
             tells how to compile it into the Worker"
        )
    } else {
        String::new()
    };
    format!("\nIn DIALECTS it takes {bytes} bytes, without whitespace{more}")
}

fn list() -> Result<String, String> {
    let mut lines = Vec::new();
    for (name, json) in SHIPPED {
        let table = Table::parse(json).map_err(|_| format!("{name} is no dialect"))?;
        lines.push(format!("{name:24} {}", table.about()));
    }
    Ok(lines.join("\n"))
}

fn show(name: &str) -> Result<String, String> {
    let table = SHIPPED.iter().find(|(known, _)| *known == name);
    let (_, json) =
        table.ok_or_else(|| format!("there is no dialect {name}: npm run dialect -- list"))?;
    // An absolute URL, so that a copy in another folder finds the schema.
    let schema = concat!(
        "file://",
        env!("CARGO_MANIFEST_DIR"),
        "/dialects/schema.json"
    );
    Ok(json.replace("./schema.json", schema))
}
