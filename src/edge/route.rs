//! Which room a URL names.

use worker::js_sys::{self, JsString};
use worker::wasm_bindgen::JsCast;
use worker::{Request, Result};

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

/// `/r/<room>/socket.io…`, else `/socket.io…` with `?room=<room>`, else the lobby.
pub(super) fn route(request: &Request) -> Result<Route> {
    let url = request.url()?;
    let path = url.path();
    let (name, rest) = match path
        .strip_prefix("/r/")
        .and_then(|path| path.split_once('/'))
    {
        Some((name, rest)) => (Some(name), rest),
        None => (None, path.trim_start_matches('/')),
    };
    if !is_endpoint(rest) {
        return Ok(Route::Unknown);
    }
    let name = match name {
        Some(name) => decode(name),
        None => match url.query_pairs().filter(|(key, _)| key == "room").last() {
            Some((_, name)) if !name.is_empty() => normalize(&name),
            _ => return Ok(Route::Room(RoomName::lobby())),
        },
    };
    Ok(match RoomName::parse(&name) {
        Ok(name) => Route::Room(name),
        Err(error) => Route::BadName(error),
    })
}

/// By prefix, as engine.io matches: `/socket.io`, `/socket.io/`, `/socket.io/anything`.
fn is_endpoint(path: &str) -> bool {
    path.strip_prefix("socket.io")
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A path segment, percent-decoded and normalised; left as it is, with its percent signs, if it is
/// no text.
fn decode(segment: &str) -> String {
    match js_sys::decode_uri_component(segment) {
        Ok(name) => normalize(&String::from(name)),
        Err(_) => segment.to_owned(),
    }
}

fn normalize(name: &str) -> String {
    let name: JsString = name.into();
    String::from(name.normalize("NFC").unchecked_into::<JsString>())
}
