//! Whose a session of revision 3 is.
//!
//! Its clients show the session's id to others, as the id of their socket. So the id proves nothing: a
//! request also has to come from the client's address and, once the client has returned it, with a
//! cookie that was set at the handshake. To all others there is no such session. One that a WebSocket
//! carries takes no requests at all: polls and POSTs do not find it, another WebSocket is closed.

use serde::{Deserialize, Serialize};

use super::sid::Token;
use crate::io::Request;

/// The name of the cookie. Its value is that of the browser, not of one session: two pages would
/// overwrite each other's.
const COOKIE: &str = "signalbox";

/// Who may use a session that polls.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Owner {
    address: String,
    cookie: Token,
    /// Whether the client returned the cookie, which not every client does.
    returned: bool,
    /// Whether the client has yet to be given the cookie.
    #[serde(skip)]
    unset: bool,
}

impl Owner {
    /// Who sent this handshake.
    pub(super) fn new(address: &str, cookies: &str, mint: impl FnOnce() -> [u8; 15]) -> Self {
        let known = returned(cookies).next();
        Self {
            address: address.to_owned(),
            cookie: known.unwrap_or_else(|| Token::new(mint())),
            returned: known.is_some(),
            unset: known.is_none(),
        }
    }

    /// Whether a request is the owner's.
    pub(super) fn admits(&self, request: &Request) -> bool {
        request.address == self.address && (!self.returned || self.returns(request))
    }

    /// Takes note of the cookie in a request of the owner's. `true` if it is the first.
    pub(super) fn note(&mut self, request: &Request) -> bool {
        let is_first = !self.returned && self.returns(request);
        self.returned |= is_first;
        is_first
    }

    fn returns(&self, request: &Request) -> bool {
        returned(request.headers.cookies()).any(|cookie| cookie == self.cookie)
    }

    /// What sets the cookie, once. Pages of other sites do not send it, so they cannot use a session
    /// whose id they were shown.
    pub(super) fn set_cookie(&mut self) -> Option<String> {
        let unset = std::mem::take(&mut self.unset);
        unset.then(|| format!("{COOKIE}={}; Path=/; HttpOnly; SameSite=Lax", self.cookie))
    }
}

/// The values of the cookie in a `Cookie` header.
fn returned(cookies: &str) -> impl Iterator<Item = Token> {
    let pairs = cookies.split(';').filter_map(|pair| pair.split_once('='));
    let ours = pairs.filter(|(name, _)| name.trim() == COOKIE);
    ours.filter_map(|(_, value)| Token::parse(value.trim()))
}
