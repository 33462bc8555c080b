//! The core on a virtual clock: no sleeps, no sockets.
//!
//! The ids at the head of a test's documentation, as in `/// U-2, K-3: why`, are behaviours of
//! `docs/protocol.md` that the test verifies; `npm test` checks that each behaviour has a test.

#![allow(
    unreachable_pub,
    reason = "all that is public here is public in this binary"
)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails panics"
)]

mod bill;
mod bodies;
mod bounds;
mod bounds_storage;
mod chunking;
mod configuration;
mod configuration_contradictions;
mod configuration_errors;
mod configuration_relays;
mod dialect;
mod dialect_bounds;
mod dialect_client;
mod dialect_form;
mod dialect_memory;
mod dialect_senders;
mod dialect_strangers;
mod dialect_values;
mod disk;
mod documents;
#[path = "../conformance/src/echo.rs"]
mod echo;
mod engine;
mod engine_refusals;
mod fuzz;
mod handlers;
mod handlers_entry;
mod handlers_errors;
mod heartbeat;
mod hibernation;
mod idle;
mod interruptions;
mod journal;
mod journal_cost;
mod journal_damage;
mod journal_format;
mod kept;
mod library;
mod listing;
mod memory;
mod meter;
mod metrics;
mod names;
mod namespace;
mod obedient;
mod order;
mod outbox;
mod outsiders;
mod peer;
mod polling;
mod precheck;
mod random;
mod raw;
mod recovery;
mod recovery_claims;
mod retention;
mod revision_3;
mod revision_3_identity;
mod revision_3_ids;
mod revision_3_payloads;
mod revision_3_socket;
mod room_alias;
mod room_chat;
mod room_close;
mod room_door;
mod room_elsewhere;
mod room_forms;
mod room_history;
mod room_host;
mod room_ice;
mod room_ice_wait;
mod room_journal;
mod room_kick;
mod room_limits;
mod room_memory;
mod room_name;
mod room_operator;
mod room_operator_host;
mod room_password;
mod room_presence;
mod room_recovery;
mod room_relay;
mod room_restart;
mod room_senders;
mod room_shapes;
mod room_signal_limits;
mod room_targets;
mod room_token;
mod room_token_roles;
#[path = "../conformance/src/settings.rs"]
mod settings;
mod socket;
mod sockets;
mod support;
#[path = "../fuzz/targets/mod.rs"]
mod targets;
mod upgrade;
mod vectors;
mod webhook;
mod webhook_model;
mod websocket;
