//! The fuzz targets. They use the script and the clients of the native tests.
//!
//! `tests/native/fuzz.rs` runs the same targets on random bytes and on the corpus.

#![allow(
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    clippy::should_implement_trait,
    missing_docs,
    reason = "tests, for this crate alone"
)]

#[path = "../native/dialect_client.rs"]
pub mod dialect_client;
#[path = "../native/disk.rs"]
pub mod disk;
#[path = "../native/meter.rs"]
pub mod meter;
#[path = "../native/peer/mod.rs"]
pub mod peer;
#[path = "../native/random.rs"]
pub mod random;
#[path = "../native/raw.rs"]
pub mod raw;
#[path = "../conformance/src/settings.rs"]
pub mod settings;
#[path = "../native/support/mod.rs"]
pub mod support;
pub mod targets;
