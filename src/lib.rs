//! Socket.IO on Cloudflare Workers, and a WebRTC signaling room built on it.
//!
//! ```text
//!      edge (wasm32 only)                         core (native and wasm32)
//! Worker fetch → room name → Durable Object     socket::Host<A: App>   A = room::Room, or yours
//! fetch, websocket_*, alarm ─(now, Input)─▶      ├ app: A              Event ▲ │
//! perform each             ◀─Vec<Output>──       └ socket::Server            │ ▼ Command
//! set_alarm                ◀─deadline()───           └ engine::Engine
//!                                                        └ engine::Session × n
//! ```
//!
//! The core has no clock, no entropy, no async and no JavaScript. Each layer has the same verbs:
//! `handle(now, …)` tells it what happened, `poll()` tells the layer above what that meant, commands
//! say what that layer wants, `drain()` and `deadline()` say what to do and when to come back.
//!
//! - [`engine`]: [Engine.IO v4](https://socket.io/docs/v4/engine-io-protocol/)
//! - [`socket`]: [Socket.IO v5](https://socket.io/docs/v4/socket-io-protocol/), and the seam to applications
//! - [`room`]: the signaling application
//! - [`dialect`]: applications that are tables: the servers of published tutorials
//! - [`handlers`]: applications of your own, as functions for events; [`prelude`] has what they need
//! - [`stage`]: clients, a clock and a storage for the tests of applications
//! - [`index`]: which rooms have peers
//! - [`store`]: what outlives memory, shared by the layers
//! - [`journal`]: what the core stores, in few rows
//! - [`outbox`]: when outputs are done, and when records are committed
//! - [`admission`], [`settings`]: who may connect, and what can be configured
//! - `edge`: the shell that runs any [`io::Core`], such as a [`socket::Host`], in a Durable Object
//!
//! Panic policy: errors are the peer's, panics are our bugs; no bytes from a peer may cause one.

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
