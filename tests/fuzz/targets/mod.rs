//! The fuzz targets: functions of bytes, which panic if a property does not hold.
//!
//! `packet`, `payload` and `query` read the bytes as the input of a client. The other targets read them as
//! decisions: what happens next, and what a client sends.

pub mod bytes;
mod chaos;
mod client;
mod dialect;
mod dialect_model;
mod dialect_naive;
mod dialect_tables;
mod journal;
pub mod junk;
mod member;
mod outsiders;
mod parsers;
mod query;
mod room_crash;
mod room_door;
mod room_events;
mod room_links;
mod room_model;
mod session_model;
mod signals;

pub use chaos::{room, session};
pub use dialect::tables;
pub use dialect_model::dialect_model;
pub use journal::{journal, journal_rows, seal};
pub use outsiders::outsiders;
pub use parsers::{decoder, packet, payload};
pub use query::query;
pub use room_model::room_model;
pub use session_model::session_model;

pub type Target = fn(&[u8]);

/// Each target under the name of its corpus.
pub const ALL: [(&str, Target); 13] = [
    ("packet", |bytes| {
        packet(bytes);
    }),
    ("payload", |bytes| {
        payload(bytes);
    }),
    ("query", |bytes| {
        query(bytes);
    }),
    ("decoder", |bytes| {
        decoder(bytes);
    }),
    ("session", |bytes| {
        session(bytes);
    }),
    ("session_model", |bytes| {
        session_model(bytes);
    }),
    ("room", |bytes| {
        room(bytes);
    }),
    ("room_model", |bytes| {
        room_model(bytes);
    }),
    ("outsiders", |bytes| {
        outsiders(bytes);
    }),
    ("tables", |bytes| {
        tables(bytes);
    }),
    ("dialect_model", |bytes| {
        dialect_model(bytes);
    }),
    ("journal", |bytes| {
        journal(bytes);
    }),
    ("journal_rows", |bytes| {
        journal_rows(bytes);
    }),
];
