//! The room and the dialect in a URL.

use worker::js_sys::{self, JsString};
use worker::wasm_bindgen::JsCast;
use worker::web_sys::Request;

use super::incoming::Incoming;
use crate::dialect::{self, Dialects};
use crate::room::{RoomName, RoomNameError};

/// The target of a request.
pub(super) enum Route {
    /// The Engine.IO endpoint of the object with this name: the name of a room, or the name of a
    /// dialect, a colon and the name of a room. No room's name has a colon.
    Object(String),
    /// An endpoint with a dialect that does not exist.
    BadDialect(String),
    /// An endpoint with an invalid room name.
    BadName(RoomNameError),
    /// No known path.
    Unknown,
    /// The page of a room, with a slash at the end. The field is the URL without it: a path and a query.
    Page(String),
}

/// Reads the route: `/r/<room>/<endpoint>…`, else `/<endpoint>…` with `?room=<room>`, else the
/// lobby. `?dialect=<name>` selects a dialect. If the path names no room, the default is the
/// dialect in the settings.
pub(super) fn route(request: &Incoming, endpoint: &str, dialects: Option<&Dialects>) -> Route {
    let path = request.path();
    let query = request.query();
    let (name, rest) = match path
        .strip_prefix("/r/")
        .and_then(|path| path.split_once('/'))
    {
        Some((_, "")) if parameter(query, "EIO=").is_none() => {
            let (page, mark) = (
                path.trim_end_matches('/'),
                if query.is_empty() { "" } else { "?" },
            );
            return Route::Page(format!("{page}{mark}{query}"));
        }
        Some((name, rest)) => (Some(decode(name)), rest),
        None => (parameter(query, "room="), path.trim_start_matches('/')),
    };
    if !is_endpoint(rest, endpoint) {
        return Route::Unknown;
    }
    let room = match name.map(|name| RoomName::parse(&name)) {
        None => RoomName::lobby(),
        Some(Ok(name)) => name,
        Some(Err(error)) => return Route::BadName(error),
    };
    let room = room.as_str();
    let Some(dialects) = dialects else {
        return Route::Object(room.to_owned());
    };
    let default = dialects.default_name().filter(|_| !path.starts_with("/r/"));
    let dialect = parameter(query, "dialect=").or_else(|| default.map(str::to_owned));
    match dialect.filter(|dialect| dialect != dialect::NATIVE) {
        None => Route::Object(room.to_owned()),
        Some(dialect) if dialects.source(&dialect).is_some() => {
            Route::Object(format!("{dialect}:{room}"))
        }
        Some(dialect) => Route::BadDialect(dialects.unknown(&dialect)),
    }
}

/// The path as it was sent.
#[must_use]
pub fn path(request: &Request) -> String {
    path_of(&request.url()).to_owned()
}

/// The path of a URL.
pub(super) fn path_of(url: &str) -> &str {
    let (target, _) = url.split_once('?').unwrap_or((url, ""));
    let (_, rest) = target.split_once("://").unwrap_or_default();
    rest.find('/')
        .and_then(|slash| rest.get(slash..))
        .unwrap_or("/")
}

/// The value of the last parameter with this name, unless the value is empty. `name` ends with `=`.
pub(super) fn parameter(query: &str, name: &str) -> Option<String> {
    let parameters = query.split('&').rev();
    let mut values = parameters.filter_map(|parameter| parameter.strip_prefix(name));
    let value = values.next().filter(|value| !value.is_empty())?;
    Some(decode(&value.replace('+', " ")))
}

/// Whether the path begins with the endpoint, as in engine.io: `/socket.io`, `/socket.io/`,
/// `/socket.io/anything`.
fn is_endpoint(path: &str, endpoint: &str) -> bool {
    path.strip_prefix(endpoint)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Decodes and normalises a percent-encoded name. A name that cannot be decoded is
/// returned unchanged.
pub(super) fn decode(name: &str) -> String {
    let Ok(name) = js_sys::decode_uri_component(name) else {
        return name.to_owned();
    };
    String::from(name.normalize("NFC").unchecked_into::<JsString>())
}
