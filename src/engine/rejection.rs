//! The ways in which a request can be refused, as engine.io words them.

use crate::io::{ContentType, Response};

/// Why a request does not reach a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// The `transport` is neither `polling` nor `websocket`.
    UnknownTransport,
    /// No session has this `sid`.
    UnknownSid,
    /// A handshake is a GET.
    BadHandshakeMethod,
    /// The session, its transport and the request do not fit together.
    BadRequest,
    /// There are as many sessions as there may be. Clients come back later by themselves.
    Full,
    /// The page's origin may not connect.
    OriginNotAllowed,
    /// The client's address has opened too many sessions lately. Clients come back by themselves.
    TooManyHandshakes,
    /// The revision is not spoken here.
    UnsupportedProtocol,
    /// A second poll beside the first, or a body that is none of the session's revision: ends the
    /// session.
    Misuse,
    /// The body, or a packet in it, is too large.
    TooLarge,
}

impl Rejection {
    /// The code and message of engine.io's JSON body; `None` where it sends an empty one.
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

    /// The HTTP status. Beyond engine.io: it says 403 to whom it does not admit, but who finds no
    /// room now does so later.
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

    /// The answer to a request for a WebSocket: the bare message, as engine.io sends it.
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
