//! The API for operators: which requests are let through to a room's object. Pages of other sites
//! get no access, as it is for servers.

use worker::web_sys::{Request, Response};

use super::http::log_refusal;
use super::platform::Result;
use super::responses::to_response;
use super::route::{decode, path};
use crate::room::operator::{Action, refusal};
use crate::room::{Code, RoomName};
use crate::settings::Settings;

/// The URL by which the object knows what comes from here. No client has a say in it: theirs is
/// another, whatever they send.
const INNER: &str = "https://operator/?";

pub(super) fn inner_url(action: &str) -> String {
    format!("{INNER}{action}")
}

pub(super) fn is_inner(url: &str) -> bool {
    url.starts_with(INNER)
}

pub(super) fn is_api(path: &str) -> bool {
    path == "/api" || path.starts_with("/api/")
}

/// Which room a request is about, and the name of what it asks for; or its refusal.
pub(super) fn admit(
    request: &Request,
    settings: &Settings,
) -> Result<std::result::Result<(RoomName, String), Response>> {
    let Some(token) = &settings.api_token else {
        let message = "the API is off: `npx wrangler secret put API_TOKEN` turns it on";
        return refuse(404, Code::Unsupported, message).map(Err);
    };
    let authorization = request.headers().get("authorization")?;
    if !token.is_in(authorization.as_deref()) {
        log_refusal(401, "bad-token", None, None);
        let message = "the request needs the header Authorization: Bearer and the API_TOKEN";
        let response = refuse(401, Code::BadToken, message)?;
        response.headers().set("www-authenticate", "Bearer")?;
        return Ok(Err(response));
    }
    let path = path(request);
    let path = path.strip_prefix("/api/rooms/").unwrap_or_default();
    let (room, name) = path.split_once('/').unwrap_or((path, ""));
    let Some(action) = Action::named(name).filter(|_| !room.is_empty()) else {
        let names: Vec<_> = Action::names().collect();
        let message = format!(
            "there is /api/rooms/<room>, and behind it a slash and one of {}",
            names.join(", ")
        );
        return refuse(404, Code::Unsupported, &message).map(Err);
    };
    let method = action.method();
    if request.method() != method {
        let response = refuse(
            405,
            Code::Unsupported,
            "this takes another method: see Allow",
        )?;
        response.headers().set("allow", method)?;
        return Ok(Err(response));
    }
    match RoomName::parse(&decode(room)) {
        Ok(room) => Ok(Ok((room, name.to_owned()))),
        Err(error) => refuse(400, Code::BadPayload, &error.to_string()).map(Err),
    }
}

pub(super) fn too_large() -> Result<Response> {
    refuse(413, Code::TooLarge, "the body is longer than MAX_PAYLOAD")
}

fn refuse(status: u16, code: Code, message: &str) -> Result<Response> {
    to_response(&refusal(status, code, message))
}
