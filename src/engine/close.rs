//! Why a session ended.

use std::fmt;

/// Why a session ended, in engine.io's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseReason {
    /// The connection broke a rule of its transport, or was aborted.
    TransportError,
    /// The client closed the connection, or it was lost.
    TransportClose,
    /// The client closed a polling session without having fetched what waited for it.
    Unread,
    /// The client sent what is no packet.
    ParseError,
    /// The client is gone for good, and said so.
    GoingAway,
    /// No pong came in time.
    PingTimeout,
    /// The layer above wanted it.
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
