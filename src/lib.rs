//! Socket.IO on Cloudflare Workers, and a WebRTC signaling room built on it.
//!
//! ```text
//!      edge (wasm32 only)                         core (native and wasm32)
//! Worker fetch → room name → Durable Object     socket::Runner<A: App>   A = room::Room, or yours
//! fetch, websocket_*, alarm ─(now, Input)─▶      ├ app: A              Event ▲ │
//! perform each             ◀─Vec<Output>──       └ socket::Server            │ ▼ Command
//! set_alarm                ◀─deadline()───           └ engine::Engine
//!                                                        └ engine::Session × n
//! ```
//!
//! The core has no clock, no entropy, no async and no JavaScript. Each layer has the same methods.
//! `handle(now, …)` tells the layer what happened. `poll()` returns events for the layer above.
//! Commands from the layer above say what to send or close. `drain()` returns the outputs to
//! perform, and `deadline()` the time to call `handle` again.
//!
//! - [`engine`]: [Engine.IO v4](https://socket.io/docs/v4/engine-io-protocol/)
//! - [`socket`]: [Socket.IO v5](https://socket.io/docs/v4/socket-io-protocol/), and the interface for applications
//! - [`room`]: the signaling application
//! - [`dialect`]: applications defined by tables: they replace the servers of published tutorials
//! - [`handlers`]: your own application, as functions that handle events; [`prelude`] has the
//!   imports
//! - [`stage`]: clients, a clock and a storage for the tests of applications
//! - [`index`]: the list of rooms that have peers
//! - [`store`]: the stored state, shared by the layers
//! - [`journal`]: how the stored state is written in few rows
//! - [`outbox`]: when outputs are performed, and when records are committed
//! - [`admission`], [`settings`]: who may connect, and the configuration
//! - `edge`: the shell that runs any [`io::Core`], such as a [`socket::Runner`], in a Durable Object
//!
//! Panic policy: no bytes from a client may cause a panic. Invalid input is an error; a panic is our
//! bug.

pub mod admission;
mod base64;
pub mod dialect;
pub mod engine;
pub mod handlers;
pub mod index;
pub mod io;
pub mod journal;
mod map;
pub mod outbox;
#[cfg(any(test, target_arch = "wasm32"))]
mod parking;
pub mod prelude;
mod rate;
pub mod room;
mod scan;
pub mod settings;
pub mod socket;
pub mod stage;
pub mod store;
pub mod time;

#[cfg(target_arch = "wasm32")]
pub mod edge;
