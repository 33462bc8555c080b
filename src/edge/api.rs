//! The operators' API: which requests reach a room's object. Its clients are servers, so pages of
//! other sites get no access.

use worker::web_sys::Response;

use super::http::log_refusal;
use super::incoming::Incoming;
use super::platform::Result;
use super::responses::to_response;
use super::route::decode;
use crate::room::operator::{Action, refusal};
use crate::room::{Code, RoomName};
use crate::settings::Settings;

pub(super) fn is_api(path: &str) -> bool {
    path == "/api" || path.starts_with("/api/")
}

/// What a request asks for.
pub(super) enum Asked {
    /// The rooms that have peers.
    Rooms,
    /// The action with this name, for this room.
    Room(RoomName, String),
}

/// Checks a request. Returns what it asks for, or the refusal.
pub(super) fn admit(
    request: &Incoming,
    settings: &Settings,
) -> Result<std::result::Result<Asked, Response>> {
    let Some(token) = &settings.api_token else {
        let message = "the API is off: set the secret API_TOKEN, for `npm start` by a line in \
            .dev.vars, for a deployment by `npx wrangler secret put API_TOKEN`";
        return refuse(404, Code::Unsupported, message).map(Err);
    };
    let authorization = request.header("authorization")?;
    if !token.is_in(authorization.as_deref()) {
        log_refusal("api-refusal", 401, "bad-token", None, None);
        let message = "the request needs the header Authorization: Bearer and the API_TOKEN";
        let response = refuse(401, Code::BadToken, message)?;
        response.headers().set("www-authenticate", "Bearer")?;
        return Ok(Err(response));
    }
    let path = request.path();
    if path == "/api/rooms" {
        return match request.name_of_method() {
            "GET" => Ok(Ok(Asked::Rooms)),
            _ => other_method("GET").map(Err),
        };
    }
    let path = path.strip_prefix("/api/rooms/").unwrap_or_default();
    let (room, name) = path.split_once('/').unwrap_or((path, ""));
    let Some(action) = Action::named(name).filter(|_| !room.is_empty()) else {
        let names: Vec<_> = Action::names().collect();
        let message = format!(
            "unknown path: use /api/rooms, /api/rooms/<room> or /api/rooms/<room>/ and one of {}",
            names.join(", ")
        );
        return refuse(404, Code::Unsupported, &message).map(Err);
    };
    let method = action.method();
    if request.name_of_method() != method {
        return other_method(method).map(Err);
    }
    match RoomName::parse(&decode(room)) {
        Ok(room) => Ok(Ok(Asked::Room(room, name.to_owned()))),
        Err(error) => refuse(400, Code::BadPayload, &error.to_string()).map(Err),
    }
}

pub(super) fn too_large() -> Result<Response> {
    refuse(413, Code::TooLarge, "the body is longer than MAX_PAYLOAD")
}

fn other_method(allowed: &str) -> Result<Response> {
    let message = "this path needs another method: see Allow";
    let response = refuse(405, Code::Unsupported, message)?;
    response.headers().set("allow", allowed)?;
    Ok(response)
}

pub(super) fn refuse(status: u16, code: Code, message: &str) -> Result<Response> {
    to_response(&refusal(status, code, message))
}
