//! The URLs under which objects get requests from the Worker and from other objects: the host name says
//! who asks, and the path is the version of the protocol between both ends. After a deploy the other end may
//! run another version for a while; the object refuses its requests.

use crate::parking::VERSION;

/// Who asks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sender {
    /// A client speaks Engine.IO.
    Client,
    /// The operators' API, or another object. The object trusts this, because the Worker chooses the
    /// host name.
    Operator,
}

impl Sender {
    fn host(self) -> &'static str {
        match self {
            Self::Client => "room",
            Self::Operator => "operator",
        }
    }

    /// The URL of a request with this query.
    pub(super) fn url(self, query: &str) -> String {
        format!("https://{}/{VERSION}?{query}", self.host())
    }

    /// Who sent the request with this URL; `None` if the sender has another version.
    pub(super) fn of(url: &str) -> Option<Self> {
        let (target, _) = url.split_once('?')?;
        let target = target.strip_prefix("https://")?;
        let host = target.strip_suffix(VERSION)?.strip_suffix('/')?;
        [Self::Client, Self::Operator]
            .into_iter()
            .find(|sender| sender.host() == host)
    }
}
