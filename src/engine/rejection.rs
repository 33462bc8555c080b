//! Why a request is refused, with engine.io's codes and messages. Only the messages of code 4 are not engine.io's.

use crate::io::{ContentType, Response};

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// The `transport` is neither `polling` nor `websocket`.
    UnknownTransport,
    /// No session has this `sid`.
    UnknownSid,
    /// A handshake must be a GET.
    BadHandshakeMethod,
    /// The request does not fit the session or its transport.
    BadRequest,
    /// The number of sessions has reached its maximum. Clients retry by themselves.
    Full,
    /// The page's origin is not allowed.
    OriginNotAllowed,
    /// The client's address has opened too many sessions recently. Clients retry by themselves.
    TooManyHandshakes,
    /// The protocol revision is unsupported or disabled.
    UnsupportedProtocol,
    /// The client sent a second poll beside the first, or an invalid body. This closes the session.
    Misuse,
    /// The body, or a packet in it, is too large.
    TooLarge,
}

impl Rejection {
    /// The code and message of engine.io's JSON body; `None` if the body is empty.
    #[must_use]
    pub const fn code(self) -> Option<(u8, &'static str)> {
        Some(match self {
            Self::UnknownTransport => (0, "Transport unknown"),
            Self::UnknownSid => (1, "Session ID unknown"),
            Self::BadHandshakeMethod => (2, "Bad handshake method"),
            Self::BadRequest => (3, "Bad request"),
            Self::Full => (4, "Too many sessions: try again later"),
            Self::OriginNotAllowed => (
                4,
                "Origin not allowed: ALLOWED_ORIGINS in the deployment's wrangler.toml has to name it",
            ),
            Self::TooManyHandshakes => (
                4,
                "Too many new connections from this address: try again in a minute",
            ),
            Self::UnsupportedProtocol => (5, "Unsupported protocol version"),
            Self::Misuse | Self::TooLarge => return None,
        })
    }

    /// The HTTP status of a request that asks for no upgrade. With code 4 engine.io always sends 403. Here
    /// code 4 has another status if the refusal is temporary: the client may retry.
    const fn status(self) -> u16 {
        match self {
            Self::OriginNotAllowed => 403,
            Self::TooManyHandshakes => 429,
            Self::Full => 503,
            Self::TooLarge => 413,
            _ => 400,
        }
    }

    /// The answer to an HTTP request.
    #[must_use]
    pub fn response(self) -> Response {
        match self.code() {
            Some((code, message)) => Response {
                status: self.status(),
                content_type: ContentType::Json,
                body: format!(r#"{{"code":{code},"message":"{message}"}}"#),
                cookie: None,
            },
            None => Response {
                status: self.status(),
                content_type: ContentType::Text,
                body: String::new(),
                cookie: None,
            },
        }
    }

    /// The answer to a request for a WebSocket: only the message, as in engine.io.
    #[must_use]
    pub fn upgrade_response(self) -> Response {
        let (_, message) = self.code().unwrap_or((3, "Bad request"));
        Response {
            status: match self {
                Self::OriginNotAllowed => 400,
                _ => self.status(),
            },
            content_type: ContentType::Html,
            body: message.to_owned(),
            cookie: None,
        }
    }
}
