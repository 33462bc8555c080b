//! Applications on Socket.IO: a function for each event.
//!
//! ```
//! use signalbox::prelude::*;
//!
//! #[derive(Serialize, Deserialize)]
//! struct Say {
//!     room: String,
//!     text: String,
//! }
//!
//! fn chat(io: &mut Io) {
//!     io.on_connect("/", |socket: Socket| socket.emit("hello", &socket.id()));
//!     io.on("enter", |socket: Socket, Data(room): Data<String>| socket.join(&room));
//!     io.on("say", |socket: Socket, Data(say): Data<Say>, ack: Ack| {
//!         socket.to(&say.room).emit("said", &say);
//!         ack.send(&"ok");
//!     });
//! }
//! # assert!(signalbox::stage::Stage::of(chat).connect().is_ok());
//! ```
//!
//! A handler has the parameters that it needs, in any order: see [`Extract`]. It may return a `Result`,
//! whose error the client gets. A handler is not asynchronous. Rooms, data and pending acks survive lost
//! memory, lost connections and a killed server. The values that a closure captures do not.
//!
//! `docs/library.md` is a guide.

mod call;
mod extract;
mod io;
mod refusal;
mod run;
mod socket;

pub use call::{Call, Handler, Outcome};
pub use extract::{Ack, All, Answer, Auth, Data, Extract, Raw, Reason};
pub use io::{Io, Of};
pub use refusal::Refusal;
pub use run::Handlers;
pub use socket::{Broadcast, Socket};
