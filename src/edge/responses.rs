//! Responses: the core's, the shell's own, and what browsers must find in all of them.

use worker::{Response, ResponseBuilder, Result, WebSocketPair};

use crate::admission::Origins;
use crate::engine::Rejection;
use crate::io::{self, ContentType};

/// What browsers are told that pages of other origins may send.
const METHODS: &str = "GET,HEAD,PUT,PATCH,POST,DELETE";

/// The core's response, as the platform sends it.
pub(super) fn to_response(response: io::Response) -> Result<Response> {
    let content_type = match response.content_type {
        ContentType::Text => "text/plain; charset=UTF-8",
        ContentType::Html => "text/html",
        ContentType::Json => "application/json",
    };
    Ok(ResponseBuilder::new()
        .with_status(response.status)
        .with_header("content-type", content_type)?
        .with_header("cache-control", "no-store")?
        .fixed(response.body.into_bytes()))
}

/// The room cannot answer now; clients try again.
pub(super) fn unavailable() -> Result<Response> {
    json_error(503, "the room is not available at the moment: try again")
}

/// Marks the object's answer to a request for a WebSocket that is to be closed at once.
const DISMISSAL: &str = "x-signalbox-dismissal";

/// Leaves a WebSocket that is closed at once to the Worker: the platform ends the connection of one
/// that an object accepted and closed only when the object goes to sleep.
pub(super) fn dismissal() -> Result<Response> {
    Ok(ResponseBuilder::new().with_header(DISMISSAL, "1")?.empty())
}

pub(super) fn is_dismissal(response: &Response) -> Result<bool> {
    response.headers().has(DISMISSAL)
}

/// A WebSocket that opens and is closed without a code.
pub(super) fn closed_websocket() -> Result<Response> {
    let WebSocketPair { client, server } = WebSocketPair::new()?;
    server.accept()?;
    server.close(None, None::<&str>)?;
    Response::from_websocket(client)
}

pub(super) fn json_error(status: u16, message: &str) -> Result<Response> {
    to_response(io::Response {
        status,
        content_type: ContentType::Json,
        body: serde_json::json!({ "message": message }).to_string(),
    })
}

/// A refusal of the Worker's own.
pub(super) fn refusal(rejection: Rejection, upgrade: bool) -> Result<Response> {
    let response = to_response(if upgrade {
        rejection.upgrade_response()
    } else {
        rejection.response()
    })?;
    if rejection == Rejection::TooManyHandshakes {
        response.headers().set("retry-after", "60")?; // the longest period there is
    }
    Ok(response)
}

/// Grants what is asked, to all: the request itself is refused where it has to be, readably.
pub(super) fn preflight(asked: Option<String>) -> Result<Response> {
    let mut builder = ResponseBuilder::new()
        .with_status(204)
        .with_header("access-control-allow-methods", METHODS)?
        .with_header("vary", "Access-Control-Request-Headers")?;
    if let Some(asked) = asked {
        builder = builder.with_header("access-control-allow-headers", &asked)?;
    }
    Ok(builder.empty())
}

/// Without these a browser would see an error's status as 0. That is why an origin that may not
/// connect may read its refusal, too.
pub(super) fn with_cors(
    response: Response,
    origins: &Origins,
    origin: Option<&str>,
) -> Result<Response> {
    let headers = response.headers().clone();
    if *origins == Origins::Any {
        headers.set("access-control-allow-origin", "*")?;
        return Ok(response.with_headers(headers));
    }
    headers.append("vary", "Origin")?;
    if let Some(origin) = origin {
        headers.set("access-control-allow-origin", origin)?;
        headers.set("access-control-allow-credentials", "true")?;
    }
    Ok(response.with_headers(headers))
}
