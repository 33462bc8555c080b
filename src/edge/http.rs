//! HTTP: from a request to its room's object and back; who is let in, body limits.

use std::pin::pin;
use std::time::Duration;

use futures::StreamExt;
use futures::future::{Either, select};
use serde_json::json;
use worker::js_sys::Uint8Array;
use worker::{
    Delay, Headers, Method, ObjectNamespace, RateLimiter, Request, Response, Result, Stub,
    console_error, console_log, web_sys,
};

use super::parked;
use super::responses::{
    closed_websocket, is_dismissal, json_error, preflight, refusal, to_response, unavailable,
    with_cors,
};
use super::route::{Route, host, query, route};
use crate::admission::network;
use crate::engine::{Query, Rejection};
use crate::io::{self, Reply};
use crate::settings::Settings;

/// How long the object may take. It answers at once; one that does not has lost the request. The
/// platform itself retries what is safe to retry, on a fresh stub, for ten seconds of these.
const PATIENCE: Duration = Duration::from_secs(15);

/// Tells the object whom the client's address stands for.
const ADDRESS: &str = "x-signalbox-address";

/// What a Worker serves.
pub struct Endpoint<'a> {
    /// The path, without slashes: `socket.io` for clients with default options.
    pub path: &'a str,
    /// The objects, one for each room.
    pub rooms: ObjectNamespace,
    /// The settings.
    pub settings: &'a Settings,
    /// How many sessions a client's address may open.
    pub handshakes: Option<RateLimiter>,
}

/// Serves one request of the Worker: hands it to the object of its room.
///
/// # Errors
///
/// When the platform fails; what a client does wrong is answered.
pub async fn serve(request: Request, endpoint: &Endpoint<'_>) -> Result<Response> {
    let origin = request.headers().get("origin")?;
    let response = match route(&request, endpoint.path) {
        Route::Unknown => Response::error("there is nothing here", 404)?,
        Route::BadName(error) => {
            log_refusal(400, "bad-room-name", None, origin.as_deref());
            json_error(400, &error.to_string())?
        }
        Route::Room(_) if request.method() == Method::Options => {
            preflight(request.headers().get("access-control-request-headers")?)?
        }
        Route::Room(name) => enter(request, name.as_str(), endpoint, origin.as_deref()).await?,
    };
    with_cors(response, &endpoint.settings.origins, origin.as_deref())
}

/// Hands a request that may pass to its room.
async fn enter(
    request: Request,
    room: &str,
    endpoint: &Endpoint<'_>,
    origin: Option<&str>,
) -> Result<Response> {
    let is_handshake = Query::parse(&query(&request)).is_handshake();
    let barred = if !endpoint.settings.origins.allow(origin, &host(&request)) {
        Some((Rejection::OriginNotAllowed, "origin-not-allowed"))
    } else if is_handshake && is_over_limit(&request, endpoint.handshakes.as_ref()).await? {
        Some((Rejection::TooManyHandshakes, "rate-limited"))
    } else {
        None
    };
    let response = if let Some((rejection, _)) = barred {
        refusal(rejection, is_upgrade(&request)?)?
    } else {
        let stub = endpoint.rooms.get_by_name(room)?;
        let response = hand_over(request, &stub, endpoint.settings.engine.max_payload).await;
        response.or_else(|error| {
            console_error!("a request failed: {error}");
            unavailable()
        })?
    };
    let status = response.status_code();
    // Sessions end every day: requests that come too late are no news.
    if status >= 400 && (is_handshake || barred.is_some()) {
        let reason = barred.map_or("handshake-refused", |(_, reason)| reason);
        log_refusal(status, reason, Some(room), origin);
    }
    Ok(response)
}

/// One line for each client that is not let in.
fn log_refusal(status: u16, reason: &str, room: Option<&str>, origin: Option<&str>) {
    let origin = origin.filter(|origin| origin.len() < 300); // no name is longer
    console_log!(
        "{}",
        json!({ "event": "refusal", "reason": reason, "status": status, "room": room, "origin": origin })
    );
}

/// Whether the client's address has opened too many sessions. Where nobody counts, none are.
async fn is_over_limit(request: &Request, handshakes: Option<&RateLimiter>) -> Result<bool> {
    let address = request.headers().get("cf-connecting-ip")?;
    let (Some(limit), Some(key)) = (handshakes, address.and_then(|address| network(&address)))
    else {
        return Ok(false);
    };
    match limit.limit(key).await {
        Ok(outcome) => Ok(!outcome.success),
        Err(error) => {
            console_error!("handshakes cannot be counted: {error}");
            Ok(false)
        }
    }
}

async fn hand_over(mut request: Request, stub: &Stub, max_payload: usize) -> Result<Response> {
    let Some(body) = read(&mut request, max_payload).await? else {
        return to_response(Rejection::TooLarge.response());
    };
    let upgrade = is_upgrade(&request)?;
    let waits = !upgrade && method(&request) == io::Method::Get;
    let inner = inner_request(&request, upgrade, waits, &body)?;
    let mut response = match select(
        pin!(stub.fetch_with_request(inner)),
        pin!(Delay::from(PATIENCE)),
    )
    .await
    {
        Either::Left((Ok(response), _)) => response,
        Either::Left((Err(error), _)) => {
            console_error!("a room failed: {error}");
            return unavailable();
        }
        Either::Right(_) => {
            console_error!("a room did not answer");
            return unavailable();
        }
    };
    if is_dismissal(&response)? {
        return closed_websocket();
    }
    if response.status_code() != 101 {
        let headers = response.headers().clone();
        let bytes = response.bytes().await?;
        let response = Response::from_bytes(bytes)?.with_status(response.status_code());
        return Ok(response.with_headers(headers));
    }
    match response.websocket() {
        Some(socket) if waits => parked::wait(&socket).await,
        Some(socket) => Response::from_websocket(socket),
        None => unavailable(),
    }
}

/// The request as the object gets it: of its headers, those that matter.
fn inner_request(request: &Request, upgrade: bool, waits: bool, body: &[u8]) -> Result<Request> {
    let headers = Headers::new();
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
    let init = web_sys::RequestInit::new();
    init.set_method(&request.inner().method());
    init.set_headers(&headers.0);
    if method(request) == io::Method::Post {
        init.set_body(&Uint8Array::from(body).into());
    }
    let url = format!("https://room/?{}", query(request));
    Ok(web_sys::Request::new_with_str_and_init(&url, &init)?.into())
}

/// The body; `None` if it is longer than `max` bytes, of which no more is then read.
async fn read(request: &mut Request, max: usize) -> Result<Option<Vec<u8>>> {
    if method(request) != io::Method::Post {
        return Ok(Some(Vec::new()));
    }
    let length = request.headers().get("content-length")?;
    let length = length.and_then(|length| length.parse::<usize>().ok());
    if length.is_some_and(|length| length > max) {
        return Ok(None);
    }
    let Ok(mut chunks) = request.stream() else {
        return Ok(Some(Vec::new())); // no body
    };
    let mut body = Vec::new();
    while let Some(chunk) = chunks.next().await {
        body.extend(chunk?);
        if body.len() > max {
            return Ok(None);
        }
    }
    Ok(Some(body))
}

/// The method as it was sent: the crate takes those that it does not know for GET.
fn method(request: &Request) -> io::Method {
    match request.inner().method().as_str() {
        "GET" => io::Method::Get,
        "POST" => io::Method::Post,
        _ => io::Method::Other,
    }
}

fn is_upgrade(request: &Request) -> Result<bool> {
    let upgrade = request.headers().get("upgrade")?;
    Ok(upgrade.is_some_and(|upgrade| upgrade.eq_ignore_ascii_case("websocket")))
}

/// A request that arrived at the object, as the core sees it.
pub(super) async fn to_input(request: &mut Request, reply: Reply) -> Result<io::Request> {
    let method = method(request);
    Ok(io::Request {
        reply,
        method,
        query: query(request),
        upgrade: is_upgrade(request)? && !parked::is_parkable(request)?,
        address: request.headers().get(ADDRESS)?.unwrap_or_default(),
        content_type: request.headers().get("content-type")?.unwrap_or_default(),
        body: match method {
            io::Method::Post => request.bytes().await?,
            _ => Vec::new(),
        },
    })
}
