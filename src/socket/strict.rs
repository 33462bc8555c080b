//! Clients that take exactly the arguments that are sent.

use serde::Deserialize;

use super::args::Json;
use crate::engine::Handshake;

#[derive(Deserialize)]
struct Auth {
    strict: Option<bool>,
}

/// Whether a client asks for events with exactly the arguments that were sent: by `strict: true` in `auth`,
/// or by `strict=1` in the URL. Such events have no offset, so the client cannot recover what it missed.
pub(crate) fn is_strict(auth: Option<&Json>, handshake: &Handshake) -> bool {
    let auth = auth.and_then(Json::read);
    let auth = auth.and_then(|auth: Auth| auth.strict);
    auth.unwrap_or_else(|| handshake.parameter("strict") == Some("1"))
}
