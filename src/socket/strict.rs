//! Clients that take exactly the arguments that are sent.

use serde::Deserialize;

use super::args::Json;
use crate::engine::Handshake;

#[derive(Deserialize)]
struct Auth {
    strict: Option<bool>,
}

/// Whether a client asks for events with exactly the arguments that were sent, without the offset from
/// which it would recover what it missed: by `auth`, or by `strict=1` in the URL.
pub(crate) fn is_strict(auth: Option<&Json>, handshake: &Handshake) -> bool {
    let auth = auth.and_then(Json::read);
    let auth = auth.and_then(|auth: Auth| auth.strict);
    auth.unwrap_or_else(|| handshake.parameter("strict") == Some("1"))
}
