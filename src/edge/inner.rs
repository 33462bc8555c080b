//! The request by which the Worker hands a client's or operator's request to an object: the Worker
//! writes it, the object reads it.

use worker::js_sys::Uint8Array;
use worker::web_sys::{Headers, Request, RequestInit};

use super::parked;
use super::platform::Result;
use super::request::{is_upgrade, method};
use super::route::query;
use crate::admission::network;
use crate::io::{self, Input, Method, Reply};

/// The header that tells the object the network of the client's address.
const ADDRESS: &str = "x-signalbox-address";

/// The header that tells the object that the client's address has exceeded the limit of handshakes.
const OVER_LIMIT: &str = "x-signalbox-over-limit";

/// The headers that are forwarded if the application needs them.
pub(super) const HEADERS: [&str; 3] = ["origin", "user-agent", "cookie"];

/// The URL prefix of a request from the operators' API. The object trusts it, because a client's
/// request always arrives under another URL.
const OPERATOR: &str = "https://operator/?";

pub(super) fn operator_url(action: &str) -> String {
    format!("{OPERATOR}{action}")
}

fn is_of_operator(url: &str) -> bool {
    url.starts_with(OPERATOR)
}

/// The request that the Worker sends for a client or, if there is an `action`, for an operator. It has
/// only the headers that the object needs.
pub(super) fn write(
    request: &Request,
    action: Option<&str>,
    upgrade: bool,
    waits: bool,
    body: &[u8],
) -> Result<Request> {
    let url = match action {
        Some(action) => operator_url(action),
        None => format!("https://room/?{}", query(request)),
    };
    let headers = Headers::new()?;
    if upgrade || waits {
        headers.set("upgrade", "websocket")?;
    }
    if waits {
        headers.set(parked::HEADER, "1")?;
    }
    if let Some(kind) = request.headers().get("content-type")? {
        headers.set("content-type", &kind)?;
    }
    if let Some(address) = request.headers().get("cf-connecting-ip")? {
        headers.set(ADDRESS, &network(&address).unwrap_or(address))?;
    }
    let init = RequestInit::new();
    init.set_method(&request.method());
    init.set_headers(&headers);
    if method(request) == Method::Post {
        init.set_body(&Uint8Array::from(body).into());
    }
    Request::new_with_str_and_init(&url, &init)
}

/// What such a request means to the core of the object.
pub(super) fn read(request: &Request, body: Vec<u8>, reply: Reply) -> Result<Input> {
    let headers = request.headers();
    let input = if is_of_operator(&request.url()) {
        Input::Operate
    } else if headers.has(OVER_LIMIT)? {
        Input::OverLimit
    } else {
        Input::Request
    };
    Ok(input(io::Request {
        reply,
        method: method(request),
        query: query(request),
        upgrade: is_upgrade(request)? && !parked::is_parkable(request)?,
        address: headers.get(ADDRESS)?.unwrap_or_default(),
        content_type: headers.get("content-type")?.unwrap_or_default(),
        headers: io::Headers {
            origin: headers.get("origin")?,
            user_agent: headers.get("user-agent")?,
            cookie: headers.get("cookie")?,
        },
        body,
    }))
}
