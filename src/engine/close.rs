//! Why a session ended.

use std::fmt;

/// Why a session ended. It is displayed in engine.io's words, which distinguish fewer reasons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseReason {
    /// The client broke a rule of its transport, its poll was aborted, or too much waited for its polls.
    TransportError,
    /// The client closed the connection, or the connection was lost.
    TransportClose,
    /// The client closed a polling session before it fetched the queued packets.
    Unread,
    /// The client sent an invalid packet.
    ParseError,
    /// The WebSocket was closed with code 1001. Mostly the user left the page, and the client does not
    /// come back.
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
