//! Responses: those of the core and of the shell, with the CORS headers that browsers need.

use worker::js_sys::Uint8Array;
use worker::web_sys::{Headers, Response, ResponseInit};

use super::platform::{Result, socket_pair, upgraded};
use crate::admission::Origins;
use crate::base64;
use crate::engine::{Rejection, Revision};
use crate::io::{self, ContentType};
use crate::socket::Object;

/// The methods that pages of other origins may use.
const METHODS: &str = "GET,HEAD,PUT,PATCH,POST,DELETE";

/// Converts the core's response.
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

/// The room cannot answer now; the client should retry.
pub(super) fn unavailable() -> Result<Response> {
    json_error(503, "the room is not available at the moment: try again")
}

/// The header of the object's response to a request for a WebSocket that the Worker must close.
const DISMISSAL: &str = "x-signalbox-dismissal";

/// Leaves the closing of a WebSocket to the Worker. If an object accepts and closes it, the
/// platform ends the connection only when the object hibernates.
pub(super) fn dismissal() -> Result<Response> {
    let headers = Headers::new()?;
    headers.set(DISMISSAL, "1")?;
    build(200, &headers, None)
}

pub(super) fn is_dismissal(response: &Response) -> Result<bool> {
    response.headers().has(DISMISSAL)
}

/// A WebSocket that opens and closes at once, without a code.
pub(super) fn closed_websocket() -> Result<Response> {
    let (client, server) = socket_pair()?;
    server.accept()?;
    server.close(None)?;
    upgraded(&client)
}

/// Sends a browser to another path of this server.
pub(super) fn redirect(url: &str) -> Result<Response> {
    let headers = Headers::new()?;
    headers.set("location", url)?;
    build(308, &headers, None)
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

/// A refusal by the Worker.
pub(super) fn refusal(rejection: Rejection, upgrade: bool) -> Result<Response> {
    to_response(&if upgrade {
        rejection.upgrade_response()
    } else {
        rejection.response()
    })
}

/// Allows every preflight request. A request that is not allowed is refused later, with a readable
/// answer.
pub(super) fn preflight(asked: Option<String>) -> Result<Response> {
    let headers = Headers::new()?;
    headers.set("access-control-allow-methods", METHODS)?;
    headers.set("vary", "Access-Control-Request-Headers")?;
    if let Some(asked) = asked {
        headers.set("access-control-allow-headers", &asked)?;
    }
    build(204, &headers, None)
}

/// Adds CORS headers. Without them a browser shows the status of an error as 0, so even a refused
/// origin may read its refusal. Clients of revision 3 send credentials, which `*` does not allow.
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
