//! HTTP: forwards each request to its room's object, and refuses clients that may not connect.

use std::cell::RefCell;

use worker::wasm_bindgen::JsValue;
use worker::wasm_bindgen_futures::JsFuture;
use worker::web_sys::{Request, Response, console};

use super::api::{self, Asked};
use super::forward::{Purpose, forward};
use super::incoming::Incoming;
use super::limit::{Admission, Client, Limits};
use super::platform::{Objects, Placed, Result};
use super::responses::{json_error, plain, preflight, redirect, refusal, with_cors};
use super::rooms;
use super::route::{Route, route};
use super::runtime::Runtime;
use crate::dialect::Dialects;
use crate::engine::{Query, Rejection, subprotocol};
use crate::rate::LogLimit;
use crate::settings::Settings;
use crate::socket;

/// The response to an unknown path. It tells an operator the right paths if a health check uses a
/// wrong one, or if a proxy keeps a base path.
const NOTHING_HERE: &str = "there is nothing here: a room is at /r/<room>, its Socket.IO endpoint at \
/r/<room>/socket.io/; a base path in front of these is not supported";

const TOO_MANY_REQUESTS: u16 = 429;

/// The settings of a Worker's Socket.IO endpoint.
pub struct Endpoint<'a> {
    /// The path, without slashes: `socket.io` for clients with default options.
    pub path: &'a str,
    /// The class of the rooms' objects.
    pub rooms: Objects,
    /// The dialects that URLs may select, if the objects support dialects.
    pub dialects: Option<&'a Dialects>,
    /// The settings.
    pub settings: &'a Settings,
    /// The limits of sessions per address.
    pub limits: Limits,
}

impl Endpoint<'_> {
    pub(super) fn objects(&self) -> Placed<'_> {
        Placed {
            objects: &self.rooms,
            place: &self.settings.place,
        }
    }
}

/// Serves a request of the Worker: forwards it to its room's object.
///
/// # Errors
///
/// If the platform fails. Clients' errors are answered.
pub async fn serve(request: Request, endpoint: &Endpoint<'_>) -> Result<Response> {
    let request = Incoming::new(request)?;
    if api::is_api(request.path()) {
        return match api::admit(&request, endpoint.settings)? {
            Ok(Asked::Rooms) => rooms::list(request.query(), endpoint.objects()).await,
            Ok(Asked::Room(room, action)) => {
                let action = Purpose::Operate(&action);
                forward(&request, room.as_str(), endpoint, action).await
            }
            Err(refused) => Ok(refused),
        };
    }
    let origin = request.header("origin")?;
    let revision = Query::parse(request.query()).codec().revision;
    let response = match route(&request, endpoint.path, endpoint.dialects) {
        Route::Unknown => plain(404, NOTHING_HERE)?,
        Route::Page(url) => redirect(&url)?,
        Route::BadName(error) => {
            log_refusal("refusal", 400, "bad-room-name", None, origin.as_deref());
            json_error(400, &error.to_string())?
        }
        Route::BadDialect(message) => {
            log_refusal("refusal", 400, "unknown-dialect", None, origin.as_deref());
            json_error(400, &message)?
        }
        Route::Object(_) if request.name_of_method() == "OPTIONS" => {
            preflight(request.header("access-control-request-headers")?)?
        }
        Route::Object(name) => enter(&request, &name, endpoint, origin.as_deref()).await?,
    };
    let origins = &endpoint.settings.origins;
    with_cors(response, origins, origin.as_deref(), revision)
}

/// Forwards a request that the Worker does not refuse.
async fn enter(
    request: &Incoming,
    room: &str,
    endpoint: &Endpoint<'_>,
    origin: Option<&str>,
) -> Result<Response> {
    let query = Query::parse(request.query());
    let client = Client::of(request, room, &endpoint.limits)?;
    let mut over_limit = false;
    let rejection = if !endpoint.settings.origins.allow(origin, request.host()) {
        Some(Rejection::OriginNotAllowed)
    } else if let Some(rejection) =
        query.precheck(request.method(), request.upgrade, &endpoint.settings.engine)
    {
        Some(rejection) // the request would create an object that nobody uses
    } else if query.is_handshake() {
        let admission = client.count_handshake().await?;
        over_limit = admission == Admission::OfReturning;
        (admission == Admission::Refused).then_some(Rejection::TooManyHandshakes)
    } else {
        None
    };
    let response = match rejection {
        Some(rejection) => refusal(rejection, request.upgrade)?,
        None => forward(request, room, endpoint, Purpose::Client { over_limit }).await?,
    };
    let status = response.status();
    if status == 101
        && let Some(offered) = request.header("sec-websocket-protocol")?
        && let Some(confirmed) = subprotocol(&offered)
    {
        let headers = response.headers();
        headers.set("sec-websocket-protocol", confirmed)?;
    }
    if !query.is_handshake() && is_unknown_sid(&response).await? {
        client.count_stray().await?;
    }
    if status == TOO_MANY_REQUESTS {
        response.headers().set("retry-after", "60")?; // the longest period of a limit
    }
    let reason = match rejection {
        Some(Rejection::OriginNotAllowed) => Some("origin-not-allowed"),
        Some(Rejection::UnsupportedProtocol) => Some("unsupported-protocol"),
        _ if status == TOO_MANY_REQUESTS => Some("rate-limited"),
        // Sessions expire all the time, so their late requests are not logged.
        _ => (query.is_handshake() && status >= 400).then_some("handshake-refused"),
    };
    if let Some(reason) = reason {
        log_refusal("refusal", status, reason, Some(room), origin);
    }
    Ok(response)
}

thread_local! {
    /// One limit for the whole isolate, because a client can cause a refusal with each request.
    static LOG_LIMIT: RefCell<LogLimit> = RefCell::default();
}

/// Logs a refused client in one line, within the limit.
pub(super) fn log_refusal(
    event: &str,
    status: u16,
    reason: &str,
    room: Option<&str>,
    origin: Option<&str>,
) {
    let Some(dropped) = LOG_LIMIT.with_borrow_mut(|limit| limit.take(Runtime::now())) else {
        return;
    };
    let origin = origin.filter(|origin| origin.len() < 300); // no real origin is longer
    let line = socket::Object::new()
        .with("event", event)
        .with("reason", reason)
        .with("status", &status)
        .with("room", &room)
        .with("origin", &origin)
        .with("dropped", &dropped)
        .json();
    console::log_1(&JsValue::from_str(line.as_str()));
}

/// Whether the response says that the session does not exist.
async fn is_unknown_sid(response: &Response) -> Result<bool> {
    if response.status() != 400 {
        return Ok(false);
    }
    let body = JsFuture::from(response.clone()?.text()?).await?.as_string();
    let unknown = [
        Rejection::UnknownSid.response(),
        Rejection::UnknownSid.upgrade_response(),
    ];
    Ok(unknown.into_iter().any(|answer| Some(answer.body) == body))
}
