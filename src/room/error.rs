//! What a client is told when its event cannot be served.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::socket::{Json, Object};
use crate::time::millis;

/// An error, by its code. Serializes as that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// The arguments are not what the event takes.
    BadPayload,
    /// Something is longer than the limits allow.
    TooLarge,
    /// Only a peer may do this: `room:join` comes first.
    NotJoined,
    /// The target names nobody in this room.
    UnknownPeer,
    /// No more may join.
    RoomFull,
    /// Somebody else has this alias.
    IdTaken,
    /// Too much at once.
    RateLimited,
    /// The room is locked: the host was asked, and may answer.
    Waiting,
    /// The room is locked, and this is for those inside.
    RoomLocked,
    /// The host did not let this client in.
    Denied,
    /// The room has a password, and this is not it.
    BadPassword,
    /// The token does not count, or is missing.
    BadToken,
    /// The host put this client out, not long ago.
    Kicked,
    /// Only the host may do this.
    Forbidden,
    /// There is no such event, or not like this.
    Unsupported,
}

/// An error: a code for programs, words for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// The code.
    pub code: Code,
    /// What is wrong and what to do.
    pub message: String,
    /// When to try again, if that is all there is to do.
    pub retry_after: Option<Duration>,
    /// What operators are told of it, in a word, where the code is not enough.
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

    /// As a client gets it whose event it answers.
    pub(crate) fn for_event(&self, event: &str) -> Json {
        self.object().with("event", event).json()
    }

    /// As a client gets it that is not let in.
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
