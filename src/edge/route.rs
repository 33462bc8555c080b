//! Which room a URL names.

use worker::js_sys::{self, JsString};
use worker::wasm_bindgen::JsCast;
use worker::web_sys::Request;

use crate::room::{RoomName, RoomNameError};

/// What a request is for.
pub(super) enum Route {
    /// The Engine.IO endpoint of a room.
    Room(RoomName),
    /// The same, with a name that no room can have.
    BadName(RoomNameError),
    /// Nothing that is served here.
    Unknown,
}

/// `/r/<room>/<endpoint>…`, else `/<endpoint>…` with `?room=<room>`, else the lobby.
pub(super) fn route(request: &Request, endpoint: &str) -> Route {
    let path = path(request);
    let (name, rest) = match path
        .strip_prefix("/r/")
        .and_then(|path| path.split_once('/'))
    {
        Some((name, rest)) => (Some(decode(name)), rest),
        None => (parameter(&query(request)), path.trim_start_matches('/')),
    };
    if !is_endpoint(rest, endpoint) {
        return Route::Unknown;
    }
    match name.map(|name| RoomName::parse(&name)) {
        None => Route::Room(RoomName::lobby()),
        Some(Ok(name)) => Route::Room(name),
        Some(Err(error)) => Route::BadName(error),
    }
}

/// The path as it was sent.
#[must_use]
pub fn path(request: &Request) -> String {
    let url = request.url();
    let (target, _) = url.split_once('?').unwrap_or((&url, ""));
    let (_, rest) = target.split_once("://").unwrap_or_default();
    rest.find('/')
        .and_then(|slash| rest.get(slash..))
        .unwrap_or("/")
        .to_owned()
}

/// The query as it was sent, without the question mark.
pub(super) fn query(request: &Request) -> String {
    let url = request.url();
    let (_, query) = url.split_once('?').unwrap_or_default();
    query.to_owned()
}

/// The host that the request was sent to, with the port unless it is the scheme's own.
pub(super) fn host(request: &Request) -> String {
    let url = request.url();
    let (_, rest) = url.split_once("://").unwrap_or_default();
    let host = rest.split(['/', '?']).next();
    host.unwrap_or_default().to_owned()
}

/// The last `room`, unless it is empty.
fn parameter(query: &str) -> Option<String> {
    let parameters = query.split('&').rev();
    let mut names = parameters.filter_map(|parameter| parameter.strip_prefix("room="));
    let name = names.next().filter(|name| !name.is_empty())?;
    Some(decode(&name.replace('+', " ")))
}

/// By prefix, as engine.io matches: `/socket.io`, `/socket.io/`, `/socket.io/anything`.
fn is_endpoint(path: &str, endpoint: &str) -> bool {
    path.strip_prefix(endpoint)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Percent-decoded and normalised; left as it is, with its percent signs, if it is no text.
pub(super) fn decode(name: &str) -> String {
    let Ok(name) = js_sys::decode_uri_component(name) else {
        return name.to_owned();
    };
    String::from(name.normalize("NFC").unchecked_into::<JsString>())
}
