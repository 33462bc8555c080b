//! What a core did, as values that tests compare.

use signalbox::io::ContentType;

/// An output of the core, in a form that tests compare. Commits, holds, requests to servers, and texts that are
/// attached to connections or requests are left out.
#[derive(Clone, Debug, PartialEq)]
pub enum Done {
    Responded(u64, u16, ContentType, String),
    Accepted(u64),
    /// A WebSocket was accepted and closed.
    Dismissed(u64),
    Sent(u64, String),
    SentBytes(u64, Vec<u8>),
    Closed(u64, Option<u16>),
    /// The object stopped, for this reason.
    Halted(String),
}

/// The response to a poll.
pub fn polled(request: u64, body: impl Into<String>) -> Done {
    Done::Responded(request, 200, ContentType::Text, body.into())
}

/// The response to a POST.
pub fn ok(request: u64) -> Done {
    Done::Responded(request, 200, ContentType::Html, "ok".to_owned())
}

/// A refusal with engine.io's code.
pub fn refused(request: u64, code: u8) -> Done {
    let message = reason(code);
    let body = format!(r#"{{"code":{code},"message":"{message}"}}"#);
    Done::Responded(request, 400, ContentType::Json, body)
}

/// The refusal of a WebSocket.
pub fn refused_upgrade(request: u64, code: u8) -> Done {
    let message = reason(code).to_owned();
    Done::Responded(request, 400, ContentType::Html, message)
}

/// A refusal without a message.
pub fn refused_bare(request: u64, status: u16) -> Done {
    Done::Responded(request, status, ContentType::Text, String::new())
}

fn reason(code: u8) -> &'static str {
    match code {
        0 => "Transport unknown",
        1 => "Session ID unknown",
        2 => "Bad handshake method",
        3 => "Bad request",
        5 => "Unsupported protocol version",
        _ => panic!("no such code: {code}"),
    }
}

pub fn accepted(request: u64) -> Done {
    Done::Accepted(request)
}

pub fn dismissed(request: u64) -> Done {
    Done::Dismissed(request)
}

pub fn sent(connection: u64, frame: impl Into<String>) -> Done {
    Done::Sent(connection, frame.into())
}

pub fn sent_bytes(connection: u64, frame: impl Into<Vec<u8>>) -> Done {
    Done::SentBytes(connection, frame.into())
}

pub fn closed(connection: u64) -> Done {
    Done::Closed(connection, None)
}
