//! Which client owns a session of revision 3.
//!
//! Clients of revision 3 show the session's id to others, as the id of their socket. So the id
//! alone proves nothing: a request must also come from the client's address. After the client has
//! returned the cookie of the handshake, a request must carry that cookie too. Other requests are
//! answered as if the session did not exist. A session on a WebSocket accepts no requests: polls
//! and POSTs get "unknown sid", and a second WebSocket is closed.

use serde::{Deserialize, Serialize};

use super::sid::Token;
use crate::io::Request;

/// The name of the cookie. Its value identifies the browser: with one cookie per session, two
/// pages of one browser would overwrite each other's.
const COOKIE: &str = "signalbox";

/// The client that may use a polling session.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Owner {
    address: String,
    cookie: Token,
    /// Whether the client has returned the cookie. Some clients never do.
    returned: bool,
    /// Whether the cookie must still be sent to the client.
    #[serde(skip)]
    unset: bool,
}

impl Owner {
    /// The owner that sent this handshake.
    pub(super) fn new(address: &str, cookies: &str, mint: impl FnOnce() -> [u8; 15]) -> Self {
        let known = returned(cookies).next();
        Self {
            address: address.to_owned(),
            cookie: known.unwrap_or_else(|| Token::new(mint())),
            returned: known.is_some(),
            unset: known.is_none(),
        }
    }

    /// Whether a request comes from the owner.
    pub(super) fn admits(&self, request: &Request) -> bool {
        request.address == self.address && (!self.returned || self.returns(request))
    }

    /// Notes the cookie in a request of the owner. Returns `true` the first time.
    pub(super) fn note(&mut self, request: &Request) -> bool {
        let is_first = !self.returned && self.returns(request);
        self.returned |= is_first;
        is_first
    }

    fn returns(&self, request: &Request) -> bool {
        returned(request.headers.cookies()).any(|cookie| cookie == self.cookie)
    }

    /// The `Set-Cookie` header, once. Pages of other sites do not send this cookie, so they cannot
    /// use a session by its id.
    pub(super) fn set_cookie(&mut self) -> Option<String> {
        let unset = std::mem::take(&mut self.unset);
        unset.then(|| format!("{COOKIE}={}; Path=/; HttpOnly; SameSite=Lax", self.cookie))
    }
}

/// The values of our cookie in a `Cookie` header.
fn returned(cookies: &str) -> impl Iterator<Item = Token> {
    let pairs = cookies.split(';').filter_map(|pair| pair.split_once('='));
    let ours = pairs.filter(|(name, _)| name.trim() == COOKIE);
    ours.filter_map(|(_, value)| Token::parse(value.trim()))
}
