//! The id of a socket.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::engine::Token;

/// A Socket.IO `sid`: names one client in one namespace, and may be shown to all. It gives no
/// access, unlike an [`engine::Sid`](crate::engine::Sid).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SocketId(Token);

impl SocketId {
    /// The id made of these bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 15]) -> Self {
        Self(Token::new(bytes))
    }

    /// `None` if no socket can have this id.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Token::parse(text).map(Self)
    }
}

impl fmt::Display for SocketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for SocketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SocketId({self})")
    }
}

/// The `pid` of connection state recovery: proves that a client was a socket before. Only that
/// client is told.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Pid(Token);

impl Pid {
    pub(super) const fn new(bytes: [u8; 15]) -> Self {
        Self(Token::new(bytes))
    }
}

impl fmt::Debug for Pid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pid(secret)")
    }
}
