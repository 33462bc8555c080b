//! The errors that clients get.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::socket::{Json, Object};
use crate::time::millis;

/// The code of an error. It serializes as in the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// The arguments are not what the event takes.
    BadPayload,
    /// A value is longer than its limit.
    TooLarge,
    /// Only a peer may do this; the client has to send `room:join` first.
    NotJoined,
    /// No socket in this room has this id or alias.
    UnknownPeer,
    /// The room has no place left.
    RoomFull,
    /// Another socket has this alias, or the alias has the form of a socket's id.
    IdTaken,
    /// Too many events at once.
    RateLimited,
    /// The host has to admit this socket. The host was asked, and may answer.
    Waiting,
    /// The socket is outside, and only sockets inside may do this. Or the room has no host who could admit the
    /// socket.
    RoomLocked,
    /// The host denied this client.
    Denied,
    /// The password is missing or wrong.
    BadPassword,
    /// The token is invalid or missing.
    BadToken,
    /// The client is banned.
    Kicked,
    /// Only the host may do this.
    Forbidden,
    /// The event or action does not exist, or the event names another room.
    Unsupported,
}

/// An error: a code for programs, and a message for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// The code.
    pub code: Code,
    /// The message: what is wrong, and what to do.
    pub message: String,
    /// When to try again, if trying again helps.
    pub retry_after: Option<Duration>,
    /// The reason in the operators' log, where the code is not enough.
    pub reason: Option<String>,
}

impl Error {
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            retry_after: None,
            reason: None,
        }
    }

    pub(crate) fn rate_limited(retry_after: Duration) -> Self {
        Self {
            retry_after: Some(retry_after),
            ..Self::new(Code::RateLimited, "too much at once: try again later")
        }
    }

    /// The same, with a reason for operators.
    pub(crate) fn because(self, reason: impl Into<String>) -> Self {
        Self {
            reason: Some(reason.into()),
            ..self
        }
    }

    pub(super) fn denied() -> Self {
        Self::new(Code::Denied, "the host did not let you in")
    }

    pub(super) fn bad_payload(message: impl Into<String>) -> Self {
        Self::new(Code::BadPayload, message)
    }

    /// The form for the client that sent this event.
    pub(crate) fn for_event(&self, event: &str) -> Json {
        self.object().with("event", event).json()
    }

    /// The form for a client that is refused.
    pub(crate) fn data(&self) -> Json {
        self.object().json()
    }

    fn object(&self) -> Object {
        Object::new()
            .with("code", &self.code)
            .with("message", &self.message)
            .maybe("retryAfterMs", self.retry_after.map(millis).as_ref())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
