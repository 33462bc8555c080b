//! Which room and which dialect a URL names.

use worker::js_sys::{self, JsString};
use worker::wasm_bindgen::JsCast;
use worker::web_sys::Request;

use crate::dialect::{self, Dialects};
use crate::room::{RoomName, RoomNameError};

/// What a request is for.
pub(super) enum Route {
    /// The Engine.IO endpoint of the object of this name: that of a room or, behind the name of a
    /// dialect and a colon, which no room's name has, of a dialect in that room.
    Object(String),
    /// The same, with a dialect that does not exist.
    BadDialect(String),
    /// The same, with a name that no room can have.
    BadName(RoomNameError),
    /// Nothing that is served here.
    Unknown,
}

/// `/r/<room>/<endpoint>…`, else `/<endpoint>…` with `?room=<room>`, else the lobby. A dialect is named
/// by `?dialect=<name>`, else, where the path names no room, by the settings.
pub(super) fn route(request: &Request, endpoint: &str, dialects: Option<&Dialects>) -> Route {
    let path = path(request);
    let text = query(request);
    let (name, rest) = match path
        .strip_prefix("/r/")
        .and_then(|path| path.split_once('/'))
    {
        Some((name, rest)) => (Some(decode(name)), rest),
        None => (parameter(&text, "room="), path.trim_start_matches('/')),
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
    let dialect = parameter(&text, "dialect=").or_else(|| default.map(str::to_owned));
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

/// The last parameter of this name, unless it is empty.
pub(super) fn parameter(query: &str, name: &str) -> Option<String> {
    let parameters = query.split('&').rev();
    let mut names = parameters.filter_map(|parameter| parameter.strip_prefix(name));
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
