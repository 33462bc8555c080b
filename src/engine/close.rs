//! Why a session ended.

use std::fmt;

/// Why a session ended, in engine.io's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseReason {
    /// The connection broke a rule of its transport, or was aborted.
    TransportError,
    /// The client closed the connection, or the connection was lost.
    TransportClose,
    /// The client closed a polling session before it fetched the queued packets.
    Unread,
    /// The client sent an invalid packet.
    ParseError,
    /// The client left its page and will not return: it closed the connection with code 1001.
    GoingAway,
    /// No pong arrived before the deadline.
    PingTimeout,
    /// The layer above closed the session.
    ForcedServerClose,
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TransportError => "transport error",
            Self::TransportClose | Self::Unread | Self::GoingAway => "transport close",
            Self::ParseError => "parse error",
            Self::PingTimeout => "ping timeout",
            Self::ForcedServerClose => "forced server close",
        })
    }
}
