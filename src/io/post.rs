//! Requests to other servers and objects, and their answers.

use std::time::Duration;

/// The recipient of a [`Post`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recipient {
    /// The server at this URL.
    Server(String),
    /// Another object of the same class. It gets [`Input::Operate`](super::Input::Operate) with the
    /// action as its query.
    Object {
        /// The object's name.
        name: String,
        /// The action.
        action: &'static str,
    },
}

/// An HTTP `POST` request with a JSON body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Post {
    /// The application's number for this request. [`Input::Posted`](super::Input::Posted) returns
    /// it.
    pub number: u64,
    /// The recipient.
    pub to: Recipient,
    /// The headers other than `Content-Type`. They may be secret.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: String,
    /// The time limit for the answer.
    pub timeout: Duration,
}

/// The recipient's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body; empty if it is longer than the shell's limit.
    pub body: String,
}
