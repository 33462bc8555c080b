//! The core on a virtual clock: no sleeps, no sockets.
//!
//! The names of behaviours, as in `u_2_…`, say which rule of the protocols a test holds to: K is
//! for constants, R routing, H handshake, E errors, P polling, U upgrade, W WebSocket, B heartbeat,
//! S Socket.IO packets, V recovery, D what the client shows, T the conformance configuration.

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

mod chunking;
#[path = "../conformance/src/echo.rs"]
mod echo;
mod engine;
mod fuzz;
mod heartbeat;
mod memory;
mod names;
mod namespace;
mod obedient;
mod peer;
mod polling;
mod random;
mod raw;
mod recovery;
mod room_chat;
mod room_host;
mod room_memory;
mod room_presence;
mod room_recovery;
mod room_relay;
mod room_shapes;
#[path = "../conformance/src/settings.rs"]
mod settings;
mod socket;
mod support;
mod upgrade;
mod vectors;
mod websocket;
