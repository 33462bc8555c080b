//! Forwards requests to the room's object. From each request the Worker makes a new one, which it sends
//! to the object. The object converts it into an input for the core.

use std::pin::pin;
use std::time::Duration;

use futures::future::{Either, select};
use worker::js_sys::{Reflect, Uint8Array};
use worker::wasm_bindgen::JsCast;
use worker::wasm_bindgen_futures::JsFuture;
use worker::web_sys::{Headers, Request, RequestInit, Response, ResponseInit};
use worker::{Delay, console_error};

use super::api;
use super::http::Endpoint;
use super::incoming::Incoming;
use super::inner::Sender;
use super::parked;
use super::platform::{Result, Stub, log_error, upgraded};
use super::responses::{closed_websocket, is_dismissal, to_response, unavailable};
use crate::admission::network;
use crate::engine::{Query, Rejection, Revision};
use crate::io::{self, Input, Method, Reply};

/// The time limit for the object's answer. It normally answers at once; after this time the Worker
/// gives up. The platform itself retries safe requests on a fresh stub for up to ten seconds.
const OBJECT_TIMEOUT: Duration = Duration::from_secs(15);

/// The header that tells the object the network of the client's address.
const ADDRESS: &str = "x-signalbox-address";

/// The header that tells the object that the client's address has exceeded the limit of handshakes.
const OVER_LIMIT: &str = "x-signalbox-over-limit";

/// The headers that are forwarded if the application needs them. Revision 3 always needs the cookie.
const HEADERS: [&str; 3] = ["origin", "user-agent", "cookie"];

/// Why a request is forwarded.
#[derive(Clone, Copy)]
pub(super) enum Purpose<'a> {
    /// An operator asks for this action.
    Operate(&'a str),
    /// A client speaks Engine.IO.
    Client {
        /// Its address has exceeded the limit of handshakes.
        over_limit: bool,
    },
}

/// Forwards a request to the room's object, and returns the object's answer.
pub(super) async fn forward(
    request: &Incoming,
    room: &str,
    endpoint: &Endpoint<'_>,
    purpose: Purpose<'_>,
) -> Result<Response> {
    let response = match endpoint.objects().named(room) {
        Ok(stub) => ask(request, &stub, endpoint, purpose).await,
        Err(error) => Err(error),
    };
    response.or_else(|error| {
        log_error("a request failed:", &error);
        unavailable()
    })
}

async fn ask(
    request: &Incoming,
    stub: &Stub,
    endpoint: &Endpoint<'_>,
    purpose: Purpose<'_>,
) -> Result<Response> {
    let engine = &endpoint.settings.engine;
    let (max_body, too_large): (_, fn() -> Result<Response>) = match purpose {
        Purpose::Operate(_) => (engine.max_payload, api::too_large),
        Purpose::Client { .. } => (engine.max_body(), || {
            to_response(&Rejection::TooLarge.response())
        }),
    };
    let Some(body) = request.body_of(max_body).await? else {
        return too_large();
    };
    let codec = Query::parse(request.query()).codec();
    let is_client = matches!(purpose, Purpose::Client { .. });
    let waits = is_client && !request.upgrade && request.method() == Method::Get;
    let headers = Headers::new()?;
    if waits || is_client && request.upgrade {
        headers.set("upgrade", "websocket")?;
    }
    if waits {
        headers.set(parked::HEADER, "1")?;
    }
    if let Some(address) = request.header("cf-connecting-ip")? {
        headers.set(ADDRESS, &network(&address).unwrap_or(address))?;
    }
    if let Purpose::Client { over_limit: true } = purpose {
        headers.set(OVER_LIMIT, "1")?;
    }
    let keeps = |name: &str| match name {
        "content-type" => request.method() == Method::Post,
        "cookie" => engine.keep_headers || codec.revision == Revision::Three,
        _ => engine.keep_headers,
    };
    for name in HEADERS.into_iter().chain(["content-type"]) {
        if keeps(name)
            && let Some(value) = request.header(name)?
        {
            headers.set(name, &value)?;
        }
    }
    let url = match purpose {
        Purpose::Operate(action) => Sender::Operator.url(action),
        Purpose::Client { .. } => Sender::Client.url(request.query()),
    };
    let init = RequestInit::new();
    init.set_method(request.name_of_method());
    init.set_headers(&headers);
    if request.method() == Method::Post {
        init.set_body(&Uint8Array::from(&*body).into());
    }
    let inner = Request::new_with_str_and_init(&url, &init)?;
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
    let status = response.status();
    if status != 101 {
        if is_dismissal(&response)? {
            return closed_websocket();
        }
        let body = JsFuture::from(response.array_buffer()?).await?;
        let init = ResponseInit::new();
        init.set_status(status);
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

/// Converts a request that arrived at the object into an input for the core. `parkable` says
/// whether the request accepts its answer on a WebSocket.
pub(super) fn to_input(
    request: &Incoming,
    sender: Sender,
    body: Vec<u8>,
    reply: Reply,
    parkable: bool,
) -> Result<Input> {
    let input = if sender == Sender::Operator {
        Input::Operate
    } else if request.has_header(OVER_LIMIT)? {
        Input::OverLimit
    } else {
        Input::Request
    };
    let [origin, user_agent, cookie] = HEADERS.map(|name| request.header(name));
    Ok(input(io::Request {
        reply,
        method: request.method(),
        query: request.query().to_owned(),
        upgrade: request.upgrade && !parkable,
        address: request.header(ADDRESS)?.unwrap_or_default(),
        content_type: request.header("content-type")?.unwrap_or_default(),
        headers: io::Headers {
            origin: origin?,
            user_agent: user_agent?,
            cookie: cookie?,
        },
        body,
    }))
}
