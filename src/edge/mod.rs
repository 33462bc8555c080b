//! The shell: the Worker, which forwards each request to its room's Durable Object, and the object,
//! which runs a [`Core`](crate::io::Core).
//!
//! The shell does not know the protocols. Your own application uses [`serve`] in its Worker, and
//! [`Shell`] and [`durable_object!`](crate::durable_object) for its Durable Object. See `worker/`
//! for the room, and `tests/conformance/` for other applications.

mod alarm;
mod api;
mod class;
pub mod config;
mod entropy;
mod forward;
pub mod handlers;
mod http;
mod incoming;
mod inner;
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
