//! HTTP: checks a request, hands it to the object of its room, and returns the answer.

use std::pin::pin;
use std::time::Duration;

use futures::future::{Either, select};
use worker::js_sys::Reflect;
use worker::wasm_bindgen::JsCast;
use worker::wasm_bindgen_futures::JsFuture;
use worker::web_sys::{Request, Response, ResponseInit};
use worker::{Delay, console_error};

use super::api::{self, Asked};
use super::inner;
use super::limit::{Admission, Client, Limits};
use super::parked;
use super::platform::{Objects, Placed, Result, Stub, log_error, upgraded};
use super::refusals::log_refusal;
use super::request::{is_upgrade, method, read_body};
use super::responses::{
    closed_websocket, is_dismissal, json_error, plain, preflight, refusal, to_response,
    unavailable, with_cors,
};
use super::rooms;
use super::route::{Route, host, path, query, route};
use crate::dialect::Dialects;
use crate::engine::{Query, Rejection, Revision, subprotocol};
use crate::io::Method;
use crate::settings::Settings;

/// The time limit for the object's answer. It normally answers at once; after this time the request
/// is lost. The platform itself retries safe requests on a fresh stub for up to ten seconds.
const OBJECT_TIMEOUT: Duration = Duration::from_secs(15);

/// The response to an unknown path. It helps if a health check, or a proxy that keeps a base path,
/// uses a wrong path.
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
    fn objects(&self) -> Placed<'_> {
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
    if api::is_api(&path(&request)) {
        return match api::admit(&request, endpoint.settings)? {
            Ok(Asked::Rooms) => rooms::list(&query(&request), endpoint.objects()).await,
            Ok(Asked::Room(room, action)) => {
                hand_over(request, room.as_str(), endpoint, Some(&action), false).await
            }
            Err(refused) => Ok(refused),
        };
    }
    let origin = request.headers().get("origin")?;
    let revision = Query::parse(&query(&request)).codec().revision;
    let response = match route(&request, endpoint.path, endpoint.dialects) {
        Route::Unknown => plain(404, NOTHING_HERE)?,
        Route::BadName(error) => {
            log_refusal("refusal", 400, "bad-room-name", None, origin.as_deref());
            json_error(400, &error.to_string())?
        }
        Route::BadDialect(message) => {
            log_refusal("refusal", 400, "unknown-dialect", None, origin.as_deref());
            json_error(400, &message)?
        }
        Route::Object(_) if request.method() == "OPTIONS" => {
            preflight(request.headers().get("access-control-request-headers")?)?
        }
        Route::Object(name) => enter(request, &name, endpoint, origin.as_deref()).await?,
    };
    let origins = &endpoint.settings.origins;
    with_cors(response, origins, origin.as_deref(), revision)
}

/// Forwards a request that the Worker does not refuse.
async fn enter(
    request: Request,
    room: &str,
    endpoint: &Endpoint<'_>,
    origin: Option<&str>,
) -> Result<Response> {
    let text = query(&request);
    let query = Query::parse(&text);
    let upgrade = is_upgrade(&request)?;
    let client = Client::of(&request, room, &endpoint.limits)?;
    let mut over_limit = false;
    let rejection = if !endpoint.settings.origins.allow(origin, &host(&request)) {
        Some(Rejection::OriginNotAllowed)
    } else if let Some(rejection) =
        query.precheck(method(&request), upgrade, &endpoint.settings.engine)
    {
        Some(rejection) // it would create an object that nobody uses
    } else if query.is_handshake() {
        let admission = client.count_handshake().await?;
        over_limit = admission == Admission::OfReturning;
        (admission == Admission::Refused).then_some(Rejection::TooManyHandshakes)
    } else {
        None
    };
    let offered = request.headers().get("sec-websocket-protocol")?;
    let response = match rejection {
        Some(rejection) => refusal(rejection, upgrade)?,
        None => hand_over(request, room, endpoint, None, over_limit).await?,
    };
    if response.status() == 101
        && let Some(confirmed) = offered.as_deref().and_then(subprotocol)
    {
        let headers = response.headers();
        headers.set("sec-websocket-protocol", confirmed)?;
    }
    if !query.is_handshake() && is_unknown_sid(&response).await? {
        client.count_stray().await?;
    }
    let status = response.status();
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

/// Forwards a request to the room's object: an operator's if there is an `action`, else a client's.
/// A client may be `over_limit`.
async fn hand_over(
    request: Request,
    room: &str,
    endpoint: &Endpoint<'_>,
    action: Option<&str>,
    over_limit: bool,
) -> Result<Response> {
    let engine = &endpoint.settings.engine;
    let max_body = match action {
        Some(_) => engine.max_payload,
        None => engine.max_body(),
    };
    let response = match endpoint.objects().named(room) {
        Ok(stub) => ask(request, &stub, endpoint, max_body, (action, over_limit)).await,
        Err(error) => Err(error),
    };
    response.or_else(|error| {
        log_error("a request failed:", &error);
        unavailable()
    })
}

async fn ask(
    request: Request,
    stub: &Stub,
    endpoint: &Endpoint<'_>,
    max_body: usize,
    (action, over_limit): (Option<&str>, bool),
) -> Result<Response> {
    let Some(body) = read_body(&request, max_body).await? else {
        return match action {
            Some(_) => api::too_large(),
            None => to_response(&Rejection::TooLarge.response()),
        };
    };
    let upgrade = action.is_none() && is_upgrade(&request)?;
    let waits = action.is_none() && !upgrade && method(&request) == Method::Get;
    let codec = Query::parse(&query(&request)).codec();
    let inner = inner::write(&request, action, upgrade, waits, &body)?;
    if over_limit {
        inner::mark_over_limit(&inner)?;
    }
    if endpoint.settings.engine.keep_headers {
        inner::copy_headers(&request, &inner, &inner::HEADERS)?;
    } else if codec.revision == Revision::Three {
        inner::copy_headers(&request, &inner, &["cookie"])?;
    }
    let answer = JsFuture::from(stub.fetch(&inner)?);
    let response: Response = match select(answer, pin!(Delay::from(OBJECT_TIMEOUT))).await {
        Either::Left((Ok(response), _)) => response.unchecked_into(),
        Either::Left((Err(error), _)) => {
            log_error("a room failed:", &error);
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
    if response.status() != 101 {
        let body = JsFuture::from(response.array_buffer()?).await?;
        let init = ResponseInit::new();
        init.set_status(response.status());
        init.set_headers(&response.headers());
        return Response::new_with_opt_buffer_source_and_init(Some(body.unchecked_ref()), &init);
    }
    let socket = Reflect::get(&response, &"webSocket".into())?;
    if socket.is_null() {
        return unavailable();
    }
    if waits {
        parked::wait(socket.unchecked_ref(), codec).await
    } else {
        upgraded(socket.unchecked_ref())
    }
}
