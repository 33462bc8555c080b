//! HTTP requests and responses.

use serde::{Deserialize, Serialize};

use super::ids::Reply;

/// The HTTP methods that the core distinguishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// `GET`
    Get,
    /// `POST`
    Post,
    /// Any other method.
    Other,
}

/// The headers of a handshake that are available to the application.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Headers {
    /// `Origin`: the origin of the page that connects
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// `User-Agent`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// `Cookie`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cookie: Option<String>,
}

impl Headers {
    /// The maximum size of a header, in bytes. A longer header counts as missing.
    pub const BYTES: usize = 4096;

    /// The `Cookie` header, or an empty text.
    pub(crate) fn cookies(&self) -> &str {
        self.cookie.as_deref().unwrap_or_default()
    }

    /// Removes the headers that are too long.
    pub(crate) fn bounded(self) -> Self {
        let fits = |header: Option<String>| header.filter(|text| text.len() <= Self::BYTES);
        Self {
            origin: fits(self.origin),
            user_agent: fits(self.user_agent),
            cookie: fits(self.cookie),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// An HTTP request, after the shell has handled CORS and the path.
#[derive(Debug, PartialEq, Eq)]
pub struct Request {
    /// The right to answer the request.
    pub reply: Reply,
    /// Its method.
    pub method: Method,
    /// The URL's query, without the question mark, still percent-encoded.
    pub query: String,
    /// Whether the request asks for a WebSocket.
    pub upgrade: bool,
    /// The client's address, if the platform tells it, else empty.
    pub address: String,
    /// The `Content-Type` header, empty if absent.
    pub content_type: String,
    /// More headers, if the application needs them.
    pub headers: Headers,
    /// The body.
    pub body: Vec<u8>,
}

/// The media type of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContentType {
    /// `text/plain; charset=UTF-8`
    Text,
    /// `text/html`
    Html,
    /// `application/json`
    Json,
    /// `application/octet-stream`. The body is base64, because the object sends it to the Worker as
    /// text.
    Octets,
}

/// The response to a request. It must not be cached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The type of the body.
    pub content_type: ContentType,
    /// The body.
    pub body: String,
    /// The `Set-Cookie` header.
    pub cookie: Option<String>,
}
