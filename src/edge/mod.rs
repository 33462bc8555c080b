//! The shell: a Worker that hands each request to its room's Durable Object, and the object that
//! runs a [`Core`](crate::io::Core).
//!
//! Nothing here knows the protocols. What an application of its own needs is [`serve`] for its
//! Worker, [`Shell`] and [`durable_object!`](crate::durable_object) for its Durable Object;
//! `worker/` is how that looks for the room, `tests/conformance/` for others.

mod alarm;
mod api;
mod class;
pub mod config;
mod entropy;
pub mod handlers;
mod http;
mod limit;
mod object;
mod parked;
mod perform;
mod platform;
mod post;
mod responses;
mod rooms;
mod route;
mod runtime;

pub use http::{Endpoint, serve};
pub use limit::Limits;
pub use object::Shell;
pub use platform::{Objects, RateLimiter, Result, Socket, State, binding, error};
pub use route::path;
pub use runtime::Runtime;
