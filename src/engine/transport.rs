//! The transports of a session.

use super::Codec;
use crate::io::{ConnectionId, Reply, RequestId};
use crate::time::Timestamp;

/// ```text
/// Polling ──websocket──▶ Upgrading ──`5`──▶ WebSocket
///    ▲──closed, expired──────┘
/// ```
#[derive(Debug)]
pub(super) enum Transport {
    Polling(Poll),
    Upgrading {
        /// The poll. Polling continues during the upgrade and after a failed upgrade.
        poll: Poll,
        probe: Probe,
    },
    WebSocket(WebSocket),
}

/// A WebSocket that a client probes before its upgrade.
#[derive(Clone, Copy, Debug)]
pub(super) struct Probe {
    pub(super) socket: WebSocket,
    /// Whether `2probe` was answered.
    pub(super) probed: bool,
    /// When the upgrade times out.
    pub(super) expires: Timestamp,
    /// Whether the stored form is up to date.
    pub(super) saved: bool,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct WebSocket {
    pub(super) connection: ConnectionId,
    pub(super) codec: Codec,
}

/// The one active GET of a session.
#[derive(Debug)]
pub(super) enum Poll {
    Idle,
    Parked {
        reply: Reply,
        /// When it arrived.
        since: Timestamp,
        /// Whether the stored form is up to date.
        saved: bool,
    },
}

/// The role of a WebSocket in its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Carrier,
    Probe,
}

impl Poll {
    pub(super) fn take(&mut self) -> Option<Reply> {
        match std::mem::replace(self, Self::Idle) {
            Self::Parked { reply, .. } => Some(reply),
            Self::Idle => None,
        }
    }

    pub(super) fn request(&self) -> Option<RequestId> {
        match self {
            Self::Parked { reply, .. } => Some(reply.request()),
            Self::Idle => None,
        }
    }
}

impl Transport {
    /// The poll, unless the session has left polling.
    pub(super) fn poll(&mut self) -> Option<&mut Poll> {
        match self {
            Self::Polling(poll) | Self::Upgrading { poll, .. } => Some(poll),
            Self::WebSocket(_) => None,
        }
    }

    /// The role of this connection; `None` if its upgrade was abandoned.
    pub(super) fn role(&self, connection: ConnectionId) -> Option<Role> {
        match self {
            Self::WebSocket(socket) if socket.connection == connection => Some(Role::Carrier),
            Self::Upgrading { probe, .. } if probe.socket.connection == connection => {
                Some(Role::Probe)
            }
            _ => None,
        }
    }
}
