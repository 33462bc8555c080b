//! Responses: the core's, the shell's own, and what browsers must find in all of them.

use worker::js_sys::Uint8Array;
use worker::web_sys::{Headers, Response, ResponseInit};

use super::platform::{Result, socket_pair, upgraded};
use crate::admission::Origins;
use crate::base64;
use crate::engine::{Rejection, Revision};
use crate::io::{self, ContentType};
use crate::socket::Object;

/// What browsers are told that pages of other origins may send.
const METHODS: &str = "GET,HEAD,PUT,PATCH,POST,DELETE";

/// The core's response, as the platform sends it.
pub(super) fn to_response(response: &io::Response) -> Result<Response> {
    let content_type = match response.content_type {
        ContentType::Text => "text/plain; charset=UTF-8",
        ContentType::Html => "text/html",
        ContentType::Json => "application/json",
        ContentType::Octets => "application/octet-stream",
    };
    let headers = Headers::new()?;
    headers.set("content-type", content_type)?;
    headers.set("cache-control", "no-store")?;
    if let Some(cookie) = &response.cookie {
        headers.set("set-cookie", cookie)?;
    }
    if response.content_type == ContentType::Octets {
        let octets = Uint8Array::from(&*base64::decode(&response.body));
        let init = init(response.status, &headers);
        return Response::new_with_opt_buffer_source_and_init(Some(&octets), &init);
    }
    build(response.status, &headers, Some(&response.body))
}

fn build(status: u16, headers: &Headers, body: Option<&str>) -> Result<Response> {
    Response::new_with_opt_str_and_init(body, &init(status, headers))
}

fn init(status: u16, headers: &Headers) -> ResponseInit {
    let init = ResponseInit::new();
    init.set_status(status);
    init.set_headers(headers);
    init
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
    let headers = Headers::new()?;
    headers.set(DISMISSAL, "1")?;
    build(200, &headers, None)
}

pub(super) fn is_dismissal(response: &Response) -> Result<bool> {
    response.headers().has(DISMISSAL)
}

/// A WebSocket that opens and is closed without a code.
pub(super) fn closed_websocket() -> Result<Response> {
    let (client, server) = socket_pair()?;
    server.accept()?;
    server.close(None)?;
    upgraded(&client)
}

pub(super) fn plain(status: u16, message: &str) -> Result<Response> {
    to_response(&io::Response {
        status,
        content_type: ContentType::Text,
        body: message.to_owned(),
        cookie: None,
    })
}

pub(super) fn json_error(status: u16, message: &str) -> Result<Response> {
    to_response(&io::Response {
        status,
        content_type: ContentType::Json,
        body: Object::new()
            .with("message", message)
            .json()
            .as_str()
            .to_owned(),
        cookie: None,
    })
}

/// A refusal of the Worker's own.
pub(super) fn refusal(rejection: Rejection, upgrade: bool) -> Result<Response> {
    to_response(&if upgrade {
        rejection.upgrade_response()
    } else {
        rejection.response()
    })
}

/// Grants what is asked, to all: the request itself is refused where it has to be, readably.
pub(super) fn preflight(asked: Option<String>) -> Result<Response> {
    let headers = Headers::new()?;
    headers.set("access-control-allow-methods", METHODS)?;
    headers.set("vary", "Access-Control-Request-Headers")?;
    if let Some(asked) = asked {
        headers.set("access-control-allow-headers", &asked)?;
    }
    build(204, &headers, None)
}

/// Without these a browser would see an error's status as 0. That is why an origin that may not
/// connect may read its refusal, too. Clients of revision 3 ask with credentials, which `*` does not
/// grant.
pub(super) fn with_cors(
    response: Response,
    origins: &Origins,
    origin: Option<&str>,
    revision: Revision,
) -> Result<Response> {
    let headers = response.headers();
    if *origins == Origins::Any && revision == Revision::Four {
        headers.set("access-control-allow-origin", "*")?;
        return Ok(response);
    }
    headers.append("vary", "Origin")?;
    if let Some(origin) = origin {
        headers.set("access-control-allow-origin", origin)?;
        headers.set("access-control-allow-credentials", "true")?;
    }
    Ok(response)
}
