//! Socket.IO v5: namespaces, events, acks and attachments on top of [`engine`](crate::engine), and
//! the interface for applications. Clients on revision 3 of the engine speak the protocols 3 and 4 of
//! Socket.IO. These differ from v5 in who connects to `/`, in ids and in refusals.
//!
//! Specification: <https://socket.io/docs/v4/socket-io-protocol/>.

mod acks;
mod app;
mod args;
mod client;
mod commands;
mod config;
mod connect;
mod decoder;
mod inbound;
mod namespace;
mod offset;
mod packet;
mod recovery;
mod replay;
mod retention;
mod runner;
mod select;
mod server;
mod socket_id;
mod sockets;
mod strict;
mod surrogates;
mod target;

use std::fmt;

pub use acks::MAX_ASKED;
pub use app::{Ack, App, Command, Event};
pub(crate) use args::Object;
pub use args::{Args, Json};
pub use config::{Config, Recovery};
pub use decoder::Decoder;
pub use namespace::Namespace;
pub use packet::{AckId, Kind, Packet, ParseError};
pub(crate) use packet::{has_placeholder, is_reserved};
pub use runner::Runner;
pub use select::emit;
pub use server::Server;
pub use socket_id::SocketId;
pub use sockets::{MAX_ROOM_NAME, MAX_ROOMS, RoomError, Sockets};
pub(crate) use strict::is_strict;
pub use target::Target;

use crate::engine::CloseReason;

/// Why a socket disconnected, in socket.io's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DisconnectReason {
    /// Its session ended.
    Transport(CloseReason),
    /// The client left the namespace.
    ClientNamespaceDisconnect,
    /// The app disconnected it.
    ServerNamespaceDisconnect,
}

impl fmt::Display for DisconnectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Transport(reason) => reason.fmt(f),
            Self::ClientNamespaceDisconnect => f.write_str("client namespace disconnect"),
            Self::ServerNamespaceDisconnect => f.write_str("server namespace disconnect"),
        }
    }
}
